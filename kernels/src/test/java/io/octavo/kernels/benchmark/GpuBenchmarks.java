package io.octavo.kernels.benchmark;

import io.octavo.kernels.Backends;
import io.octavo.kernels.attention.Attention;
import io.octavo.kernels.attention.KvCacheLayout;
import io.octavo.kernels.attention.KvCacheTensor;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.HostMemory;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Recording;
import io.octavo.kernels.device.ScaledMatrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.CodeFormat;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.operation.FusedSteps;
import io.octavo.kernels.operation.GatedActivation;
import io.octavo.kernels.operation.Sampling;
import io.octavo.kernels.quantization.GptqSweep;
import io.octavo.kernels.quantization.QuantizeTiles;
import io.octavo.kernels.quantization.Scaling;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.function.IntConsumer;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Times kernels on a GPU, one JSON line each, for {@code kernels/gpu-check.sh}, which puts PyTorch's times beside them.
 *
 * <p>Operands are random and rotate among several copies, so that no cache holds them. A time is the median of several
 * replays of a recording (CUDA graph) of many launches, as the peer's are, so that neither the host's launching nor waiting counts. The environment's {@code OCTAVO_BENCHMARKS}
 * is a regular expression, found in the names of what is measured; all by default.
 */
public final class GpuBenchmarks {

    private static final long RANDOM_BYTES = 64L << 20;
    private static final int BATCHES = 7;
    private static final double BATCH_SECONDS = 0.02;
    private static final int COPIES = 4;

    private final Backend backend = Backends.open("cuda", Runtime.getRuntime().availableProcessors());
    private final Stream stream = backend.newStream();
    private final HostMemory random = backend.allocateHost(RANDOM_BYTES);
    private final List<DeviceBuffer> buffers = new ArrayList<>();
    private final Pattern wanted = Pattern.compile(System.getenv().getOrDefault("OCTAVO_BENCHMARKS", ""));
    private int seed;

    private GpuBenchmarks() {}

    public static void main(String[] arguments) {
        new GpuBenchmarks().run();
    }

    private void run() {
        bandwidth();
        for (int size : new int[] {4096, 8192}) {
            matmul("bf16", DType.BF16, DType.BF16, size, size, size);
            matmul("fp8", DType.F8_E4M3, DType.F8_E4M3, size, size, size);
            matmul("int8", DType.I8, DType.I8, size, size, size);
        }
        for (int m : new int[] {1, 4, 8, 16, 64, 128, 256}) {
            matmul("bf16", DType.BF16, DType.BF16, m, 28672, 4096);
            matmul("w8a16", DType.BF16, DType.F8_E4M3, m, 28672, 4096);
            matmul("fp8", DType.F8_E4M3, DType.F8_E4M3, m, 28672, 4096);
            matmul("fp8", DType.F8_E4M3, DType.F8_E4M3, m, 4096, 14336);
            matmul("int8", DType.I8, DType.I8, m, 28672, 4096);
            matmul("int8", DType.I8, DType.I8, m, 4096, 14336);
            packed(m, 28672, 4096);
            packed(m, 4096, 14336);
            matmul("bf16", DType.BF16, DType.BF16, m, 4096, 14336);
            matmul("w8a16", DType.BF16, DType.F8_E4M3, m, 4096, 14336);
        }
        for (int tokens : new int[] {1, 16, 256}) {
            experts("bf16", DType.BF16, DType.BF16, tokens);
            experts("w8a16", DType.BF16, DType.F8_E4M3, tokens);
            experts("fp8", DType.F8_E4M3, DType.F8_E4M3, tokens);
        }
        for (DType cache : new DType[] {DType.BF16, DType.F8_E4M3, DType.I8}) {
            attention(cache, 128, "decode 64 x 1024", 64, 1, 1024);
            attention(cache, 128, "decode 8 x 4096", 8, 1, 4096);
            attention(cache, 128, "decode 1 x 4096", 1, 1, 4096);
            attention(cache, 128, "prefill 1 x 2048", 1, 2048, 2048);
            attention(cache, 128, "prefill 1 x 4096", 1, 4096, 4096);
            attention(cache, 128, "prefill 1 x 8192", 1, 8192, 8192);
            attention(cache, 64, "prefill 1 x 8192 heads of 64", 1, 8192, 8192);
        }
        secondMoments(4096);
        secondMoments(14336);
        inverseFactor(1, 4096);
        inverseFactor(1, 14336);
        inverseFactor(128, 768);
        gptqSweep(4096, 14336);
        gptqSweep(28672, 4096);
    }

