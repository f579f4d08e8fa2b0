package io.octavo.worker.run;

import io.octavo.engine.request.HashedFile;
import io.octavo.engine.request.JobMonitor;
import io.octavo.jobs.blob.BlobId;
import io.octavo.jobs.blob.BlobStore;
import io.octavo.jobs.blob.Sha256Stream;
import io.octavo.jobs.identity.TenantId;
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
import java.util.List;
import org.springframework.stereotype.Component;

/** Stores an engine's output as blobs; each is hashed again on the way, so a file that changed does not get in. */
@Component
class ArtifactUpload {

    private static final int BUFFER = 1 << 16;

    private final BlobStore blobs;
    private final Transfers transfers;

    ArtifactUpload(BlobStore blobs, Transfers transfers) {
        this.blobs = blobs;
        this.transfers = transfers;
    }

    void files(TenantId owner, List<HashedFile> files, Path folder, JobMonitor monitor) {
        transfers.each(files, HashedFile::size, monitor, (file, passage) -> {
            BlobId id = new BlobId(file.sha256(), file.size());
            try (InputStream content = new BufferedInputStream(
                    new PassingStream(Files.newInputStream(folder.resolve(file.path())), passage), BUFFER)) {
                blobs.put(owner, id, content);
            }
            return id;
        });
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
