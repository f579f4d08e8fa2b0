package io.octavo.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.kernels.attention.Attention;
import io.octavo.kernels.attention.KvCacheLayout;
import io.octavo.kernels.attention.KvCacheTensor;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.number.CodeFormat;
import io.octavo.kernels.number.DType;
import java.util.Arrays;
import java.util.function.IntFunction;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

abstract class AttentionContract extends BackendContract {

    AttentionContract(IntFunction<Backend> open) {
        super(open);
    }

    /**
     * Half a unit in the last place of what tensor cores round queries and weights to before they multiply them with a
     * cache of this type; 0 where they are multiplied in f32.
     */
    double operandRounding(DType cacheType) {
        return 0;
    }

    /** What the numbers of a cache are multiplied by. */
    enum Scales {
        NONE,
        TENSOR,
        HEADS,
        TOKENS
    }

    /** Keys or values, and what they are worth. */
    private final class Side {
        final KvCacheTensor tensor;
        final float[] worth;

        Side(RandomGenerator random, KvCacheLayout layout, DType type, Scales kind) {
            int rows = Math.toIntExact(layout.rows());
            int headDim = layout.headDim();
            double deviation = kind == Scales.NONE ? 1 : type == DType.I8 ? 40 : 100;
            Matrix numbers = input(type, rows, headDim, gaussian(random, rows * headDim, deviation));
            worth = floats(numbers);
            if (kind == Scales.NONE) {
                tensor = KvCacheTensor.plain(numbers);
                return;
            }
            int columns = kind == Scales.HEADS ? layout.kvHeads() : 1;
            float[] scales = new float[kind == Scales.TOKENS ? rows : columns];
            for (int i = 0; i < scales.length; i++) {
                scales[i] = (float) ((0.5 + random.nextDouble()) / deviation);
            }
            tensor = new KvCacheTensor(numbers, input(DType.F32, scales.length / columns, columns, scales));
            for (int i = 0; i < worth.length; i++) {
                int row = i / headDim;
                int head = row / KvCacheLayout.PAGE_TOKENS % layout.kvHeads();
                worth[i] *= scales[kind == Scales.TOKENS ? row : columns == 1 ? 0 : head];
            }
        }

        /** With another value in place of all from a row of a plain tensor to the end of its page. */
        Matrix withoutTokens(int fromRow, float value) {
            Matrix numbers = tensor.numbers();
            int headDim = (int) numbers.columns();
            float[] values = worth.clone();
            Arrays.fill(values, fromRow * headDim, (fromRow / 64 + 1) * 64 * headDim, value);
            return input(numbers.dtype(), numbers.rows(), headDim, values);
        }
    }

    /** A batch with keys and values in shuffled pages. */
    private final class Case {
        final KvCacheLayout layout;
        final int heads;
        final int[] queries;
        final int[] contexts;
        final int[] queryStarts;
        final int maxPages;
        final int[] pageTable;
        final Matrix q;
        final Side keys;
        final Side values;

        Case(long seed, int heads, int kvHeads, int headDim, DType cacheType, int[] queries, int[] contexts) {
            this(seed, heads, kvHeads, headDim, cacheType, Scales.NONE, queries, contexts);
        }

        Case(
                long seed,
                int heads,
                int kvHeads,
                int headDim,
                DType cacheType,
                Scales scales,
                int[] queries,
                int[] contexts) {
            RandomGenerator random = random(seed);
            this.heads = heads;
            this.queries = queries;
            this.contexts = contexts;
            int pages = 1;
            int widest = 1;
            queryStarts = new int[queries.length + 1];
            for (int s = 0; s < queries.length; s++) {
                queryStarts[s + 1] = queryStarts[s] + queries[s];
                int used = Math.ceilDiv(contexts[s], KvCacheLayout.PAGE_TOKENS);
                pages += used;
                widest = Math.max(widest, used);
            }
            maxPages = widest + 1;
            layout = new KvCacheLayout(pages, kvHeads, headDim);
            pageTable = new int[queries.length * maxPages];
            int next = pages - 1;
            for (int s = 0; s < queries.length; s++) {
                for (int p = 0; p < maxPages; p++) {
                    boolean used = p < Math.ceilDiv(contexts[s], KvCacheLayout.PAGE_TOKENS);
                    pageTable[s * maxPages + p] = used ? next-- : -7;
                }
            }
            int tokens = queryStarts[queries.length];
            q = input(DType.F32, tokens, (long) heads * headDim, gaussian(random, tokens * heads * headDim, 1));
            keys = new Side(random, layout, cacheType, scales);
            values = new Side(random, layout, cacheType, scales);
        }

