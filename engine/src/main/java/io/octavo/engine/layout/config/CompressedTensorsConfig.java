package io.octavo.engine.layout.config;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
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

/** Reads and writes the {@code quantization_config} of compressed-tensors: groups with QuantizationArgs for weights and inputs. */
public final class CompressedTensorsConfig {

    static final String METHOD = "compressed-tensors";

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

    private final ConfigObject config;
    private final Reading reading;

    private CompressedTensorsConfig(JsonNode node, Reading reading) {
        this.config = ConfigObject.of(node, "the root", reading, KEYS);
        this.reading = reading;
    }

    /**
     * Modules of one scheme.
     *
     * @param modules as a config is to name them
     * @param experts whether some of them are experts
     */
    public record Target(Scheme scheme, List<String> modules, boolean experts) {

        public Target {
            modules = List.copyOf(modules);
        }

        /** Every Linear that is not ignored. */
        public static Target everyLinear(Scheme scheme, boolean experts) {
            return new Target(scheme, List.of(Declaration.LINEAR), experts);
        }
    }

    /** What the reference tool writes, group after group. */
    public static ObjectNode write(List<Target> targets, List<String> ignore, Optional<Quantization> kvCache) {
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
        config.put("quant_method", METHOD);
        config.put("quantization_status", COMPRESSED);
        config.putObject("sparsity_config");
        config.putObject("transform_config");
        config.put("version", VERSION);
        return config;
    }

    private static ObjectNode group(Target target) {
        Scheme scheme = target.scheme();
        ObjectNode group = JsonNodeFactory.instance.objectNode();
        CompressedFormat format = CompressedFormat.of(scheme.weights(), scheme.inputs());
        group.put("format", format.spelling());
        scheme.inputs()
                .ifPresentOrElse(
                        inputs -> group.set("input_activations", QuantizationArgs.write(inputs, "static_minmax")),
                        () -> group.putNull("input_activations"));
        group.putNull("output_activations");
        target.modules().forEach(group.putArray("targets")::add);
        ObjectNode weights = QuantizationArgs.write(scheme.weights(), "memoryless_minmax");
        boolean wholeRows = scheme.weights().granularity() instanceof Granularity.PerChannel;
        if (target.experts() && wholeRows && format == CompressedFormat.PACK_QUANTIZED) {
            // vLLM computes with the size of experts' groups, and takes a channel for none without one.
            weights.put("group_size", QuantizationArgs.WHOLE_ROW);
        }
        group.set("weights", weights);
        return group;
    }

    static ObjectNode write(Declaration declared, boolean experts) {
        Declaration.Group group = declared.only();
        var scheme = new Scheme(group.name(), group.weights(), group.inputs());
        ObjectNode config = write(List.of(Target.everyLinear(scheme, experts)), declared.ignored(), declared.kvCache());
        if (group.actOrder()) {
            JsonNode weights = config.path("config_groups").path("group_0").path("weights");
            ((ObjectNode) weights).put("actorder", "group");
        }
        return config;
    }

    static Declaration read(JsonNode node, Reading reading) {
        return new CompressedTensorsConfig(node, reading).read();
    }

    private Declaration read() {
        JsonNode status = config.node().path("quantization_status");
        // Loaders take any other status for a model that has still to be quantized, and run garbage.
        if (!config.text("quantization_status").equals(Optional.of(COMPRESSED))) {
            reading.refuse("quantization_status is " + status + "; only \"compressed\" is stored in its final form");
            reading.warn("quantization_status is " + Reading.shown(status)
                    + "; transformers runs garbage without an error unless it is \"compressed\"");
        }
        Optional<Quantization> kvCache = config.member("kv_cache_scheme").flatMap(this::kvCache);
        config.requireEmpty("sparsity_config");
        config.requireEmpty("transform_config");
        JsonNode members = config.node().path("config_groups");
        var groups = new ArrayList<Declaration.Group>();
        for (String name : members.propertyNames()) {
            reading.of("compressed-tensors: config_groups." + Reading.shortened(name, 40));
            groups.add(group(name, members.path(name)));
        }
        requireFormat(groups);
        reading.of("compressed-tensors without config_groups");
        if (groups.isEmpty() && kvCache.isEmpty()) {
            throw Declaration.unsupported("config_groups is empty");
        }
        return new Declaration(
                Layout.COMPRESSED_TENSORS, groups, patterns(config, "ignore"), kvCache, reading.warnings());
    }

