package io.octavo.engine.request;

import java.util.List;

/**
 * @param label computed from the written config
 * @param sourceLayout what the source was written in
 * @param weightBits bits per weight of the converted modules, scales included
 * @param inputBytes tensor bytes read
 * @param outputBytes tensor bytes written
 * @param convertedModules how many Linear modules were written anew; each was read back and holds the source's numbers
 * @param untouchedTensors tensors found bit-identical to the source
 * @param files every file of the artifact
 */
public record ConversionResult(
        String label,
        String sourceLayout,
        double weightBits,
        long inputBytes,
        long outputBytes,
        int convertedModules,
        int untouchedTensors,
        List<HashedFile> files)
        implements WrittenCheckpoint {

    public ConversionResult {
        files = List.copyOf(files);
    }
}
