package io.octavo.worker.attempt;

/** Opens work directories without a container. */
public final class TestWorkDirectory {

    private TestWorkDirectory() {}

    public static WorkDirectory open(WorkDirectoryProperties properties) {
        return new WorkDirectory(properties);
    }
}
