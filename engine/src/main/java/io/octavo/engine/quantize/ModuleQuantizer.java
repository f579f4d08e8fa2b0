package io.octavo.engine.quantize;

import io.octavo.engine.ErrorCode;
import io.octavo.engine.JobCancelledException;
import io.octavo.engine.QuantizationException;
import io.octavo.engine.quantize.QuantizationPlan.Quantize;
import io.octavo.engine.safetensors.SafetensorsWriter;
import io.octavo.engine.safetensors.TensorInfo;
import io.octavo.engine.scheme.Scheme;
import io.octavo.kernels.Backend;
import io.octavo.kernels.DType;
import io.octavo.kernels.DeviceBuffer;
import io.octavo.kernels.HostMemory;
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
    private final long chunkBytes;
    private final Deque<AutoCloseable> owned = new ArrayDeque<>();
    private final BlockingQueue<Slot> free = new ArrayBlockingQueue<>(SLOTS);

    /** Results of one chunk, between the backend and the file. */
    private record Slot(Result codes, Result scales, Result nonFinite) {}

    /** @param host where results are read: the device's own memory if the host can reach it */
    private record Result(DeviceBuffer device, MemorySegment host, boolean shared) {

        /** The first bytes, up to date once the stream was synchronized. */
        MemorySegment fetch(long bytes, Stream stream) {
            MemorySegment fetched = host.asSlice(0, bytes);
            if (!shared) {
                device.copyTo(fetched, 0, stream);
            }
            return fetched;
        }
    }

    /**
     * @param chunkBytes source bytes quantized at once; a longer row is a chunk of its own
     * @throws QuantizationException {@code OUT_OF_MEMORY}
     */
    ModuleQuantizer(Backend backend, QuantizationPlan plan, long chunkBytes) {
        this.backend = backend;
        this.chunkBytes = chunkBytes;
        this.stream = backend.newStream();
        owned.push(stream);
        long codesBytes = 0;
        long scalesBytes = 0;
        for (Quantize step :
                plan.quantized().stream().filter(ModuleQuantizer::takes).toList()) {
            codesBytes = Math.max(codesBytes, chunkRows(step) * step.inFeatures());
            scalesBytes = Math.max(
                    scalesBytes, chunkRows(step) * step.source().info().dtype().bytes());
        }
        try {
            for (int i = 0; i < SLOTS; i++) {
                free.add(new Slot(allocate(codesBytes), allocate(scalesBytes), allocate(DType.I32.bytes())));
            }
        } catch (IllegalStateException | OutOfMemoryError e) {
            close();
            throw new QuantizationException(
                    ErrorCode.OUT_OF_MEMORY,
                    "no memory for " + SLOTS + " buffers of " + codesBytes + " bytes: " + e.getMessage(),
                    e);
        }
    }

    /** Whether a step only makes E4M3 codes and one scale a row, which takes the fastest way. */
    static boolean takes(Quantize step) {
        return step.scheme().weights().equals(Scheme.FP8_DYNAMIC.weights())
                && !step.scheme().needsCalibration();
    }

    private Result allocate(long bytes) {
        DeviceBuffer buffer = backend.allocate("quantize", bytes);
        owned.push(buffer);
        return buffer.hostView()
                .map(view -> new Result(buffer, view, true))
                .orElseGet(() -> new Result(buffer, allocateHost(bytes), false));
    }

    private MemorySegment allocateHost(long bytes) {
        HostMemory memory = backend.allocateHost(bytes);
        owned.push(memory);
        return memory.segment();
    }

    private long chunkRows(Quantize step) {
        long rowBytes = step.inFeatures() * step.source().info().dtype().bytes();
        return Math.clamp(chunkBytes / rowBytes, 1, step.outFeatures());
    }

    /**
     * Queues the writes of one module's scales.
     *
     * @param scales receives them as they are stored, for {@link #codes}
     * @param afterChunk receives the source bytes of every chunk, in this thread
     * @throws QuantizationException {@code TENSOR_NOT_FINITE}
     */
    void scales(
            Quantize step, MemorySegment scales, SafetensorsWriter writer, WriteQueue queue, LongConsumer afterChunk) {
        forEachChunk(step, queue, afterChunk, (from, to, slot) -> {
            int bytes = step.source().info().dtype().bytes();
            MemorySegment computed = computeScales(step, from, to, slot);
            scales.asSlice(from * bytes).copyFrom(computed);
            return () -> writer.write(step.scaleName(), from * bytes, computed.asByteBuffer());
        });
    }

    /**
     * Queues the writes of one module's codes.
     *
     * @param scales what {@link #scales} computed
     * @param afterChunk receives the source bytes of every chunk, in this thread
     */
    void codes(
            Quantize step, MemorySegment scales, SafetensorsWriter writer, WriteQueue queue, LongConsumer afterChunk) {
        forEachChunk(step, queue, afterChunk, (from, to, slot) -> {
            MemorySegment computed = computeCodes(step, from, to, scales, slot);
            return () -> writer.write(step.source().info().name(), from * step.inFeatures(), computed.asByteBuffer());
        });
    }

    /** Computes rows of a module and returns how to write them. */
    private interface ChunkTask {
        Runnable compute(long from, long to, Slot slot);
    }

    private void forEachChunk(Quantize step, WriteQueue queue, LongConsumer afterChunk, ChunkTask task) {
        long rows = chunkRows(step);
        long rowBytes = step.inFeatures() * step.source().info().dtype().bytes();
        for (long from = 0; from < step.outFeatures(); from += rows) {
            long to = Math.min(from + rows, step.outFeatures());
            Slot slot = takeFree(queue);
            Runnable write = task.compute(from, to, slot);
            queue.submit(() -> {
                write.run();
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

    private MemorySegment computeScales(Quantize step, long from, long to, Slot slot) {
        TensorInfo weight = step.source().info();
        try (Arena window = Arena.ofShared();
                DeviceBuffer source = place(step, from, to, window)) {
            slot.nonFinite.device.fill((byte) 0, stream);
            backend.quantizeRows()
                    .scales(
                            Matrix.of(source, weight.dtype(), to - from, step.inFeatures()),
                            Matrix.of(slot.scales.device, weight.dtype(), to - from, 1),
                            step.scheme().weights().type().divisor(),
                            Matrix.of(slot.nonFinite.device, DType.I32, 1, 1),
                            stream);
            MemorySegment scales =
                    slot.scales.fetch((to - from) * weight.dtype().bytes(), stream);
            MemorySegment nonFinite = slot.nonFinite.fetch(DType.I32.bytes(), stream);
            stream.synchronize();
            if (nonFinite.get(ValueLayout.JAVA_INT, 0) != 0) {
                throw new QuantizationException(
                        ErrorCode.TENSOR_NOT_FINITE,
                        "tensor " + weight.name() + " holds NaN or infinity in rows " + from + " to " + (to - 1));
            }
            return scales;
        }
    }

    private MemorySegment computeCodes(Quantize step, long from, long to, MemorySegment scales, Slot slot) {
        TensorInfo weight = step.source().info();
        long scaleBytes = weight.dtype().bytes();
        try (Arena window = Arena.ofShared();
                DeviceBuffer source = place(step, from, to, window)) {
            slot.scales.device.copyFrom(scales.asSlice(from * scaleBytes, (to - from) * scaleBytes), 0, stream);
            backend.quantizeRows()
                    .encode(
                            Matrix.of(source, weight.dtype(), to - from, step.inFeatures()),
                            Matrix.of(slot.scales.device, weight.dtype(), to - from, 1),
                            Matrix.of(slot.codes.device, DType.F8_E4M3, to - from, step.inFeatures()),
                            stream);
            MemorySegment codes = slot.codes.fetch((to - from) * step.inFeatures(), stream);
            stream.synchronize();
            return codes;
        }
    }

    /** @param window shared, since several threads of the backend read the mapping */
    private DeviceBuffer place(Quantize step, long from, long to, Arena window) {
        TensorInfo weight = step.source().info();
        long rowBytes = step.inFeatures() * weight.dtype().bytes();
        return backend.place(
                "weight", step.source().shard().map(weight, from * rowBytes, to * rowBytes, window), stream);
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
