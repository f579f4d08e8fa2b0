package io.octavo.engine.transformer;

import io.octavo.engine.transformer.weight.KvScales;
import io.octavo.engine.transformer.weight.ModuleReader;
import io.octavo.kernels.device.Matrix;
import java.util.List;

/**
 * Every weight of a model, placed on a backend.
 *
 * @param embedding {@code [vocabulary, hidden]}
 * @param norm {@code [1, hidden]}, before the output projection
 * @param output {@code [vocabulary, hidden]}; the embedding itself where they are tied
 * @param placed owned: everything that the matrices lie in
 */
record TransformerWeights(
        Matrix embedding, List<DecoderLayer> layers, Matrix norm, Matrix output, KvScales kvScales, ModuleReader placed)
        implements AutoCloseable {

    TransformerWeights {
        layers = List.copyOf(layers);
    }

    @Override
    public void close() {
        placed.close();
    }
}
