package io.octavo.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.internal.Philox;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.operation.Sampling;
import io.octavo.kernels.operation.Sampling.Request;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

abstract class SamplingContract extends BackendContract {

    SamplingContract(IntFunction<Backend> open) {
        super(open);
    }

    /** Draws one token a request, all from the same logits. */
    int[] sample(float[] logits, int[] seen, List<Request> requests) {
        int rows = requests.size();
        float[] all = new float[rows * logits.length];
        int words = Math.ceilDiv(logits.length, 32);
        int[] bits = new int[rows * words];
        for (int row = 0; row < rows; row++) {
            System.arraycopy(logits, 0, all, row * logits.length, logits.length);
            for (int token : seen) {
                bits[row * words + token / 32] |= 1 << token % 32;
            }
        }
        int[] encoded = requests.stream()
                .flatMapToInt(request -> IntStream.of(request.encode()))
                .toArray();
        Matrix tokens = output(DType.I32, 1, rows);
        Matrix marks = inOutInts(rows, words, bits);
        Matrix matrix = input(DType.F32, rows, logits.length, all);
        backend.operations()
                .sampling()
                .sample(matrix, intMatrix(rows, Sampling.REQUEST_WORDS, encoded), marks, tokens, stream);
        int[] drawn = readInts(tokens);
        for (int row = 0; row < rows; row++) {
            if (drawn[row] >= 0) {
                bits[row * words + drawn[row] / 32] |= 1 << drawn[row] % 32;
            }
        }
        assertThat(readInts(marks)).as("the drawn tokens are marked, no others").isEqualTo(bits);
        return drawn;
    }

    private Matrix inOutInts(int rows, int columns, int[] values) {
        Matrix matrix = output(DType.I32, rows, columns);
        matrix.buffer().copyFrom(MemorySegment.ofArray(values), 0, stream);
        return matrix;
    }

    private static List<Request> steps(Request request, int count) {
        return IntStream.range(0, count).mapToObj(request::atStep).toList();
    }

    /** With equal logits a token is the random word's share of the vocabulary: known answers of the generator. */
    @ParameterizedTest
    @CsvSource({"1", "2", "77", "1024", "128256"})
    void drawsWhatPhiloxSays(int columns) {
        float[] equal = new float[columns];
        Arrays.fill(equal, -3);
        List<Request> requests = List.of(
                new Request(1, 0, 1, 0, 1, 0, 0, 0),
                new Request(0.5f, 0, 1, 0, 1, -1, -1, -1),
                new Request(1, 0, 1, 0.5f, 1, 0x299f31d0_a4093822L, 0x13198a2e_85a308d3L, 0x243f6a88));
        int[] drawn = sample(equal, new int[0], requests);
        for (int i = 0; i < drawn.length; i++) {
            Request r = requests.get(i);
            int[] counter = {r.step(), (int) r.sequence(), (int) (r.sequence() >>> 32), 0};
            int[] words = Philox.words(counter, (int) r.seed(), (int) (r.seed() >>> 32));
            long random = (long) words[1] << 32 | Integer.toUnsignedLong(words[0]);
            assertThat(drawn[i]).isEqualTo((int) Math.unsignedMultiplyHigh(random, columns));
        }
    }

