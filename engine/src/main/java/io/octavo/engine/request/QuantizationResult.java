package io.octavo.engine.request;

import java.util.List;

/**
 * @param label computed from the written config, such as {@code W8A8-FP8-dynamic}
 * @param weightBits bits per weight of the quantized modules, scales included
 * @param inputBytes tensor bytes read
 * @param outputBytes tensor bytes written
 * @param quantizedModules how many Linear modules were quantized
 * @param files every file of the artifact
 * @param verification what reading the artifact back showed; its {@code passed} is always true in a result
 */
public record QuantizationResult(
        String label,
        double weightBits,
        long inputBytes,
        long outputBytes,
        int quantizedModules,
        List<HashedFile> files,
        VerificationReport verification)
        implements WrittenCheckpoint {

    public QuantizationResult {
        files = List.copyOf(files);
    }
}
