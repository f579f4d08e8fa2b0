package io.octavo.engine.quantize;

import io.octavo.kernels.DeviceBuffer;
import io.octavo.kernels.Stream;
import java.lang.foreign.MemorySegment;

/**
 * A result of the backend and where the host reads it.
 *
 * @param host the device's own memory if the host can reach it, which {@code shared} says; a copy's place otherwise
 */
record ResultBuffer(DeviceBuffer device, MemorySegment host, boolean shared) {

    /** The first bytes, up to date once the stream was synchronized. */
    MemorySegment fetch(long bytes, Stream stream) {
        MemorySegment fetched = first(bytes);
        if (!shared) {
            device.copyTo(fetched, 0, stream);
        }
        return fetched;
    }

    /** What was {@linkplain #fetch fetched}. */
    MemorySegment first(long bytes) {
        return host.asSlice(0, bytes);
    }
}
