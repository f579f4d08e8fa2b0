package io.octavo.standalone;

import io.octavo.engine.request.EngineOptions;
import picocli.CommandLine.Option;

/** Where a command computes. */
final class DeviceOption {

    @Option(names = "--device", paramLabel = "DEVICE", description = "auto (the default), cpu, cuda or cuda:N.")
    private String device = "auto";

    /** With all of the machine's processors. */
    EngineOptions engine() {
        return new EngineOptions(device, Runtime.getRuntime().availableProcessors());
    }
}
