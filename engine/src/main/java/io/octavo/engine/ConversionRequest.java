package io.octavo.engine;

import java.nio.file.Path;
import java.util.Optional;

/**
 * @param source folder of a quantized checkpoint
 * @param target folder to create; must not exist or be empty. Nothing appears under it unless the call succeeds
 * @param layout how it is written: {@code compressed-tensors}, {@code fp8}, {@code awq}, {@code gptq}, {@code gptq_v2} or
 *     {@code modelopt}
 * @param scalingFactors a JSON file of FP8 scaling factors by rank and layer that take the place of the source's own
 */
public record ConversionRequest(Path source, Path target, String layout, Optional<Path> scalingFactors) {

    /** Every number as it is. */
    public ConversionRequest(Path source, Path target, String layout) {
        this(source, target, layout, Optional.empty());
    }
}
