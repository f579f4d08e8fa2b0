package io.octavo.engine.label;

/**
 * What a checkpoint runs as on one generation of GPUs: the file fixes the intent, the GPU what really happens.
 *
 * @param gpu such as {@code sm_89}
 * @param gpuExamples the generation's name and some of its products
 * @param runsAs such as {@code W8A16}; {@link #FAILS} where loaders refuse
 * @param how what the loader does there
 */
public record Execution(String gpu, String gpuExamples, String runsAs, String how) {

    /** Stands in {@link #runsAs} where no loader runs the checkpoint. */
    public static final String FAILS = "does not load";

    static Execution on(Gpu gpu, String runsAs, String how) {
        return new Execution(gpu.id(), gpu.examples(), runsAs, how);
    }

    public boolean loads() {
        return !runsAs.equals(FAILS);
    }
}