    /** Groups say their own format, and the whole what they share: some loaders go by the one, some by the other. */
    private void requireFormat(List<Declaration.Group> groups) {
        config.member("format")
                .map(format -> format.asString(""))
                .filter(format -> !format.equals(CompressedFormat.MIXED) && !groups.isEmpty())
                .filter(format -> groups.stream()
                        .noneMatch(group -> CompressedFormat.spelled(format)
                                .filter(group.format()::mayStand)
                                .isPresent()))
                .ifPresent(format -> reading.refuse("format is " + Reading.shortened(format, 60) + ", which that of "
                        + groups.getFirst().name() + ", "
                        + groups.getFirst().format().spelling() + ", contradicts"));
    }

    /** Scales per tensor or head: vLLM takes those of 8-bit floats only, the reference library those of integers, too. */
    private Optional<Quantization> kvCache(JsonNode node) {
        String warning = "kv_cache_scheme: vLLM takes symmetric 8-bit floats per tensor or per head only";
        Quantization cache;
        try {
            cache = QuantizationArgs.of(node, "kv_cache_scheme", reading).parse();
        } catch (QuantizationException e) {
            reading.refuse(e);
            reading.warn(warning);
            return Optional.empty();
        }
        boolean shared = cache.granularity() instanceof Granularity.PerTensor
                || cache.granularity() instanceof Granularity.PerHead;
        boolean floats = shared && cache.equals(Quantization.stored(NumberType.FloatType.E4M3, cache.granularity()));
        boolean integers =
                shared && cache.equals(Quantization.stored(new NumberType.IntType(Byte.SIZE), cache.granularity()));
        if (!floats && !integers) {
            reading.refuse("kv_cache_scheme is " + cache
                    + "; supported: stored symmetric 8-bit floats or integers with a scale per tensor or head");
        }
        if (!floats) {
            reading.warn(warning);
        }
        return Optional.of(cache);
    }

    private Declaration.Group group(String name, JsonNode node) {
        String path = "config_groups." + name;
        ConfigObject group = ConfigObject.of(node, path, reading, GROUP_KEYS);
        group.requireNull("output_activations");
        List<ModulePattern> targets = patterns(group, "targets");
        if (targets.isEmpty()) {
            reading.refuse(path + ".targets is empty");
        }
        QuantizationArgs weightArgs = QuantizationArgs.of(node.path("weights"), path + ".weights", reading);
        Quantization weights = weightArgs.parse();
        if (weights.dynamic()) {
            throw Declaration.unsupported(path + ".weights cannot be run: " + weights);
        }
        Optional<Quantization> inputs = group.member("input_activations")
                .map(args -> QuantizationArgs.of(args, path + ".input_activations", reading)
                        .parse());
        return new Declaration.Group(
                name, format(group, weights, inputs), targets, weights, inputs, weightArgs.actOrder());
    }

    private CompressedFormat format(ConfigObject group, Quantization weights, Optional<Quantization> inputs) {
        CompressedFormat inferred = CompressedFormat.of(weights, inputs);
        Optional<String> spelled = group.member("format")
                .or(() -> config.member("format")
                        .filter(root -> !root.asString("").equals(CompressedFormat.MIXED)))
                .map(format -> format.asString(""));
        if (spelled.isEmpty()) {
            return inferred;
        }
        Optional<CompressedFormat> format = CompressedFormat.spelled(spelled.get());
        if (format.isEmpty()) {
            reading.refuse(group.path() + ".format is " + spelled.get());
        } else if (!format.get().mayStand(inferred)) {
            reading.refuse(
                    group.path() + ".format is " + spelled.get() + " where " + inferred.spelling() + " is expected");
        }
        return format.orElse(inferred);
    }

    private List<ModulePattern> patterns(ConfigObject owner, String member) {
        var patterns = new ArrayList<ModulePattern>();
        for (String text : owner.strings(member)) {
            try {
                patterns.add(ModulePattern.parse(text, ErrorCode.QUANTIZATION_UNSUPPORTED));
            } catch (QuantizationException e) {
                reading.refuse(e);
                patterns.add(new ModulePattern.Exact(text));
            }
        }
        return patterns;
    }
}
