package io.octavo.engine.quantize;

import io.octavo.engine.ErrorCode;
import io.octavo.engine.OutputFile;
import io.octavo.engine.QuantizationException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** SHA-256 of whole files, read once from front to back. */
public final class FileDigest {

    /** Mapped at once: reading through a buffer would copy every byte once more. */
    private static final long WINDOW_BYTES = 1 << 23;

    private FileDigest() {}

    /**
     * Stops with an {@code IO_FAILED} when the thread is interrupted.
     *
     * @param relative the path that the result names
     */
    public static OutputFile of(Path file, Path relative) {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            long size = channel.size();
            for (long from = 0; from < size; from += WINDOW_BYTES) {
                try (Arena window = Arena.ofConfined()) {
                    long bytes = Math.min(WINDOW_BYTES, size - from);
                    digest.update(channel.map(FileChannel.MapMode.READ_ONLY, from, bytes, window)
                            .asByteBuffer());
                }
            }
            String name = relative.toString().replace('\\', '/');
            return new OutputFile(name, size, HexFormat.of().formatHex(digest.digest()));
        } catch (IOException e) {
            throw new QuantizationException(ErrorCode.IO_FAILED, relative + " cannot be read: " + e.getMessage(), e);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
