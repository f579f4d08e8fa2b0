package io.octavo.jobs.repository;

import io.octavo.jobs.hash.Sha256;
import io.octavo.wire.RepositoryFile;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/** Names a revision by what it is: its repository, its branch, its parent, its message and its files. */
final class RevisionId {

    private static final int HEX_DIGITS = 40;

    private RevisionId() {}

    static String of(
            ModelRepository repository, String branch, @Nullable String parent, String message, FileList files) {
        MessageDigest digest = Sha256.digest();
        add(digest, "octavo revision 1");
        add(digest, repository.name().toString());
        if (!branch.equals(RepositoryService.MAIN)) {
            add(digest, "branch " + branch);
        }
        add(digest, String.valueOf(parent));
        add(digest, message);
        for (RepositoryFile file : files.entries()) {
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
}