    private void bandwidth() {
        Matrix[] wide = random(DType.BF16, 16384, 16384, 2);
        Matrix codes = empty(DType.F8_E4M3, 16384, 16384);
        Matrix scales = empty(DType.F32, 16384, 1);
        Matrix flag = empty(DType.I32, 1, 1);
        bytes(
                "quantize rows bf16 -> e4m3 16384x16384",
                3L << 28,
                i -> backend.operations().quantizeRows().quantize(wide[i % 2], codes, scales, 448, flag, stream));
        Matrix bytes = Matrix.of(codes.buffer(), DType.I8, 16384, 16384);
        bytes(
                "quantize rows bf16 -> int8 16384x16384",
                3L << 28,
                i -> backend.operations().quantizeRows().quantize(wide[i % 2], bytes, scales, 127.5f, flag, stream));
        release();

        tiles("int4 groups of 128", CodeFormat.INT4_OFFSET, 1, 128, new Scaling.Absmax(7.5f), DType.BF16);
        tiles("int4 zero points", CodeFormat.INT4_OFFSET, 1, 128, new Scaling.Range(), DType.BF16);
        tiles("nvfp4", CodeFormat.E2M1, 1, 16, new Scaling.Relative(6, 300), DType.F8_E4M3);
        tiles("mxfp4", CodeFormat.E2M1, 1, 32, new Scaling.PowerOfTwo(2), DType.U8);
        tiles("e4m3 blocks of 128x128", CodeFormat.E4M3, 128, 128, new Scaling.Absmax(448), DType.F32);
        tiles("int8 channels", CodeFormat.INT8, 1, 16384, new Scaling.Absmax(127.5f), DType.BF16);

        Matrix[] x = random(DType.F32, 8192, 8192, 3);
        Matrix weight = random(DType.BF16, 1, 8192, 1)[0];
        bytes(
                "rms norm f32 8192x8192",
                8L << 26,
                i -> backend.operations().rmsNorm().normalize(x[i % 2], weight, 0, 1e-5f, x[2], stream));
        bytes(
                "silu * up f32 8192x8192",
                12L << 26,
                i -> backend.operations()
                        .gatedActivation()
                        .apply(GatedActivation.Function.SILU, x[i % 2], x[1 - i % 2], x[2], stream));
        bytes("add f32 8192x8192", 12L << 26, i -> backend.operations().add().accumulate(x[2], x[i % 2], stream));
        Matrix ranges = empty(DType.F32, 1, 2);
        bytes(
                "observe range f32 8192x8192",
                4L << 26,
                i -> backend.operations().observeRange().observe(x[i % 2], ranges, stream));
        bytes(
                "fake quantize e4m3 groups of 128 f32 8192x8192",
                8L << 26,
                i -> backend.operations()
                        .fakeQuantize()
                        .apply(x[i % 2], CodeFormat.E4M3, 128, new Scaling.Absmax(448), x[2], stream));
        Matrix half = empty(DType.BF16, 8192, 8192);
        bytes(
                "convert f32 -> bf16 8192x8192",
                6L << 26,
                i -> backend.operations().convert().convert(x[i % 2], half, stream));
        Matrix narrow = empty(DType.F8_E4M3, 8192, 8192);
        Matrix narrowScales = empty(DType.F32, 8192, 1);
        Matrix narrowFlag = empty(DType.I32, 1, 1);
        bytes(
                "quantize rows f32 -> e4m3 8192x8192",
                5L << 26,
                i -> backend.operations()
                        .quantizeRows()
                        .quantize(x[i % 2], narrow, narrowScales, 448, narrowFlag, stream));
        var rounded = new ScaledMatrix(narrow, narrowScales);
        bytes(
                "add, rms norm, f32 -> e4m3 8192x8192",
                13L << 26,
                i -> backend.operations()
                        .fusedSteps()
                        .normalize(
                                new FusedSteps.Normalization(x[2], x[i % 2], weight, 0, 1e-5f, x[i % 2], rounded, 448),
                                stream));
        bytes(
                "silu * up, f32 -> e4m3 8192x8192",
                9L << 26,
                i -> backend.operations()
                        .fusedSteps()
                        .activate(
                                new FusedSteps.Activation(
                                        GatedActivation.Function.SILU, x[i % 2], x[1 - i % 2], rounded, 448),
                                stream));
        rotation();
        release();

        Matrix[] logits = random(DType.F32, 1024, 128256, 1);
        Matrix targets = empty(DType.I32, 1, 1024);
        Matrix losses = empty(DType.F32, 1, 1024);
        bytes(
                "cross-entropy 1024x128256",
                4L * 1024 * 128256,
                i -> backend.operations().crossEntropy().loss(logits[0], targets, losses, stream));
        bytes(
                "arg max 1024x128256",
                4L * 1024 * 128256,
                i -> backend.operations().argMax().find(logits[0], targets, stream));
        release();
        distributions();
    }

