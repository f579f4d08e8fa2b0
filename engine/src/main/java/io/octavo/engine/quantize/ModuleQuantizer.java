package io.octavo.engine.quantize;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.quantize.QuantizationPlan.Quantize;
import io.octavo.engine.safetensors.SafetensorsWriter;
import io.octavo.engine.safetensors.TensorInfo;
import io.octavo.engine.scheme.Scheme;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.DType;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
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
                && !step.scheme().needsCalibration()
                && step.source().solved().isEmpty();
    }

    private long chunkRows(Quantize step) {
        return Math.clamp(chunkBytes / rowBytes(step), 1, step.outFeatures());
    }

    private static long rowBytes(Quantize step) {
        return step.inFeatures() * step.source().info().dtype().bytes();
    }

    /**
     * Queues the writes of one module's codes and scales.
     *
     * @param afterChunk receives the source bytes of every chunk, in this thread
     * @throws QuantizationException {@code TENSOR_NOT_FINITE}
     */
    void quantize(Quantize step, SafetensorsWriter writer, WriteQueue queue, LongConsumer afterChunk) {
        long rows = chunkRows(step);
        long rowBytes = rowBytes(step);
        int scaleBytes = step.source().info().dtype().bytes();
        for (long row = 0; row < step.outFeatures(); row += rows) {
            long from = row;
            long to = Math.min(from + rows, step.outFeatures());
            Slot slot = slots.take(queue);
            compute(step, from, to, slot);
            ByteBuffer codes = slot.codes.first((to - from) * step.inFeatures()).asByteBuffer();
            ByteBuffer scales = slot.scales.first((to - from) * scaleBytes).asByteBuffer();
            queue.submit(() -> {
                writer.write(step.source().info().name(), from * step.inFeatures(), codes);
                writer.write(step.scaleName(), from * scaleBytes, scales);
                slots.release(slot);
            });
            afterChunk.accept((to - from) * rowBytes);
        }
    }

    private void compute(Quantize step, long from, long to, Slot slot) {
        TensorInfo weight = step.source().info();
        long rows = to - from;
        slot.nonFinite.device().fill((byte) 0, stream);
        backend.operations()
                .quantizeRows()
                .quantize(
                        load(step, from, to),
                        Matrix.of(slot.codes.device(), DType.F8_E4M3, rows, step.inFeatures()),
                        Matrix.of(slot.scales.device(), weight.dtype(), rows, 1),
                        step.scheme().weights().type().divisor(),
                        Matrix.of(slot.nonFinite.device(), DType.I32, 1, 1),
                        stream);
        slot.codes.fetch(rows * step.inFeatures(), stream);
        slot.scales.fetch(rows * weight.dtype().bytes(), stream);
        slot.nonFinite.fetch(DType.I32.bytes(), stream);
        stream.synchronize();
        if (slot.nonFinite.host().get(ValueLayout.JAVA_INT, 0) != 0) {
            throw new QuantizationException(
                    ErrorCode.TENSOR_NOT_FINITE,
                    "tensor " + weight.name() + " holds NaN or infinity in rows " + from + " to " + (to - 1));
        }
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
