package io.octavo.standalone;

import java.nio.file.Files;
import java.nio.file.Path;

/** Where the repository's root is, whichever folder the tests run in. */
final class ProjectFolder {

    private ProjectFolder() {}

    static Path root() {
        Path start = Path.of("").toAbsolutePath();
        for (Path folder = start; folder != null; folder = folder.getParent()) {
            if (Files.isRegularFile(folder.resolve("octavo")) && Files.isDirectory(folder.resolve("standalone"))) {
                return folder;
            }
        }
        throw new IllegalStateException("no folder above " + start + " holds the launcher");
    }
}