    private void distributions() {
        Matrix[] pair = random(DType.F32, 1024, 128256, 2);
        Matrix divergences = empty(DType.F32, 1, 1024);
        Matrix agreements = empty(DType.I32, 1, 1024);
        bytes(
                "divergence 1024x128256",
                8L * 1024 * 128256,
                i -> backend.operations()
                        .divergence()
                        .compare(pair[i % 2], pair[1 - i % 2], divergences, agreements, stream));
        sample(pair, new Sampling.Request(0.8f, 0, 1, 0, 1, 1, 2, 3), "");
        sample(pair, new Sampling.Request(0.8f, 50, 0.95f, 0, 1.1f, 1, 2, 3), ", top-k 50, top-p 0.95");
        release();

        Matrix counts = empty(DType.I64, 1, 2049);
        Matrix[] activations = random(DType.BF16, 16384, 8192, 2);
        bytes(
                "observe histogram bf16 16384x8192",
                2L << 27,
                i -> backend.operations().observeHistogram().observe(activations[i % 2], 4, counts, stream));
        release();
    }

    private void sample(Matrix[] logits, Sampling.Request request, String name) {
        int rows = 64;
        Matrix seen = empty(DType.I32, rows, 4008);
        int[] words = IntStream.range(0, rows)
                .flatMap(row -> IntStream.of(request.encode()))
                .toArray();
        Matrix requests = ints(rows, words);
        Matrix tokens = empty(DType.I32, 1, rows);
        bytes(
                "sample 64x128256" + name,
                4.0 * rows * 128256,
                i -> backend.operations()
                        .sampling()
                        .sample(logits[i % 2].rows(0, rows), requests, seen, tokens, stream));
    }

    private void tiles(String name, CodeFormat format, int rows, int columns, Scaling scaling, DType scaleType) {
        int size = 16384;
        String title = "quantize tiles bf16 -> " + name + " 16384x16384";
        if (isUnwanted(title)) {
            return;
        }
        Matrix[] x = random(DType.BF16, size, size, 2);
        Matrix codes = empty(DType.U8, size, format.rowBytes(size));
        Matrix scales = empty(scaleType, size / rows, size / columns);
        @Nullable Matrix zeroPoints = scaling instanceof Scaling.Range ? empty(DType.I8, size / rows, size / columns) : null;
        Matrix flag = empty(DType.I32, 1, 1);
        var tile = new QuantizeTiles.Tile(rows, columns);
        bytes(
                title,
                (double) (x[0].bytes() + codes.bytes() + scales.bytes()),
                i -> backend.operations()
                        .quantizeTiles()
                        .quantize(
                                new QuantizeTiles.Arguments(
                                        x[i % 2], format, tile, scaling, codes, scales, zeroPoints, flag),
                                stream));
        release();
    }

    private void matmul(String name, DType aType, DType wType, int m, int n, int k) {
        String title = "matmul " + name + " " + m + "x" + n + "x" + k;
        if (isUnwanted(title)) {
            return;
        }
        Matrix a = random(aType, m, k, 1)[0];
        int copies = (long) n * k * wType.bytes() > (200L << 20) ? 1 : COPIES;
        Matrix[] w = random(wType, n, k, copies);
        Matrix out = empty(DType.F32, m, n);
        Matrix aScales = aType.bytes() == 1 ? ones(m) : null;
        Matrix wScales = wType.bytes() == 1 ? ones(n) : null;
        double seconds = seconds(i -> backend.operations()
                .matMul()
                .multiply(new ScaledMatrix(a, aScales), new ScaledMatrix(w[i % copies], wScales), out, stream));
        double bytes = (double) n * k * wType.bytes() + (double) m * k * aType.bytes() + 4.0 * m * n;
        report(title, seconds, bytes, 2.0 * m * n * k);
        release();
    }

