package io.octavo.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.BFloat16;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.number.Float8;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntFunction;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/**
 * What the contract tests of all operations share: a backend with two threads, matrices made from arrays, outputs that
 * start as 0xFF, and guard bytes behind every output that must survive the test.
 */
abstract class BackendContract {

    /** Half a unit in the last place of 1 in f32: the relative error of one rounding. */
    static final double ROUNDING = 0x1p-24;

    private static final int GUARD_BYTES = 64;
    private static final byte GUARD = (byte) 0xA5;

    private static final ValueLayout.OfFloat F32 = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt I32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort I16 = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final IntFunction<Backend> open;
    private final List<DeviceBuffer> buffers = new ArrayList<>();
    private final List<Matrix> guarded = new ArrayList<>();
    private final Arena hostMemory = Arena.ofShared();
    Backend backend;
    Stream stream;

    /** @param open makes the backend for a number of threads */
    BackendContract(IntFunction<Backend> open) {
        this.open = open;
        this.backend = open.apply(2);
        this.stream = backend.newStream();
    }

    @BeforeEach
    void isOpen() {
        assertThat(backend.description()).isNotBlank();
    }

    @AfterEach
    void guardsAreUntouchedAndAllIsReleased() {
        try {
            for (Matrix matrix : guarded) {
                byte[] guards = new byte[GUARD_BYTES];
                matrix.buffer().copyTo(MemorySegment.ofArray(guards), matrix.bytes(), stream);
                stream.synchronize();
                assertThat(guards).as("bytes behind an output").containsOnly(GUARD);
            }
        } finally {
            buffers.forEach(DeviceBuffer::close);
            stream.close();
            backend.close();
            hostMemory.close();
        }
    }

    /** Runs {@code work} on a backend with another number of threads; matrices made before stay usable. */
    void withThreads(int threads, Runnable work) {
        Backend before = backend;
        Stream streamBefore = stream;
        stream.synchronize();
        try (Backend other = open.apply(threads);
                Stream otherStream = other.newStream()) {
            backend = other;
            stream = otherStream;
            work.run();
            stream.synchronize();
        } finally {
            backend = before;
            stream = streamBefore;
        }
    }

    /** Whether operations look at indices before they return, and throw; a GPU meets them only when it runs. */
    boolean checksIndices() {
        return backend.name().equals("cpu");
    }

    static RandomGenerator random(long seed) {
        return RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
    }

    static float[] gaussian(RandomGenerator random, int count, double deviation) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) (random.nextGaussian() * deviation);
        }
        return values;
    }

    /** An input of any type, converted from f32, at an address that is not even aligned to two bytes. */
    Matrix input(DType dtype, long rows, long columns, float... values) {
        assertThat(values).hasSize(Math.toIntExact(rows * columns));
        MemorySegment host =
                hostMemory.allocate(Matrix.bytes(dtype, rows, columns) + 65, 64).asSlice(1);
        for (int i = 0; i < values.length; i++) {
            long at = (long) i * dtype.bytes();
            switch (dtype) {
                case F32 -> host.set(F32, at, values[i]);
                case BF16 -> host.set(I16, at, BFloat16.fromFloat(values[i]));
                case F16 -> host.set(I16, at, Float.floatToFloat16(values[i]));
                case F8_E4M3 -> host.set(ValueLayout.JAVA_BYTE, at, Float8.toE4m3(values[i]));
                case I8 -> host.set(ValueLayout.JAVA_BYTE, at, (byte) Math.clamp(Math.rint(values[i]), -128, 127));
                default -> throw new IllegalArgumentException(dtype.toString());
            }
        }
        return Matrix.of(place(host), dtype, rows, columns);
    }

    Matrix intMatrix(long rows, long columns, int... values) {
        MemorySegment host = hostMemory.allocate(Math.max(4L * values.length, 1), 64);
        for (int i = 0; i < values.length; i++) {
            host.set(I32, 4L * i, values[i]);
        }
        return Matrix.of(place(host), DType.I32, rows, columns);
    }

    Matrix ints(int... values) {
        return intMatrix(1, values.length, values);
    }

    private DeviceBuffer place(MemorySegment host) {
        DeviceBuffer buffer = backend.place("test", host, stream);
        buffers.add(buffer);
        return buffer;
    }

    /** Filled with 0xFF, with guard bytes behind. */
    Matrix output(DType dtype, long rows, long columns) {
        long bytes = Matrix.bytes(dtype, rows, columns);
        DeviceBuffer buffer = backend.allocate("test", bytes + GUARD_BYTES);
        buffers.add(buffer);
        buffer.fill((byte) 0xFF, stream);
        Matrix matrix = Matrix.of(buffer, dtype, rows, columns);
        guard(matrix);
        guarded.add(matrix);
        return matrix;
    }

    /** Puts back the guard bytes that filling an output's whole buffer took away. */
    void guard(Matrix matrix) {
        byte[] guards = new byte[GUARD_BYTES];
        Arrays.fill(guards, GUARD);
        matrix.buffer().copyFrom(MemorySegment.ofArray(guards), matrix.bytes(), stream);
    }

    /** An operand that an operation both reads and writes. */
    Matrix inOut(long rows, long columns, float... values) {
        Matrix matrix = output(DType.F32, rows, columns);
        matrix.buffer().copyFrom(MemorySegment.ofArray(values), 0, stream);
        return matrix;
    }

    byte[] bytes(Matrix matrix) {
        byte[] bytes = new byte[Math.toIntExact(matrix.bytes())];
        matrix.buffer().copyTo(MemorySegment.ofArray(bytes), matrix.offset(), stream);
        stream.synchronize();
        return bytes;
    }

    /** The numbers of a matrix, exactly. */
    float[] floats(Matrix matrix) {
        MemorySegment host = MemorySegment.ofArray(bytes(matrix));
        float[] values = new float[Math.toIntExact(matrix.elements())];
        for (int i = 0; i < values.length; i++) {
            long at = (long) i * matrix.dtype().bytes();
            values[i] = switch (matrix.dtype()) {
                case F32 -> host.get(F32, at);
                case BF16 -> BFloat16.toFloat(host.get(I16, at));
                case F16 -> Float.float16ToFloat(host.get(I16, at));
                case F8_E4M3 -> Float8.fromE4m3(host.get(ValueLayout.JAVA_BYTE, at));
                case I8 -> host.get(ValueLayout.JAVA_BYTE, at);
                case I32 -> host.get(I32, at);
                default -> throw new IllegalArgumentException(matrix.dtype().toString());
            };
        }
        return values;
    }

    int[] readInts(Matrix matrix) {
        MemorySegment host = MemorySegment.ofArray(bytes(matrix));
        int[] values = new int[Math.toIntExact(matrix.elements())];
        for (int i = 0; i < values.length; i++) {
            values[i] = host.get(I32, 4L * i);
        }
        return values;
    }

    long[] longs(Matrix matrix) {
        long[] values = new long[Math.toIntExact(matrix.elements())];
        MemorySegment.copy(
                MemorySegment.ofArray(bytes(matrix)), 0, MemorySegment.ofArray(values), 0, 8L * values.length);
        return values;
    }

    static void assertWithin(float actual, double expected, double tolerance, String what, Object... where) {
        if (!(Math.abs(actual - expected) <= tolerance)) {
            throw new AssertionError(what + " " + Arrays.toString(where) + ": " + actual + ", expected " + expected
                    + " +- " + tolerance);
        }
    }
}
