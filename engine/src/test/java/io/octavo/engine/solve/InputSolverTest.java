package io.octavo.engine.solve;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.engine.modify.Gptq;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.scheme.Granularity.PerTensor;
import io.octavo.engine.scheme.Granularity.PerTensorGroup;
import io.octavo.engine.scheme.Quantization;
import io.octavo.engine.scheme.Scheme;
import io.octavo.engine.solve.scale.RangeScales;
import io.octavo.engine.solve.scale.TileScales;
import io.octavo.engine.solve.scale.WeightFormat;
import io.octavo.kernels.Backends;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.BFloat16;
import io.octavo.kernels.number.CodeFormat;
import io.octavo.kernels.number.DType;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import org.assertj.core.data.Offset;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Codes that are solved, against an f64 twin and against rounding, on inputs whose channels go together. */
class InputSolverTest {

    private static final int ROWS = 128;
    private static final int COLUMNS = 256;
    private static final int TOKENS = 2048;

    /** As peers do it. */
    private static final Gptq ORDINARY = new Gptq(0.01, false, false, false, true, false);

    private static final Gptq BEST = new Gptq();

    private final Backend backend = Backends.cpu(2);

    @AfterEach
    void close() {
        backend.close();
    }

    static List<Quantization> weights() {
        return Scheme.PRESETS.stream().map(Scheme::weights).distinct().toList();
    }

    @ParameterizedTest
    @MethodSource("weights")
    void losesNoMoreThanAHundredthBesideTheTwin(Quantization quantization) {
        double[][] h = moments(new Random(1));
        float[] numbers = numbers(new Random(2));
        SolvableWeight weight = weight(quantization, numbers);
        WeightFormat format = weight.format(weight.absmax());
        var scales = new RangeScales().choose(numbers, format);
        double twin = ReferenceGptq.loss(numbers, ReferenceGptq.solve(numbers, h, 0.01, scales, format), h);

        InputSolver.Result result = solve(ORDINARY, h, weight, 2);
        assertThat(result.solved()).isTrue();
        assertThat(result.loss()).isLessThan(1.01 * twin).isLessThan(result.plainLoss());
        assertThat(ReferenceGptq.loss(numbers, stored(result.weight()), h))
                .isCloseTo(result.loss(), Percentage.withPercentage(0.1));
    }

    @ParameterizedTest
    @MethodSource("weights")
    void everythingThatIsKnownLosesLess(Quantization quantization) {
        double[][] h = moments(new Random(3));
        SolvableWeight weight = weight(quantization, numbers(new Random(4)));
        double ordinary = solve(ORDINARY, h, weight, 2).loss();
        double best = solve(BEST, h, weight, 2).loss();
        // Eight bits leave little to gain beside the rounding of what is solved in f32.
        assertThat(best).isLessThan((quantization.type().bits() == 4 ? 0.92 : 1) * ordinary);
    }

    /** One number after the other, under the scale of its tile. */
    @ParameterizedTest
    @MethodSource("weights")
    void plainRoundingTakesTheNearestCodes(Quantization quantization) {
        float[] numbers = numbers(new Random(11));
        SolvableWeight weight = weight(quantization, numbers);
        WeightFormat format = weight.format(weight.absmax());
        TileScales scales = new RangeScales().choose(numbers, format);

        SolvedWeight rounded;
        try (Stream stream = backend.newStream()) {
            rounded = new PlainRounding(backend, stream, JobMonitor.none()).round(weight, weight.absmax());
        }

        assertThat(rounded.scales().scales()).isEqualTo(scales.scales());
        assertThat(rounded.scales().zeroPoints()).isEqualTo(scales.zeroPoints());
        byte[] codes = new byte[ROWS * COLUMNS];
        rounded.readCodes(0, ROWS, codes);
        for (int i = 0; i < codes.length; i++) {
            int height = Math.min(format.tileRows(), ROWS);
            int tile = i / COLUMNS / height * format.groups() + i % COLUMNS / format.tileColumns();
            float scale = scales.scales()[tile] * (1 / format.divisor());
            int code = format.codes().code(numbers[i] / scale, scales.zeroPoint(tile));
            assertThat(codes[i]).as("code %d", i).isEqualTo((byte) code);
        }
    }

