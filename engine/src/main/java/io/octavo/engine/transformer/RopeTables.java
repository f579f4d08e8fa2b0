package io.octavo.engine.transformer;

import io.octavo.engine.model.AttentionSpec;
import io.octavo.engine.model.LayerSpec;
import io.octavo.engine.model.ModelSpec;
import io.octavo.engine.model.RopeSpec;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.DoubleUnaryOperator;

/** Cosines and sines of every position, one pair of tables for each distinct {@link RopeSpec}. */
final class RopeTables implements AutoCloseable {

    /** Both {@code [positions, headDim / 2]} F32. */
    record Table(Matrix cos, Matrix sin) {}

    private record Key(RopeSpec rope, int headDim) {

        static Key of(AttentionSpec attention) {
            return new Key(attention.rope(), attention.headDim());
        }
    }

    private final Map<Key, Table> tables = new HashMap<>();

    RopeTables(Backend backend, ModelSpec spec, int positions, Stream stream) {
        for (LayerSpec layer : spec.layers()) {
            if (layer.mixer() instanceof AttentionSpec attention) {
                tables.computeIfAbsent(Key.of(attention), key -> {
                    double[] frequencies = key.rope().inverseFrequencies(key.headDim());
                    return new Table(
                            fill(backend, positions, frequencies, Math::cos, stream),
                            fill(backend, positions, frequencies, Math::sin, stream));
                });
            }
        }
    }

    /** Of device memory. */
    static long bytes(ModelSpec spec, int positions) {
        return spec.layers().stream()
                .map(LayerSpec::mixer)
                .filter(AttentionSpec.class::isInstance)
                .map(mixer -> Key.of((AttentionSpec) mixer))
                .distinct()
                .mapToLong(key -> Matrix.bytes(DType.F32, positions, key.headDim()))
                .sum();
    }

    Table get(AttentionSpec attention) {
        return Objects.requireNonNull(tables.get(Key.of(attention)), "every layer's rope has a table");
    }

    /** Angles in f64, so that far positions lose nothing before the rounding to f32. */
    private static Matrix fill(
            Backend backend, int positions, double[] frequencies, DoubleUnaryOperator function, Stream stream) {
        long bytes = Matrix.bytes(DType.F32, positions, frequencies.length);
        try (Arena arena = Arena.ofShared()) {
            MemorySegment host = arena.allocate(bytes, Float.BYTES);
            for (int position = 0; position < positions; position++) {
                for (int i = 0; i < frequencies.length; i++) {
                    float value = (float) function.applyAsDouble(position * frequencies[i]);
                    host.setAtIndex(ValueLayout.JAVA_FLOAT, (long) position * frequencies.length + i, value);
                }
            }
            DeviceBuffer buffer = backend.allocate("rope", bytes);
            buffer.copyFrom(host, 0, stream);
            stream.synchronize();
            return Matrix.of(buffer, DType.F32, positions, frequencies.length);
        }
    }

    @Override
    public void close() {
        for (Table table : tables.values()) {
            table.cos().buffer().close();
            table.sin().buffer().close();
        }
    }
}
