package io.octavo.standalone.embedded;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.List;

/** What the embedded S3 server asks for; drawn once a home and readable by its owner only. */
record StorageCredentials(String accessKey, String secretKey) {

    static StorageCredentials in(Path file) {
        try {
            if (Files.notExists(file)) {
                write(file, new StorageCredentials(random(10), random(20)));
            }
            List<String> lines = Files.readAllLines(file);
            return new StorageCredentials(lines.get(0), lines.get(1));
        } catch (IOException | IndexOutOfBoundsException e) {
            throw new StandaloneException("the credentials in " + file + " cannot be read", e);
        }
    }

    private static void write(Path file, StorageCredentials credentials) throws IOException {
        Path partial = file.resolveSibling(file.getFileName() + ".partial");
        Files.deleteIfExists(partial);
        Files.createFile(partial, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        Files.write(partial, List.of(credentials.accessKey(), credentials.secretKey()));
        Files.move(partial, file, StandardCopyOption.ATOMIC_MOVE);
    }

    private static String random(int bytes) {
        byte[] drawn = new byte[bytes];
        new SecureRandom().nextBytes(drawn);
        return HexFormat.of().formatHex(drawn);
    }

    @Override
    public String toString() {
        return "StorageCredentials[" + accessKey + "]";
    }
}
