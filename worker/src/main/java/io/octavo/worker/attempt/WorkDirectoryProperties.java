package io.octavo.worker.attempt;

import java.nio.file.Path;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

/**
 * @param workDirectory scratch of jobs and the cache of inputs; one worker at a time
 * @param cacheSize how much of the inputs stays after their jobs
 */
@ConfigurationProperties("octavo.worker")
public record WorkDirectoryProperties(
        @DefaultValue("/var/lib/octavo/worker") Path workDirectory,
        @DefaultValue("50GB") DataSize cacheSize) {}
