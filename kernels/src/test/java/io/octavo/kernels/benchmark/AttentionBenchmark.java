package io.octavo.kernels.benchmark;

import io.octavo.kernels.attention.Attention;
import io.octavo.kernels.attention.KvCacheLayout;
import io.octavo.kernels.attention.KvCacheTensor;
import io.octavo.kernels.device.Matrix;
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

/** Shapes are sequences x queries x context x heads x kvHeads x headDim. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@SuppressWarnings("NullAway.Init") // JMH fills the fields before a benchmark runs.
public class AttentionBenchmark {

    @Param({"8x512x512x8x8x64", "1x2048x2048x32x8x128", "1x1x1024x8x8x64", "8x1x2048x32x8x128"})
    public String shape;

    @Param({"F32", "BF16"})
    public DType cache;

    private Matrix q;
    private KvCacheTensor keys;
    private KvCacheTensor values;
    private Matrix out;
    private Attention.Batch batch;
    private Attention.Parameters parameters;

    static KernelBenchmarks.Work work(String shape) {
        int[] n = KernelBenchmarks.numbers(shape);
        double seen = n[1] * (n[2] - (n[1] - 1) / 2.0);
        return KernelBenchmarks.Work.operations(4.0 * n[0] * n[3] * n[5] * seen);
    }

    @Setup
    public void prepare(BackendState state) {
        int[] n = KernelBenchmarks.numbers(shape);
        int sequences = n[0];
        int pages = Math.ceilDiv(n[2], KvCacheLayout.PAGE_TOKENS);
        var layout = new KvCacheLayout(sequences * pages, n[4], n[5]);
        parameters = new Attention.Parameters(n[3], layout, (float) (1 / Math.sqrt(n[5])), Integer.MAX_VALUE, 0);
        q = state.random(DType.F32, (long) sequences * n[1], (long) n[3] * n[5]);
        out = state.empty(DType.F32, q.rows(), q.columns());
        keys = KvCacheTensor.plain(state.random(cache, layout.rows(), n[5]));
        values = KvCacheTensor.plain(state.random(cache, layout.rows(), n[5]));
        batch = new Attention.Batch(
                state.ints(sequences + 1, s -> s * n[1]),
                state.ints(sequences, s -> n[2]),
                state.ints(sequences, pages, page -> page));
    }

    @Benchmark
    public void attend(BackendState state) {
        state.backend
                .operations()
                .attention()
                .attend(new Attention.Arguments(q, keys, values, batch, parameters, out), state.stream);
    }
}