        Attention.Batch batch() {
            return new Attention.Batch(
                    ints(queryStarts), ints(contexts), intMatrix(queries.length, maxPages, pageTable));
        }

        Matrix attend(int window, float softcap) {
            Matrix out = output(DType.F32, q.rows(), q.columns());
            attend(window, softcap, out);
            return out;
        }

        void attend(int window, float softcap, Matrix out) {
            float scale = (float) (1 / Math.sqrt(layout.headDim()));
            var parameters = new Attention.Parameters(heads, layout, scale, window, softcap);
            backend.operations()
                    .attention()
                    .attend(new Attention.Arguments(q, keys.tensor, values.tensor, batch(), parameters, out), stream);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "1,1,16,F32,1,1",
        "4,2,64,F32,1,100",
        "8,8,64,BF16,130,130",
        "6,2,80,F32,65,200",
        "4,1,128,BF16,7,64",
        "2,2,17,F32,63,63",
        "3,3,64,F32,64,64",
        "4,4,32,F32,65,65",
        "9,3,96,BF16,5,129",
        "14,2,64,F32,3,1000",
        "8,2,128,BF16,1,1000",
        "8,8,64,BF16,1,3000",
        "8,2,128,BF16,300,300",
        "6,2,64,BF16,65,200",
        "4,4,128,BF16,64,64",
        "8,2,64,BF16,12,100",
        "8,2,64,BF16,200,400",
        "7,1,128,BF16,129,257"
    })
    void attendsCausally(int heads, int kvHeads, int headDim, DType cacheType, int queries, int context) {
        check(
                new Case(context, heads, kvHeads, headDim, cacheType, new int[] {queries}, new int[] {context}),
                Integer.MAX_VALUE,
                0);
    }

    @ParameterizedTest
    @CsvSource({
        "4,2,64,F8_E4M3,TENSOR,1,100", "8,2,128,F8_E4M3,HEADS,1,1000", "4,2,64,I8,TOKENS,1,700",
                "8,2,128,I8,TOKENS,1,1000",
        "8,1,128,F8_E4M3,TOKENS,3,300", "4,2,128,I8,HEADS,2,130", "4,2,80,I8,TOKENS,3,70", "2,2,17,F8_E4M3,HEADS,5,65",
        "4,2,64,I8,TENSOR,130,200", "6,2,128,F8_E4M3,TENSOR,65,200", "4,4,128,I8,TOKENS,300,300",
                "8,2,64,F8_E4M3,TOKENS,70,70",
        "4,4,64,F8_E4M3,HEADS,150,150", "8,2,128,I8,HEADS,64,256", "8,2,128,I8,TOKENS,200,300",
                "8,2,64,F8_E4M3,HEADS,150,300",
        "8,2,128,F8_E4M3,TENSOR,140,400", "8,1,64,I8,TOKENS,80,300"
    })
    void attendsToCachesOf8Bits(
            int heads, int kvHeads, int headDim, DType cacheType, Scales scales, int queries, int context) {
        int[] one = {queries};
        check(
                new Case(context, heads, kvHeads, headDim, cacheType, scales, one, new int[] {context}),
                Integer.MAX_VALUE,
                0);
        check(
                new Case(queries, heads, kvHeads, headDim, cacheType, scales, one, new int[] {context}),
                context / 2 + 1,
                30);
    }

