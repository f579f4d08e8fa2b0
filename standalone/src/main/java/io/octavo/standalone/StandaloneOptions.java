package io.octavo.standalone;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * @param home holds all data; made if it is missing
 * @param port 0 takes any free one
 * @param allowedFolders which folders {@code file:} sources may read
 * @param server further settings, such as another address than loopback's
 */
public record StandaloneOptions(Path home, int port, List<Path> allowedFolders, Map<String, Object> server) {

    public StandaloneOptions {
        if (port < 0 || port > 65_535) {
            throw new IllegalArgumentException("port must be from 0 to 65535: " + port);
        }
        home = home.toAbsolutePath().normalize();
        allowedFolders = List.copyOf(allowedFolders);
        server = Map.copyOf(server);
    }

    public StandaloneOptions(Path home, int port, List<Path> allowedFolders) {
        this(home, port, allowedFolders, Map.of());
    }

    String address() {
        return server.getOrDefault("server.address", "127.0.0.1").toString();
    }
}
