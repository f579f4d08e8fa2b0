package io.octavo.engine.label;

import io.octavo.engine.layout.config.Declaration;
import io.octavo.engine.layout.config.Layout;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.Quantization;
import java.util.Optional;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * The ways in which vLLM runs quantized Linear modules, one by kernel family. Source: docs/checkpoint-formats.md, sections
 * 3.6, 4, 5, 7, 8 and 11.
 */
enum LoaderPath {
    /** E4M3 weights and inputs: where the hardware cannot multiply them, weights are expanded and inputs left alone. */
    FP8((gpu, intent) -> gpu.isBefore(Gpu.SM_89) ? expanded(gpu, 8) : natively(gpu, intent)),
    FP8_BLOCK((gpu, intent) -> gpu.isBefore(Gpu.SM_90) ? expanded(gpu, 8) : natively(gpu, intent)),
    /** Without a fallback for older GPUs. */
    FP8_NATIVE_ONLY((gpu, intent) ->
            gpu.isBefore(Gpu.SM_89) ? fails(gpu, "needs sm_89 or newer; there is no fallback") : natively(gpu, "W8A8")),
    INT8((gpu, intent) -> gpu.isBefore(Gpu.SM_100)
            ? natively(gpu, intent)
            : fails(gpu, "current versions fail at start-up: no INT8 kernel for Blackwell")),
    INT4_FP8((gpu, intent) -> gpu == Gpu.SM_90 ? natively(gpu, intent) : fails(gpu, "needs exactly sm_90")),
    /** E4M3 weights beside 16-bit inputs. */
    FP8_WEIGHT_ONLY((gpu, intent) -> Execution.on(
            gpu,
            intent,
            gpu.isBefore(Gpu.SM_89)
                    ? LoaderPath.EXPANDED
                    : "weights are expanded to 16 bits, if the humming-kernels package is there: Marlin refuses")),
    /** Codes of 8 or 4 bits, expanded to 16 while they are multiplied. */
    WEIGHT_ONLY((gpu, intent) -> Execution.on(gpu, intent, LoaderPath.EXPANDED)),
    /** Zero points, or bits that no kernel has. */
    GPTQ_WITHOUT_KERNEL((gpu, intent) -> fails(gpu, LoaderPath.GPTQ_ALLOWED)),
    NVFP4((gpu, intent) -> gpu.isBefore(Gpu.SM_100) ? expanded(gpu, 4) : natively(gpu, intent)),
    MXFP4((gpu, intent) -> {
        if (gpu.isBefore(Gpu.SM_80)) {
            return fails(gpu, "needs sm_80 or newer");
        }
        return gpu.isBefore(Gpu.SM_100) ? expanded(gpu, 4) : natively(gpu, intent);
    }),
    /** vLLM looks at the weights alone: where it can, it rounds the inputs as well. */
    MXFP4_WEIGHT_ONLY((gpu, intent) -> gpu.isBefore(Gpu.SM_100) ? MXFP4.on(gpu, intent) : natively(gpu, "W4A4")),
    MXFP8((gpu, intent) -> gpu.isBefore(Gpu.SM_100) ? expanded(gpu, 8) : natively(gpu, intent)),
    MODELOPT_MXFP8(
            (gpu, intent) -> gpu.isBefore(Gpu.SM_80) ? fails(gpu, "needs sm_80 or newer") : MXFP8.on(gpu, intent));

    static final String GPTQ_ALLOWED = "vLLM loads gptq of symmetric weights of 4 or 8 bits alone";

    private static final String NATIVE = "multiplied in these types";
    private static final String EXPANDED = "Marlin: weights are expanded to 16 bits";

    @SuppressWarnings("ImmutableEnumChecker") // Lambdas that hold nothing: only their type does not say so.
    private final BiFunction<Gpu, String, Execution> execution;

    LoaderPath(BiFunction<Gpu, String, Execution> execution) {
        this.execution = execution;
    }

