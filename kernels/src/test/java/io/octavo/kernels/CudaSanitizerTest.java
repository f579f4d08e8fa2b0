package io.octavo.kernels;

import io.octavo.kernels.attention.Attention;
import io.octavo.kernels.attention.KvCacheLayout;
import io.octavo.kernels.attention.KvCacheTensor;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.ScaledMatrix;
import io.octavo.kernels.number.CodeFormat;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.number.ScaleFormat;
import io.octavo.kernels.operation.FusedSteps;
import io.octavo.kernels.operation.GatedActivation;
import io.octavo.kernels.operation.Sampling;
import io.octavo.kernels.quantization.CodeRefinement;
import io.octavo.kernels.quantization.GptqSweep;
import io.octavo.kernels.quantization.QuantizationError;
import io.octavo.kernels.quantization.QuantizeTiles;
import io.octavo.kernels.quantization.ScaleSearch;
import io.octavo.kernels.quantization.Scaling;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.function.IntFunction;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Launches every kernel once or twice at awkward sizes, for {@code compute-sanitizer}, under which the contract tests
 * would take hours. What comes out is for those to check.
 */
@Tag("gpu")
class CudaSanitizerTest extends BackendContract {

    private static final IntFunction<Backend> OPEN = CudaDevice::open;

    CudaSanitizerTest() {
        super(OPEN);
    }

    @Test
    void rowsAndElements() {
        for (int columns : new int[] {37, 1168, 20000}) {
            RandomGenerator random = random(columns);
            Matrix x = inOut(3, columns, gaussian(random, 3 * columns, 1));
            Matrix y = inOut(3, columns, gaussian(random, 3 * columns, 1));
            for (DType type : new DType[] {DType.F32, DType.BF16, DType.F16}) {
                Matrix typed = input(type, 3, columns, gaussian(random, 3 * columns, 1));
                for (DType code : new DType[] {DType.F8_E4M3, DType.I8}) {
                    backend.operations()
                            .quantizeRows()
                            .quantize(typed, output(code, 3, columns), output(type, 3, 1), 448, ints(0), stream);
                }
                backend.operations().rmsNorm().normalize(x, typed.rows(0, 1), 0, 1e-5f, y, stream);
                for (ScaledMatrix rounded : rounded(3, columns)) {
                    backend.operations()
                            .fusedSteps()
                            .normalize(
                                    new FusedSteps.Normalization(x, y, typed.rows(0, 1), 0, 1e-5f, y, rounded, 448),
                                    stream);
                }
                backend.operations().add().accumulate(x, typed, stream);
                backend.operations().add().accumulate(x, typed.rows(1, 2), stream);
                backend.operations().convert().convert(x, output(type, 3, columns), stream);
                backend.operations().embedding().gather(typed, ints(2, 5, 0), 1, y, stream);
                backend.operations()
                        .quantizationError()
                        .measure(
                                new QuantizationError.Arguments(
                                        typed,
                                        output(DType.U8, 3, columns),
                                        output(DType.F32, QuantizationError.CODEBOOK_ROWS, QuantizationError.CODES),
                                        output(DType.F32, 3, Math.ceilDiv(columns, 128)),
                                        output(DType.I8, 3, Math.ceilDiv(columns, 128)),
                                        128,
                                        1,
                                        output(DType.F64, 3, QuantizationError.COLUMNS),
                                        output(DType.F32, 3, 2L * Math.ceilDiv(columns, 128))),
                                stream);
            }
            for (GatedActivation.Function function : GatedActivation.Function.values()) {
                backend.operations().gatedActivation().apply(function, x, y, x, stream);
                for (ScaledMatrix rounded : rounded(3, columns)) {
                    backend.operations()
                            .fusedSteps()
                            .activate(new FusedSteps.Activation(function, x, y, rounded, 448), stream);
                }
            }
            backend.operations().crossEntropy().loss(x, ints(1, -100, columns), output(DType.F32, 1, 3), stream);
            backend.operations().softcap().cap(x, 30, stream);
            backend.operations().argMax().find(x, output(DType.I32, 1, 3), stream);
            backend.operations().divergence().compare(x, y, output(DType.F32, 1, 3), output(DType.I32, 1, 3), stream);
            sample(x);
        }
    }

    private List<ScaledMatrix> rounded(int rows, int columns) {
        return List.of(
                ScaledMatrix.plain(output(DType.F32, rows, columns)),
                ScaledMatrix.plain(output(DType.BF16, rows, columns)),
                new ScaledMatrix(output(DType.F8_E4M3, rows, columns), output(DType.F32, rows, 1)),
                new ScaledMatrix(output(DType.I8, rows, columns), output(DType.F32, rows, 1)));
    }

