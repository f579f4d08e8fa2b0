package io.octavo.cli.demo;

import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Everything that the demo found out; {@code --json} writes it as it is.
 *
 * @param artifactDir folder with the downloaded artifact, absolute
 * @param verified whether the service's self-check passed and the downloaded files are those that it checked
 * @param verification the service's self-check
 * @param seconds wall time of the whole demo, without the start of the service
 */
public record DemoFacts(
        String model,
        String scheme,
        String source,
        String artifactId,
        String artifactUri,
        String artifactDir,
        String label,
        OptionalInt originalWeightBits,
        double weightBits,
        int quantizedModules,
        long inputBytes,
        long outputBytes,
        double quantizeSeconds,
        long peakRssBytes,
        boolean verified,
        JsonNode verification,
        @Nullable Comparison evaluation,
        @Nullable String evaluationSkipped,
        double seconds) {}
