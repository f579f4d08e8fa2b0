package io.octavo.hub.git;

import java.nio.charset.StandardCharsets;

/**
 * What git holds in place of a large file (git-lfs specification, version 1).
 *
 * @param sha256 64 lower-case hex digits, of the file
 * @param size of the file, in bytes
 */
public record LfsPointer(String sha256, long size) {

    private byte[] text() {
        return "version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d\n"
                .formatted(sha256, size)
                .getBytes(StandardCharsets.US_ASCII);
    }

    /** Of the pointer itself, in bytes. */
    public int pointerSize() {
        return text().length;
    }

    public String gitId() {
        return GitId.of(text());
    }
}
