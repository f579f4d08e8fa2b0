package io.octavo.worker.run;

import io.octavo.engine.benchmark.PeakMemory;
import io.octavo.engine.request.HashedFile;
import io.octavo.engine.request.WrittenCheckpoint;
import io.octavo.hub.RepositoryName;
import io.octavo.jobs.artifact.ArtifactCommit;
import io.octavo.jobs.artifact.ArtifactLabel;
import io.octavo.jobs.artifact.ArtifactService;
import io.octavo.jobs.artifact.Lineage;
import io.octavo.jobs.blob.BlobId;
import io.octavo.jobs.blob.BlobStore;
import io.octavo.jobs.blob.Sha256Stream;
import io.octavo.jobs.identity.TenantId;
import io.octavo.worker.attempt.Attempt;
import io.octavo.worker.transfer.PassingStream;
import io.octavo.worker.transfer.Transfers;
import java.io.BufferedInputStream;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.springframework.stereotype.Component;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Stores what an engine wrote as blobs; each is hashed again on the way, so a file that changed does not get in. */
@Component
class ArtifactUpload {

    private static final int BUFFER = 1 << 16;

    private final BlobStore blobs;
    private final Transfers transfers;
    private final ArtifactService artifacts;
    private final JsonMapper json;

    ArtifactUpload(BlobStore blobs, Transfers transfers, ArtifactService artifacts, JsonMapper json) {
        this.blobs = blobs;
        this.transfers = transfers;
        this.artifacts = artifacts;
        this.json = json;
    }

    /** What a job makes of a checkpoint, beside its files. */
    record Making(
            RepositoryName target, String message, ArtifactLabel label, Lineage lineage, Optional<String> contentKey) {}

    /** What every result of a job says of what was written. */
    ObjectNode facts(WrittenCheckpoint written, long startedNanos) {
        return json.createObjectNode()
                .put("label", written.label())
                .put("weightBits", written.weightBits())
                .put("inputBytes", written.inputBytes())
                .put("outputBytes", written.outputBytes())
                .put("seconds", Seconds.since(startedNanos))
                .put("peakRssBytes", PeakMemory.bytes());
    }

    /**
     * @param from share of the job's progress that is made before
     * @param report what the self-check found
     * @return the commit
     */
    Runnable store(
            Attempt attempt,
            double from,
            Path folder,
            WrittenCheckpoint written,
            Making making,
            Object report,
            ObjectNode facts) {
        attempt.bytes(written.inputBytes(), written.outputBytes());
        attempt.phase("upload");
        transfers.each(written.files(), HashedFile::size, attempt.section(from, 1), (file, passage) -> {
            BlobId id = new BlobId(file.sha256(), file.size());
            try (InputStream content = new BufferedInputStream(
                    new PassingStream(Files.newInputStream(folder.resolve(file.path())), passage), BUFFER)) {
                blobs.put(attempt.tenant(), id, content);
            }
            return id;
        });
        ArtifactCommit commit = new ArtifactCommit(
                making.target(),
                making.message(),
                making.label(),
                ArtifactLabels.entries(written.files()),
                making.lineage(),
                bytes(attempt.tenant(), json.writeValueAsBytes(report)),
                making.contentKey(),
                facts);
        return () -> artifacts.commit(attempt.lease(), commit);
    }

    private BlobId bytes(TenantId owner, byte[] content) {
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
