package io.octavo.engine.checkpoint;

import java.io.IOException;
import java.io.InputStream;
import java.util.Map;

/**
 * The files of a checkpoint wherever they lie, of which any part can be read.
 *
 * @param sizes bytes of each file by its path relative to the checkpoint, with {@code /} between folders
 * @param parts called by several threads
 */
public record CheckpointFiles(Map<String, Long> sizes, Parts parts) {

    /** Opens parts of files. */
    @FunctionalInterface
    public interface Parts {
        /**
         * The caller closes the stream.
         *
         * @param length at least 1; the part lies inside the file
         */
        InputStream open(String path, long offset, long length) throws IOException;
    }

    public CheckpointFiles {
        sizes = Map.copyOf(sizes);
    }

    InputStream open(String path, long offset, long length) throws IOException {
        return parts.open(path, offset, length);
    }
}
