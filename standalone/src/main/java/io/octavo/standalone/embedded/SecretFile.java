package io.octavo.standalone.embedded;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.function.Supplier;

/**
 * A secret that a home keeps, in a file that only its owner may read.
 *
 * @param drawn whether it was not there before
 */
public record SecretFile(Path file, String secret, boolean drawn) {

    /** @param draw makes the secret if the home has none yet */
    public static SecretFile in(Path file, Supplier<String> draw) {
        try {
            boolean missing = Files.notExists(file);
            if (missing) {
                write(file, draw.get());
            }
            return new SecretFile(file, Files.readString(file).strip(), missing);
        } catch (IOException e) {
            throw new StandaloneException("the secret in " + file + " cannot be read or written", e);
        }
    }

    private static void write(Path file, String secret) throws IOException {
        Path partial = file.resolveSibling(file.getFileName() + ".partial");
        Files.deleteIfExists(partial);
        Files.createFile(partial, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        Files.writeString(partial, secret + "\n");
        Files.move(partial, file, StandardCopyOption.ATOMIC_MOVE);
    }

    @Override
    public String toString() {
        return "SecretFile[" + file + "]";
    }
}
