package io.octavo.engine.transformer;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.model.LayerSpec;
import io.octavo.engine.model.ModelSpec;
import io.octavo.kernels.attention.KvCacheLayout;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.number.DType;

/**
 * Memory that a {@link LayerStream} takes, told from a checkpoint's headers.
 *
 * @param layerBytes of the largest layer as it is stored and its cache, on the device while texts run through it
 * @param sharedBytes of all that one text is computed in, on the device
 * @param hostBytes of the hidden states of all texts
 */
public record LayerStreamMemory(long layerBytes, long sharedBytes, long hostBytes) {

    /**
     * @param productInput of the backend: BF16 for a GPU, F32 for a CPU, whose layers stay in the mapped files, however
     * @param texts at most
     * @param tokens of a text, at most
     */
    public static LayerStreamMemory of(
            Checkpoint checkpoint, ModelSpec spec, DType productInput, int texts, int tokens) {
        long cached = (long) KvCache.pagesFor(1, tokens) * KvCacheLayout.PAGE_TOKENS;
        long layer = spec.layers().stream()
                .mapToLong(each -> stored(checkpoint, each) + cached * KvCache.bytesPerToken(each, productInput))
                .max()
                .orElse(0);
        long shared = Workspace.bytes(spec, tokens, 0, productInput)
                + RopeTables.bytes(spec, tokens)
                + DeviceBatch.bytes(LayerStream.limits(tokens));
        return new LayerStreamMemory(layer, shared, texts * Matrix.bytes(DType.F32, tokens, spec.hiddenSize()));
    }

    public long deviceBytes() {
        return layerBytes + sharedBytes;
    }

    private static long stored(Checkpoint checkpoint, LayerSpec layer) {
        return checkpoint.stored().entrySet().stream()
                .filter(tensor -> tensor.getKey().startsWith(layer.name() + "."))
                .mapToLong(tensor -> tensor.getValue().info().byteSize())
                .sum();
    }
}
