package io.octavo.engine;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;

/** Finds the data that tests read. */
public final class TestData {

    private static final Path REPOSITORY = repository();

    private TestData() {}

    /** A path inside the repository, such as {@code examples/models/books-5m}. */
    public static Path inRepository(String path) {
        return REPOSITORY.resolve(path);
    }

    /** A path in the shared reference data beside the repository; the test is skipped where it is absent. */
    public static Path shared(String path) {
        Path file = REPOSITORY.resolveSibling("shared").resolve(path);
        assumeTrue(Files.exists(file), "reference data ../shared/" + path + " is not here");
        return file;
    }

    private static Path repository() {
        Path folder = Path.of("").toAbsolutePath();
        while (!Files.isDirectory(folder.resolve("examples")) || !Files.isDirectory(folder.resolve("kernels"))) {
            folder = folder.getParent();
            if (folder == null) {
                throw new IllegalStateException("tests must run inside the repository");
            }
        }
        return folder;
    }
}
