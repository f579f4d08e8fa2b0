package io.octavo.engine.label;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** What is known to go wrong with kinds of checkpoints, whatever the single file says. */
final class LoaderWarnings {

    private static final String MXFP4 = "MXFP4 needs sm_80 or newer; native on sm_100 and newer";

    private LoaderWarnings() {}

    static List<String> of(@Nullable LoaderPath path) {
        if (path == null) {
            return List.of();
        }
        return switch (path) {
            case FP8 -> List.of("below sm_89 inputs stay 16-bit: W8A16");
            case FP8_BLOCK ->
                List.of("on sm_89, vLLM 0.29.0 is reported to expand block FP8 weights to 16 bits: W8A16");
            case FP8_NATIVE_ONLY ->
                List.of("modelopt FP8 needs sm_89 or newer; compressed-tensors also runs on older GPUs");
            case INT8 ->
                List.of("INT8 on Blackwell: current vLLM fails at start-up on sm_100 and sm_120; prefer FP8 there");
            case INT4_FP8 -> List.of("W4AFP8 runs on sm_90 only");
            case NVFP4 -> List.of("off Blackwell, NVFP4 is weight-only: W4A16");
            case FP8_WEIGHT_ONLY ->
                List.of(
                        "FP8 weights beside 16-bit inputs run by Marlin below sm_89; newer GPUs need the humming-kernels package");
            case MXFP4 -> List.of(MXFP4);
            case MXFP4_WEIGHT_ONLY ->
                List.of(MXFP4, "MXFP4A16 is MXFP4 to vLLM: on sm_100 and newer it rounds inputs to 4 bits as well");
            case MXFP8, MODELOPT_MXFP8 -> List.of("off Blackwell, MXFP8 is weight-only: W8A16");
            case WEIGHT_ONLY, GPTQ_WITHOUT_KERNEL -> List.of();
        };
    }
}
