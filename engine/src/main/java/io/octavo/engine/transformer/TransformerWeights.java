package io.octavo.engine.transformer;

import io.octavo.engine.model.ModelSpec;
import io.octavo.engine.transformer.weight.InputRounding;
import io.octavo.engine.transformer.weight.KvScales;
import io.octavo.engine.transformer.weight.ModuleReader;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.ScaledMatrix;
import io.octavo.kernels.device.Stream;
import java.util.List;

/**
 * Every weight of a model, placed on a backend.
 *
 * @param embedding {@code [vocabulary, hidden]}
 * @param placed owned: everything that the matrices lie in
 */
record TransformerWeights(
        Matrix embedding, List<DecoderLayer> layers, Head head, KvScales kvScales, ModuleReader placed)
        implements AutoCloseable {

    TransformerWeights {
        layers = List.copyOf(layers);
    }

    @Override
    public void close() {
        placed.close();
    }

    /**
     * What follows the last layer.
     *
     * @param norm {@code [1, hidden]}, before the output projection
     * @param output {@code [vocabulary, hidden]}; the embedding itself where they are tied
     */
    record Head(Backend backend, ModelSpec spec, Matrix norm, Matrix output) {

        /** @param hidden {@code [tokens, hidden]} F32, with nothing left to add */
        void normalize(Matrix hidden, Matrix out, Stream stream) {
            backend.operations()
                    .rmsNorm()
                    .normalize(
                            hidden, norm, spec.norm().gainOffset(), spec.norm().epsilon(), out, stream);
        }

        /**
         * @param normed {@code [rows, hidden]} F32
         * @param workspace rounds them for backends whose products take nothing wider
         * @param out {@code [rows, vocabulary]} F32
         */
        void logits(Matrix normed, Workspace workspace, Matrix out, Stream stream) {
            InputRounding rounding = new InputRounding.None().on(backend, output.dtype());
            ScaledMatrix input = workspace.input(normed, rounding, stream);
            backend.operations().matMul().multiply(input, ScaledMatrix.plain(output), out, stream);
            if (spec.logitSoftcap() != 0) {
                backend.operations().softcap().cap(out, spec.logitSoftcap(), stream);
            }
        }
    }
}
