package io.octavo.engine.quantize;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.safetensors.TensorInfo;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.Deque;

/** The largest magnitudes of the input channels of weights, some rows at a time. */
record WeightChannels(Backend backend, long chunkBytes, Runnable afterChunk) {

    /** @throws QuantizationException {@code TENSOR_NOT_FINITE} or {@code OUT_OF_MEMORY} */
    float[] of(Numbers source) {
        TensorInfo weight = source.info();
        long columns = weight.shape().getLast();
        long rowBytes = columns * weight.dtype().bytes();
        long rows = weight.byteSize() / rowBytes;
        long chunkRows = Math.clamp(chunkBytes / rowBytes, 1, rows);
        Deque<Runnable> releases = new ArrayDeque<>();
        try (Stream stream = backend.newStream()) {
            StagedBuffer numbers = StagedBuffer.allocate(backend, chunkRows * rowBytes, releases);
            StagedBuffer ranges = StagedBuffer.allocate(backend, Matrix.bytes(DType.F32, columns, 2), releases);
            ranges.host().fill((byte) 0);
            ranges.send(ranges.host().byteSize(), stream);
            for (long from = 0; from < rows; from += chunkRows) {
                afterChunk.run();
                long count = Math.min(chunkRows, rows - from);
                numbers.load(source, from * rowBytes, count * rowBytes, stream);
                Matrix x = Matrix.of(numbers.device(), weight.dtype(), count, columns);
                Matrix seen = Matrix.of(ranges.device(), DType.F32, columns, 2);
                backend.operations().observeRange().observe(x, seen, stream);
                stream.synchronize();
            }
            MemorySegment found = ranges.fetch(Matrix.bytes(DType.F32, columns, 2), stream);
            stream.synchronize();
            return magnitudes(weight, found.toArray(ValueLayout.JAVA_FLOAT));
        } catch (IllegalStateException | OutOfMemoryError e) {
            throw new QuantizationException(
                    ErrorCode.OUT_OF_MEMORY, "no memory to look at the channels of " + weight.name(), e);
        } finally {
            releases.forEach(Runnable::run);
        }
    }

    private static float[] magnitudes(TensorInfo weight, float[] ranges) {
        float[] magnitudes = new float[ranges.length / 2];
        for (int channel = 0; channel < magnitudes.length; channel++) {
            float magnitude = Math.max(-ranges[2 * channel], ranges[2 * channel + 1]);
            requireFinite(weight, magnitude);
            magnitudes[channel] = magnitude;
        }
        return magnitudes;
    }

    static void requireFinite(TensorInfo weight, float magnitude) {
        if (!Float.isFinite(magnitude)) {
            throw new QuantizationException(
                    ErrorCode.TENSOR_NOT_FINITE, "tensor " + weight.name() + " holds NaN or infinity");
        }
    }
}
