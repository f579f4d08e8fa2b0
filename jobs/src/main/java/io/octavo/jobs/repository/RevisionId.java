package io.octavo.jobs.repository;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** Names a revision by what it is: its repository, its parent, its message and its files. */
final class RevisionId {

    private static final int HEX_DIGITS = 40;

    private RevisionId() {}

    static String of(ModelRepository repository, String message, FileList files) {
        MessageDigest digest = newDigest();
        add(digest, "octavo revision 1");
        add(digest, repository.name().toString());
        add(digest, String.valueOf(repository.head()));
        add(digest, message);
        for (FileEntry file : files.entries()) {
            add(digest, file.path());
            add(digest, Long.toString(file.size()));
            add(digest, file.sha256());
        }
        return HexFormat.of().formatHex(digest.digest()).substring(0, HEX_DIGITS);
    }

    private static void add(MessageDigest digest, String field) {
        digest.update(field.getBytes(StandardCharsets.UTF_8));
        digest.update((byte) 0); // no field holds a NUL, so fields cannot run into each other
    }

    private static MessageDigest newDigest() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