    @ParameterizedTest
    @CsvSource({"F8_E4M3,TENSOR", "I8,TOKENS"})
    void attendsWithinEachSequenceOfABatchOf8Bits(DType cacheType, Scales scales) {
        int[] queries = {1, 40, 0, 3, 64, 1};
        int[] contexts = {65, 40, 10, 128, 100, 1};
        check(new Case(1, 4, 2, 64, cacheType, scales, queries, contexts), Integer.MAX_VALUE, 0);
        int[] few = {1, 1, 0, 2};
        check(new Case(1, 4, 1, 128, cacheType, scales, few, new int[] {65, 700, 10, 128}), 200, 0);
        int[] many = {300, 0, 170, 2};
        check(new Case(1, 16, 2, 64, cacheType, scales, many, new int[] {300, 10, 400, 128}), Integer.MAX_VALUE, 0);
    }

    /** A cache of 8-bit floats is worth what rounding to them leaves: to the bit where both are multiplied in f32. */
    @Test
    void aCacheOf8BitFloatsHoldsWhatFakeQuantizingLeaves() {
        var layout = new KvCacheLayout(2, 2, 64);
        Matrix x = inOut(100, 128, gaussian(random(8), 100 * 128, 3));
        Matrix scales = input(DType.F32, 1, 2, 0.02f, 0.01f);
        Matrix slots = ints(IntStream.range(0, 100).toArray());
        int cells = (int) layout.rows() * 64;
        var codes = new KvCacheTensor(input(DType.F8_E4M3, layout.rows(), 64, new float[cells]), scales);
        var numbers = KvCacheTensor.plain(input(DType.F32, layout.rows(), 64, new float[cells]));
        backend.operations().kvCacheWrite().write(x, slots, layout, codes, stream);
        backend.operations().fakeQuantize().applyFixed(x, CodeFormat.E4M3, scales, 0, x, stream);
        backend.operations().kvCacheWrite().write(x, slots, layout, numbers, stream);
        Matrix q = input(DType.F32, 100, 256, gaussian(random(9), 100 * 256, 1));
        var batch = new Attention.Batch(ints(0, 100), ints(100), intMatrix(1, 2, 0, 1));
        var parameters = new Attention.Parameters(4, layout, 0.125f, Integer.MAX_VALUE, 0);
        Matrix expected = output(DType.F32, 100, 256);
        Matrix actual = output(DType.F32, 100, 256);
        backend.operations()
                .attention()
                .attend(new Attention.Arguments(q, numbers, numbers, batch, parameters, expected), stream);
        backend.operations()
                .attention()
                .attend(new Attention.Arguments(q, codes, codes, batch, parameters, actual), stream);
        float[] wanted = floats(expected);
        float[] found = floats(actual);
        if (operandRounding(DType.F8_E4M3) == 0) {
            assertThat(found).isEqualTo(wanted);
        }
        for (int i = 0; i < found.length; i++) {
            assertWithin(found[i], wanted[i], 0.03, "element", i);
        }
    }

    @Test
    void attendsWithinEachSequenceOfABatch() {
        int[] queries = {1, 40, 0, 3, 64, 1};
        int[] contexts = {65, 40, 10, 128, 100, 1};
        check(new Case(1, 4, 2, 32, DType.F32, queries, contexts), Integer.MAX_VALUE, 0);
        check(new Case(1, 4, 2, 64, DType.BF16, queries, contexts), Integer.MAX_VALUE, 0);
        check(new Case(1, 4, 1, 128, DType.BF16, new int[] {1, 1, 0, 2}, new int[] {65, 700, 10, 128}), 200, 0);
        int[] many = {130, 1, 0, 300};
        check(new Case(1, 4, 2, 128, DType.BF16, many, new int[] {200, 65, 10, 300}), Integer.MAX_VALUE, 0);
    }

