package io.octavo.engine.label;

/** Generations of NVIDIA GPUs that loaders treat differently, oldest first. */
public enum Gpu {
    SM_75("Turing: T4, RTX 20"),
    SM_80("Ampere: A100, A30"),
    SM_86("Ampere: A10, A40, RTX 30"),
    SM_89("Ada: L4, L40S, RTX 40"),
    SM_90("Hopper: H100, H200"),
    SM_100("Blackwell: B200, GB200"),
    SM_120("Blackwell: RTX 50, RTX PRO 6000");

    private final String examples;

    Gpu(String examples) {
        this.examples = examples;
    }

    /** Such as {@code sm_89}. */
    public String id() {
        return "sm_" + name().substring("SM_".length());
    }

    /** The generation's name and some of its products. */
    public String examples() {
        return examples;
    }

    boolean isBefore(Gpu other) {
        return compareTo(other) < 0;
    }
}
