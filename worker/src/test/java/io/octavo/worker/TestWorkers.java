package io.octavo.worker;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.springframework.util.unit.DataSize;

/** Settings of workers that need no service. */
public final class TestWorkers {

    private TestWorkers() {}

    public static WorkerProperties properties(Path folder, long cacheBytes, int transfers) {
        Duration second = Duration.ofSeconds(1);
        return new WorkerProperties(
                "test",
                false,
                folder,
                DataSize.ofBytes(cacheBytes),
                transfers,
                1,
                "cpu",
                Map.of(),
                second,
                second,
                second);
    }
}
