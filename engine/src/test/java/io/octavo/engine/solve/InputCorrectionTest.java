package io.octavo.engine.solve;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.engine.modify.Gptq;
import io.octavo.engine.request.JobMonitor;
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
import io.octavo.kernels.number.DType;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Weights that make up for errors of their inputs, against an f64 twin that inverts densely. */
class InputCorrectionTest {

    private static final int ROWS = 48;
    private static final int COLUMNS = 64;
    private static final int TOKENS = 4096;

    /** So few that what is explained by chance counts. */
    private static final int FEW_TOKENS = 512;

    private static final double DAMPENING = 0.01;
    private static final Gptq SETTINGS = new Gptq(DAMPENING, true, false, false, true, true);

    private final Backend backend = Backends.cpu(2);
    private final Quantization quantization = Scheme.named("W4A16_G32").weights();
    private final float[] weights = numbers(new Random(1), ROWS * COLUMNS, 0.06);

    @AfterEach
    void close() {
        backend.close();
    }

    @Test
    void aimsWhereTheTwinAims() {
        var inputs = new Inputs(new Random(2), FEW_TOKENS, 0.1, 0.2);
        float[] aim = twin(inputs, FEW_TOKENS);
        InputSolver.Result result = solve(inputs, FEW_TOKENS);
        assertThat(result.plainLoss())
                .isCloseTo(ReferenceGptq.loss(aim, rounded(), inputs.h()), Percentage.withPercentage(0.2));
        assertThat(result.loss())
                .isCloseTo(
                        ReferenceGptq.loss(aim, stored(result.weight()), inputs.h()), Percentage.withPercentage(0.2));
    }

    @Test
    void givesMoreOfWhatTheOriginalGives() {
        var inputs = new Inputs(new Random(3), TOKENS, 0.1, 0.05);
        double matched = inputs.error(weights, stored(solve(inputs, TOKENS).weight()));
        double alone =
                inputs.error(weights, stored(solve(inputs.alone(), TOKENS).weight()));
        assertThat(matched).isLessThan(0.8 * alone);
    }

    @Test
    void takesNothingFromChance() {
        for (int tokens : new int[] {COLUMNS / 2, COLUMNS, 2 * COLUMNS}) {
            var inputs = new Inputs(new Random(4), tokens, 0, 0.3);
            assertThat(solve(inputs, tokens).weight().codes())
                    .isEqualTo(solve(inputs.alone(), tokens).weight().codes());
        }
    }

    @Test
    void originalsThatAreTheSameChangeNothing() {
        var inputs = new Inputs(new Random(5), TOKENS, 0, 0);
        assertThat(solve(inputs, TOKENS).weight().codes())
                .isEqualTo(solve(inputs.alone(), TOKENS).weight().codes());
    }

    /** What solved Linears give, and what original ones do: a little of another mixture, and noise. */
    @SuppressWarnings("ArrayRecordComponent") // Carries two matrices out of a method; nobody compares it.
    private record Inputs(double[][] solved, double[][] original) {

        Inputs(Random random, int tokens, double mixed, double noise) {
            this(new double[tokens][COLUMNS], new double[tokens][COLUMNS]);
            float[] sizes = numbers(random, COLUMNS, 1);
            float[] mixture = numbers(random, COLUMNS * COLUMNS, mixed);
            for (int token = 0; token < tokens; token++) {
                double cause = random.nextGaussian();
                for (int i = 0; i < COLUMNS; i++) {
                    solved[token][i] = Math.exp(sizes[i]) * (random.nextGaussian() + cause);
                }
                for (int i = 0; i < COLUMNS; i++) {
                    original[token][i] = solved[token][i] + noise * random.nextGaussian();
                    for (int j = 0; j < COLUMNS && mixed > 0; j++) {
                        original[token][i] += solved[token][j] * mixture[i * COLUMNS + j] / 8;
                    }
                }
            }
        }

        Inputs alone() {
            return new Inputs(solved, new double[0][]);
        }

        double[][] h() {
            return products(solved, solved);
        }

        /** E of {@code left rightᵀ}. */
        private static double[][] products(double[][] left, double[][] right) {
            double[][] products = new double[COLUMNS][COLUMNS];
            for (int token = 0; token < left.length; token++) {
                for (int i = 0; i < COLUMNS; i++) {
                    for (int j = 0; j < COLUMNS; j++) {
                        products[i][j] += left[token][i] * right[token][j] / left.length;
                    }
                }
            }
            return products;
        }

        double[][] differences() {
            double[][] differences = new double[solved.length][COLUMNS];
            for (int token = 0; token < original.length; token++) {
                for (int i = 0; i < COLUMNS; i++) {
                    differences[token][i] = original[token][i] - solved[token][i];
                }
            }
            return differences;
        }

        /** {@code |W x - V x'|²} */
        double error(float[] weights, double[] solvedWeights) {
            double error = 0;
            for (int token = 0; token < solved.length; token++) {
                for (int row = 0; row < ROWS; row++) {
                    double difference = 0;
                    for (int i = 0; i < COLUMNS; i++) {
                        difference += weights[row * COLUMNS + i] * original[token][i]
                                - solvedWeights[row * COLUMNS + i] * solved[token][i];
                    }
                    error += difference * difference;
                }
            }
            return error;
        }

