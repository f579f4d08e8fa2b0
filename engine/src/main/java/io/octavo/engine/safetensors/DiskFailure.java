package io.octavo.engine.safetensors;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Tells a full disk, which may have room again later, from every other failure to write. */
public final class DiskFailure {

    /** With less than this left, any failed write is taken for a full disk. */
    private static final long NEARLY_FULL_BYTES = 1 << 20;

    private DiskFailure() {}

    /** @return {@code DISK_FULL} or {@code IO_FAILED}, to be thrown */
    public static QuantizationException writing(Path path, IOException cause) {
        boolean full = isFull(path, String.valueOf(cause.getMessage()));
        return new QuantizationException(
                full ? ErrorCode.DISK_FULL : ErrorCode.IO_FAILED,
                (full ? "the disk is full: " : "") + path.getFileName() + " cannot be written: " + cause.getMessage(),
                cause);
    }

    private static boolean isFull(Path path, String message) {
        if (message.contains("No space left on device") || message.contains("quota exceeded")) {
            return true;
        }
        try {
            Path parent = path.toAbsolutePath().getParent();
            return parent != null && Files.getFileStore(parent).getUsableSpace() < NEARLY_FULL_BYTES;
        } catch (IOException e) {
            return false;
        }
    }
}
