package io.octavo.engine.layout.compressed;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.layout.config.Layout;
import io.octavo.engine.layout.config.StrictObject;
import io.octavo.engine.module.ModulePattern;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.NumberType;
import io.octavo.engine.scheme.Quantization;
import io.octavo.engine.scheme.Scheme;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * The {@code quantization_config} of compressed-tensors.
 *
 * @param groups in the order of the file
 * @param ignore modules that no group applies to, whatever its targets say
 * @param kvCache how what enters the KV cache is quantized; empty where it is not
 */
public record CompressedTensorsConfig(List<Group> groups, List<ModulePattern> ignore, Optional<Quantization> kvCache) {

    /** The class of modules that a target may name. */
    public static final String LINEAR = "Linear";

    /** The lowest version of compressed-tensors that knows every key which we write; readers only show it. */
    private static final String VERSION = "0.13.0";

    private static final String COMPRESSED = "compressed";

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
     * @param format how the weights are stored
     * @param targets modules by name or pattern; {@value CompressedTensorsConfig#LINEAR} stands for every Linear
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

        boolean targetsByName(List<String> spellings) {
            return targets.stream().anyMatch(target -> spellings.stream().anyMatch(target::matches));
        }

        boolean targetsEveryLinear() {
            return targets.stream().anyMatch(target -> target.text().equals(LINEAR));
        }
    }

    public CompressedTensorsConfig {
        groups = List.copyOf(groups);
        ignore = List.copyOf(ignore);
    }

    boolean ignores(List<String> spellings) {
        return ignore.stream().anyMatch(pattern -> spellings.stream().anyMatch(pattern::matches));
    }

    /** Modules of one scheme, as a config is to name them. */
    public record Target(Scheme scheme, List<String> modules) {

        public Target {
            modules = List.copyOf(modules);
        }

        /** Every Linear that is not ignored. */
        public static Target everyLinear(Scheme scheme) {
            return new Target(scheme, List.of(LINEAR));
        }
    }

    /** What the reference tool writes, group after group. */
    static ObjectNode write(List<Target> targets, List<String> ignore, Optional<Quantization> kvCache) {
        ObjectNode config = JsonNodeFactory.instance.objectNode();
        ObjectNode groups = config.putObject("config_groups");
        var formats = new TreeSet<String>();
        for (Target target : targets) {
            ObjectNode group = group(target);
            groups.set("group_" + groups.size(), group);
            formats.add(group.path("format").stringValue());
        }
        config.put("format", formats.size() == 1 ? formats.first() : CompressedFormat.MIXED);
        config.putNull("global_compression_ratio");
        ignore.forEach(config.putArray("ignore")::add);
        kvCache.ifPresentOrElse(
                cache -> config.set("kv_cache_scheme", QuantizationArgs.write(cache, "static_minmax")),
                () -> config.putNull("kv_cache_scheme"));
        config.put("quant_method", Layout.COMPRESSED_TENSORS.id());
        config.put("quantization_status", COMPRESSED);
        config.putObject("sparsity_config");
        config.putObject("transform_config");
        config.put("version", VERSION);
        return config;
    }

    private static ObjectNode group(Target target) {
        Scheme scheme = target.scheme();
        ObjectNode group = JsonNodeFactory.instance.objectNode();
        group.put(
                "format", CompressedFormat.of(scheme.weights(), scheme.inputs()).spelling());
        scheme.inputs()
                .ifPresentOrElse(
                        inputs -> group.set("input_activations", QuantizationArgs.write(inputs, "static_minmax")),
                        () -> group.putNull("input_activations"));
        group.putNull("output_activations");
        target.modules().forEach(group.putArray("targets")::add);
        group.set("weights", QuantizationArgs.write(scheme.weights(), "memoryless_minmax"));
        return group;
    }

