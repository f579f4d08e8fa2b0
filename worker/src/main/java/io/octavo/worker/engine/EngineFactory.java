package io.octavo.worker.engine;

import io.octavo.engine.Engine;
import io.octavo.engine.EngineOptions;
import io.octavo.jobs.spec.SchemeInfo;
import java.util.List;

/** Opens engines and tells what they can write. */
public interface EngineFactory {

    /** Whoever opens an engine closes it. */
    Engine open(EngineOptions options);

    List<SchemeInfo> schemes();

    List<String> layouts();

    /** Goes into the lineage of artifacts. */
    String version();
}
