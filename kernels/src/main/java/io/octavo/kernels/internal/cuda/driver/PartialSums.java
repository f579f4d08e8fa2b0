package io.octavo.kernels.internal.cuda.driver;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.number.DType;
import org.jspecify.annotations.Nullable;

/**
 * Where blocks leave sums for those that add them up: the stream's own memory as far as it suffices, since taking scratch
 * keeps kernels apart.
 *
 * @param address 0 if there are none
 * @param scratch null where it is not needed
 */
public record PartialSums(long address, @Nullable CudaBuffer scratch) implements AutoCloseable {

    /**
     * For work on one stream that is submitted before this is closed.
     *
     * @throws io.octavo.kernels.device.OutOfDeviceMemoryException if the budget or the device does not allow it
     */
    public static PartialSums of(String owner, long bytes, DeviceMemory memory, CudaStream stream) {
        if (bytes == 0) {
            return new PartialSums(0, null);
        }
        if (bytes <= CudaStream.PARTS_BYTES) {
            return new PartialSums(stream.parts(), null);
        }
        CudaBuffer scratch = memory.scratch(owner, bytes, stream);
        return new PartialSums(CudaBuffer.addressOf(Matrix.of(scratch, DType.U8, 1, bytes)), scratch);
    }

    @Override
    public void close() {
        if (scratch != null) {
            scratch.close();
        }
    }
}