    /** More blocks than a device has multiprocessors, one or two rows each. */
    @ParameterizedTest
    @CsvSource({"BF16,64", "BF16,128", "F8_E4M3,128"})
    void attendsToTheLastTokensOfManySequences(DType cacheType, int headDim) {
        int[] queries = new int[80];
        int[] contexts = new int[80];
        Arrays.setAll(queries, s -> 1 + s % 2);
        Arrays.setAll(contexts, s -> 10 + 7 * (s % 20));
        Scales scales = cacheType == DType.BF16 ? Scales.NONE : Scales.HEADS;
        check(new Case(1, 4, 4, headDim, cacheType, scales, queries, contexts), Integer.MAX_VALUE, 0);
    }

    /** Of more sequences than a warp looks at in one go. */
    @Test
    void attendsWithinEachOfManySequences() {
        int[] queries = new int[70];
        int[] contexts = new int[70];
        Arrays.setAll(queries, s -> s % 7 == 3 ? 0 : 37 + s % 5);
        Arrays.setAll(contexts, s -> queries[s] + s);
        check(new Case(1, 4, 1, 64, DType.BF16, queries, contexts), Integer.MAX_VALUE, 0);
    }

    @ParameterizedTest
    @CsvSource({"1", "2", "63", "64", "65", "130"})
    void seesTheWindowOnly(int window) {
        check(new Case(2, 2, 1, 24, DType.BF16, new int[] {150, 1}, new int[] {200, 170}), window, 0);
        check(new Case(2, 2, 1, 64, DType.BF16, new int[] {150, 1}, new int[] {200, 170}), window, 0);
        check(new Case(2, 2, 1, 128, DType.BF16, new int[] {1, 2}, new int[] {900, 170}), window, 0);
        check(new Case(2, 2, 1, 128, DType.BF16, new int[] {290, 1}, new int[] {400, 170}), window, 0);
    }

    @Test
    void capsScores() {
        check(new Case(3, 2, 2, 64, DType.F32, new int[] {70}, new int[] {90}), Integer.MAX_VALUE, 2);
        check(new Case(3, 2, 2, 64, DType.F32, new int[] {70}, new int[] {90}), 20, 50);
        check(new Case(3, 2, 2, 64, DType.BF16, new int[] {70}, new int[] {90}), 20, 50);
    }

    @Test
    void survivesScoresFarApart() {
        Case far = new Case(4, 1, 1, 16, DType.F32, new int[] {3}, new int[] {70});
        float[] keys = far.keys.worth.clone();
        for (int i = 0; i < keys.length; i++) {
            keys[i] *= 300;
        }
        Matrix out = output(DType.F32, 3, 16);
        var parameters = new Attention.Parameters(1, far.layout, 1, Integer.MAX_VALUE, 0);
        Matrix large = input(DType.F32, far.layout.rows(), 16, keys);
        backend.operations()
                .attention()
                .attend(
                        new Attention.Arguments(
                                far.q, KvCacheTensor.plain(large), far.values.tensor, far.batch(), parameters, out),
                        stream);
        for (float value : floats(out)) {
            assertThat(value).isFinite().isBetween(-6f, 6f);
        }
    }

    @Test
    void bitsDoNotDependOnTheNumberOfThreadsNorOnTheRestOfTheBatch() {
        Case both = new Case(6, 4, 2, 64, DType.F32, new int[] {300, 2}, new int[] {300, 90});
        Matrix out = both.attend(Integer.MAX_VALUE, 0);
        for (int threads : new int[] {1, 2, 3}) {
            Matrix again = output(DType.F32, out.rows(), out.columns());
            withThreads(threads, () -> both.attend(Integer.MAX_VALUE, 0, again));
            assertThat(bytes(again)).as("%d threads", threads).isEqualTo(bytes(out));
        }
        Matrix alone = output(DType.F32, 2, out.columns());
        Attention.Batch second = new Attention.Batch(
                ints(0, 2),
                ints(90),
                intMatrix(1, 2, both.pageTable[both.maxPages], both.pageTable[both.maxPages + 1]));
        var parameters = new Attention.Parameters(4, both.layout, 0.125f, Integer.MAX_VALUE, 0);
        backend.operations()
                .attention()
                .attend(
                        new Attention.Arguments(
                                both.q.rows(300, 302), both.keys.tensor, both.values.tensor, second, parameters, alone),
                        stream);
        assertThat(floats(alone)).isEqualTo(floats(out.rows(300, 302)));
    }

