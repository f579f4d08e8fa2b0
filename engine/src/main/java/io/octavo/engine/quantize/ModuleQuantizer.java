package io.octavo.engine.quantize;

import io.octavo.engine.ErrorCode;
import io.octavo.engine.QuantizationException;
import io.octavo.engine.quantize.QuantizationPlan.Quantize;
import io.octavo.engine.safetensors.SafetensorsWriter;
import io.octavo.engine.safetensors.TensorInfo;
import io.octavo.engine.scheme.Scheme;
import io.octavo.kernels.Backend;
import io.octavo.kernels.DType;
import io.octavo.kernels.Matrix;
import io.octavo.kernels.Stream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.function.LongConsumer;

/**
 * Quantizes weights on a backend, some rows at a time, and hands them to the writing thread.
 *
 * <p>Memory is some slots of one chunk's codes and scales, whatever the size of a tensor. Source rows are read into a buffer of one chunk.
 */
final class ModuleQuantizer implements AutoCloseable {

    private final Backend backend;
    private final Stream stream;
    private final long chunkBytes;
    private final SlotPool<Slot> slots;

    private record Slot(StagedBuffer codes, StagedBuffer scales, StagedBuffer nonFinite) {}

    /**
     * @param chunkBytes source bytes quantized at once; a longer row is a chunk of its own
     * @throws QuantizationException {@code OUT_OF_MEMORY}
     */
    ModuleQuantizer(Backend backend, QuantizationPlan plan, long chunkBytes) {
        this.backend = backend;
        this.chunkBytes = chunkBytes;
        long codesBytes = 0;
        long scalesBytes = 0;
        long sourceBytes = 0;
        for (Quantize step :
                plan.quantized().stream().filter(ModuleQuantizer::takes).toList()) {
            codesBytes = Math.max(codesBytes, chunkRows(step) * step.inFeatures());
            scalesBytes = Math.max(
                    scalesBytes, chunkRows(step) * step.source().info().dtype().bytes());
            sourceBytes = Math.max(sourceBytes, chunkRows(step) * rowBytes(step));
        }
        long mostCodes = codesBytes;
        long mostScales = scalesBytes;
        this.slots = new SlotPool<>(
                backend,
                sourceBytes,
                pool -> new Slot(
                        pool.allocate(mostCodes), pool.allocate(mostScales), pool.allocate(DType.I32.bytes())));
        this.stream = backend.newStream();
    }

    /** Whether a step only makes E4M3 codes and one scale a row, which takes the fastest way. */
    static boolean takes(Quantize step) {
        return step.scheme().weights().equals(Scheme.FP8_DYNAMIC.weights())
                && !step.scheme().needsCalibration();
    }

    private long chunkRows(Quantize step) {
        return Math.clamp(chunkBytes / rowBytes(step), 1, step.outFeatures());
    }

    private static long rowBytes(Quantize step) {
        return step.inFeatures() * step.source().info().dtype().bytes();
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
        long rowBytes = rowBytes(step);
        for (long from = 0; from < step.outFeatures(); from += rows) {
            long to = Math.min(from + rows, step.outFeatures());
            Slot slot = slots.take(queue);
            Runnable write = task.compute(from, to, slot);
            queue.submit(() -> {
                write.run();
                slots.release(slot);
            });
            afterChunk.accept((to - from) * rowBytes);
        }
    }

    private MemorySegment computeScales(Quantize step, long from, long to, Slot slot) {
        TensorInfo weight = step.source().info();
        slot.nonFinite.device().fill((byte) 0, stream);
        backend.quantizeRows()
                .scales(
                        load(step, from, to),
                        Matrix.of(slot.scales.device(), weight.dtype(), to - from, 1),
                        step.scheme().weights().type().divisor(),
                        Matrix.of(slot.nonFinite.device(), DType.I32, 1, 1),
                        stream);
        MemorySegment scales = slot.scales.fetch((to - from) * weight.dtype().bytes(), stream);
        MemorySegment nonFinite = slot.nonFinite.fetch(DType.I32.bytes(), stream);
        stream.synchronize();
        if (nonFinite.get(ValueLayout.JAVA_INT, 0) != 0) {
            throw new QuantizationException(
                    ErrorCode.TENSOR_NOT_FINITE,
                    "tensor " + weight.name() + " holds NaN or infinity in rows " + from + " to " + (to - 1));
        }
        return scales;
    }

    private MemorySegment computeCodes(Quantize step, long from, long to, MemorySegment scales, Slot slot) {
        TensorInfo weight = step.source().info();
        long scaleBytes = weight.dtype().bytes();
        long bytes = (to - from) * scaleBytes;
        slot.scales.first(bytes).copyFrom(scales.asSlice(from * scaleBytes, bytes));
        slot.scales.send(bytes, stream);
        backend.quantizeRows()
                .encode(
                        load(step, from, to),
                        Matrix.of(slot.scales.device(), weight.dtype(), to - from, 1),
                        Matrix.of(slot.codes.device(), DType.F8_E4M3, to - from, step.inFeatures()),
                        stream);
        MemorySegment codes = slot.codes.fetch((to - from) * step.inFeatures(), stream);
        stream.synchronize();
        return codes;
    }

    private Matrix load(Quantize step, long from, long to) {
        long rowBytes = rowBytes(step);
        slots.source().load(step.source(), from * rowBytes, (to - from) * rowBytes, stream);
        return Matrix.of(slots.source().device(), step.source().info().dtype(), to - from, step.inFeatures());
    }

    /** Call only once nothing is left in the write queue. */
    @Override
    public void close() {
        stream.close();
        slots.close();
    }
}