    /** Groups of 128. */
    private void packed(int m, int n, int k) {
        String title = "matmul w4a16 " + m + "x" + n + "x" + k;
        if (isUnwanted(title)) {
            return;
        }
        Matrix a = random(DType.BF16, m, k, 1)[0];
        Matrix[] w = random(DType.U8, n, k / 2, COPIES);
        Matrix scales = random(DType.F32, n, k / 128, 1)[0];
        Matrix out = empty(DType.F32, m, n);
        double seconds =
                seconds(i -> backend.operations().packedMatMul().multiply(a, w[i % COPIES], scales, out, stream));
        double bytes = (double) w[0].bytes() + a.bytes() + scales.bytes() + out.bytes();
        report(title, seconds, bytes, 2.0 * m * n * k);
        release();
    }

    private Matrix ones(int rows) {
        Matrix scales = empty(DType.F32, rows, 1);
        float[] values = new float[rows];
        Arrays.fill(values, 0.01f);
        scales.buffer().copyFrom(MemorySegment.ofArray(values), 0, stream);
        return scales;
    }

    /** Llama-8B's shape: 32 query heads of 128 on 8 key-value heads; an I8 cache has a scale for each token and head. */
    private void attention(DType cache, int headDim, String name, int sequences, int queries, int context) {
        String title = "attention " + name
                + (cache == DType.BF16 ? "" : " " + cache.name().toLowerCase(Locale.ROOT));
        if (isUnwanted(title)) {
            return;
        }
        int pages = Math.ceilDiv(context, KvCacheLayout.PAGE_TOKENS);
        var layout = new KvCacheLayout(sequences * pages, 8, headDim);
        KvCacheTensor[] keys = cache(cache, layout);
        KvCacheTensor[] values = cache(cache, layout);
        Matrix q = random(DType.F32, (long) sequences * queries, 32L * headDim, 1)[0];
        Matrix out = empty(DType.F32, (long) sequences * queries, 32L * headDim);
        int[] starts = new int[sequences + 1];
        int[] contexts = new int[sequences];
        int[] table = new int[sequences * pages];
        Arrays.setAll(starts, i -> i * queries);
        Arrays.fill(contexts, context);
        Arrays.setAll(table, i -> (i * 37) % table.length);
        var batch = new Attention.Batch(ints(1, starts), ints(1, contexts), ints(sequences, table));
        var parameters = new Attention.Parameters(32, layout, (float) (1 / Math.sqrt(headDim)), Integer.MAX_VALUE, 0);
        double seconds = seconds(i -> backend.operations()
                .attention()
                .attend(new Attention.Arguments(q, keys[i % 2], values[i % 2], batch, parameters, out), stream));
        double pairs = queries == 1 ? (double) sequences * context : queries * (queries + 1.0) / 2 * sequences;
        report(title, seconds, 2.0 * headDim * cache.bytes() * layout.rows(), 4.0 * 32 * headDim * pairs);
        release();
    }

    /** Of 32768 tokens, as GPTQ takes them at a time; half of the product, as the other half is the same. */
    private void secondMoments(int columns) {
        String name = "second moments 32768x" + columns;
        if (isUnwanted(name)) {
            return;
        }
        Matrix[] x = random(DType.BF16, 32768, columns, 2);
        Matrix sums = empty(DType.F32, columns, columns);
        double seconds = seconds(i -> backend.operations().secondMoments().accumulate(x[i % 2], sums, stream));
        report(name, seconds, 65536.0 * columns + 4.0 * columns * columns, 32768.0 * columns * columns);
        release();
    }

    /** Of the second moments of twice as many tokens as columns, copied first. */
    private void inverseFactor(int count, int n) {
        String name = "inverse factor " + (count == 1 ? "" : count + " x ") + n;
        if (isUnwanted(name)) {
            return;
        }
        Matrix x = random(DType.BF16, 2L * n, n, 1)[0];
        Matrix moments = empty(DType.F32, (long) count * n, n);
        for (int i = 0; i < count; i++) {
            backend.operations().secondMoments().accumulate(x, moments.rows((long) i * n, (i + 1L) * n), stream);
        }
        Matrix factors = empty(DType.F32, (long) count * n, n);
        Matrix failures = empty(DType.I32, 1, count);
        double seconds = seconds(i -> {
            backend.operations().convert().convert(moments, factors, stream);
            backend.operations().inverseFactor().factor(factors, failures, stream);
        });
        report(name, seconds, 16.0 * count * n * n, 2.0 / 3 * count * n * n * n);
        release();
    }

