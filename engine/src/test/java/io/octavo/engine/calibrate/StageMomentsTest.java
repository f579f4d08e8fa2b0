package io.octavo.engine.calibrate;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.engine.solve.InputMoments;
import io.octavo.engine.solve.InputMoments.Differences;
import io.octavo.engine.transformer.ActivationObserver;
import io.octavo.kernels.Backends;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.BFloat16;
import io.octavo.kernels.number.DType;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
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
    void holdsProductsOfTheSolvedModelsChannelsAndOfDifferences() {
        var random = new Random(1);
        double[][] expected = new double[2 * COLUMNS + 1][COLUMNS];
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
            try (Moments.Taken moments = stage.take(List.of(FIRST), COLUMNS, stream)) {
                InputMoments seen = moments.seen(stream);
                assertThat(seen.tokens()).containsExactly(12L);
                Differences differences = seen.differences().orElseThrow();
                assertClose(seen.sums(), expected, 0);
                assertClose(differences.products(), expected, COLUMNS);
                assertClose(differences.squares(), expected, 2 * COLUMNS);
            }
        }
    }

    private void assertClose(Matrix sums, double[][] expected, int from) {
        float[] found = new float[Math.toIntExact(sums.elements())];
        sums.buffer().copyTo(MemorySegment.ofArray(found), sums.offset(), stream);
        stream.synchronize();
        for (int i = 0; i < found.length; i++) {
            assertThat((double) found[i]).isCloseTo(expected[from + i / COLUMNS][i % COLUMNS], Offset.offset(1e-4));
        }
    }

    @Test
    void hasSeenEnoughOnceTheStageCame() {
        try (var stage = new StageMoments(backend, Set.of(FIRST, LATER), 7)) {
            ActivationObserver original = stage.ofOriginals();
            float[] numbers = numbers(new Random(3), 2);
            show(numbers, (activations) -> original.input("other", activations, stream));
            assertThat(original.hasSeenEnough()).isFalse();
            show(numbers, (activations) -> original.input(FIRST, activations, stream));
            assertThat(original.hasSeenEnough()).isTrue();
            assertThat(stage.ofSolved().hasSeenEnough()).isFalse();
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
            try (Moments.Taken both = stage.take(List.of(EXPERT, OTHER_EXPERT), COLUMNS, stream)) {
                InputMoments seen = both.seen(stream);
                assertThat(seen.differences()).isEmpty();
                assertThat(seen.tokens()).containsExactly(0L, 3L);
                double[][] expected = new double[2 * COLUMNS][COLUMNS];
                addOwn(numbers, 0, 3, expected, COLUMNS);
                assertClose(seen.sums(), expected, 0);
            }
        }
    }

    /** In one call, and as many times as there are texts; taken in one piece or in several, in any order. */
    @Test
    void expertsThatComeAtOnceHaveTheirOwnRows() {
        List<String> experts = IntStream.range(0, 4)
                .mapToObj(i -> "model.layers.0.mlp.experts." + i + ".up_proj")
                .toList();
        double[][] expected = new double[4 * COLUMNS][COLUMNS];
        try (var stage = new StageMoments(backend, Set.copyOf(experts), 7)) {
            for (int[] starts : new int[][] {{0, 2, 2, 5, 7}, {0, 0, 0, 1, 1}}) {
                float[] numbers = numbers(new Random(starts[1]), starts[4]);
                try (DeviceBuffer buffer = backend.allocate("test", 5 * Integer.BYTES)) {
                    buffer.copyFrom(MemorySegment.ofArray(starts), 0, stream);
                    Matrix firsts = Matrix.of(buffer, DType.I32, 1, 5);
                    show(numbers, activations -> {
                        stage.ofOriginals().experts(experts, activations, firsts, stream);
                        stage.ofSolved().experts(experts, activations, firsts, stream);
                    });
                }
                for (int i = 0; i < 4; i++) {
                    addOwn(numbers, starts[i], starts[i + 1], expected, i * COLUMNS);
                }
            }
            try (Moments.Taken middle = stage.take(experts.subList(1, 3), COLUMNS, stream);
                    Moments.Taken others = stage.take(List.of(experts.get(3), experts.get(0)), COLUMNS, stream)) {
                InputMoments seen = middle.seen(stream);
                assertThat(seen.tokens()).containsExactly(0L, 4L);
                assertClose(seen.sums(), expected, COLUMNS);
                InputMoments ends = others.seen(stream);
                assertThat(ends.tokens()).containsExactly(2L, 2L);
                assertClose(ends.sums().part(0, 2), expected, 3 * COLUMNS);
                assertClose(ends.sums().part(1, 2), expected, 0);
            }
        }
    }

    /** Kernels that use tensor cores take sums that begin at whole chunks of 16 bytes alone. */
    @Test
    void sumsBeginAtWholeChunks() {
        try (Moments.Taken taken = new Moments(backend, 8, 1, true).take(0, 1)) {
            InputMoments seen = taken.seen(stream);
            assertThat(seen.sums().offset() % 16).isZero();
            assertThat(seen.differences().orElseThrow().products().offset() % 16)
                    .isZero();
        }
    }

    private static void addOwn(float[] numbers, int from, int to, double[][] sums, int top) {
        for (int token = from; token < to; token++) {
            for (int i = 0; i < COLUMNS; i++) {
                for (int j = 0; j < COLUMNS; j++) {
                    sums[top + i][j] += rounded(numbers[token * COLUMNS + i]) * rounded(numbers[token * COLUMNS + j]);
                }
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
            for (int i = 0; i < COLUMNS; i++) {
                float difference = original[from + i] - solved[from + i];
                for (int j = 0; j < COLUMNS; j++) {
                    double other = rounded(solved[from + j]);
                    sums[i][j] += rounded(solved[from + i]) * other;
                    sums[COLUMNS + i][j] += rounded(difference) * other;
                }
                sums[2 * COLUMNS][i] += (double) difference * difference;
            }
        }
    }

    private static double rounded(float number) {
        return BFloat16.toFloat(BFloat16.fromFloat(number));
    }

    private static float[] numbers(Random random, int tokens) {
        float[] numbers = new float[tokens * COLUMNS];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = (float) random.nextGaussian();
        }
        return numbers;
    }
}
