package io.octavo.cli.transfer;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/** The three lines that stand for a large file in a clone whose large files were not fetched (git-lfs, docs/spec.md). */
final class LfsPointer {

    private static final byte[] BEGIN = "version https://git-lfs.github.com/spec/".getBytes(StandardCharsets.US_ASCII);

    private LfsPointer() {}

    /** @throws TransferException if the file is one */
    static void refuse(Path file) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            if (Arrays.equals(in.readNBytes(BEGIN.length), BEGIN)) {
                throw new TransferException(
                        file + " is a Git LFS pointer, not the file itself; run `git lfs pull` in its folder first");
            }
        }
    }
}