    /** INT4 in groups of 128, with the factor of random second moments. */
    private void gptqSweep(int rows, int columns) {
        String name = "gptq sweep int4 " + rows + "x" + columns;
        if (isUnwanted(name)) {
            return;
        }
        Matrix factor = empty(DType.F32, columns, columns);
        backend.operations()
                .secondMoments()
                .accumulate(random(DType.BF16, 2L * columns, columns, 1)[0], factor, stream);
        backend.operations().inverseFactor().factor(factor, empty(DType.I32, 1, 1), stream);
        Matrix weights = random(DType.BF16, rows, columns, 1)[0];
        Matrix scales = empty(DType.F32, rows, columns / 128);
        float[] values = new float[rows * columns / 128];
        Arrays.fill(values, 0.27f);
        scales.buffer().copyFrom(MemorySegment.ofArray(values), 0, stream);
        var arguments = new GptqSweep.Arguments(
                weights,
                factor,
                null,
                CodeFormat.INT4_OFFSET,
                scales,
                null,
                128,
                empty(DType.U8, rows, columns / 2),
                empty(DType.F32, 1, rows));
        double seconds = seconds(i -> backend.operations().gptqSweep().quantize(arguments, stream));
        report(name, seconds, 4.0 * columns * columns + 2.5 * rows * columns, (double) rows * columns * columns);
        release();
    }

    /** Of 8192 tokens of Llama-8B's shape; the two halves of the cache take turns. */
    private void rotation() {
        int tokens = 8192;
        var layout = new KvCacheLayout(2 * tokens / KvCacheLayout.PAGE_TOKENS, 8, 128);
        KvCacheTensor[] caches = cache(DType.BF16, layout);
        Matrix q = random(DType.F32, tokens, 32 * 128, 1)[0];
        Matrix[] kv = random(DType.F32, tokens, 8 * 128, 2);
        Matrix[] table = random(DType.F32, tokens, 64, 2);
        int[] order = new int[tokens];
        Arrays.setAll(order, i -> i);
        int[] later = new int[tokens];
        Arrays.setAll(later, i -> tokens + i);
        Matrix[] slots = {ints(1, order), ints(1, later)};
        var rotation = new FusedSteps.Rotation(ints(1, order), table[0], table[1]);
        bytes(
                "rotate, write to the cache, 8192 tokens",
                tokens * 128.0 * (32 * 8 + 8 * 8 + 8 * 4 + 16 * 2 + 4),
                i -> backend.operations()
                        .fusedSteps()
                        .rotateAndWrite(
                                new FusedSteps.RotatedWrite(
                                        q, kv[0], kv[1], rotation, slots[i % 2], layout, caches[0], caches[1]),
                                stream));
    }

    private KvCacheTensor[] cache(DType type, KvCacheLayout layout) {
        Matrix[] numbers = random(type, layout.rows(), layout.headDim(), 2);
        @Nullable Matrix scales = type == DType.BF16 ? null : ones(type == DType.I8 ? (int) layout.rows() : 1);
        return new KvCacheTensor[] {new KvCacheTensor(numbers[0], scales), new KvCacheTensor(numbers[1], scales)};
    }

    /** 8 of 128 experts of 768 x 2048, at random. */
    private void experts(String type, DType aType, DType wType, int tokens) {
        String name = "experts " + type + " " + tokens + " tokens";
        if (isUnwanted(name)) {
            return;
        }
        int rows = 8 * tokens;
        int[] starts = new int[129];
        var chance = new SplittableRandom(5);
        for (int token = 0; token < tokens; token++) {
            chance.ints(0, 128).distinct().limit(8).forEach(expert -> starts[expert + 1]++);
        }
        long occupied = Arrays.stream(starts).filter(count -> count > 0).count();
        Arrays.parallelPrefix(starts, Integer::sum);
        Matrix bounds = ints(1, starts);
        Matrix[] codes = random(wType, 768, 2048, 128);
        Matrix[] wScales = random(DType.F32, 768, 1, 128);
        List<ScaledMatrix> weights = new ArrayList<>();
        for (int i = 0; i < codes.length; i++) {
            weights.add(new ScaledMatrix(codes[i], wType == DType.BF16 ? null : wScales[i]));
        }
        Matrix aScales = aType == DType.BF16 ? null : random(DType.F32, rows, 1, 1)[0];
        var a = new ScaledMatrix(random(aType, rows, 2048, 1)[0], aScales);
        Matrix out = empty(DType.F32, rows, 768);
        double seconds = seconds(i -> backend.operations().groupedMatMul().multiply(a, bounds, weights, out, stream));
        report(name, seconds, occupied * (double) codes[0].bytes(), 2.0 * rows * 768 * 2048);
        release();
    }

