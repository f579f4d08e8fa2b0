package io.octavo.engine.calibrate;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.kernels.Backends;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.BFloat16;
import io.octavo.kernels.number.DType;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import java.util.Set;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class StageMomentsTest {

    private static final int COLUMNS = 5;
    private static final String FIRST = "model.layers.0.self_attn.q_proj";
    private static final String LATER = "model.layers.0.self_attn.o_proj";
    private static final String EXPERT = "model.layers.0.mlp.experts.3.up_proj";
    private static final String OTHER_EXPERT = "model.layers.0.mlp.experts.12.up_proj";

    private final Backend backend = Backends.cpu(1);
    private final Stream stream = backend.newStream();

    @AfterEach
    void close() {
        stream.close();
        backend.close();
    }

    @Test
    void holdsProductsOfTheSolvedModelsChannelsThenOfTheOriginals() {
        var random = new Random(1);
        double[][] expected = new double[2 * COLUMNS][2 * COLUMNS];
        try (var stage = new StageMoments(backend, Set.of(FIRST, LATER), 7)) {
            for (int tokens : new int[] {7, 1, 4}) {
                float[] original = numbers(random, tokens);
                float[] solved = numbers(random, tokens);
                show(original, (activations) -> stage.ofOriginals().input(FIRST, activations, stream));
                show(original, (activations) -> stage.ofOriginals().input(LATER, activations, stream));
                show(solved, (activations) -> stage.ofSolved().input(FIRST, activations, stream));
                show(solved, (activations) -> stage.ofSolved().input(LATER, activations, stream));
                add(solved, original, expected);
            }
            assertThat(stage.came(FIRST)).isTrue();
            assertThat(stage.came(LATER)).isFalse();
            try (MomentsObserver.Moments moments = stage.take(FIRST, COLUMNS, stream)) {
                assertThat(moments.tokens()).isEqualTo(12);
                float[] sums = new float[4 * COLUMNS * COLUMNS];
                moments.sums().buffer().copyTo(MemorySegment.ofArray(sums), 0, stream);
                stream.synchronize();
                for (int i = 0; i < sums.length; i++) {
                    assertThat((double) sums[i])
                            .isCloseTo(expected[i / (2 * COLUMNS)][i % (2 * COLUMNS)], Offset.offset(1e-4));
                }
            }
        }
    }

    /** Both models may send other tokens to an expert. */
    @Test
    void expertsStandAloneAndComeTogether() {
        try (var stage = new StageMoments(backend, Set.of(EXPERT, OTHER_EXPERT, LATER), 7)) {
            float[] numbers = numbers(new Random(2), 3);
            show(numbers, (activations) -> stage.ofOriginals().input(EXPERT, activations, stream));
            show(numbers, (activations) -> stage.ofSolved().input(OTHER_EXPERT, activations, stream));
            assertThat(stage.came(EXPERT)).isTrue();
            assertThat(stage.came(OTHER_EXPERT)).isTrue();
            assertThat(stage.came(LATER)).isFalse();
            try (MomentsObserver.Moments seen = stage.take(OTHER_EXPERT, COLUMNS, stream);
                    MomentsObserver.Moments unseen = stage.take(EXPERT, COLUMNS, stream)) {
                assertThat(seen.sums().columns()).isEqualTo(COLUMNS);
                assertThat(seen.tokens()).isEqualTo(3);
                assertThat(unseen.tokens()).isZero();
            }
        }
    }

    private interface Showing {
        void show(Matrix activations);
    }

    private void show(float[] numbers, Showing showing) {
        try (DeviceBuffer buffer = backend.allocate("test", (long) numbers.length * Float.BYTES)) {
            buffer.copyFrom(MemorySegment.ofArray(numbers), 0, stream);
            showing.show(Matrix.of(buffer, DType.F32, numbers.length / COLUMNS, COLUMNS));
            stream.synchronize();
        }
    }

    private static void add(float[] solved, float[] original, double[][] sums) {
        for (int from = 0; from < solved.length; from += COLUMNS) {
            double[] row = new double[2 * COLUMNS];
            for (int i = 0; i < COLUMNS; i++) {
                row[i] = BFloat16.toFloat(BFloat16.fromFloat(solved[from + i]));
                row[COLUMNS + i] = BFloat16.toFloat(BFloat16.fromFloat(original[from + i]));
            }
            for (int i = 0; i < row.length; i++) {
                for (int j = 0; j < row.length; j++) {
                    sums[i][j] += row[i] * row[j];
                }
            }
        }
    }

    private static float[] numbers(Random random, int tokens) {
        float[] numbers = new float[tokens * COLUMNS];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = (float) random.nextGaussian();
        }
        return numbers;
    }
}