    private void sample(Matrix logits) {
        int words = Math.ceilDiv((int) logits.columns(), 32);
        Matrix seen = intMatrix(3, words, new int[3 * words]);
        int[] requests = IntStream.of(0, 1, 2)
                .mapToObj(step -> new Sampling.Request(step, 20, 0.9f, 0.01f, 1.1f, 1, 2, step))
                .flatMapToInt(request -> IntStream.of(request.encode()))
                .toArray();
        backend.operations()
                .sampling()
                .sample(logits, intMatrix(3, Sampling.REQUEST_WORDS, requests), seen, output(DType.I32, 1, 3), stream);
    }

    @Test
    void tiles() {
        RandomGenerator random = random(1);
        for (DType type : new DType[] {DType.F32, DType.BF16, DType.F16}) {
            for (int columns : new int[] {300, 384}) {
                Matrix x = input(type, 37, columns, gaussian(random, 37 * columns, 1));
                for (CodeFormat format : CodeFormat.values()) {
                    for (int width : new int[] {32, 50, columns}) {
                        tiles(x, format, new QuantizeTiles.Tile(1, width), new Scaling.Absmax(6), type);
                        tiles(x, format, new QuantizeTiles.Tile(16, width), new Scaling.PowerOfTwo(2), DType.U8);
                        if (format.isInteger()) {
                            tiles(x, format, new QuantizeTiles.Tile(1, width), new Scaling.Range(), type);
                        }
                    }
                }
                tiles(x, CodeFormat.E2M1, new QuantizeTiles.Tile(1, 16), new Scaling.Relative(6, 300), DType.F8_E4M3);
                Matrix counts = output(DType.I64, 1, 2049);
                backend.operations().observeHistogram().observe(x, 3, counts, stream);
                for (int groups : new int[] {1, 3, columns}) {
                    backend.operations().observeRange().observe(x, inOut(groups, 2, new float[2 * groups]), stream);
                }
            }
        }
        Matrix x = inOut(5, 384, gaussian(random, 5 * 384, 1));
        for (int group : new int[] {32, 48, 384}) {
            backend.operations().fakeQuantize().apply(x, CodeFormat.E4M3, group, new Scaling.Absmax(448), x, stream);
            backend.operations().fakeQuantize().apply(x, CodeFormat.INT8, group, new Scaling.Range(), x, stream);
            Matrix scales = output(DType.F32, 1, 384 / group);
            backend.operations().fakeQuantize().applyFixed(x, CodeFormat.E2M1, scales, 0, x, stream);
        }
    }

    private void tiles(Matrix x, CodeFormat format, QuantizeTiles.Tile tile, Scaling scaling, DType scaleType) {
        long rows = Math.ceilDiv(x.rows(), tile.rows());
        long columns = Math.ceilDiv(x.columns(), tile.columns());
        Matrix zeroPoints = scaling instanceof Scaling.Range ? output(DType.I8, rows, columns) : null;
        Matrix codes = output(DType.U8, x.rows(), format.rowBytes(x.columns()));
        Matrix scales = output(scaleType, rows, columns);
        backend.operations()
                .quantizeTiles()
                .quantize(
                        new QuantizeTiles.Arguments(x, format, tile, scaling, codes, scales, zeroPoints, ints(0)),
                        stream);
    }

    @Test
    void inverseFactor() {
        float[] identities = new float[2 * 200 * 200];
        for (int i = 0; i < 400; i++) {
            identities[i * 200 + i % 200] = 1;
        }
        Matrix matrices = inOut(400, 200, identities);
        backend.operations().inverseFactor().factor(matrices, output(DType.I32, 1, 2), stream);
        for (boolean transposed : new boolean[] {false, true}) {
            backend.operations()
                    .inverseFactor()
                    .triangle(matrices.rows(200, 400), transposed, output(DType.F32, 200, 200), stream);
        }
    }