    @Test
    void orderAndRefinementPayEachByItself() {
        double[][] h = moments(new Random(5));
        SolvableWeight weight = weight(Scheme.named("W4A16_G64").weights(), numbers(new Random(6)));
        double ordinary = solve(ORDINARY, h, weight, 2).loss();
        assertThat(solve(new Gptq(0.01, true, false, false, true, false), h, weight, 2)
                        .loss())
                .isLessThan(ordinary);
        assertThat(solve(new Gptq(0.01, false, true, false, true, false), h, weight, 2)
                        .loss())
                .isLessThan(0.97 * ordinary);
        assertThat(solve(new Gptq(0.01, false, false, true, true, false), h, weight, 2)
                        .loss())
                .isLessThan(0.95 * ordinary);
    }

    @ParameterizedTest
    @MethodSource("weights")
    void weightsOfOneInputAreSolvedAsEachAlone(Quantization quantization) {
        double[][] h = moments(new Random(13));
        List<SolvableWeight> weights = IntStream.range(14, 17)
                .mapToObj(seed -> weight(quantization, numbers(new Random(seed))))
                .toList();
        List<InputSolver.Result> together = solve(BEST, h, weights, 1, 2);
        for (int i = 0; i < weights.size(); i++) {
            InputSolver.Result alone =
                    solve(BEST, h, List.of(weights.get(i)), 1, 2).getFirst();
            InputSolver.Result result = together.get(i);
            assertThat(result.weight().codes()).isEqualTo(alone.weight().codes());
            assertThat(result.weight().scales().scales())
                    .isEqualTo(alone.weight().scales().scales());
            assertThat(result.weight().scales().zeroPoints())
                    .isEqualTo(alone.weight().scales().zeroPoints());
            assertThat(result.loss()).isEqualTo(alone.loss());
            assertThat(result.plainLoss()).isEqualTo(alone.plainLoss());
        }
    }

    /** All but those whose scales depend on numbers of the whole weight. */
    static List<Quantization> weightsByThemselves() {
        return weights().stream()
                .filter(quantization -> !(quantization.granularity() instanceof PerTensor)
                        && !(quantization.granularity() instanceof PerTensorGroup))
                .toList();
    }

    /** One of them sees no token, and one's channels cannot be told apart. */
    @ParameterizedTest
    @MethodSource("weightsByThemselves")
    void weightsOfSeveralInputsAreSolvedAsEachAlone(Quantization quantization) {
        List<double[][]> inputs =
                List.of(moments(new Random(20)), new double[COLUMNS][COLUMNS], alike(), moments(new Random(21)));
        List<List<SolvableWeight>> weights = IntStream.range(0, inputs.size())
                .mapToObj(i -> IntStream.range(0, 2)
                        .mapToObj(j -> weight(quantization, numbers(new Random(30 + 2 * i + j))))
                        .toList())
                .toList();
        var settings = new Gptq(1e-12, true, true, true, true, false);
        assertThat(InputSolver.atOnce(weights, false)).isEqualTo(inputs.size());
        List<InputSolver.Result> together = solveAll(settings, inputs, weights);
        for (int i = 0; i < inputs.size(); i++) {
            List<InputSolver.Result> alone = solveAll(settings, inputs.subList(i, i + 1), weights.subList(i, i + 1));
            for (int j = 0; j < 2; j++) {
                InputSolver.Result result = together.get(2 * i + j);
                assertThat(result.weight().codes())
                        .isEqualTo(alone.get(j).weight().codes());
                assertThat(result.weight().scales().scales())
                        .isEqualTo(alone.get(j).weight().scales().scales());
                assertThat(result.loss()).isEqualTo(alone.get(j).loss());
                assertThat(result.plainLoss()).isEqualTo(alone.get(j).plainLoss());
                assertThat(result.solved()).isEqualTo(alone.get(j).solved());
            }
        }
        assertThat(together.getFirst().solved()).isTrue();
        assertThat(together.get(2).solved()).isFalse();
        assertThat(together.getLast().solved()).isTrue();
    }

