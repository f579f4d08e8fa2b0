package io.octavo.worker.run;

import io.octavo.engine.HashedFile;
import io.octavo.engine.JobMonitor;
import io.octavo.jobs.blob.BlobId;
import io.octavo.jobs.blob.BlobStore;
import io.octavo.jobs.blob.Sha256Stream;
import io.octavo.jobs.identity.TenantId;
import java.io.BufferedInputStream;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.springframework.stereotype.Component;

/** Stores an engine's output as blobs; each is hashed again on the way, so a file that changed does not get in. */
@Component
class ArtifactUpload {

    private static final int BUFFER = 1 << 16;

    private final BlobStore blobs;

    ArtifactUpload(BlobStore blobs) {
        this.blobs = blobs;
    }

    void files(TenantId owner, List<HashedFile> files, Path folder, JobMonitor monitor) {
        long total = Math.max(1, files.stream().mapToLong(HashedFile::size).sum());
        long done = 0;
        for (HashedFile file : files) {
            monitor.checkpoint();
            Path local = folder.resolve(file.path());
            try (InputStream content = new CheckedStream(
                    new BufferedInputStream(Files.newInputStream(local), BUFFER), monitor, done, total)) {
                blobs.put(owner, new BlobId(file.sha256(), file.size()), content);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            done += file.size();
            monitor.progress((double) done / total);
        }
    }

    BlobId bytes(TenantId owner, byte[] content) {
        Sha256Stream hashing = new Sha256Stream(new ByteArrayInputStream(content));
        try {
            hashing.transferTo(OutputStream.nullOutputStream());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        BlobId id = hashing.result();
        blobs.put(owner, id, new ByteArrayInputStream(content));
        return id;
    }
}