    /** Every token's count is binomial: within 5 standard deviations (once in a million) of what float64 expects. */
    @Test
    void drawsTokensAsOftenAsTheyAreLikely() {
        int draws = 4000;
        float[] logits = gaussian(random(1), 20, 1);
        logits[7] = Float.NEGATIVE_INFINITY;
        int[] counts = new int[20];
        for (int token : sample(logits, new int[] {3, 4}, steps(new Request(0.7f, 0, 1, 0, 1.5f, 9, 1, 0), draws))) {
            counts[token]++;
        }
        double[] weights = new double[20];
        double total = 0;
        for (int i = 0; i < 20; i++) {
            double z = logits[i];
            if (i == 3 || i == 4) {
                z = z > 0 ? z / 1.5 : z * 1.5;
            }
            weights[i] = Math.exp(z / 0.7);
            total += weights[i];
        }
        for (int i = 0; i < 20; i++) {
            double p = weights[i] / total;
            assertWithin(counts[i], draws * p, 5 * Math.sqrt(draws * p * (1 - p)), "token", i);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "50,0,1,0",
        "500,7,1,0",
        "500,0,0.5,0",
        "500,40,0.8,0",
        "500,0,1,0.2",
        "3000,100,0.9,0.05",
        "3000,1,1,0",
        "40,60,0.01,1"
    })
    void drawsFromTheKeptPartAlone(int columns, int topK, float topP, float minP) {
        float[] logits = gaussian(random(columns), columns, 2);
        // Equal numbers, of which the first ones are kept.
        for (int i = 0; i < columns; i++) {
            logits[i] = Math.round(logits[i] * 4) / 4f;
        }
        Set<Integer> kept = kept(logits, topK, topP, minP);
        Set<Integer> drawn = new HashSet<>();
        for (int token : sample(logits, new int[0], steps(new Request(1.5f, topK, topP, minP, 1, 5, 6, 0), 600))) {
            drawn.add(token);
        }
        assertThat(kept).containsAll(drawn);
        assertThat(drawn.size()).isGreaterThan(Math.min(kept.size(), 60) * 3 / 5);
    }

    private static Set<Integer> kept(float[] logits, int topK, float topP, float minP) {
        List<Integer> order = IntStream.range(0, logits.length)
                .boxed()
                .sorted(Comparator.<Integer>comparingDouble(i -> -logits[i]).thenComparing(Comparator.naturalOrder()))
                .toList();
        List<Integer> first = topK == 0 ? order : order.subList(0, Math.min(topK, order.size()));
        double max = logits[order.getFirst()] / 1.5;
        double total =
                first.stream().mapToDouble(i -> Math.exp(logits[i] / 1.5 - max)).sum();
        Set<Integer> kept = new HashSet<>();
        double reached = 0;
        for (int token : first) {
            double weight = Math.exp(logits[token] / 1.5 - max);
            if (reached >= topP * total) {
                break;
            }
            reached += weight;
            if (weight >= minP) {
                kept.add(token);
            }
        }
        return kept;
    }

    @Test
    void takesTheFirstOfTheMostLikelyWithoutTemperature() {
        float[] logits = gaussian(random(1), 100, 1);
        logits[40] = 9;
        logits[70] = 9;
        assertThat(sample(logits, new int[0], List.of(Request.greedy()))).containsExactly(40);
        Request penalizing = new Request(0, 0, 1, 0, 2, 0, 0, 0);
        assertThat(sample(logits, new int[] {40}, List.of(penalizing))).containsExactly(70);
    }

    @Test
    void aTokenDependsOnItsRequestAlone() {
        float[] logits = gaussian(random(2), 5000, 3);
        Request request = new Request(0.9f, 50, 0.95f, 0.01f, 1.1f, 42, 3, 17);
        int alone = sample(logits, new int[] {5, 9}, List.of(request))[0];
        int[] among = sample(logits, new int[] {5, 9}, List.of(Request.greedy(), request, request.atStep(18), request));
        assertThat(among[1]).isEqualTo(alone);
        assertThat(among[3]).isEqualTo(alone);
    }

    @Test
    void reportsNan() {
        for (Request request : List.of(Request.greedy(), new Request(1, 5, 0.9f, 0, 1, 0, 0, 0))) {
            float[] logits = gaussian(random(1), 2000, 1);
            logits[1999] = Float.NaN;
            assertThat(sample(logits, new int[0], List.of(request))).containsExactly(-1);
        }
    }

    @Test
    void infiniteLogitsAreCertainOrImpossible() {
        float[] logits = new float[300];
        Arrays.fill(logits, Float.NEGATIVE_INFINITY);
        logits[123] = -1000;
        assertThat(sample(logits, new int[0], List.of(new Request(1, 0, 0.9f, 0.1f, 1, 1, 2, 3))))
                .containsExactly(123);
        logits[200] = Float.POSITIVE_INFINITY;
        assertThat(sample(logits, new int[0], List.of(new Request(1, 9, 1, 0, 1, 1, 2, 3))))
                .containsExactly(200);
    }

