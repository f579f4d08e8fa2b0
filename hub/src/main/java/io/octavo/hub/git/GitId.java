package io.octavo.hub.git;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;

/** Ids of git's objects: 40 lower-case hex digits of the SHA-1 of type, length, NUL and contents. */
public final class GitId {

    private static final HexFormat HEX = HexFormat.of();

    private GitId() {}

    /** What a file of this many bytes is digested with. */
    public static MessageDigest digest(long size) {
        return started("blob", size);
    }

    public static String of(MessageDigest finished) {
        return HEX.formatHex(finished.digest());
    }

    public static String of(byte[] contents) {
        MessageDigest digest = digest(contents.length);
        digest.update(contents);
        return of(digest);
    }

    /** A folder, by what lies in it. */
    static String ofTree(Collection<TreeRow> rows) {
        List<byte[]> parts = rows.stream()
                .sorted(Comparator.comparing(TreeRow::sortKey, Arrays::compareUnsigned))
                .map(TreeRow::bytes)
                .toList();
        MessageDigest digest =
                started("tree", parts.stream().mapToLong(part -> part.length).sum());
        parts.forEach(digest::update);
        return of(digest);
    }

    private static MessageDigest started(String type, long size) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-1");
            digest.update((type + " " + size + "\0").getBytes(StandardCharsets.US_ASCII));
            return digest;
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e); // every Java has it
        }
    }
}