    @Test
    void codeRefinement() {
        for (CodeFormat format : CodeFormat.values()) {
            for (int groupColumns : new int[] {50, 200}) {
                int groups = Math.ceilDiv(330, groupColumns);
                float[] scales = new float[74 * groups];
                Arrays.fill(scales, 0.25f);
                Matrix codes = output(DType.U8, 74, format.rowBytes(330));
                codes.buffer().fill((byte) 0x22, stream);
                guard(codes);
                backend.operations()
                        .codeRefinement()
                        .refine(
                                new CodeRefinement.Arguments(
                                        input(DType.BF16, 74, 330, gaussian(random(1), 74 * 330, 1)),
                                        inOut(660, 330, gaussian(random(2), 660 * 330, 1)),
                                        format,
                                        new QuantizeTiles.Tile(1, groupColumns),
                                        ScaleFormat.E4M3,
                                        2,
                                        inOut(74, groups, scales),
                                        format.isInteger() ? input(DType.I8, 74, groups, new float[74 * groups]) : null,
                                        codes,
                                        2,
                                        output(DType.F32, 1, 74)),
                                stream);
            }
        }
    }

    @Test
    void gptqSweep() {
        int[] order = IntStream.range(0, 660).map(i -> 329 - i % 330).toArray();
        float[] identities = new float[2 * 330 * 330];
        for (int i = 0; i < 660; i++) {
            identities[i * 330 + i % 330] = 1;
        }
        for (CodeFormat format : CodeFormat.values()) {
            backend.operations()
                    .gptqSweep()
                    .quantize(
                            new GptqSweep.Arguments(
                                    input(DType.BF16, 74, 330, gaussian(random(1), 74 * 330, 1)),
                                    inOut(660, 330, identities),
                                    intMatrix(2, 330, order),
                                    format,
                                    inOut(74, 3, gaussian(random(1), 3 * 74, 1)),
                                    format.isInteger() ? input(DType.I8, 74, 3, new float[3 * 74]) : null,
                                    128,
                                    output(DType.U8, 74, format.rowBytes(330)),
                                    output(DType.F32, 1, 74)),
                            stream);
        }
    }

    @Test
    void secondMoments() {
        for (int columns : new int[] {300, 776}) {
            Matrix tokens = input(DType.BF16, 150, columns, gaussian(random(1), 150 * columns, 1));
            Matrix sums = inOut(columns, columns, new float[columns * columns]);
            backend.operations().secondMoments().accumulate(tokens, sums, stream);
            backend.operations().secondMoments().accumulate(tokens, tokens, sums, stream);
            backend.operations()
                    .secondMoments()
                    .accumulateGroups(
                            tokens,
                            ints(0, 70, 70, 150),
                            inOut(3L * columns, columns, new float[3 * columns * columns]),
                            ints(0, 0, 0),
                            stream);
            Matrix numbers = inOut(7, columns, new float[7 * columns]);
            backend.operations().secondMoments().squares(numbers, output(DType.F32, 1, columns), stream);
            backend.operations().secondMoments().mirror(sums, stream);
            int[] order = IntStream.range(0, columns).map(i -> columns - 1 - i).toArray();
            Matrix arranged = output(DType.F32, columns, columns);
            backend.operations().secondMoments().arrange(sums, ints(order), inOut(1, 2, 0.5f, 1), arranged, stream);
            backend.operations().secondMoments().diagonal(sums, output(DType.F32, 1, columns), stream);
        }
    }

    @Test
    void scaleSearch() {
        for (CodeFormat format : CodeFormat.values()) {
            for (QuantizeTiles.Tile tile : new QuantizeTiles.Tile[] {
                new QuantizeTiles.Tile(1, 50), new QuantizeTiles.Tile(5, 200), new QuantizeTiles.Tile(1, 4096)
            }) {
                long groups = Math.ceilDiv(330L, tile.columns());
                long tilesDown = Math.ceilDiv(37L, tile.rows());
                backend.operations()
                        .scaleSearch()
                        .search(
                                new ScaleSearch.Arguments(
                                        input(DType.BF16, 37, 330, gaussian(random(1), 37 * 330, 1)),
                                        inOut(1, 330, gaussian(random(2), 330, 1)),
                                        format,
                                        tile,
                                        0,
                                        format.highest(),
                                        ScaleFormat.BF16,
                                        1,
                                        new ScaleSearch.Reach(32, 16, 8, 4),
                                        output(DType.F32, tilesDown, groups),
                                        format.isInteger() ? output(DType.I8, tilesDown, groups) : null,
                                        output(DType.U8, 37, format.rowBytes(330))),
                                stream);
            }
        }
    }

