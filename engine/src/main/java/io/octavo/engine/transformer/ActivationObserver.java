package io.octavo.engine.transformer;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** Sees activations while a model runs. What it is given is valid, and may be read on the stream, during the call only. */
public interface ActivationObserver {

    /**
     * What a Linear is about to multiply, before any rounding.
     *
     * @param module its name, without {@code .weight}; both parts of a fused Linear have the fused one's name
     * @param activations {@code [tokens, inFeatures]} F32; of an expert's Linear, the rows of the tokens that were sent to it
     */
    void input(String module, Matrix activations, Stream stream);

    /**
     * What the Linears of experts are about to multiply, each its own rows. Unless told otherwise it sees one after the other,
     * but for those that no token was sent to.
     *
     * @param activations {@code [rows, inFeatures]} F32, in the order of the experts
     * @param starts {@code [1, experts + 1]} I32: where the rows of each begin
     */
    default void experts(List<String> modules, Matrix activations, Matrix starts, Stream stream) {
        int[] first = new int[modules.size() + 1];
        starts.buffer().copyTo(MemorySegment.ofArray(first), starts.offset(), stream);
        stream.synchronize();
        for (int expert = 0; expert < modules.size(); expert++) {
            if (first[expert] < first[expert + 1]) {
                input(modules.get(expert), activations.rows(first[expert], first[expert + 1]), stream);
            }
        }
    }

    /**
     * What is about to enter the cache, before any rounding.
     *
     * @param keys after rotation, {@code [tokens, kvHeads * headDim]} F32
     * @param values of the same shape
     */
    default void keysAndValues(int layer, Matrix keys, Matrix values, Stream stream) {}

    /** Whether it looks at all; if not, what it would see may never be made. */
    default boolean looks() {
        return true;
    }

    /** Whether it has seen all that it wants of a text, so that the rest of a layer need not run. */
    default boolean hasSeenEnough() {
        return false;
    }

    /** This one, then another. */
    default ActivationObserver and(ActivationObserver other) {
        return new ActivationObserver() {
            @Override
            public void input(String module, Matrix activations, Stream stream) {
                ActivationObserver.this.input(module, activations, stream);
                other.input(module, activations, stream);
            }

            @Override
            public void experts(List<String> modules, Matrix activations, Matrix starts, Stream stream) {
                ActivationObserver.this.experts(modules, activations, starts, stream);
                other.experts(modules, activations, starts, stream);
            }

            @Override
            public void keysAndValues(int layer, Matrix keys, Matrix values, Stream stream) {
                ActivationObserver.this.keysAndValues(layer, keys, values, stream);
                other.keysAndValues(layer, keys, values, stream);
            }
        };
    }

    /** Sees nothing. */
    static ActivationObserver none() {
        return new ActivationObserver() {
            @Override
            public boolean looks() {
                return false;
            }

            @Override
            public void input(String module, Matrix activations, Stream stream) {}
        };
    }
}
