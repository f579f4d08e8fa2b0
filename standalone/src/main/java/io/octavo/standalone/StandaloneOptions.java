package io.octavo.standalone;

import java.nio.file.Path;
import java.util.List;

/**
 * @param home holds all data; made if it is missing
 * @param port on the loopback interface; 0 takes any free one
 * @param allowedFolders which folders {@code file:} sources may read
 */
public record StandaloneOptions(Path home, int port, List<Path> allowedFolders) {

    public StandaloneOptions {
        if (port < 0 || port > 65_535) {
            throw new IllegalArgumentException("port must be from 0 to 65535: " + port);
        }
        home = home.toAbsolutePath().normalize();
        allowedFolders = List.copyOf(allowedFolders);
    }
}