    @Test
    void products() {
        int k = 336;
        RandomGenerator random = random(1);
        for (DType type : new DType[] {DType.F32, DType.BF16, DType.F16, DType.F8_E4M3, DType.I8}) {
            Matrix w = input(type, 301, k, gaussian(random, 301 * k, 30));
            Matrix scales = input(DType.F32, 301, 1, gaussian(random, 301, 1));
            for (int m : new int[] {1, 2, 7, 13, 17, 150}) {
                Matrix out = output(DType.F32, m, 301);
                Matrix half = input(DType.BF16, m, k, gaussian(random, m * k, 1));
                Matrix same = input(type, m, k, gaussian(random, m * k, 1));
                backend.operations()
                        .matMul()
                        .multiply(ScaledMatrix.plain(half), new ScaledMatrix(w, scales), out, stream);
                backend.operations()
                        .matMul()
                        .multiply(ScaledMatrix.plain(same), new ScaledMatrix(w, scales), out, stream);
                List<ScaledMatrix> two = List.of(new ScaledMatrix(w, scales), new ScaledMatrix(w, scales));
                List<Matrix> outs = List.of(out, output(DType.F32, m, 301));
                backend.operations().matMul().multiplyAll(ScaledMatrix.plain(same), two, outs, stream);
            }
        }
        for (DType type : new DType[] {DType.F8_E4M3, DType.I8}) {
            Matrix w = input(type, 301, 640, gaussian(random, 301 * 640, 30));
            for (int groups : new int[] {1, 5, 20}) {
                Matrix scales = input(DType.F32, 301, groups, gaussian(random, 301 * groups, 1));
                for (int m : new int[] {3, 13, 29, 61, 70}) {
                    Matrix a = input(DType.BF16, m, 640, gaussian(random, m * 640, 1));
                    Matrix out = output(DType.F32, m, 301);
                    backend.operations()
                            .matMul()
                            .multiply(ScaledMatrix.plain(a), new ScaledMatrix(w, scales), out, stream);
                    Matrix packed = output(DType.U8, 301, 320);
                    backend.operations().packedMatMul().multiply(a, packed, scales, out, stream);
                    List<Matrix> outs = List.of(out, output(DType.F32, m, 301));
                    List<ScaledMatrix> weights = List.of(new ScaledMatrix(w, scales), new ScaledMatrix(w, scales));
                    backend.operations().matMul().multiplyAll(ScaledMatrix.plain(a), weights, outs, stream);
                    backend.operations()
                            .packedMatMul()
                            .multiplyAll(a, List.of(packed, packed), List.of(scales, scales), outs, stream);
                }
            }
        }
        // Numbers of f32 as two of bf16.
        float[] square = gaussian(random, 520 * 520, 1);
        backend.operations()
                .matMul()
                .multiply(
                        ScaledMatrix.plain(input(DType.F32, 520, 520, square)),
                        ScaledMatrix.plain(input(DType.F32, 520, 520, square)),
                        output(DType.F32, 520, 520),
                        stream);
        // A tile of every shape, and slices of k.
        int[][] shapes = {
            {1025, 4200, 160}, {40, 29000, 32}, {120, 29000, 32}, {250, 14001, 32}, {60, 200, 2304}, {128, 130, 2304}
        };
        for (int[] mnk : shapes) {
            int m = mnk[0];
            int n = mnk[1];
            Matrix half = input(DType.BF16, m, mnk[2], gaussian(random, m * mnk[2], 1));
            Matrix out = output(DType.F32, m, n);
            for (DType type : new DType[] {DType.BF16, DType.F8_E4M3, DType.I8}) {
                Matrix a = input(type, m, mnk[2], gaussian(random, m * mnk[2], 30));
                ScaledMatrix w = ScaledMatrix.plain(input(type, n, mnk[2], gaussian(random, n * mnk[2], 30)));
                backend.operations().matMul().multiply(ScaledMatrix.plain(a), w, out, stream);
                backend.operations().matMul().multiply(ScaledMatrix.plain(half), w, out, stream);
            }
            Matrix packed = output(DType.U8, n, mnk[2] / 2);
            int groups = Math.max(mnk[2] / 128, 1);
            Matrix scales = input(DType.BF16, n, mnk[2] % groups == 0 ? groups : 1, new float[n * groups]);
            backend.operations().packedMatMul().multiply(half, packed, scales, out, stream);
        }
    }

