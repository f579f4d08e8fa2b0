package io.octavo.cli.transfer;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.function.LongConsumer;

/** SHA-256 of files, as 64 lower-case hex digits. */
final class FileHash {

    private static final int BUFFER_BYTES = 1 << 18;

    private FileHash() {}

    /**
     * @param progress receives the bytes hashed since it was last called
     */
    static String sha256(Path file, LongConsumer progress) throws IOException {
        MessageDigest digest = newDigest();
        update(digest, file, progress);
        return hex(digest);
    }

    /** Feeds a whole file; returns its length. */
    static long update(MessageDigest digest, Path file, LongConsumer progress) throws IOException {
        byte[] buffer = new byte[BUFFER_BYTES];
        long total = 0;
        try (InputStream in = Files.newInputStream(file)) {
            for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
                digest.update(buffer, 0, count);
                progress.accept(count);
                total += count;
            }
        }
        return total;
    }

    static MessageDigest newDigest() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    static String hex(MessageDigest digest) {
        return HexFormat.of().formatHex(digest.digest());
    }
}
