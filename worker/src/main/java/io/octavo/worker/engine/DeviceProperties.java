package io.octavo.worker.engine;

import io.octavo.engine.request.EngineOptions;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.Pattern;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.validation.annotation.Validated;

/**
 * @param threads for engines; 0 means one a processor
 * @param device of this worker: {@code auto}, {@code cpu}, {@code cuda} or {@code cuda:N}; one process serves one GPU
 */
@Validated
@ConfigurationProperties("octavo.worker")
public record DeviceProperties(
        @Min(0) @DefaultValue("0") int threads,

        @Pattern(regexp = "auto|cpu|cuda(:[0-9]{1,3})?") @DefaultValue("auto")
        String device) {

    private static final String CPU = "cpu";

    /** The engine on this worker's device. */
    public EngineOptions own() {
        return on(device);
    }

    /** The engine on the processor, for what needs no other device. */
    public EngineOptions onProcessor() {
        return on(CPU);
    }

    /** What a job that asks for {@code wanted} gets: the processor where it asks for that, this worker's device otherwise. */
    public EngineOptions asWanted(String wanted) {
        boolean needsGpu = wanted.equals("cuda");
        return on(wanted.equals(CPU) || (needsGpu && !device.startsWith("cuda")) ? wanted : device);
    }

    private EngineOptions on(String chosen) {
        return new EngineOptions(
                chosen, threads > 0 ? threads : Runtime.getRuntime().availableProcessors());
    }
}
