package io.octavo.api.report;

import io.octavo.engine.checkpoint.ConfigJson;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.label.Label;
import io.octavo.engine.label.VllmServing;
import io.octavo.jobs.artifact.ArtifactRecord;
import io.octavo.jobs.artifact.ArtifactService;
import io.octavo.jobs.blob.BlobId;
import io.octavo.jobs.blob.BlobStore;
import io.octavo.jobs.identity.TenantId;
import io.octavo.wire.RepositoryFile;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Optional;
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
        ArtifactRecord record = artifacts.get(tenant, artifact);
        try (InputStream content = blobs.open(verification)) {
            return new ArtifactReport(record, serving(record), json.readTree(content));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** By what is known of loaders now, not when the artifact was made. */
    private VllmServing serving(ArtifactRecord artifact) throws IOException {
        Optional<RepositoryFile> config = artifact.files().stream()
                .filter(file -> file.path().equals(ConfigJson.FILE_NAME) && file.size() <= ConfigJson.MAX_BYTES)
                .findFirst();
        if (config.isEmpty()) {
            return new VllmServing(null, null, List.of("vLLM does not load it: it has no " + ConfigJson.FILE_NAME));
        }
        String folder =
                "./" + artifact.repository().substring(artifact.repository().indexOf('/') + 1);
        try (InputStream content = blobs.open(BlobId.of(config.get()))) {
            return VllmServing.of(Label.of(ConfigJson.parse(content.readAllBytes())), folder, artifact.sizeBytes());
        } catch (QuantizationException e) {
            return new VllmServing(null, null, List.of("vLLM does not load it: " + e.getMessage()));
        }
    }
}
