package io.octavo.worker.attempt;

import io.octavo.worker.WorkerProperties;

/** Opens work directories without a container. */
public final class TestWorkDirectory {

    private TestWorkDirectory() {}

    public static WorkDirectory open(WorkerProperties properties) {
        return new WorkDirectory(properties);
    }
}
