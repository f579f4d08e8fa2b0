package io.octavo.engine.modify;

import io.octavo.engine.scheme.Scheme;
import io.octavo.engine.solve.scale.WeightFormat;
import io.octavo.kernels.number.DType;
import java.util.Optional;
import java.util.function.Function;

/**
 * Statistics that a test gives.
 *
 * @param scheme of all weights; empty if they stay
 */
record FakeStatistics(
        Function<String, float[]> inputs,
        Function<String, float[]> squares,
        Function<String, float[]> columns,
        Function<String, float[]> rows,
        Optional<Scheme> scheme)
        implements LinearStatistics {

    /** The largest magnitudes alone. */
    static FakeStatistics ofMagnitudes(Function<String, float[]> inputs, Function<String, float[]> columns) {
        return new FakeStatistics(inputs, inputs, columns, columns, Optional.empty());
    }

    @Override
    public boolean mayChangeValues() {
        return true;
    }

    @Override
    public float[] inputMagnitudes(String module) {
        return inputs.apply(module).clone();
    }

    @Override
    public float[] inputSquares(String module) {
        return squares.apply(module).clone();
    }

    @Override
    public float[] weightMagnitudes(String module) {
        return columns.apply(module).clone();
    }

    /** Of the rows that are given. */
    @Override
    public float[] rowMagnitudes(String module) {
        float[] numbers = rows.apply(module);
        int width = columns.apply(module).length;
        float[] magnitudes = new float[numbers.length / width];
        for (int i = 0; i < numbers.length; i++) {
            magnitudes[i / width] = Math.max(magnitudes[i / width], Math.abs(numbers[i]));
        }
        return magnitudes;
    }

    @Override
    public float[] weightRows(String module, int most) {
        return rows.apply(module).clone();
    }

    @Override
    public Optional<WeightFormat> format(String module, float absmax) {
        return scheme.map(known -> new WeightFormat(known.weights(), DType.F32, inputSquares(module).length, absmax));
    }
}
