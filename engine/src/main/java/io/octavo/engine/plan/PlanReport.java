package io.octavo.engine.plan;

import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What a quantization would do.
 *
 * @param label that the artifact would have
 * @param executions what it runs as on which GPUs; empty where the GPU makes no difference
 * @param quantizedModules how many modules are quantized
 * @param keptTensors how many tensors stay as they are
 * @param weightBits bits a weight of the quantized modules, scales included
 * @param inputBytes tensor bytes that are read
 * @param outputBytes tensor bytes that are written
 * @param outputFiles how many weight files are written
 * @param modules every tensor, those alike together
 * @param resources what the job needs
 * @param tensorParallel whether the result can be split over 1, 2, 4 and 8 GPUs
 * @param warnings what works, but not as one may think
 */
public record PlanReport(
        String label,
        List<Execution> executions,
        int quantizedModules,
        int keptTensors,
        double weightBits,
        long inputBytes,
        long outputBytes,
        int outputFiles,
        List<ModuleGroup> modules,
        Resources resources,
        List<TensorParallel> tensorParallel,
        List<Warning> warnings) {

    public PlanReport {
        executions = List.copyOf(executions);
        modules = List.copyOf(modules);
        tensorParallel = List.copyOf(tensorParallel);
        warnings = List.copyOf(warnings);
    }

    /** The same with warnings of somebody who knows more than headers tell. */
    public PlanReport warned(List<Warning> others) {
        return new PlanReport(
                label,
                executions,
                quantizedModules,
                keptTensors,
                weightBits,
                inputBytes,
                outputBytes,
                outputFiles,
                modules,
                resources,
                tensorParallel,
                Stream.concat(warnings.stream(), others.stream()).toList());
    }

    /**
     * @param gpus such as {@code below sm_89}
     * @param runsAs such as {@code W8A16}
     */
    public record Execution(String gpus, String runsAs) {}

    /**
     * Modules or tensors whose names differ in numbers alone, and which are alike otherwise.
     *
     * @param name with the numbers as sets, such as {@code model.layers.{0..31}.mlp.up_proj}
     * @param count how many there are
     * @param dtype of each in the source
     * @param shape of each in the source
     * @param quantized whether they are; otherwise they keep name, type and bits
     * @param scheme of quantized modules; null for others
     * @param stored what is written for each quantized module, such as {@code weight F8_E4M3 [64, 128]}
     * @param reason why they are left alone; null where they are quantized
     * @param inputBytes of all of them
     * @param outputBytes of all of them
     */
    public record ModuleGroup(
            String name,
            int count,
            String dtype,
            List<Long> shape,
            boolean quantized,
            @Nullable String scheme,
            List<String> stored,
            @Nullable String reason,
            long inputBytes,
            long outputBytes) {

        public ModuleGroup {
            shape = List.copyOf(shape);
            stored = List.copyOf(stored);
        }
    }

    /**
     * Upper bounds, except the time.
     *
     * @param hostBytes memory of the process
     * @param deviceBytes memory of the device, beside the host's where it is a GPU
     * @param diskBytes scratch: the source's files and the result, and large buffers that a processor keeps in files while it
     *     calibrates
     * @param seconds an estimate for the work itself, without waiting and without moving files to and from storage
     */
    public record Resources(long hostBytes, long deviceBytes, long diskBytes, double seconds) {}

    /**
     * @param ways GPUs that share every layer
     * @param obstacles why it cannot be split so: the module, the actual number and what is allowed
     */
    public record TensorParallel(int ways, boolean possible, List<String> obstacles) {

        public TensorParallel {
            obstacles = List.copyOf(obstacles);
        }
    }

    /** @param code stable, such as {@code scales-may-underflow} */
    public record Warning(String code, String message) {}
}
