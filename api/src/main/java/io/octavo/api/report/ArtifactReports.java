package io.octavo.api.report;

import io.octavo.jobs.artifact.ArtifactService;
import io.octavo.jobs.blob.BlobId;
import io.octavo.jobs.blob.BlobStore;
import io.octavo.jobs.identity.TenantId;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.UUID;
import org.springframework.stereotype.Component;
import tools.jackson.databind.json.JsonMapper;

/** Puts together what is known of an artifact. */
@Component
public class ArtifactReports {

    private final ArtifactService artifacts;
    private final BlobStore blobs;
    private final JsonMapper json;

    ArtifactReports(ArtifactService artifacts, BlobStore blobs, JsonMapper json) {
        this.artifacts = artifacts;
        this.blobs = blobs;
        this.json = json;
    }

    public ArtifactReport of(TenantId tenant, UUID artifact) {
        BlobId verification = artifacts.report(tenant, artifact);
        try (InputStream content = blobs.open(verification)) {
            return new ArtifactReport(artifacts.get(tenant, artifact), json.readTree(content));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
