package io.octavo.kernels.benchmark;

import io.octavo.kernels.Backends;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.BFloat16;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.number.Float8;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** An open CPU backend, and matrices of random numbers in it: timings on zeros flatter. */
@State(Scope.Benchmark)
@SuppressWarnings("NullAway.Init") // JMH fills the fields before a benchmark runs.
public class BackendState {

    @Param({"1", "2"})
    public int threads;

    Backend backend;
    Stream stream;

    @Setup(Level.Trial)
    public void open() {
        backend = Backends.cpu(threads);
        stream = backend.newStream();
    }

    @TearDown(Level.Trial)
    public void close() {
        stream.close();
        backend.close();
    }

    Matrix random(DType dtype, long rows, long columns) {
        int count = Math.toIntExact(rows * columns);
        SplittableRandom random = new SplittableRandom(count);
        byte[] bytes = new byte[Math.multiplyExact(count, dtype.bytes())];
        MemorySegment segment = MemorySegment.ofArray(bytes);
        for (int i = 0; i < count; i++) {
            float value = (float) random.nextGaussian();
            switch (dtype) {
                case F32 -> segment.set(ValueLayout.JAVA_FLOAT_UNALIGNED, 4L * i, value);
                case BF16 -> segment.set(ValueLayout.JAVA_SHORT_UNALIGNED, 2L * i, BFloat16.fromFloat(value));
                case F8_E4M3 -> bytes[i] = Float8.toE4m3(value * 100);
                case I8 -> bytes[i] = (byte) (value * 30);
                default -> throw new IllegalArgumentException(dtype.toString());
            }
        }
        return matrix(segment, dtype, rows, columns);
    }

    Matrix ints(int count, IntUnaryOperator value) {
        return ints(1, count, value);
    }

    Matrix ints(int rows, int columns, IntUnaryOperator value) {
        int[] values = IntStream.range(0, rows * columns).map(value).toArray();
        return matrix(MemorySegment.ofArray(values), DType.I32, rows, columns);
    }

    Matrix empty(DType dtype, long rows, long columns) {
        return Matrix.of(backend.allocate("benchmark", Matrix.bytes(dtype, rows, columns)), dtype, rows, columns);
    }

    private Matrix matrix(MemorySegment values, DType dtype, long rows, long columns) {
        DeviceBuffer buffer = backend.place("benchmark", values, stream);
        return Matrix.of(buffer, dtype, rows, columns);
    }
}
