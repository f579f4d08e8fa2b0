package io.octavo.kernels.internal.vector;

import io.octavo.kernels.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Makes a fresh process compile the loops that encode rows while it still looks for the rows' scales.
 *
 * <p>Before that, a vector is an object and a loop is a thousand times slower. If the first real rows did this, every thread
 * would spend seconds in slow loops, and take the processors from the compiler that could end it.
 */
final class EncoderWarmUp {

    /** Calls after which the compiler has seen enough, by its counters of calls and of backward branches. */
    private static final int CALLS = 8192;

    private static final AtomicBoolean STARTED = new AtomicBoolean();

    private EncoderWarmUp() {}

    /**
     * Returns at once.
     *
     * @param dtype what the rows are stored in
     */
    static void start(DType dtype) {
        if (STARTED.compareAndSet(false, true)) {
            Thread.ofPlatform().name("octavo-warm-up").daemon().start(() -> run(dtype));
        }
    }

    private static void run(DType dtype) {
        float[] values = new float[Grain.PIECE];
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment row = arena.allocate((long) Grain.PIECE * dtype.bytes(), Long.BYTES);
            MemorySegment codes = arena.allocate(Grain.PIECE, Long.BYTES);
            for (int call = 0; call < CALLS; call++) {
                RowReader.read(dtype, row.address(), Grain.PIECE, values, 0);
                RowEncoder.encode(DType.F8_E4M3, values, Grain.PIECE, 1, dtype.bytes() == Short.BYTES, codes.address());
            }
        }
    }
}
