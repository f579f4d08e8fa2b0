package io.octavo.engine.request;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * @param source folder of a quantized checkpoint
 * @param target folder to create; must not exist or be empty. Nothing appears under it unless the call succeeds
 * @param layout how it is written: {@code compressed-tensors}, {@code fp8}, {@code awq}, {@code gptq}, {@code gptq_v2} or
 *     {@code modelopt}
 * @param scalingFactors a JSON file of FP8 scaling factors by rank and layer that take the place of the source's own
 * @param known files of the source that need not be hashed, since they were when they came here
 */
public record ConversionRequest(
        Path source, Path target, String layout, Optional<Path> scalingFactors, List<HashedFile> known) {

    public ConversionRequest {
        known = List.copyOf(known);
    }

    /** Every number as it is. */
    public ConversionRequest(Path source, Path target, String layout) {
        this(source, target, layout, Optional.empty());
    }

    /** Nothing is known of the source. */
    public ConversionRequest(Path source, Path target, String layout, Optional<Path> scalingFactors) {
        this(source, target, layout, scalingFactors, List.of());
    }

    /** The same from files whose SHA-256 is known. */
    public ConversionRequest withKnown(List<HashedFile> files) {
        return new ConversionRequest(source, target, layout, scalingFactors, files);
    }
}