    /** @throws io.octavo.engine.failure.QuantizationException {@code QUANTIZATION_UNSUPPORTED} for what is not understood */
    public static CompressedTensorsConfig parse(JsonNode node) {
        if (!node.path("quant_method").asString("").equals(Layout.COMPRESSED_TENSORS.id())) {
            throw StrictObject.unsupported(
                    "quant_method is " + node.path("quant_method") + "; supported: " + Layout.COMPRESSED_TENSORS.id());
        }
        StrictObject config = StrictObject.of(node, "the root", KEYS);
        // Loaders take any other status for a model that has still to be quantized, and run garbage.
        if (!config.string("quantization_status", "").equals(COMPRESSED)) {
            throw StrictObject.unsupported("quantization_status is " + node.path("quantization_status")
                    + "; only \"compressed\" is stored in its final form");
        }
        Optional<Quantization> kvCache = config.member("kv_cache_scheme").map(CompressedTensorsConfig::parseKvCache);
        config.requireEmpty("sparsity_config");
        config.requireEmpty("transform_config");

        var groups = new ArrayList<Group>();
        JsonNode members = node.path("config_groups");
        for (String name : members.propertyNames()) {
            groups.add(parseGroup(name, members.path(name), config.member("format")));
        }
        if (groups.isEmpty() && kvCache.isEmpty()) {
            throw StrictObject.unsupported("config_groups is empty");
        }
        return new CompressedTensorsConfig(groups, patterns(node.path("ignore"), "ignore"), kvCache);
    }

    /** Loaders read scales per tensor or head in 8-bit floats only. */
    private static Quantization parseKvCache(JsonNode node) {
        Quantization cache = QuantizationArgs.of(node, "kv_cache_scheme").parse();
        boolean perTensor = cache.equals(Quantization.stored(NumberType.FloatType.E4M3, new Granularity.PerTensor()));
        boolean perHead = cache.equals(Quantization.stored(NumberType.FloatType.E4M3, new Granularity.PerHead()));
        if (!perTensor && !perHead) {
            throw StrictObject.unsupported("kv_cache_scheme is " + cache
                    + "; supported: stored symmetric 8-bit floats with a scale per tensor or head");
        }
        return cache;
    }

    private static Group parseGroup(String name, JsonNode node, Optional<JsonNode> rootFormat) {
        String path = "config_groups." + name;
        StrictObject group = StrictObject.of(node, path, GROUP_KEYS);
        group.requireNull("output_activations");
        List<ModulePattern> targets = patterns(node.path("targets"), path + ".targets");
        if (targets.isEmpty()) {
            throw StrictObject.unsupported(path + ".targets is empty");
        }
        QuantizationArgs weightArgs = QuantizationArgs.of(node.path("weights"), path + ".weights");
        Quantization weights = weightArgs.parse();
        Optional<Quantization> inputs = group.member("input_activations")
                .map(args ->
                        QuantizationArgs.of(args, path + ".input_activations").parse());
        Optional<String> spelled = group.member("format")
                .or(() -> rootFormat.filter(root -> !root.asString("").equals(CompressedFormat.MIXED)))
                .map(format -> format.asString(""));
        CompressedFormat inferred = CompressedFormat.of(weights, inputs);
        CompressedFormat format = spelled.map(text -> CompressedFormat.spelled(text)
                        .orElseThrow(() -> StrictObject.unsupported(path + ".format is " + text)))
                .orElse(inferred);
        // A float weight without inputs is written as naive-quantized and, by others, as float-quantized.
        boolean known = format == inferred
                || (inferred == CompressedFormat.NAIVE_QUANTIZED && format == CompressedFormat.FLOAT_QUANTIZED)
                || (inferred == CompressedFormat.FLOAT_QUANTIZED && format == CompressedFormat.NAIVE_QUANTIZED)
                || (weights.type() instanceof NumberType.IntType && isIntegerFormat(format));
        if (!known) {
            throw StrictObject.unsupported(
                    path + ".format is " + format.spelling() + " where " + inferred.spelling() + " is expected");
        }
        return new Group(name, format, targets, weights, inputs, weightArgs.actOrder());
    }

    private static boolean isIntegerFormat(CompressedFormat format) {
        return format == CompressedFormat.PACK_QUANTIZED || format == CompressedFormat.INT_QUANTIZED;
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
