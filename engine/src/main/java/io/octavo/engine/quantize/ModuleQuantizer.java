package io.octavo.engine.quantize;

import io.octavo.engine.ErrorCode;
import io.octavo.engine.JobCancelledException;
import io.octavo.engine.QuantizationException;
import io.octavo.engine.quantize.QuantizationPlan.Quantize;
import io.octavo.engine.safetensors.SafetensorsWriter;
import io.octavo.engine.safetensors.TensorInfo;
import io.octavo.kernels.Backend;
import io.octavo.kernels.DType;
import io.octavo.kernels.DeviceBuffer;
import io.octavo.kernels.Matrix;
import io.octavo.kernels.Stream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.LongConsumer;

/**
 * Quantizes weights on a backend, some rows at a time, and hands them to the writing thread.
 *
 * <p>Memory is {@value #SLOTS} slots of one chunk's codes and scales on the device and as many on the host, whatever the
 * size of a tensor. Source rows are mapped only while they are read.
 */
final class ModuleQuantizer implements AutoCloseable {

    /** One is computed while others wait to be written. */
    private static final int SLOTS = 3;

    private static final long POLL_MILLIS = 100;

    private final Backend backend;
    private final Stream stream;
    private final float divisor;
    private final long chunkBytes;
    private final Deque<AutoCloseable> owned = new ArrayDeque<>();
    private final BlockingQueue<Slot> free = new ArrayBlockingQueue<>(SLOTS);

    /** Buffers of one chunk between the backend and the file. */
    private record Slot(
            DeviceBuffer codes,
            DeviceBuffer scales,
            DeviceBuffer nonFinite,
            MemorySegment hostCodes,
            MemorySegment hostScales,
            MemorySegment hostNonFinite) {}

    /**
     * @param chunkBytes source bytes quantized at once; a longer row is a chunk of its own
     * @throws QuantizationException {@code OUT_OF_MEMORY}
     */
    ModuleQuantizer(Backend backend, QuantizationPlan plan, long chunkBytes) {
        this.backend = backend;
        this.divisor = plan.scheme().weights().type().divisor();
        this.chunkBytes = chunkBytes;
        this.stream = backend.newStream();
        owned.push(stream);
        long codesBytes = 0;
        long scalesBytes = 0;
        for (Quantize step : plan.quantized()) {
            codesBytes = Math.max(codesBytes, chunkRows(step) * step.inFeatures());
            scalesBytes = Math.max(
                    scalesBytes, chunkRows(step) * step.source().info().dtype().bytes());
        }
        try {
            var arena = Arena.ofShared();
            owned.push(arena);
            for (int i = 0; i < SLOTS; i++) {
                free.add(new Slot(
                        allocate(codesBytes),
                        allocate(scalesBytes),
                        allocate(DType.I32.bytes()),
                        arena.allocate(codesBytes, Long.BYTES),
                        arena.allocate(scalesBytes, Long.BYTES),
                        arena.allocate(ValueLayout.JAVA_INT)));
            }
        } catch (IllegalStateException | OutOfMemoryError e) {
            close();
            throw new QuantizationException(
                    ErrorCode.OUT_OF_MEMORY,
                    "no memory for " + SLOTS + " buffers of " + codesBytes + " bytes: " + e.getMessage(),
                    e);
        }
    }

    private DeviceBuffer allocate(long bytes) {
        DeviceBuffer buffer = backend.allocate("quantize", bytes);
        owned.push(buffer);
        return buffer;
    }

    private long chunkRows(Quantize step) {
        long rowBytes = step.inFeatures() * step.source().info().dtype().bytes();
        return Math.clamp(chunkBytes / rowBytes, 1, step.outFeatures());
    }

    /**
     * Queues the writes of one module's codes and scales.
     *
     * @param afterChunk receives the source bytes of every chunk, in this thread
     * @throws QuantizationException {@code TENSOR_NOT_FINITE}
     */
    void quantize(Quantize step, SafetensorsWriter writer, WriteQueue queue, LongConsumer afterChunk) {
        long rows = chunkRows(step);
        long rowBytes = step.inFeatures() * step.source().info().dtype().bytes();
        for (long row = 0; row < step.outFeatures(); row += rows) {
            long from = row;
            long to = Math.min(row + rows, step.outFeatures());
            Slot slot = takeFree(queue);
            compute(step, from, to, slot);
            queue.submit(() -> {
                write(step, from, to, slot, writer);
                free.add(slot);
            });
            afterChunk.accept((to - from) * rowBytes);
        }
    }

    private Slot takeFree(WriteQueue queue) {
        try {
            while (true) {
                queue.throwFailure();
                Slot slot = free.poll(POLL_MILLIS, TimeUnit.MILLISECONDS);
                if (slot != null) {
                    return slot;
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new JobCancelledException("interrupted while quantizing");
        }
    }

    private void compute(Quantize step, long from, long to, Slot slot) {
        TensorInfo weight = step.source().info();
        long rows = to - from;
        long columns = step.inFeatures();
        long rowBytes = columns * weight.dtype().bytes();
        // Several threads of the backend read the mapping.
        try (Arena window = Arena.ofShared();
                DeviceBuffer source = backend.place(
                        "weight", step.source().shard().map(weight, from * rowBytes, to * rowBytes, window), stream)) {
            slot.nonFinite.fill((byte) 0, stream);
            backend.quantizeRows()
                    .quantize(
                            Matrix.of(source, weight.dtype(), rows, columns),
                            Matrix.of(slot.codes, DType.F8_E4M3, rows, columns),
                            Matrix.of(slot.scales, weight.dtype(), rows, 1),
                            divisor,
                            Matrix.of(slot.nonFinite, DType.I32, 1, 1),
                            stream);
            slot.codes.copyTo(slot.hostCodes.asSlice(0, rows * columns), 0, stream);
            slot.scales.copyTo(slot.hostScales.asSlice(0, rows * weight.dtype().bytes()), 0, stream);
            slot.nonFinite.copyTo(slot.hostNonFinite, 0, stream);
            stream.synchronize();
        }
        if (slot.hostNonFinite.get(ValueLayout.JAVA_INT, 0) != 0) {
            throw new QuantizationException(
                    ErrorCode.TENSOR_NOT_FINITE,
                    "tensor " + weight.name() + " holds NaN or infinity in rows " + from + " to " + (to - 1));
        }
    }

    private static void write(Quantize step, long from, long to, Slot slot, SafetensorsWriter writer) {
        TensorInfo weight = step.source().info();
        long codes = (to - from) * step.inFeatures();
        int scaleBytes = weight.dtype().bytes();
        writer.write(
                weight.name(),
                from * step.inFeatures(),
                slot.hostCodes.asSlice(0, codes).asByteBuffer());
        writer.write(
                step.scaleName(),
                from * scaleBytes,
                slot.hostScales.asSlice(0, (to - from) * scaleBytes).asByteBuffer());
    }

    /** Call only once nothing is left in the write queue. */
    @Override
    public void close() {
        while (!owned.isEmpty()) {
            try {
                owned.pop().close();
            } catch (RuntimeException e) {
                throw e;
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        }
    }
}
