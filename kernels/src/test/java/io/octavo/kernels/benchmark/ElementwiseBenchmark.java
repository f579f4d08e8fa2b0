package io.octavo.kernels.benchmark;

import io.octavo.kernels.benchmark.KernelBenchmarks.Work;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.number.CodeFormat;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.operation.GatedActivation;
import io.octavo.kernels.quantization.QuantizeTiles;
import io.octavo.kernels.quantization.Scaling;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** What is bound by memory, at {@code ROWS x COLUMNS}; bytes read and written are counted, for quantizing input bytes. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@SuppressWarnings("NullAway.Init") // JMH fills the fields before a benchmark runs.
public class ElementwiseBenchmark {

    private static final int ROWS = 2048;
    private static final int COLUMNS = 4096;
    private static final double ELEMENTS = (double) ROWS * COLUMNS;

    static final Map<String, Work> WORK = Map.ofEntries(
            Map.entry("ElementwiseBenchmark.quantizeToE4m3", Work.bytes(2 * ELEMENTS)),
            Map.entry("ElementwiseBenchmark.quantizeToI8", Work.bytes(2 * ELEMENTS)),
            Map.entry("ElementwiseBenchmark.packInt4", Work.bytes(2 * ELEMENTS)),
            Map.entry("ElementwiseBenchmark.packInt4WithZeroPoints", Work.bytes(2 * ELEMENTS)),
            Map.entry("ElementwiseBenchmark.packNvfp4", Work.bytes(2 * ELEMENTS)),
            Map.entry("ElementwiseBenchmark.packMxfp4", Work.bytes(2 * ELEMENTS)),
            Map.entry("ElementwiseBenchmark.quantizeBlocks", Work.bytes(2 * ELEMENTS)),
            Map.entry("ElementwiseBenchmark.normalize", Work.bytes(8 * ELEMENTS)),
            Map.entry("ElementwiseBenchmark.rotate", Work.bytes(8 * ELEMENTS)),
            Map.entry("ElementwiseBenchmark.silu", Work.bytes(12 * ELEMENTS)),
            Map.entry("ElementwiseBenchmark.add", Work.bytes(12 * ELEMENTS)),
            Map.entry("ElementwiseBenchmark.crossEntropy", Work.bytes(4 * ELEMENTS)),
            Map.entry("ElementwiseBenchmark.argMax", Work.bytes(4 * ELEMENTS)));

    private Matrix bf16;
    private Matrix codes;
    private Matrix scales;
    private Matrix tileScales;
    private Matrix zeroPoints;
    private Matrix nonFinite;
    private Matrix x;
    private Matrix y;
    private Matrix row;
    private Matrix positions;
    private Matrix table;
    private Matrix losses;
    private Matrix indices;

    @Setup
    public void prepare(BackendState state) {
        bf16 = state.random(DType.BF16, ROWS, COLUMNS);
        codes = state.empty(DType.I8, ROWS, COLUMNS);
        scales = state.empty(DType.BF16, ROWS, 1);
        tileScales = state.empty(DType.F32, ROWS, COLUMNS / 16);
        zeroPoints = state.empty(DType.I8, ROWS, COLUMNS / 16);
        nonFinite = state.empty(DType.I32, 1, 1);
        x = state.random(DType.F32, ROWS, COLUMNS);
        y = state.random(DType.F32, ROWS, COLUMNS);
        row = state.random(DType.F32, 1, COLUMNS);
        positions = state.ints(ROWS, i -> i);
        // Zeros: with a table of other norms than 1 the numbers would run off, and slow subnormals or NaN follow.
        table = state.empty(DType.F32, ROWS, 64);
        losses = state.empty(DType.F32, 1, ROWS);
        indices = state.empty(DType.I32, 1, ROWS);
    }

    @Benchmark
    public void quantizeToE4m3(BackendState state) {
        Matrix e4m3 = Matrix.of(codes.buffer(), DType.F8_E4M3, ROWS, COLUMNS);
        state.backend.operations().quantizeRows().quantize(bf16, e4m3, scales, 448, nonFinite, state.stream);
    }

    @Benchmark
    public void quantizeToI8(BackendState state) {
        state.backend.operations().quantizeRows().quantize(bf16, codes, scales, 127.5f, nonFinite, state.stream);
    }

    @Benchmark
    public void packInt4(BackendState state) {
        pack(state, CodeFormat.INT4_OFFSET, 1, 128, new Scaling.Absmax(7.5f), DType.BF16);
    }

    @Benchmark
    public void packInt4WithZeroPoints(BackendState state) {
        pack(state, CodeFormat.INT4_OFFSET, 1, 128, new Scaling.Range(), DType.BF16);
    }

    @Benchmark
    public void packNvfp4(BackendState state) {
        pack(state, CodeFormat.E2M1, 1, 16, new Scaling.Relative(6, 500), DType.F8_E4M3);
    }

    @Benchmark
    public void packMxfp4(BackendState state) {
        pack(state, CodeFormat.E2M1, 1, 32, new Scaling.PowerOfTwo(2), DType.U8);
    }

    @Benchmark
    public void quantizeBlocks(BackendState state) {
        pack(state, CodeFormat.E4M3, 128, 128, new Scaling.Absmax(448), DType.BF16);
    }

    private void pack(BackendState state, CodeFormat format, int height, int width, Scaling scaling, DType scaleType) {
        Matrix target = Matrix.of(codes.buffer(), DType.U8, ROWS, format.rowBytes(COLUMNS));
        Matrix tiles = Matrix.of(tileScales.buffer(), scaleType, ROWS / height, COLUMNS / width);
        Matrix zeros = scaling instanceof Scaling.Range
                ? Matrix.of(zeroPoints.buffer(), DType.I8, ROWS, COLUMNS / width)
                : null;
        state.backend
                .operations()
                .quantizeTiles()
                .quantize(
                        new QuantizeTiles.Arguments(
                                bf16,
                                format,
                                new QuantizeTiles.Tile(height, width),
                                scaling,
                                target,
                                tiles,
                                zeros,
                                nonFinite),
                        state.stream);
    }

    @Benchmark
    public void normalize(BackendState state) {
        state.backend.operations().rmsNorm().normalize(x, row, 0, 1e-5f, y, state.stream);
    }

    @Benchmark
    public void rotate(BackendState state) {
        state.backend.operations().rope().rotate(y, positions, table, table, 128, state.stream);
    }

    @Benchmark
    public void silu(BackendState state) {
        state.backend.operations().gatedActivation().apply(GatedActivation.Function.SILU, x, x, y, state.stream);
    }

    @Benchmark
    public void add(BackendState state) {
        state.backend.operations().add().accumulate(y, x, state.stream);
    }

    @Benchmark
    public void crossEntropy(BackendState state) {
        state.backend.operations().crossEntropy().loss(x, positions, losses, state.stream);
    }

    @Benchmark
    public void argMax(BackendState state) {
        state.backend.operations().argMax().find(x, indices, state.stream);
    }
}
