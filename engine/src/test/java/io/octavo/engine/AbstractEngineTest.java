package io.octavo.engine;

import io.octavo.engine.request.EngineOptions;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.io.TempDir;

/** What an engine on the processor makes in a folder. */
public abstract class AbstractEngineTest {

    @TempDir
    protected Path folder;

    protected final Engine engine = Engines.open(new EngineOptions("cpu", 2));

    @AfterEach
    void close() {
        engine.close();
    }
}