    private static double[][] alike() {
        double[][] h = new double[COLUMNS][COLUMNS];
        for (double[] row : h) {
            Arrays.fill(row, 1);
        }
        return h;
    }

    private static List<InputSolver.Result> solveAll(
            Gptq settings, List<double[][]> inputs, List<List<SolvableWeight>> weights) {
        int count = inputs.size();
        float[] sums = new float[count * COLUMNS * COLUMNS];
        for (int i = 0; i < sums.length; i++) {
            sums[i] = (float) (inputs.get(i / COLUMNS / COLUMNS)[i / COLUMNS % COLUMNS][i % COLUMNS] * TOKENS);
        }
        try (Backend backend = Backends.cpu(2);
                Stream stream = backend.newStream();
                DeviceBuffer memory = backend.allocate("test", (long) sums.length * Float.BYTES)) {
            memory.copyFrom(MemorySegment.ofArray(sums), 0, stream);
            Matrix matrix = Matrix.of(memory, DType.F32, (long) count * COLUMNS, COLUMNS);
            var seen = new InputMoments(matrix, Optional.empty(), Collections.nCopies(count, (long) TOKENS));
            try (var solver = new InputSolver(backend, stream, JobMonitor.none(), settings, seen)) {
                return solver.solveAll(weights, Map.of());
            }
        }
    }

    @Test
    void threadsDecideNothing() {
        double[][] h = moments(new Random(7));
        SolvableWeight weight = weight(Scheme.named("W4A16_ASYM_G32").weights(), numbers(new Random(8)));
        SolvedWeight one = solve(BEST, h, weight, 1).weight();
        SolvedWeight many = solve(BEST, h, weight, 5).weight();
        assertThat(many.codes()).isEqualTo(one.codes());
        assertThat(many.scales().scales()).isEqualTo(one.scales().scales());
        assertThat(many.scales().zeroPoints()).isEqualTo(one.scales().zeroPoints());
    }

    @Test
    void channelsThatAreAlwaysZeroAreRounded() {
        double[][] h = moments(new Random(9));
        for (int dead : new int[] {0, 17, COLUMNS - 1}) {
            Arrays.fill(h[dead], 0);
            for (double[] row : h) {
                row[dead] = 0;
            }
        }
        float[] numbers = numbers(new Random(10));
        SolvableWeight weight = weight(Scheme.named("W4A16_G64").weights(), numbers);
        InputSolver.Result result = solve(ORDINARY, h, weight, 2);
        assertThat(result.solved()).isTrue();
        double[] stored = stored(result.weight());
        for (int dead : new int[] {0, 17, COLUMNS - 1}) {
            for (int row = 0; row < ROWS; row++) {
                int tile = row * weight.format(0).groups() + dead / 64;
                float scale = result.weight().scales().scales()[tile];
                assertThat(stored[row * COLUMNS + dead])
                        .isCloseTo(numbers[row * COLUMNS + dead], Offset.offset(0.52 * scale));
            }
        }
    }

    @Test
    void anInputThatNoTokenReachedIsRounded() {
        SolvableWeight weight = weight(Scheme.named("W4A16_G64").weights(), numbers(new Random(11)));
        InputSolver.Result result = solve(BEST, new double[COLUMNS][COLUMNS], weight, 2);
        assertThat(result.solved()).isFalse();
        assertThat(result.loss()).isZero();
    }

