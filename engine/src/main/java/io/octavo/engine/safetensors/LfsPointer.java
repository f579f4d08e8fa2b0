package io.octavo.engine.safetensors;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** The three lines that stand for a large file in a clone whose large files were not fetched (git-lfs, docs/spec.md). */
public final class LfsPointer {

    private static final byte[] BEGIN = "version https://git-lfs.github.com/spec/".getBytes(StandardCharsets.US_ASCII);

    private LfsPointer() {}

    /**
     * @param file named in the message
     * @param begin the file's first bytes, or all
     * @throws QuantizationException {@code GIT_LFS_POINTER}
     */
    public static void refuse(String file, byte[] begin) {
        if (begin.length >= BEGIN.length && Arrays.equals(begin, 0, BEGIN.length, BEGIN, 0, BEGIN.length)) {
            throw new QuantizationException(
                    ErrorCode.GIT_LFS_POINTER,
                    file + ": a Git LFS pointer, not the file itself; run `git lfs pull` where it was cloned");
        }
    }
}
