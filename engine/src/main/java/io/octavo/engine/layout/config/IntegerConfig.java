package io.octavo.engine.layout.config;

import io.octavo.engine.module.Experts;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.NumberType;
import io.octavo.engine.scheme.Quantization;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Reads {@code awq} and {@code gptq}: weight-only integers in groups. */
final class IntegerConfig {

    private static final Set<Integer> GPTQ_BITS = Set.of(2, 4, 8);
    private static final int WHOLE_ROWS = -1;

    private IntegerConfig() {}

    static Declaration awq(JsonNode node, Reading reading) {
        reading.of("awq with bits " + Reading.shown(node.path("bits")) + ", group_size "
                + Reading.shown(node.path("group_size")) + " and version " + Reading.shown(node.path("version")));
        ConfigObject config = ConfigObject.of(node, "the root", reading);
        String version = config.text("version").orElse("gemm");
        if (!version.toLowerCase(Locale.ROOT).equals("gemm")) {
            throw Declaration.unsupported("version is " + version + "; supported: gemm");
        }
        int bits = config.integer(config.member("bits").isPresent() ? "bits" : "w_bit");
        if (bits != 4) {
            throw Declaration.unsupported("bits is " + bits + "; allowed: 4");
        }
        Granularity groups = groups(config, config.member("group_size").isPresent() ? "group_size" : "q_group_size");
        if (!node.path("modules_to_not_convert").isArray()) {
            reading.warn("modules_to_not_convert is missing: loaders guess from the tensors what is left alone");
        }
        return declaration(Layout.AWQ, "awq", weights(bits, groups, !config.bool("zero_point", true)), false, reading);
    }

    static Declaration gptq(JsonNode node, Reading reading) {
        reading.of("gptq with bits " + Reading.shown(node.path("bits")) + " and group_size "
                + Reading.shown(node.path("group_size")));
        ConfigObject config = ConfigObject.of(node, "the root", reading);
        int bits = config.integer("bits");
        if (!GPTQ_BITS.contains(bits)) {
            String refusal = "bits is " + bits + "; supported: 2, 4, 8";
            reading.refuse(refusal);
            if (bits != 3) {
                throw Declaration.unsupported(refusal);
            }
        }
        if (config.text("pack_dtype").filter(type -> !type.equals("int32")).isPresent()) {
            reading.refuse("pack_dtype is " + node.path("pack_dtype") + "; supported: int32");
        }
        requireNoOverrides(config);
        String format =
                config.text("checkpoint_format").or(() -> config.text("format")).orElse(Layout.GPTQ.id());
        if (!format.equals(Layout.GPTQ.id()) && !format.equals(Layout.GPTQ_V2.id())) {
            reading.refuse("checkpoint_format is " + format + "; supported: gptq, gptq_v2");
        }
        boolean actOrder = config.bool("desc_act", false);
        Layout layout = format.equals(Layout.GPTQ_V2.id()) ? Layout.GPTQ_V2 : Layout.GPTQ;
        Quantization weights = weights(bits, groups(config, "group_size"), config.bool("sym", true));
        return declaration(layout, "gptq", weights, actOrder, reading);
    }

    static ObjectNode writeAwq(Declaration declared) {
        Quantization weights = declared.only().weights();
        ObjectNode config = JsonNodeFactory.instance.objectNode();
        config.put("quant_method", "awq")
                .put("zero_point", true)
                .put("group_size", groupSize(weights))
                .put("bits", weights.type().bits())
                .put("version", "gemm");
        leftAlone(declared).forEach(config.putArray("modules_to_not_convert")::add);
        return config;
    }

    static ObjectNode writeGptq(Declaration declared) {
        Quantization weights = declared.only().weights();
        ObjectNode config = JsonNodeFactory.instance.objectNode();
        config.put("quant_method", "gptq")
                .put("bits", weights.type().bits())
                .put("group_size", groupSize(weights))
                .put("desc_act", declared.only().actOrder())
                .put("sym", weights.symmetric())
                .put("lm_head", false)
                .put("checkpoint_format", declared.layout().id())
                .put("pack_dtype", "int32");
        List<String> excluded =
                leftAlone(declared).filter(module -> !module.equals("lm_head")).toList();
        if (!excluded.isEmpty()) {
            ObjectNode dynamic = config.putObject("dynamic");
            excluded.forEach(module -> dynamic.putObject("-:^" + escaped(module) + "$"));
        }
        return config;
    }

    /** vLLM asks for the experts of a layer by the name of what holds them, in which it looks for the listed ones. */
    private static Stream<String> leftAlone(Declaration declared) {
        return declared.ignored().stream()
                .flatMap(module -> Stream.concat(Stream.of(module), Experts.of(module).stream()))
                .distinct();
    }

    /** A regular expression that matches exactly this name. */
    private static String escaped(String module) {
        return module.replaceAll("[^A-Za-z0-9_]", "\\\\$0");
    }

    private static int groupSize(Quantization weights) {
        return weights.granularity() instanceof Granularity.PerGroup group ? group.size() : WHOLE_ROWS;
    }

    /** Entries that exclude modules are told by the tensors; those that change bits or groups cannot be guessed. */
    private static void requireNoOverrides(ConfigObject config) {
        JsonNode dynamic = config.node().path("dynamic");
        for (String pattern : dynamic.propertyNames()) {
            if (!pattern.startsWith("-:")) {
                config.reading().refuse("dynamic changes modules " + pattern + "; supported: exclusions (-:)");
            }
        }
        if (!dynamic.isEmpty()) {
            config.reading().warn("dynamic changes bits or groups of some modules, which this label does not show");
        }
    }

    private static Granularity groups(ConfigObject config, String member) {
        int size = config.integer(member);
        if (size <= 0 && size != WHOLE_ROWS) {
            throw Declaration.unsupported(member + " is " + size + "; allowed: -1 or a positive size");
        }
        return size == WHOLE_ROWS ? new Granularity.PerChannel() : new Granularity.PerGroup(size);
    }

    private static Quantization weights(int bits, Granularity groups, boolean symmetric) {
        Quantization weights = Quantization.stored(new NumberType.IntType(bits), groups);
        return symmetric ? weights : weights.asymmetric();
    }

    private static Declaration declaration(
            Layout layout, String name, Quantization weights, boolean actOrder, Reading reading) {
        Declaration.Group group = Declaration.Group.ofEveryLinear(name, weights, Optional.empty(), actOrder);
        return new Declaration(layout, List.of(group), List.of(), Optional.empty(), reading.warnings());
    }
}
