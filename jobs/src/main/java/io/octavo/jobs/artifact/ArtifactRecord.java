package io.octavo.jobs.artifact;

import io.octavo.engine.label.Execution;
import io.octavo.wire.RepositoryFile;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A quantized checkpoint.
 *
 * @param repository {@code namespace/name} that received it
 * @param revision of that repository
 * @param uri source URI of exactly this artifact
 * @param weightBits bits per weight of quantized modules
 * @param recovery share of the 16-bit scores that its newest evaluation beside a baseline found kept; null without one
 * @param smokePassed the verdict of the newest smoke inference; null without one
 * @param executesAs one a generation of GPUs; empty for artifacts of before this was recorded
 * @param warnings what to know before loading it
 */
public record ArtifactRecord(
        UUID id,
        UUID jobId,
        String repository,
        String revision,
        String uri,
        String label,
        double weightBits,
        @Nullable Double recovery,
        @Nullable Boolean smokePassed,
        List<Execution> executesAs,
        List<String> warnings,
        long sizeBytes,
        Instant createdAt,
        List<RepositoryFile> files,
        Lineage lineage,
        List<EvaluationRecord> evaluations) {

    public ArtifactRecord {
        executesAs = List.copyOf(executesAs);
        warnings = List.copyOf(warnings);
        files = List.copyOf(files);
        evaluations = List.copyOf(evaluations);
    }
}
