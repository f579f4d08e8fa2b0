package io.octavo.engine;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;

/** Where tests find real models: those in the project always, those beside it where they exist. */
public final class TestModels {

    private TestModels() {}

    /** The repository's root: the nearest folder upwards with {@code examples/models}. */
    public static Path repository() {
        for (Path folder = Path.of("").toAbsolutePath(); folder != null; folder = folder.getParent()) {
            if (Files.isDirectory(folder.resolve("examples/models"))) {
                return folder;
            }
        }
        throw new IllegalStateException("no folder above " + Path.of("").toAbsolutePath() + " has examples/models");
    }

    /** A 5 M parameter Llama, bf16, one shard. */
    public static Path books5m() {
        return repository().resolve("examples/models/books-5m");
    }

    /** 128 passages of the kind that books-5m was trained on. */
    public static Path calibrationTexts() {
        return repository().resolve("examples/data/books-calibration.jsonl");
    }

    /** A path in the folder {@code shared} beside the repository; skips the test where that does not exist. */
    public static Path shared(String path) {
        Path shared = repository().resolveSibling("shared").resolve(path);
        Assumptions.assumeTrue(
                Files.exists(shared), () -> "needs ../shared/" + path + ", which is not on this machine");
        return shared;
    }
}