    /** @return null where no loader is known to run it */
    static @Nullable LoaderPath of(Layout layout, Declaration.Group group) {
        Quantization weights = group.weights();
        Optional<Quantization> inputs = group.inputs();
        return switch (layout) {
            case MODELOPT -> modelOpt(weights, inputs);
            case GPTQ, GPTQ_V2 -> weights.symmetric() && isFourOrEightBits(weights) ? WEIGHT_ONLY : GPTQ_WITHOUT_KERNEL;
            case COMPRESSED_TENSORS, FP8, AWQ ->
                inputs.isPresent() ? withInputs(weights, inputs.get()) : weightOnly(weights);
        };
    }

    private static boolean isFourOrEightBits(Quantization weights) {
        return weights.type().bits() == 4 || weights.type().bits() == 8;
    }

    private static boolean isOfSixteen(Quantization weights) {
        return weights.granularity().equals(new Granularity.PerTensorGroup(16));
    }

    private static @Nullable LoaderPath modelOpt(Quantization weights, Optional<Quantization> inputs) {
        return switch (NumberFamily.of(weights)) {
            case INT, FP4, MXFP4 -> null;
            case FP8 -> FP8_NATIVE_ONLY;
            case NVFP4 -> inputs.isPresent() ? NVFP4 : WEIGHT_ONLY;
            case MXFP8 -> MODELOPT_MXFP8;
        };
    }

    private static @Nullable LoaderPath weightOnly(Quantization weights) {
        return switch (NumberFamily.of(weights)) {
            case INT -> isFourOrEightBits(weights) ? WEIGHT_ONLY : null;
            case FP8 -> weights.granularity() instanceof Granularity.PerGroup ? null : FP8_WEIGHT_ONLY;
            case NVFP4 -> isOfSixteen(weights) ? WEIGHT_ONLY : null;
            case MXFP4 -> MXFP4_WEIGHT_ONLY;
            case FP4, MXFP8 -> null;
        };
    }

    private static @Nullable LoaderPath withInputs(Quantization weights, Quantization inputs) {
        NumberFamily family = NumberFamily.of(weights);
        boolean alike = weights.type().equals(inputs.type()) && family == NumberFamily.of(inputs);
        boolean wholeRows = weights.granularity() instanceof Granularity.PerTensor
                || weights.granularity() instanceof Granularity.PerChannel;
        boolean dynamicTokens = inputs.dynamic() && inputs.granularity() instanceof Granularity.PerToken;
        boolean inputsKnown =
                dynamicTokens || (!inputs.dynamic() && inputs.granularity() instanceof Granularity.PerTensor);
        return switch (family) {
            case FP8 -> {
                if (alike && weights.granularity() instanceof Granularity.PerBlock) {
                    yield inputs.granularity() instanceof Granularity.PerGroup ? FP8_BLOCK : null;
                }
                yield alike && wholeRows && inputsKnown && inputs.symmetric() ? FP8 : null;
            }
            case INT -> {
                if (weights.type().bits() == 4 && NumberFamily.of(inputs) == NumberFamily.FP8) {
                    yield weights.symmetric() && dynamicTokens ? INT4_FP8 : null;
                }
                boolean int8 = alike && weights.type().bits() == 8 && weights.symmetric();
                yield int8 && wholeRows && inputsKnown ? INT8 : null;
            }
            case FP4 -> null;
            case NVFP4 -> alike && inputs.dynamic() && isOfSixteen(weights) ? NVFP4 : null;
            case MXFP4 -> alike && inputs.dynamic() ? MXFP4 : null;
            case MXFP8 -> alike && inputs.dynamic() ? MXFP8 : null;
        };
    }

    /** @param intent what the config declares, such as {@code W8A8} */
    Execution on(Gpu gpu, String intent) {
        return execution.apply(gpu, intent);
    }

    private static Execution natively(Gpu gpu, String runsAs) {
        return Execution.on(gpu, runsAs, NATIVE);
    }

    private static Execution expanded(Gpu gpu, int weightBits) {
        return Execution.on(
                gpu, "W" + weightBits + "A16", "Marlin: weights are expanded to 16 bits, inputs stay 16-bit");
    }

    private static Execution fails(Gpu gpu, String reason) {
        return Execution.on(gpu, Execution.FAILS, reason);
    }
}