    /** Weights are integers, so every backend draws what the plain one does. */
    @Test
    void drawsWhatTheScalarBackendDraws() {
        float[] logits = gaussian(random(3), 32001, 3);
        for (int i = 0; i < logits.length; i += 3) {
            logits[i] = Math.round(logits[i] * 8) / 8f;
        }
        int[] seen = IntStream.iterate(1, i -> i < 32001, i -> i + 97).toArray();
        for (Request request : List.of(
                new Request(0.8f, 0, 1, 0, 1.2f, 1, 2, 0),
                new Request(1, 200, 0.7f, 0, 1, 3, 4, 0),
                new Request(1.3f, 0, 0.95f, 0.001f, 0.9f, 5, 6, 0),
                new Request(2, 5000, 1, 0.01f, 1, 7, 8, 0))) {
            assertThat(sample(logits, seen, steps(request, 5))).isEqualTo(byScalar(logits, seen, steps(request, 5)));
        }
    }

    /** Whether few tokens may be among the first or many, all equal ones for example, and however they lie. */
    @ParameterizedTest
    @CsvSource({
        "4096,50",
        "4096,1024",
        "4096,1025",
        "4099,300",
        "1000,1000",
        "1000,2000",
        "2000,600",
        "64,3",
        "128256,50"
    })
    void drawsTheFirstHoweverLogitsLie(int columns, int topK) {
        float[] scattered = gaussian(random(columns), columns, 3);
        float[] rising = new float[columns];
        float[] equal = new float[columns];
        for (int i = 0; i < columns; i++) {
            rising[i] = i * 0.002f;
            equal[i] = i % 3;
        }
        for (float[] logits : List.of(scattered, rising, equal)) {
            List<Request> requests = new ArrayList<>(steps(new Request(0.7f, topK, 0.9f, 0.01f, 1.1f, 1, 2, 0), 3));
            requests.addAll(steps(new Request(1, topK, 1, 0, 1, 3, 4, 0), 3));
            int[] seen = {0, columns / 2, columns - 1};
            assertThat(sample(logits, seen, requests)).isEqualTo(byScalar(logits, seen, requests));
        }
    }

    private static int[] byScalar(float[] logits, int[] seen, List<Request> requests) {
        var scalar = new SamplingContract(threads -> Backends.scalar()) {};
        try {
            return scalar.sample(logits, seen, requests);
        } finally {
            scalar.guardsAreUntouchedAndAllIsReleased();
        }
    }

    @Test
    void rejectsSettingsOutsideTheirRanges() {
        assertThatThrownBy(() -> new Request(-1, 0, 1, 0, 1, 0, 0, 0)).hasMessageContaining("temperature is -1.0");
        assertThatThrownBy(() -> new Request(1, -1, 1, 0, 1, 0, 0, 0)).hasMessageContaining("topK is -1.0");
        assertThatThrownBy(() -> new Request(1, 0, 0, 0, 1, 0, 0, 0)).hasMessageContaining("topP is 0.0");
        assertThatThrownBy(() -> new Request(1, 0, 1, 2, 1, 0, 0, 0)).hasMessageContaining("minP is 2.0");
        assertThatThrownBy(() -> new Request(1, 0, 1, 0, 0, 0, 0, 0))
                .hasMessageContaining("repetitionPenalty is 0.0; allowed: above 0");
        Matrix tokens = output(DType.I32, 1, 1);
        Matrix logits = input(DType.F32, 1, 33, new float[33]);
        Matrix requests = intMatrix(1, 10, Request.greedy().encode());
        assertThatThrownBy(() -> backend.operations().sampling().sample(logits, requests, ints(0), tokens, stream))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("seen is 1 x 1, expected 1 x 2");
    }
}
