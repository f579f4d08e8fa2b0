package io.octavo.jobs.source;

import java.nio.file.Path;
import java.util.List;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * What a process that reads {@code file:} sources itself may read: a worker, and an api on the same machine.
 *
 * @param allowedFolders none by default
 */
@ConfigurationProperties("octavo.worker")
public record FolderProperties(@DefaultValue List<Path> allowedFolders) {

    public FolderProperties {
        allowedFolders = List.copyOf(allowedFolders);
    }
}
