package io.octavo.engine.transformer.weight;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.engine.checkpoint.Tensor;
import io.octavo.engine.layout.weight.QuantizedWeight;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.NumberType;
import io.octavo.engine.scheme.Quantization;
import io.octavo.kernels.Backends;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.ScaledMatrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Weights of 4 bits as they are, beside the same codes in bytes. */
class LinearWeightTest {

    private static final int OUT_FEATURES = 40;
    private static final int IN_FEATURES = 256;
    private static final int TOKENS = 5;

    private final Backend backend = Backends.cpu(2);
    private final Stream stream = backend.newStream();

    @AfterEach
    void close() {
        stream.close();
        backend.close();
    }

    @ParameterizedTest
    @ValueSource(ints = {32, 64, 128, IN_FEATURES})
    void packedCodesGiveTheProductsOfCodesInBytes(int groupSize) {
        var placement = new WeightPlacement(new FakeWeight(4, groupSize, true), new BackendPlacer());
        assertThat(placement.fitsPacked()).isTrue();
        LinearWeight packed = placement.placePacked();
        LinearWeight scaled = placement.place();
        assertThat(packed.outFeatures()).isEqualTo(scaled.outFeatures());
        assertThat(packed.inFeatures()).isEqualTo(scaled.inFeatures());
        assertThat(product(packed)).isEqualTo(product(scaled));
        assertThat(product(packed.rows(8, 24))).isEqualTo(product(scaled.rows(8, 24)));
    }

    @Test
    void codesOf8BitsZeroPointsAndOddGroupsStayInBytes() {
        assertThat(new WeightPlacement(new FakeWeight(8, 64, true), new BackendPlacer()).fitsPacked())
                .isFalse();
        assertThat(new WeightPlacement(new FakeWeight(4, 64, false), new BackendPlacer()).fitsPacked())
                .isFalse();
        assertThat(new WeightPlacement(new FakeWeight(4, 8, true), new BackendPlacer()).fitsPacked())
                .isFalse();
    }

    @Test
    void packedCodesTakeNoInputsWithScales() {
        LinearWeight packed = new WeightPlacement(new FakeWeight(4, 64, true), new BackendPlacer()).placePacked();
        Matrix input = matrix(DType.I8, TOKENS, IN_FEATURES);
        Matrix scales = matrix(DType.F32, TOKENS, 1);
        Matrix out = matrix(DType.F32, TOKENS, OUT_FEATURES);
        assertThatThrownBy(() -> packed.multiply(backend, new ScaledMatrix(input, scales), out, stream))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("plain inputs");
    }

    private float[] product(LinearWeight weight) {
        Matrix input = matrix(DType.F32, TOKENS, IN_FEATURES);
        var random = new SplittableRandom(1);
        float[] values = new float[TOKENS * IN_FEATURES];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextDouble(-1, 1);
        }
        input.buffer().copyFrom(MemorySegment.ofArray(values), 0, stream);
        Matrix out = matrix(DType.F32, TOKENS, weight.outFeatures());
        weight.multiply(backend, ScaledMatrix.plain(input), out, stream);
        float[] result = new float[Math.toIntExact(out.elements())];
        out.buffer().copyTo(MemorySegment.ofArray(result), 0, stream);
        stream.synchronize();
        return result;
    }

    private Matrix matrix(DType dtype, long rows, long columns) {
        return Matrix.of(backend.allocate("test", Matrix.bytes(dtype, rows, columns)), dtype, rows, columns);
    }

    private final class BackendPlacer implements LinearReader.Placer {

        @Override
        public boolean wantsPacked() {
            return true;
        }

        @Override
        public Matrix place(Tensor tensor, long rows, long columns) {
            throw new UnsupportedOperationException("nothing is placed as it lies in a file");
        }

        @Override
        public Matrix fill(DType dtype, long rows, long columns, LinearReader.RowWriter writer) {
            DeviceBuffer buffer = backend.allocate("test", Matrix.bytes(dtype, rows, columns));
            try (Arena arena = Arena.ofShared()) {
                MemorySegment host = arena.allocate(Matrix.bytes(dtype, rows, columns), Long.BYTES);
                writer.write(0, rows, host);
                buffer.copyFrom(host, 0, stream);
                stream.synchronize();
            }
            return Matrix.of(buffer, dtype, rows, columns);
        }
    }

    /** Codes and scales that follow from their places alone. */
    private record FakeWeight(int bits, int groupSize, boolean symmetric) implements QuantizedWeight {

        @Override
        public long outFeatures() {
            return OUT_FEATURES;
        }

        @Override
        public long inFeatures() {
            return IN_FEATURES;
        }

        @Override
        public Quantization quantization() {
            Quantization stored =
                    Quantization.stored(new NumberType.IntType(bits), new Granularity.PerGroup(groupSize));
            return symmetric ? stored : stored.asymmetric();
        }

        @Override
        public int groups() {
            return IN_FEATURES / groupSize;
        }

        @Override
        public void readCodes(long from, long to, byte[] target) {
            for (int i = 0; i < (to - from) * IN_FEATURES; i++) {
                target[i] = (byte) ((from * IN_FEATURES + i) * 7 % 16 - 8);
            }
        }

        @Override
        public void readScales(long from, long to, float[] target) {
            for (int i = 0; i < (to - from) * groups(); i++) {
                target[i] = 0.01f * (1 + (from * groups() + i) % 5);
            }
        }

        @Override
        public void readZeroPoints(long from, long to, byte[] target) {}

        @Override
        public float globalScale() {
            return 1;
        }

        @Override
        public Optional<int[]> groupIndex() {
            return Optional.empty();
        }
    }
}
