package io.octavo.engine.quantize;

import io.octavo.engine.solve.SolvableWeight;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/** Rows of a weight of a plan. */
record SourceRows(Numbers source, long columns) implements SolvableWeight.Rows {

    private long offset(int row) {
        return row * columns * source.info().dtype().bytes();
    }

    @Override
    public float[] read(int from, int to) {
        float[] numbers = new float[Math.toIntExact((to - from) * columns)];
        source.floats(offset(from), numbers, 0, numbers.length);
        return numbers;
    }

    @Override
    public Optional<MemorySegment> stored(int from, int to, Arena arena) {
        return Optional.of(source.view(offset(from), offset(to), arena));
    }
}
