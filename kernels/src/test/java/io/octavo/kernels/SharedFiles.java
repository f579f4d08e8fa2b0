package io.octavo.kernels;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;

/** Reference data beside the repository, which a user's clone does not have. */
final class SharedFiles {

    private SharedFiles() {}

    /** Skips the calling test, visibly, if the file is not there. */
    static byte[] read(String path) throws IOException {
        Path file = repositoryRoot().resolve("../shared").resolve(path).normalize();
        Assumptions.assumeTrue(Files.exists(file), () -> "reference data is absent: " + file);
        return Files.readAllBytes(file);
    }

    private static Path repositoryRoot() {
        Path folder = Path.of(System.getProperty("user.dir")).toAbsolutePath();
        while (folder.getParent() != null && !Files.exists(folder.resolve(".git"))) {
            folder = folder.getParent();
        }
        return folder;
    }
}
