package io.octavo.engine.layout;

import io.octavo.engine.ErrorCode;
import io.octavo.engine.scheme.NumberType;
import io.octavo.engine.scheme.Quantization;
import io.octavo.engine.scheme.Scheme;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * The {@code quantization_config} of compressed-tensors.
 *
 * @param groups in the order of the file
 * @param ignore modules that no group applies to, whatever its targets say
 */
public record CompressedTensorsConfig(List<Group> groups, List<ModulePattern> ignore) {

    /** The class of modules that a target may name. */
    public static final String LINEAR = "Linear";

    /** The lowest version of compressed-tensors that knows every key which we write; readers only show it. */
    private static final String VERSION = "0.13.0";

    private static final Set<String> KEYS = Set.of(
            "config_groups",
            "format",
            "global_compression_ratio",
            "ignore",
            "kv_cache_scheme",
            "quant_method",
            "quantization_status",
            "sparsity_config",
            "transform_config",
            "version");

    private static final Set<String> GROUP_KEYS =
            Set.of("format", "input_activations", "output_activations", "targets", "weights");

    /**
     * @param targets modules by name or pattern; {@value CompressedTensorsConfig#LINEAR} stands for every Linear
     * @param inputs empty for weight-only quantization
     */
    public record Group(String name, List<ModulePattern> targets, Quantization weights, Optional<Quantization> inputs) {

        public Group {
            targets = List.copyOf(targets);
        }

        boolean targetsByName(String module) {
            return targets.stream().anyMatch(target -> target.matches(module));
        }

        boolean targetsEveryLinear() {
            return targets.stream().anyMatch(target -> target.text().equals(LINEAR));
        }
    }

    public CompressedTensorsConfig {
        groups = List.copyOf(groups);
        ignore = List.copyOf(ignore);
    }

    boolean ignores(String module) {
        return ignore.stream().anyMatch(pattern -> pattern.matches(module));
    }

    /** What the reference tool writes for one scheme that applies to every Linear but the ignored ones. */
    static ObjectNode write(Scheme scheme, List<String> ignore) {
        String format = format(scheme.weights(), scheme.inputs());
        ObjectNode group = JsonNodeFactory.instance.objectNode();
        group.put("format", format);
        if (scheme.inputs().isPresent()) {
            group.set(
                    "input_activations", QuantizationArgs.write(scheme.inputs().get(), "static_minmax"));
        } else {
            group.putNull("input_activations");
        }
        group.putNull("output_activations");
        group.putArray("targets").add(LINEAR);
        group.set("weights", QuantizationArgs.write(scheme.weights(), "memoryless_minmax"));

        ObjectNode config = JsonNodeFactory.instance.objectNode();
        config.putObject("config_groups").set("group_0", group);
        config.put("format", format);
        config.putNull("global_compression_ratio");
        ignore.forEach(config.putArray("ignore")::add);
        config.putNull("kv_cache_scheme");
        config.put("quant_method", CompressedTensors.QUANT_METHOD);
        config.put("quantization_status", "compressed");
        config.putObject("sparsity_config");
        config.putObject("transform_config");
        config.put("version", VERSION);
        return config;
    }

    private static String format(Quantization weights, Optional<Quantization> inputs) {
        return switch (weights.type()) {
            case NumberType.FloatType floats -> inputs.isPresent() ? "float-quantized" : "naive-quantized";
            case NumberType.IntType integers -> inputs.isPresent() ? "int-quantized" : "pack-quantized";
        };
    }

    /** @throws io.octavo.engine.QuantizationException {@code QUANTIZATION_UNSUPPORTED} for what is not understood */
    public static CompressedTensorsConfig parse(JsonNode node) {
        if (!node.path("quant_method").asString("").equals(CompressedTensors.QUANT_METHOD)) {
            throw StrictObject.unsupported(
                    "quant_method is " + node.path("quant_method") + "; supported: " + CompressedTensors.QUANT_METHOD);
        }
        StrictObject config = StrictObject.of(node, "the root", KEYS);
        // Loaders take any other status for a model that has still to be quantized, and run garbage.
        if (!config.string("quantization_status", "").equals("compressed")) {
            throw StrictObject.unsupported("quantization_status is " + node.path("quantization_status")
                    + "; only \"compressed\" is stored in its final form");
        }
        config.requireNull("kv_cache_scheme");
        config.requireEmpty("sparsity_config");
        config.requireEmpty("transform_config");

        var groups = new ArrayList<Group>();
        JsonNode members = node.path("config_groups");
        for (String name : members.propertyNames()) {
            groups.add(parseGroup(name, members.path(name), config.member("format")));
        }
        if (groups.isEmpty()) {
            throw StrictObject.unsupported("config_groups is empty");
        }
        return new CompressedTensorsConfig(groups, patterns(node.path("ignore"), "ignore"));
    }

    private static Group parseGroup(String name, JsonNode node, Optional<JsonNode> rootFormat) {
        String path = "config_groups." + name;
        StrictObject group = StrictObject.of(node, path, GROUP_KEYS);
        group.requireNull("output_activations");
        List<ModulePattern> targets = patterns(node.path("targets"), path + ".targets");
        if (targets.isEmpty()) {
            throw StrictObject.unsupported(path + ".targets is empty");
        }
        Quantization weights =
                QuantizationArgs.of(node.path("weights"), path + ".weights").parse();
        Optional<Quantization> inputs = group.member("input_activations")
                .map(args ->
                        QuantizationArgs.of(args, path + ".input_activations").parse());
        Optional<JsonNode> format = group.member("format").or(() -> rootFormat);
        // A float weight without inputs is written as naive-quantized and, by others, as float-quantized.
        String expected = format(weights, inputs);
        boolean known = format.isEmpty()
                || format.get().asString("").equals(expected)
                || (expected.equals("naive-quantized")
                        && format.get().asString("").equals("float-quantized"));
        if (!known) {
            throw StrictObject.unsupported(path + ".format is " + format.get() + " where " + expected + " is expected");
        }
        return new Group(name, targets, weights, inputs);
    }

    private static List<ModulePattern> patterns(JsonNode array, String path) {
        var patterns = new ArrayList<ModulePattern>();
        if (array.isMissingNode() || array.isNull()) {
            return patterns;
        }
        boolean strings = array.isArray() && array.valueStream().allMatch(JsonNode::isString);
        if (!strings) {
            throw StrictObject.unsupported(path + " is no array of strings");
        }
        array.forEach(
                text -> patterns.add(ModulePattern.parse(text.stringValue(), ErrorCode.QUANTIZATION_UNSUPPORTED)));
        return patterns;
    }
}
