package io.octavo.worker.attempt;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.util.FileSystemUtils;

/** The folder of one attempt; closing removes it. */
public final class JobScratch implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(JobScratch.class);

    private final Path root;

    JobScratch(Path root) {
        this.root = root;
    }

    /** A new folder inside. */
    public Path folder(String name) {
        try {
            return Files.createDirectories(root.resolve(name));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A path inside at which nothing is yet. */
    public Path place(String name) {
        folder(".");
        return root.resolve(name);
    }

    /** A message without the place of this folder, which is nobody's business. */
    public String hidePaths(String message) {
        return message.replace(root + "/", "");
    }

    @Override
    public void close() {
        try {
            FileSystemUtils.deleteRecursively(root);
        } catch (IOException e) {
            LOG.warn("Could not remove {}: {}", root, e.getMessage());
        }
    }
}