    @ParameterizedTest
    @CsvSource({"F32,16,2", "BF16,64,69", "BF16,128,69"})
    void indicesOutsideTheirRangesDoNoHarm(DType cacheType, int headDim, int queries) {
        Case valid = new Case(7, 1, 1, headDim, cacheType, new int[] {queries}, new int[] {70});
        Matrix out = output(DType.F32, queries, headDim);
        int more = queries + 1;
        assertRejects(
                valid,
                out,
                ints(0, more),
                ints(70),
                intMatrix(1, 2, 0, 1),
                "query rows [0, " + more + ") of " + queries);
        assertRejects(
                valid,
                out,
                ints(0, queries),
                ints(1),
                intMatrix(1, 2, 0, 1),
                "does not hold its " + queries + " queries");
        assertRejects(valid, out, ints(0, queries), ints(129), intMatrix(1, 2, 0, 1), "context needs 3 pages");
        assertRejects(valid, out, ints(0, queries), ints(70), intMatrix(1, 2, 0, 99), "page 99 is outside");
        assertRejects(valid, out, ints(0, queries), ints(70), intMatrix(1, 2, -1, 0), "page -1 is outside");
        assertRejects(valid, out, ints(queries, 0), ints(70), intMatrix(1, 2, 0, 1), "query rows [" + queries + ", 0)");
    }

    /** What lies in a page behind a sequence's last token may be anything. */
    @ParameterizedTest
    @CsvSource({"64,9", "64,100", "128,9", "128,100"})
    void tokensThatNoQuerySeesDoNotCount(int headDim, int queries) {
        Case expected = new Case(5, 2, 1, headDim, DType.BF16, new int[] {queries}, new int[] {131});
        Matrix out = expected.attend(Integer.MAX_VALUE, 0);
        Case other = new Case(5, 2, 1, headDim, DType.BF16, new int[] {queries}, new int[] {131});
        Matrix keys = other.keys.withoutTokens(expected.pageTable[2] * 64 + 3, Float.NaN);
        Matrix values = other.values.withoutTokens(expected.pageTable[2] * 64 + 3, Float.NaN);
        Matrix again = output(DType.F32, out.rows(), out.columns());
        var parameters =
                new Attention.Parameters(2, other.layout, (float) (1 / Math.sqrt(headDim)), Integer.MAX_VALUE, 0);
        backend.operations()
                .attention()
                .attend(
                        new Attention.Arguments(
                                other.q,
                                KvCacheTensor.plain(keys),
                                KvCacheTensor.plain(values),
                                other.batch(),
                                parameters,
                                again),
                        stream);
        assertThat(floats(again)).isEqualTo(floats(out));
    }

    private void assertRejects(Case valid, Matrix out, Matrix starts, Matrix contexts, Matrix pages, String message) {
        var parameters = new Attention.Parameters(1, valid.layout, 1, Integer.MAX_VALUE, 0);
        var batch = new Attention.Batch(starts, contexts, pages);
        if (!checksIndices()) {
            out.buffer().fill((byte) 0xFF, stream);
            guard(out);
            backend.operations()
                    .attention()
                    .attend(
                            new Attention.Arguments(
                                    valid.q, valid.keys.tensor, valid.values.tensor, batch, parameters, out),
                            stream);
            boolean queriesAreWrong = message.startsWith("query rows");
            float[] found = floats(out);
            assertThat(queriesAreWrong || Arrays.equals(found, allNan(found.length)))
                    .as(message)
                    .isTrue();
            return;
        }
        assertThatThrownBy(() -> backend.operations()
                        .attention()
                        .attend(
                                new Attention.Arguments(
                                        valid.q, valid.keys.tensor, valid.values.tensor, batch, parameters, out),
                                stream))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(message);
    }