    /** Two channels that are the same cannot be told apart: dampening makes up for it. */
    @Test
    void singularMomentsAreDamped() {
        double[][] h = alike();
        SolvableWeight weight = weight(Scheme.named("W4A16_G64").weights(), numbers(new Random(12)));
        InputSolver.Result result = solve(new Gptq(1e-12, true, true, true, true, false), h, weight, 2);
        assertThat(result.loss()).isLessThanOrEqualTo(result.plainLoss());
    }

    private InputSolver.Result solve(Gptq settings, double[][] h, SolvableWeight weight, int threads) {
        return solve(settings, h, List.of(weight), weight.absmax(), threads).getFirst();
    }

    private static List<InputSolver.Result> solve(
            Gptq settings, double[][] h, List<SolvableWeight> weights, float absmax, int threads) {
        float[] sums = new float[COLUMNS * COLUMNS];
        for (int i = 0; i < sums.length; i++) {
            sums[i] = (float) (h[i / COLUMNS][i % COLUMNS] * TOKENS);
        }
        try (Backend backend = Backends.cpu(threads);
                Stream stream = backend.newStream();
                DeviceBuffer memory = backend.allocate("test", (long) sums.length * Float.BYTES)) {
            memory.copyFrom(MemorySegment.ofArray(sums), 0, stream);
            Matrix matrix = Matrix.of(memory, DType.F32, COLUMNS, COLUMNS);
            var seen = new InputMoments(matrix, Optional.empty(), TOKENS);
            try (var solver = new InputSolver(backend, stream, JobMonitor.none(), settings, seen)) {
                return solver.solve(weights, Map.of(List.of(), absmax));
            }
        }
    }

    private static SolvableWeight weight(Quantization quantization, float[] numbers) {
        CodeFormat codes = new WeightFormat(quantization, DType.BF16, COLUMNS, 0).codes();
        return new SolvableWeight(
                "test",
                quantization,
                codes == CodeFormat.INT8 ? CodeFormat.INT8_OFFSET : codes,
                DType.BF16,
                ROWS,
                COLUMNS,
                List.of(),
                (from, to) -> Arrays.copyOfRange(numbers, from * COLUMNS, to * COLUMNS));
    }

    private static double[] stored(SolvedWeight weight) {
        byte[] codes = new byte[ROWS * COLUMNS];
        float[] scales = new float[ROWS * weight.groups()];
        byte[] zeroPoints = new byte[scales.length];
        weight.readCodes(0, ROWS, codes);
        weight.readScales(0, ROWS, scales);
        weight.readZeroPoints(0, ROWS, zeroPoints);
        double[] numbers = new double[codes.length];
        for (int i = 0; i < codes.length; i++) {
            int group = i / COLUMNS * weight.groups()
                    + i % COLUMNS / weight.format().tileColumns();
            float code = weight.quantization().type().number(codes[i]) - zeroPoints[group];
            numbers[i] = code * scales[group] * weight.globalScale();
        }
        return numbers;
    }

    private static float[] numbers(Random random) {
        float[] numbers = new float[ROWS * COLUMNS];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = BFloat16.toFloat(BFloat16.fromFloat((float) random.nextGaussian() / 16));
        }
        return numbers;
    }

    /** Of channels of unlike sizes that share a few causes, as those of models do. */
    private static double[][] moments(Random random) {
        int causes = COLUMNS / 4;
        double[][] mixing = new double[COLUMNS][causes + 1];
        for (double[] row : mixing) {
            double size = Math.exp(random.nextGaussian());
            for (int i = 0; i <= causes; i++) {
                row[i] = size * random.nextGaussian();
            }
        }
        double[][] h = new double[COLUMNS][COLUMNS];
        for (int i = 0; i < COLUMNS; i++) {
            for (int j = 0; j < COLUMNS; j++) {
                for (int k = 0; k < causes; k++) {
                    h[i][j] += mixing[i][k] * mixing[j][k];
                }
            }
            h[i][i] *= 1.2;
        }
        return h;
    }
}