        /** Sums of products, and of the differences' products and squares where there are any. */
        float[] sums() {
            double[][] differences = differences();
            double[][] moments = h();
            double[][] products = products(differences, solved);
            double[][] squares = products(differences, differences);
            float[] sums = new float[COLUMNS * (2 * COLUMNS + 1)];
            for (int i = 0; i < COLUMNS; i++) {
                for (int j = 0; j < COLUMNS; j++) {
                    sums[i * COLUMNS + j] = (float) (moments[i][j] * solved.length);
                    sums[(COLUMNS + i) * COLUMNS + j] = (float) (products[i][j] * solved.length);
                }
                sums[2 * COLUMNS * COLUMNS + i] = (float) (squares[i][i] * solved.length);
            }
            return sums;
        }

        boolean paired() {
            return original.length > 0;
        }
    }

    /** {@code W + kept W M (H + λ)⁻¹} */
    private float[] twin(Inputs inputs, int tokens) {
        double[][] differences = inputs.differences();
        double[][] m = Inputs.products(differences, inputs.solved());
        double[][] damped = inputs.h();
        double mean = 0;
        double total = 0;
        double[][] squares = Inputs.products(differences, differences);
        for (int i = 0; i < COLUMNS; i++) {
            mean += damped[i][i] / COLUMNS;
            total += squares[i][i];
        }
        for (int i = 0; i < COLUMNS; i++) {
            damped[i][i] += DAMPENING * mean;
        }
        double[][] p = product(m, ReferenceGptq.inverse(damped));
        double explained = 0;
        for (int i = 0; i < COLUMNS; i++) {
            for (int j = 0; j < COLUMNS; j++) {
                explained += p[i][j] * m[i][j];
            }
        }
        double kept = 1 - 2 * (total - explained) / explained * COLUMNS / (tokens - COLUMNS);
        assertThat(kept).isBetween(0.5, 0.98);
        float[] aim = weights.clone();
        for (int row = 0; row < ROWS; row++) {
            for (int i = 0; i < COLUMNS; i++) {
                for (int j = 0; j < COLUMNS; j++) {
                    aim[row * COLUMNS + j] += (float) (kept * weights[row * COLUMNS + i] * p[i][j]);
                }
            }
        }
        return aim;
    }

    private static double[][] product(double[][] left, double[][] right) {
        double[][] product = new double[COLUMNS][COLUMNS];
        for (int i = 0; i < COLUMNS; i++) {
            for (int j = 0; j < COLUMNS; j++) {
                for (int k = 0; k < COLUMNS; k++) {
                    product[i][j] += left[i][k] * right[k][j];
                }
            }
        }
        return product;
    }

    private InputSolver.Result solve(Inputs inputs, int tokens) {
        float[] sums = inputs.sums();
        try (Stream stream = backend.newStream();
                DeviceBuffer memory = backend.allocate("test", (long) sums.length * Float.BYTES)) {
            memory.copyFrom(MemorySegment.ofArray(sums), 0, stream);
            Matrix rows = Matrix.of(memory, DType.F32, 2 * COLUMNS + 1, COLUMNS);
            var differences = new InputMoments.Differences(
                    rows.rows(COLUMNS, 2 * COLUMNS), rows.rows(2 * COLUMNS, 2 * COLUMNS + 1));
            var seen = new InputMoments(
                    rows.rows(0, COLUMNS), Optional.of(differences).filter(some -> inputs.paired()), tokens);
            try (var solver = new InputSolver(backend, stream, JobMonitor.none(), SETTINGS, seen)) {
                return solver.solve(List.of(weight()), Map.of(List.of(), weight().absmax()))
                        .getFirst();
            }
        }
    }

    private SolvableWeight weight() {
        return new SolvableWeight(
                "test",
                quantization,
                new WeightFormat(quantization, DType.F32, COLUMNS, 0).codes(),
                DType.F32,
                ROWS,
                COLUMNS,
                List.of(),
                (from, to) -> Arrays.copyOfRange(weights, from * COLUMNS, to * COLUMNS));
    }

    /** To the nearest codes. */
    private double[] rounded() {
        WeightFormat format = weight().format(0);
        TileScales scales = new RangeScales().choose(weights, format);
        double[] rounded = new double[weights.length];
        for (int i = 0; i < rounded.length; i++) {
            float scale = scales.scales()[i / format.tileColumns()];
            rounded[i] = format.codes().code(weights[i] / scale, 0) * (double) scale;
        }
        return rounded;
    }

    private static double[] stored(SolvedWeight weight) {
        byte[] codes = new byte[ROWS * COLUMNS];
        weight.readCodes(0, ROWS, codes);
        double[] numbers = new double[codes.length];
        for (int i = 0; i < codes.length; i++) {
            numbers[i] = codes[i]
                    * (double) weight.scales().scales()[i / weight.format().tileColumns()];
        }
        return numbers;
    }

    private static float[] numbers(Random random, int count, double size) {
        float[] numbers = new float[count];
        for (int i = 0; i < count; i++) {
            numbers[i] = (float) (size * random.nextGaussian());
        }
        return numbers;
    }
}
