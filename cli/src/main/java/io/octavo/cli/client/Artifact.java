package io.octavo.cli.client;

import io.octavo.wire.RepositoryFile;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** What a quantize or convert job made. */
public record Artifact(
        UUID id,
        @Nullable UUID jobId,
        String repository,
        String revision,
        String uri,
        String label,
        double weightBits,
        @Nullable Double recovery,
        @Nullable Boolean smokePassed,
        @Nullable JsonNode executesAs,
        @Nullable List<String> warnings,
        long sizeBytes,
        Instant createdAt,
        @Nullable List<RepositoryFile> files,
        @Nullable JsonNode lineage,
        @Nullable JsonNode evaluations) {}
