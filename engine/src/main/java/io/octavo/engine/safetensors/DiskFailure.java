package io.octavo.engine.safetensors;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Tells a full disk, which may have room again later, from every other failure to write. */
public final class DiskFailure {

    /** With less than this left, any failed write is taken for a full disk. */
    private static final long NEARLY_FULL_BYTES = 1 << 20;

    private DiskFailure() {}

    /** @return {@code DISK_FULL} or {@code IO_FAILED}, to be thrown */
    public static QuantizationException writing(Path path, IOException cause) {
        boolean full = isFull(path.toAbsolutePath().getParent(), cause);
        return new QuantizationException(
                full ? ErrorCode.DISK_FULL : ErrorCode.IO_FAILED,
                (full ? "the disk is full: " : "") + path.getFileName() + " cannot be written: " + cause.getMessage(),
                cause);
    }

    /**
     * The message is the system's, in its language; so what is left counts too.
     *
     * @param folder that was written to; null for none
     */
    public static boolean isFull(@Nullable Path folder, IOException failure) {
        String message = String.valueOf(failure.getMessage());
        if (message.contains("No space left on device") || message.contains("quota exceeded")) {
            return true;
        }
        try {
            return folder != null && Files.getFileStore(folder).getUsableSpace() < NEARLY_FULL_BYTES;
        } catch (IOException e) {
            return false;
        }
    }
}