    @Test
    void experts() {
        int tokens = 37;
        int columns = 336;
        RandomGenerator random = random(1);
        Matrix chosen = output(DType.I32, tokens, 3);
        Matrix weights = output(DType.F32, tokens, 3);
        Matrix logits = input(DType.F32, tokens, 5, gaussian(random, 5 * tokens, 1));
        backend.operations().expertRouting().route(logits, true, chosen, weights, stream);
        Matrix sources = output(DType.I32, 1, 3L * tokens);
        Matrix rows = output(DType.I32, tokens, 3);
        Matrix starts = output(DType.I32, 1, 6);
        backend.operations().expertOrder().sort(chosen, sources, rows, starts, stream);
        Matrix out = output(DType.F32, 3L * tokens, columns);
        for (DType type : new DType[] {DType.F32, DType.BF16, DType.F8_E4M3}) {
            Matrix a = input(type, 3L * tokens, columns, gaussian(random, 3 * tokens * columns, 1));
            Matrix w = input(type, columns, columns, gaussian(random, columns * columns, 1));
            backend.operations()
                    .groupedMatMul()
                    .multiply(
                            ScaledMatrix.plain(a), starts, Collections.nCopies(5, ScaledMatrix.plain(w)), out, stream);
        }
        backend.operations().expertCombine().combine(out, rows, weights, output(DType.F32, tokens, columns), stream);
    }

    @Test
    void attends() {
        for (DType type : new DType[] {DType.F32, DType.BF16, DType.F8_E4M3, DType.I8}) {
            for (int headDim : new int[] {64, 80, 128}) {
                var layout = new KvCacheLayout(4, 2, headDim);
                Matrix zeros = input(type, layout.rows(), headDim, new float[(int) layout.rows() * headDim]);
                var cache = new KvCacheTensor(
                        zeros,
                        switch (type) {
                            case F8_E4M3 -> input(DType.F32, 1, 2, 1, 2);
                            case I8 -> input(DType.F32, layout.rows(), 1, new float[(int) layout.rows()]);
                            default -> null;
                        });
                Matrix x = inOut(3, 2L * headDim, new float[6 * headDim]);
                Matrix tables = input(DType.F32, 5, headDim / 2, new float[5 * headDim / 2]);
                backend.operations().rope().rotate(x, ints(0, 4, 5), tables, tables, headDim, stream);
                backend.operations().kvCacheWrite().write(x, ints(0, 255, 256), layout, cache, stream);
                Matrix queries = inOut(3, 4L * headDim, new float[12 * headDim]);
                Matrix values = inOut(3, 2L * headDim, new float[6 * headDim]);
                var rotation = new FusedSteps.Rotation(ints(0, 4, 5), tables, tables);
                backend.operations()
                        .fusedSteps()
                        .rotateAndWrite(
                                new FusedSteps.RotatedWrite(
                                        queries, x, values, rotation, ints(0, 255, 256), layout, cache, cache),
                                stream);
                Matrix q = inOut(71, 4L * headDim, gaussian(random(1), 71 * 4 * headDim, 1));
                var batch = new Attention.Batch(ints(0, 70, 71), ints(130, 64), intMatrix(2, 3, 0, 1, 2, 3, 0, 0));
                var parameters = new Attention.Parameters(4, layout, 0.1f, 100, 30);
                backend.operations()
                        .attention()
                        .attend(new Attention.Arguments(q, cache, cache, batch, parameters, q), stream);
                var few = new Attention.Batch(ints(0, 20), ints(130), intMatrix(1, 3, 0, 1, 2));
                backend.operations()
                        .attention()
                        .attend(
                                new Attention.Arguments(q.rows(0, 20), cache, cache, few, parameters, q.rows(0, 20)),
                                stream);
                Matrix many = inOut(260, 4L * headDim, gaussian(random(1), 260 * 4 * headDim, 1));
                var one = new Attention.Batch(ints(0, 260), ints(300), intMatrix(1, 5, 0, 1, 2, 3, 0));
                backend.operations()
                        .attention()
                        .attend(new Attention.Arguments(many, cache, cache, one, parameters, many), stream);
                var tokens = new Attention.Batch(
                        ints(0, 1, 2), ints(190, 64), intMatrix(2, 5, 0, 1, 2, 3, 0, 0, 0, 0, 0, 0));
                backend.operations()
                        .attention()
                        .attend(
                                new Attention.Arguments(q.rows(0, 2), cache, cache, tokens, parameters, q.rows(0, 2)),
                                stream);
                // More blocks than there are multiprocessors, and a result in BF16.
                var spread = new Attention.Batch(
                        ints(IntStream.rangeClosed(0, 70).toArray()),
                        ints(IntStream.range(0, 70).map(s -> 100).toArray()),
                        intMatrix(70, 2, IntStream.range(0, 140).map(i -> i % 4).toArray()));
                Matrix seventy = q.rows(0, 70);
                backend.operations()
                        .fusedSteps()
                        .attend(
                                new Attention.Arguments(seventy, cache, cache, spread, parameters, seventy),
                                output(DType.BF16, 70, 4L * headDim),
                                stream);
            }
        }
    }
}