    private static float[] allNan(int count) {
        float[] values = new float[count];
        Arrays.fill(values, Float.NaN);
        return values;
    }

    private void check(Case c, int window, float softcap) {
        float[] actual = floats(c.attend(window, softcap));
        float[] q = floats(c.q);
        double[] squares = new double[2];
        int headDim = c.layout.headDim();
        for (int s = 0; s < c.queries.length; s++) {
            for (int i = 0; i < c.queries[s]; i++) {
                for (int head = 0; head < c.heads; head++) {
                    int at = ((c.queryStarts[s] + i) * c.heads + head) * headDim;
                    checkRow(c, window, softcap, s, i, head, q, actual, at, squares);
                }
            }
        }
        // The bound of docs/kernels.md, of all rows together.
        assertThat(Math.sqrt(squares[0] / squares[1])).isLessThan(5e-3);
    }

    /**
     * A score's error is at most (headDim + 4) 2^-24 times the sum of its terms' magnitudes, plus that of the cap's tanh
     * (some 2^-21 of the cap). A weight's relative error then is twice that (its own score's and the maximum's), plus
     * that of exp (some 2^-22) and of the sum (one rounding a token); so the output's is at most that times the largest
     * value, once for the weights and once for their sum. Where queries and weights are rounded before they are multiplied,
     * a score's error grows by that share of its terms' magnitudes, and a weight's by that share.
     *
     * @param squares what the squares of errors and of expected numbers are added to
     */
    private void checkRow(
            Case c,
            int window,
            float softcap,
            int s,
            int i,
            int head,
            float[] q,
            float[] actual,
            int at,
            double[] squares) {
        float[] k = c.keys.worth;
        float[] v = c.values.worth;
        double rounding = operandRounding(c.keys.tensor.numbers().dtype());
        int headDim = c.layout.headDim();
        int position = c.contexts[s] - c.queries[s] + i;
        int first = Math.max(0, position - window + 1);
        double scale = (float) (1 / Math.sqrt(headDim));
        double[] weights = new double[position - first + 1];
        double total = 0;
        double scoreError = 0;
        for (int p = 0; p < weights.length; p++) {
            int row = cacheRow(c, s, first + p, head);
            double dot = 0;
            double magnitude = 0;
            for (int d = 0; d < headDim; d++) {
                double term = (double) q[at + d] * k[row * headDim + d];
                dot += term;
                magnitude += Math.abs(term);
            }
            double score = softcap == 0 ? dot * scale : softcap * Math.tanh(dot * scale / softcap);
            weights[p] = Math.exp(score);
            total += weights[p];
            double share = (headDim + 4) * ROUNDING + rounding;
            scoreError = Math.max(scoreError, share * magnitude * scale + softcap * 0x1p-21);
        }
        double weightError = 2 * scoreError + (weights.length + 16) * ROUNDING + rounding;
        for (int d = 0; d < headDim; d++) {
            double expected = 0;
            double largest = 0;
            for (int p = 0; p < weights.length; p++) {
                double value = v[cacheRow(c, s, first + p, head) * headDim + d];
                expected += weights[p] / total * value;
                largest = Math.max(largest, Math.abs(value));
            }
            squares[0] += Math.pow(actual[at + d] - expected, 2);
            squares[1] += Math.pow(expected, 2);
            assertWithin(actual[at + d], expected, 2 * weightError * largest, "sequence, query, head", s, i, head);
        }
    }

    /** From the interface's words: page, then head, then token of the page. */
    private static int cacheRow(Case c, int sequence, int position, int head) {
        int page = c.pageTable[sequence * c.maxPages + position / 64];
        int kvHead = head * c.layout.kvHeads() / c.heads;
        return (page * c.layout.kvHeads() + kvHead) * 64 + position % 64;
    }
}
