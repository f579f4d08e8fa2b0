package io.octavo.jobs.source;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * What a process that reads {@code file:} sources itself may read: a worker, and an api on the same machine.
 *
 * @param allowedFolders none by default; text, because Spring would take a {@code Path} for a resource first, and
 *     {@code /} for the class path's root
 */
@ConfigurationProperties("octavo.worker")
public record FolderProperties(@DefaultValue List<String> allowedFolders) {

    public FolderProperties {
        allowedFolders = List.copyOf(allowedFolders);
    }

    /** By every name under which requests may know them. */
    public List<String> names() {
        return folders().stream()
                .flatMap(folder -> Stream.of(folder.toAbsolutePath().normalize(), real(folder)))
                .map(Path::toString)
                .distinct()
                .toList();
    }

    private static Path real(Path folder) {
        try {
            return folder.toRealPath();
        } catch (IOException e) {
            return folder.toAbsolutePath().normalize();
        }
    }

    List<Path> folders() {
        return allowedFolders.stream().map(Path::of).toList();
    }
}
