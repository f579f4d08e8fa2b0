package io.octavo.engine.layout.config;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.module.ModulePattern;
import io.octavo.engine.scheme.Quantization;
import io.octavo.engine.scheme.Scheme;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.SequencedMap;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a {@code quantization_config} declares, whatever its {@code quant_method}: the one reading of it, for labels and for
 * readers of layouts.
 *
 * @param groups in the order of the file; layouts without groups declare one for every Linear
 * @param ignore modules that no group applies to, whatever its targets say, as far as readers go by them
 * @param kvCache how what enters the KV cache is quantized; empty where it is not
 * @param warnings what loaders are known to stumble over in the spelling itself
 */
public record Declaration(
        Layout layout,
        List<Group> groups,
        List<ModulePattern> ignore,
        Optional<Quantization> kvCache,
        List<String> warnings) {

    /** The class of modules that a target may name. */
    public static final String LINEAR = "Linear";

    /** Where ModelOpt declares what config.json does not mention. */
    public static final String MODELOPT_FILE = ModelOptConfig.FILE;

    private static final List<String> METHODS =
            List.of(CompressedTensorsConfig.METHOD, "fp8", "awq", "gptq", ModelOptConfig.METHOD);

    /**
     * What applies to some of a model's modules.
     *
     * @param name the group's, or the layout's where it has no groups
     * @param format how compressed-tensors stores the weights, or would
     * @param targets modules by name or pattern; {@value Declaration#LINEAR} stands for every Linear
     * @param inputs empty for weight-only quantization
     * @param actOrder whether each weight stores which group its columns belong to
     */
    public record Group(
            String name,
            CompressedFormat format,
            List<ModulePattern> targets,
            Quantization weights,
            Optional<Quantization> inputs,
            boolean actOrder) {

        public Group {
            targets = List.copyOf(targets);
        }

        /** Of all modules that a scheme applies to. */
        public static Group of(Scheme scheme) {
            return ofEveryLinear(scheme.name(), scheme.weights(), scheme.inputs(), false);
        }

        public static Group ofEveryLinear(
                String name, Quantization weights, Optional<Quantization> inputs, boolean actOrder) {
            return new Group(
                    name,
                    CompressedFormat.of(weights, inputs),
                    List.of(new ModulePattern.Exact(LINEAR)),
                    weights,
                    inputs,
                    actOrder);
        }

        public boolean targetsByName(List<String> spellings) {
            return targets.stream().anyMatch(target -> spellings.stream().anyMatch(target::matches));
        }

        public boolean targetsEveryLinear() {
            return targets.stream().anyMatch(target -> target.text().equals(LINEAR));
        }
    }

    public Declaration {
        groups = List.copyOf(groups);
        ignore = List.copyOf(ignore);
        warnings = List.copyOf(warnings);
    }

    /** @param spellings of one module's name */
    public boolean ignores(List<String> spellings) {
        return ignore.stream().anyMatch(pattern -> spellings.stream().anyMatch(pattern::matches));
    }

    /**
     * Reads a config by which tensors are to be read.
     *
     * @throws QuantizationException {@code QUANTIZATION_UNSUPPORTED} for whatever is not understood
     */
    public static Declaration strict(JsonNode config) {
        return read(config, new Reading(true));
    }

    /**
     * Reads what a config says, passing over what tells nothing about the numbers.
     *
     * @throws QuantizationException {@code QUANTIZATION_UNSUPPORTED} for a config of which that cannot be told, with a name
     *     for it as its message
     */
    public static Declaration lenient(JsonNode config) {
        var reading = new Reading(false);
        try {
            return read(config, reading);
        } catch (QuantizationException e) {
            throw new QuantizationException(ErrorCode.QUANTIZATION_UNSUPPORTED, reading.subject(), e);
        }
    }

    private static Declaration read(JsonNode config, Reading reading) {
        String method = method(config);
        reading.of(
                method.isEmpty()
                        ? "without quant_method"
                        : Reading.shown(config.path("quant_method")).replace("\"", ""));
        String refusal = "quant_method is \"" + method + "\"; supported: " + String.join(", ", METHODS);
        if (!METHODS.contains(method)) {
            reading.refuse(refusal);
        }
        return switch (method.toLowerCase(Locale.ROOT)) {
            case CompressedTensorsConfig.METHOD, "compressed_tensors" -> CompressedTensorsConfig.read(config, reading);
            case "fp8" -> Fp8Config.read(config, reading);
            case "awq" -> IntegerConfig.awq(config, reading);
            case "gptq" -> IntegerConfig.gptq(config, reading);
            case ModelOptConfig.METHOD, "modelopt_fp4", "modelopt_mixed", "modelopt_mxfp8" ->
                ModelOptConfig.read(config, reading);
            default -> throw unsupported(refusal);
        };
    }

    /**
     * The {@code quantization_config} that says this.
     *
     * @param experts whether it is that of experts too
     */
    public ObjectNode write(boolean experts) {
        return switch (layout) {
            case COMPRESSED_TENSORS -> CompressedTensorsConfig.write(this, experts);
            case FP8 -> Fp8Config.write(this);
            case AWQ -> IntegerConfig.writeAwq(this);
            case GPTQ, GPTQ_V2 -> IntegerConfig.writeGptq(this);
            case MODELOPT -> ModelOptConfig.write(this);
        };
    }

    /** Further files that loaders look for, by name. */
    public SequencedMap<String, ObjectNode> files() {
        var files = new LinkedHashMap<String, ObjectNode>();
        switch (layout) {
            case GPTQ, GPTQ_V2 -> files.put("quantize_config.json", write(false));
            case MODELOPT -> files.put(ModelOptConfig.FILE, ModelOptConfig.writeFile(this));
            case COMPRESSED_TENSORS, FP8, AWQ -> {}
        }
        return files;
    }

    /** The one group of a layout that has no groups. */
    Group only() {
        return groups.getFirst();
    }

    List<String> ignored() {
        return ignore.stream().map(ModulePattern::text).toList();
    }

    /** The layout that a config declares; empty for what cannot be read. */
    public static Optional<Layout> layout(JsonNode config) {
        return switch (method(config)) {
            case CompressedTensorsConfig.METHOD -> Optional.of(Layout.COMPRESSED_TENSORS);
            case "fp8" -> Optional.of(Layout.FP8);
            case "awq" -> Optional.of(Layout.AWQ);
            case "gptq" ->
                Optional.of(
                        config.path("checkpoint_format")
                                        .asString(config.path("format").asString(""))
                                        .equals(Layout.GPTQ_V2.id())
                                ? Layout.GPTQ_V2
                                : Layout.GPTQ);
            case ModelOptConfig.METHOD -> Optional.of(Layout.MODELOPT);
            default -> Optional.empty();
        };
    }

    /** {@code hf_quant_config.json} has a producer in place of a {@code quant_method}. */
    private static String method(JsonNode config) {
        boolean besideTheConfig = config.path("quantization").has("quant_algo");
        return besideTheConfig
                ? ModelOptConfig.METHOD
                : config.path("quant_method").asString("");
    }

    /** That a quantized checkpoint is not understood. */
    public static QuantizationException unsupported(String message) {
        return new QuantizationException(
                ErrorCode.QUANTIZATION_UNSUPPORTED, "quantization_config: " + Reading.shortened(message, 300));
    }
}
