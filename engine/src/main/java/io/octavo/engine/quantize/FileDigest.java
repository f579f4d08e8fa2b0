package io.octavo.engine.quantize;

import io.octavo.engine.ErrorCode;
import io.octavo.engine.OutputFile;
import io.octavo.engine.QuantizationException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** SHA-256 of whole files, read once from front to back. */
final class FileDigest {

    private static final int BUFFER_BYTES = 1 << 18;

    private FileDigest() {}

    /**
     * Stops with an {@code IO_FAILED} when the thread is interrupted.
     *
     * @param relative the path that the result names
     */
    static OutputFile of(Path file, Path relative) {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_BYTES);
            long size = 0;
            while (channel.read(buffer) >= 0) {
                buffer.flip();
                size += buffer.remaining();
                digest.update(buffer);
                buffer.clear();
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
