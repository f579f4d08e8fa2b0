package io.octavo.kernels.benchmark;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.ScaledMatrix;
import io.octavo.kernels.number.DType;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** Large, model-sized and decoding shapes, m x n x k. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@SuppressWarnings("NullAway.Init") // JMH fills the fields before a benchmark runs.
public class MatMulBenchmark {

    @Param({
        "2048x4096x4096",
        "4096x512x512",
        "4096x1408x512",
        "4096x512x1408",
        "4096x8192x512",
        "16x4096x4096",
        "1x4096x4096"
    })
    public String shape;

    @Param({"F32", "BF16", "F8_E4M3", "I8"})
    public DType weights;

    private ScaledMatrix a;
    private ScaledMatrix w;
    private Matrix out;

    static KernelBenchmarks.Work work(String shape) {
        int[] mnk = KernelBenchmarks.numbers(shape);
        return KernelBenchmarks.Work.operations(2.0 * mnk[0] * mnk[1] * mnk[2]);
    }

    @Setup
    public void prepare(BackendState state) {
        int[] mnk = KernelBenchmarks.numbers(shape);
        a = ScaledMatrix.plain(state.random(DType.F32, mnk[0], mnk[2]));
        Matrix codes = state.random(weights, mnk[1], mnk[2]);
        boolean scaled = weights == DType.F8_E4M3 || weights == DType.I8;
        w = new ScaledMatrix(codes, scaled ? state.random(DType.BF16, mnk[1], 1) : null);
        out = state.empty(DType.F32, mnk[0], mnk[1]);
    }

    @Benchmark
    public void multiply(BackendState state) {
        state.backend.operations().matMul().multiply(a, w, out, state.stream);
    }
}
