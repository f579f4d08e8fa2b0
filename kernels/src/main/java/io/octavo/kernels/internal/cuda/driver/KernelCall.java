package io.octavo.kernels.internal.cuda.driver;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.number.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One launch in the making: the members of the kernel's parameter struct, in order, then {@link #launch}. */
public final class KernelCall implements AutoCloseable {

    /** Most that a kernel takes. */
    private static final int MOST_BYTES = 4096;

    private static final int TENSOR_MAP_BYTES = 128;

    private final GpuDriver driver;
    private final Handles.Stream stream;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment struct = arena.allocate(MOST_BYTES, 128);
    private final MemorySegment pointers = arena.allocate(ValueLayout.ADDRESS);
    private final MemorySegment overlappingLaunch;
    private @Nullable Kernel kernel;
    private int member;
    private boolean afterOverlapping;

    KernelCall(GpuDriver driver, Handles.Stream stream) {
        this.driver = driver;
        this.stream = stream;
        pointers.set(ValueLayout.ADDRESS, 0, struct);
        overlappingLaunch = NativeCalls.overlappingLaunch(arena, stream.address());
    }

    KernelCall begin(Kernel wanted) {
        kernel = wanted;
        member = 0;
        return this;
    }

    public KernelCall matrix(Matrix matrix) {
        return address(CudaBuffer.addressOf(matrix));
    }

    /** A null pointer where there is none. */
    public KernelCall optional(@Nullable Matrix matrix) {
        return address(matrix == null ? 0 : CudaBuffer.addressOf(matrix));
    }

    /** Boxes of a matrix for the bulk tensor copy engine: {@code boxBytes} of {@code boxRows} rows each. */
    public KernelCall boxes(Matrix matrix, int boxBytes, int boxRows) {
        long rowBytes = matrix.columns() * matrix.dtype().bytes();
        return boxes(CudaBuffer.addressOf(matrix), rowBytes, matrix.rows(), boxBytes, boxRows);
    }

    /** The same of {@code rows} rows of {@code rowBytes} at an address. */
    public KernelCall boxes(long address, long rowBytes, long rows, int boxBytes, int boxRows) {
        long offset = next(TENSOR_MAP_BYTES);
        driver.modules()
                .encodeTensorMap(struct.asSlice(offset, TENSOR_MAP_BYTES), address, rowBytes, rows, boxBytes, boxRows);
        return this;
    }

    public KernelCall address(long value) {
        struct.set(ValueLayout.JAVA_LONG, next(Long.BYTES), value);
        return this;
    }

    /** An array of pointers, of which those behind the last are null. */
    public KernelCall addresses(int count, List<Long> values) {
        long offset = next(count * Long.BYTES);
        for (int i = 0; i < count; i++) {
            struct.set(ValueLayout.JAVA_LONG, offset + (long) i * Long.BYTES, i < values.size() ? values.get(i) : 0);
        }
        return this;
    }

    /** An array of integers, likewise. */
    public KernelCall numbers(int count, List<Integer> values) {
        long offset = next(count * Integer.BYTES);
        for (int i = 0; i < count; i++) {
            struct.set(ValueLayout.JAVA_INT, offset + (long) i * Integer.BYTES, i < values.size() ? values.get(i) : 0);
        }
        return this;
    }

    public KernelCall count(long value) {
        return address(value);
    }

    public KernelCall number(int value) {
        struct.set(ValueLayout.JAVA_INT, next(Integer.BYTES), value);
        return this;
    }

    public KernelCall number(float value) {
        struct.set(ValueLayout.JAVA_FLOAT, next(Float.BYTES), value);
        return this;
    }

    /** As {@code Number} of common.cuh. */
    public KernelCall type(DType dtype) {
        return number(
                switch (dtype) {
                    case F32 -> 0;
                    case BF16 -> 1;
                    case F16 -> 2;
                    case F8_E4M3 -> 3;
                    case I8 -> 4;
                    case U8 -> 5;
                    default -> throw new IllegalArgumentException("kernels know no " + dtype);
                });
    }

    /** The parameters are copied before this returns. An empty grid launches nothing. */
    public void launch(Grid grid) {
        Kernel launched = current();
        if (member != launched.layout().members()) {
            throw new IllegalStateException(
                    launched.name() + " takes " + launched.layout().members() + " parameters, got " + member);
        }
        kernel = null;
        if (!grid.isEmpty()) {
            boolean overlaps =
                    driver.modules().overlapsLaunches() && launched.layout().overlaps();
            if (overlaps && afterOverlapping) {
                driver.modules().launchOverlapping(overlappingLaunch, launched, grid, pointers);
            } else {
                driver.modules().launch(launched, grid, stream, pointers);
            }
            afterOverlapping = overlaps;
        }
    }

    /** The next kernel begins only when all before it are complete: what it reads before it waits is being written. */
    void keepApart() {
        afterOverlapping = false;
    }

    private long next(int bytes) {
        ParameterLayout layout = current().layout();
        if (member >= layout.members() || layout.bytes(member) != bytes) {
            throw new IllegalStateException(
                    "parameter " + member + " of " + current().name() + " is not one of " + bytes + " bytes");
        }
        return layout.offset(member++);
    }

    private Kernel current() {
        if (kernel == null) {
            throw new IllegalStateException("no launch was begun");
        }
        return kernel;
    }

    @Override
    public void close() {
        arena.close();
    }
}