    private Matrix ints(int rows, int[] values) {
        DeviceBuffer buffer = backend.place("benchmark", MemorySegment.ofArray(values), stream);
        buffers.add(buffer);
        return Matrix.of(buffer, DType.I32, rows, values.length / rows);
    }

    private void bytes(String name, double bytes, IntConsumer launch) {
        if (!isUnwanted(name)) {
            report(name, seconds(launch), bytes, 0);
        }
    }

    private boolean isUnwanted(String name) {
        return !wanted.matcher(name).find();
    }

    private double seconds(IntConsumer launch) {
        double once = batchSeconds(() -> repeat(launch, 3)) / 3;
        int repeats = (int) Math.clamp(BATCH_SECONDS / once, 4, 500);
        try (Recording recording = stream.record(() -> repeat(launch, repeats))
                .orElseThrow(() -> new IllegalStateException("not recorded"))) {
            // The first replay brings the recording to the device.
            batchSeconds(recording::replay);
            double[] times = new double[BATCHES];
            for (int i = 0; i < BATCHES; i++) {
                times[i] = batchSeconds(recording::replay) / repeats;
            }
            Arrays.sort(times);
            return times[BATCHES / 2];
        }
    }

    private static void repeat(IntConsumer launch, int repeats) {
        for (int i = 0; i < repeats; i++) {
            launch.accept(i);
        }
    }

    private double batchSeconds(Runnable batch) {
        stream.synchronize();
        long start = System.nanoTime();
        batch.run();
        stream.synchronize();
        return (System.nanoTime() - start) / 1e9;
    }

    private static void report(String name, double seconds, double bytes, double operations) {
        System.out.printf(
                Locale.ROOT,
                "{\"name\": \"%s\", \"us\": %.2f, \"gbps\": %.0f, \"tflops\": %.1f}%n",
                name,
                seconds * 1e6,
                bytes / seconds / 1e9,
                operations / seconds / 1e12);
    }

    private Matrix[] random(DType dtype, long rows, long columns, int copies) {
        Matrix[] matrices = new Matrix[copies];
        for (int i = 0; i < copies; i++) {
            matrices[i] = empty(dtype, rows, columns);
            fill(matrices[i]);
        }
        return matrices;
    }

    private void fill(Matrix matrix) {
        MemorySegment block = random.segment();
        stream.synchronize();
        var bits = new SplittableRandom(seed++);
        for (long at = 0; at < Math.min(RANDOM_BYTES, matrix.bytes() + 7); at += Long.BYTES) {
            block.set(ValueLayout.JAVA_LONG, Math.min(at, RANDOM_BYTES - 8), number(matrix.dtype(), bits.nextLong()));
        }
        for (long at = 0; at < matrix.bytes(); at += RANDOM_BYTES) {
            long size = Math.min(RANDOM_BYTES, matrix.bytes() - at);
            matrix.buffer().copyFrom(block.asSlice(0, size), at, stream);
        }
        stream.synchronize();
    }

    /** Random numbers of ordinary size in every lane: magnitudes from 1/2 to 2, or all of INT8. */
    private static long number(DType dtype, long bits) {
        return switch (dtype) {
            case F32 -> (bits & 0x80FFFFFF80FFFFFFL) | 0x3F0000003F000000L;
            case BF16 -> (bits & 0x80FF80FF80FF80FFL) | 0x3F003F003F003F00L;
            case F8_E4M3 -> (bits & 0x8F8F8F8F8F8F8F8FL) | 0x3030303030303030L;
            default -> bits;
        };
    }

    private Matrix empty(DType dtype, long rows, long columns) {
        DeviceBuffer buffer = backend.allocate("benchmark", Matrix.bytes(dtype, rows, columns));
        buffers.add(buffer);
        return Matrix.of(buffer, dtype, rows, columns);
    }

    private void release() {
        stream.synchronize();
        buffers.forEach(DeviceBuffer::close);
        buffers.clear();
    }
}
