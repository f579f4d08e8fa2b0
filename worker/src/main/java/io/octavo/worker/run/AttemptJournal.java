package io.octavo.worker.run;

import io.octavo.engine.artifact.BackgroundTasks;
import io.octavo.engine.artifact.FileDigest;
import io.octavo.engine.artifact.FolderJournal;
import io.octavo.engine.request.HashedFile;
import io.octavo.engine.request.JobJournal;
import io.octavo.jobs.blob.BlobId;
import io.octavo.jobs.blob.BlobStore;
import io.octavo.jobs.blob.Sha256Stream;
import io.octavo.jobs.blob.StorageException;
import io.octavo.jobs.journal.JobJournals;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import io.octavo.jobs.queue.LeaseLostException;
import io.octavo.worker.attempt.Attempt;
import io.octavo.worker.attempt.StopReason;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The journal of a job as one attempt sees it: what attempts before kept is fetched when it is asked for, and what this one
 * keeps is stored beside the work, so that an attempt on any worker goes on from there.
 *
 * <p>A file that cannot be stored costs a later attempt time, and this one nothing. One that is refused because a later
 * attempt has the job ends this one.
 */
final class AttemptJournal implements JobJournal, AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(AttemptJournal.class);

    private final JobJournals entries;
    private final BlobStore blobs;
    private final Attempt attempt;
    private final String contentKey;
    private final FolderJournal local;
    private final Map<String, BlobId> kept;
    private final BackgroundTasks storing = new BackgroundTasks("journal", 1);
    private volatile boolean closed;

    /** @param folder of this attempt alone */
    AttemptJournal(JobJournals entries, BlobStore blobs, Attempt attempt, String contentKey, Path folder) {
        this.entries = entries;
        this.blobs = blobs;
        this.attempt = attempt;
        this.contentKey = contentKey;
        this.local = new FolderJournal(folder);
        this.kept = entries.of(attempt.lease().jobId(), contentKey);
    }

    @Override
    public Optional<Path> find(String name) {
        return Optional.ofNullable(kept.get(name)).flatMap(file -> fetch(name, file));
    }

    /** Bytes that are gone or damaged are made again. */
    private Optional<Path> fetch(String name, BlobId file) {
        try {
            return Optional.of(local.keep(name, target -> {
                try (InputStream content = new Sha256Stream(blobs.open(file), file)) {
                    Files.copy(content, target);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }));
        } catch (StorageException.MissingObject e) {
            attempt.log(name + " is not stored any more");
        } catch (ProblemException e) {
            if (e.code() != ProblemCode.CONTENT_HASH_MISMATCH) {
                throw e;
            }
            attempt.log(name + " was stored damaged: " + e.detail());
        }
        return Optional.empty();
    }

    @Override
    public Path keep(String name, Consumer<Path> write) {
        Path file = local.keep(name, write);
        var _ = storing.submit(() -> store(name, file)); // which tells of its failures itself
        return file;
    }

    private boolean store(String name, Path file) {
        try {
            HashedFile hashed = FileDigest.of(file, Path.of(name));
            BlobId id = new BlobId(hashed.sha256(), hashed.size());
            try (InputStream content = Files.newInputStream(file)) {
                blobs.putForService(id, content);
            }
            return entries.keep(attempt.lease(), contentKey, name, id);
        } catch (LeaseLostException e) {
            attempt.stop(StopReason.LEASE_LOST);
        } catch (IOException | RuntimeException e) {
            if (!closed) {
                LOG.warn("Could not keep {} of job {}", name, attempt.lease().jobId(), e);
            }
        }
        return false;
    }

    /** What is on its way is given up; the folder may go away afterwards. */
    @Override
    public void close() {
        closed = true;
        storing.close();
    }
}
