package io.octavo.engine.label;

import io.octavo.engine.checkpoint.ConfigJson;
import io.octavo.engine.layout.CompressedTensorsConfig;
import io.octavo.engine.scheme.NumberType;
import io.octavo.engine.scheme.Quantization;
import io.octavo.engine.scheme.Scheme;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/**
 * What a checkpoint is: weight bits and input bits as configured, their number type, how input scales come about.
 *
 * @param text such as {@code W8A8-FP8-dynamic}; for unquantized checkpoints the number type, such as {@code BF16}
 * @param executions what it runs as on which GPUs; empty where the GPU makes no difference
 */
public record Label(String text, List<Execution> executions) {

    /**
     * The file fixes the intent, the GPU what really runs.
     *
     * @param gpus such as {@code below sm_89}
     * @param runsAs such as {@code W8A16}
     */
    public record Execution(String gpus, String runsAs) {}

    /** vLLM multiplies 8-bit floats only where the hardware can, and expands weights to 16 bits elsewhere. */
    private static final List<Execution> FP8_WITH_INPUTS =
            List.of(new Execution("sm_75 to sm_88", "W8A16"), new Execution("sm_89 and newer", "W8A8"));

    public Label {
        executions = List.copyOf(executions);
    }

    /** @throws io.octavo.engine.QuantizationException {@code QUANTIZATION_UNSUPPORTED} if the config is not understood */
    public static Label of(ConfigJson config) {
        return config.quantizationConfig()
                .map(node -> ofGroups(CompressedTensorsConfig.parse(node).groups()))
                .orElseGet(() -> new Label(unquantized(config.tree()), List.of()));
    }

    /** What a checkpoint quantized by {@code scheme} must turn out to be. */
    public static Label of(Scheme scheme) {
        return of(scheme.weights(), scheme.inputs());
    }

    private static Label ofGroups(List<CompressedTensorsConfig.Group> groups) {
        List<Label> labels = groups.stream()
                .map(group -> of(group.weights(), group.inputs()))
                .distinct()
                .toList();
        if (labels.size() == 1) {
            return labels.getFirst();
        }
        return new Label(
                "mixed(" + String.join(", ", labels.stream().map(Label::text).toList()) + ")", List.of());
    }

    private static Label of(Quantization weights, Optional<Quantization> inputs) {
        int inputBits = inputs.map(input -> input.type().bits()).orElse(16);
        String text = "W" + weights.type().bits() + "A" + inputBits + "-" + typeName(weights.type());
        if (inputs.isEmpty()) {
            return new Label(text, List.of());
        }
        String inputType = typeName(inputs.get().type());
        String types = inputType.equals(typeName(weights.type())) ? text : text + "-" + inputType;
        boolean fp8 =
                weights.type() == NumberType.FloatType.E4M3 && inputs.get().type() == NumberType.FloatType.E4M3;
        return new Label(types + (inputs.get().dynamic() ? "-dynamic" : "-static"), fp8 ? FP8_WITH_INPUTS : List.of());
    }

    private static String typeName(NumberType type) {
        return switch (type) {
            case NumberType.IntType integer -> "INT" + integer.bits();
            case NumberType.FloatType format ->
                switch (format) {
                    case E4M3 -> "FP8";
                    case E2M1 -> "FP4";
                };
        };
    }

    /** Newer configs say {@code dtype}, older ones {@code torch_dtype}, multimodal ones have it in {@code text_config}. */
    private static String unquantized(JsonNode config) {
        for (JsonNode owner : List.of(config, config.path("text_config"))) {
            for (String member : List.of("dtype", "torch_dtype")) {
                switch (owner.path(member).asString("")) {
                    case "bfloat16" -> {
                        return "BF16";
                    }
                    case "float16" -> {
                        return "F16";
                    }
                    case "float32" -> {
                        return "F32";
                    }
                    default -> {
                        // Not said here.
                    }
                }
            }
        }
        return "unquantized";
    }
}
