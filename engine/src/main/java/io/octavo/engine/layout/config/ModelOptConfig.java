package io.octavo.engine.layout.config;

import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.NumberType;
import io.octavo.engine.scheme.NumberType.FloatType;
import io.octavo.engine.scheme.Quantization;
import io.octavo.engine.scheme.ScaleType;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Reads {@code modelopt}: one algorithm's name, in config.json or nested as in hf_quant_config.json. */
final class ModelOptConfig {

    static final String METHOD = "modelopt";

    /** Where ModelOpt declares what config.json does not mention. */
    static final String FILE = "hf_quant_config.json";

    /** The version whose spelling is followed. */
    private static final String PRODUCER_VERSION = "0.39.0";

    private static final int NVFP4_GROUP = 16;
    private static final int MX_GROUP = 32;
    private static final int BLOCK = 128;
    private static final Set<String> READABLE =
            Set.of("FP8", "FP8_PER_CHANNEL_PER_TOKEN", "NVFP4", "W4A16_NVFP4", "MXFP8");
    private static final Quantization FP8_TENSOR = Quantization.stored(FloatType.E4M3, new Granularity.PerTensor());

    private final ConfigObject config;
    private final Reading reading;

    private ModelOptConfig(JsonNode node, Reading reading) {
        this.config = ConfigObject.of(
                node.path("quantization").isObject() ? node.path("quantization") : node, "the root", reading);
        this.reading = reading;
    }

    static Declaration read(JsonNode node, Reading reading) {
        var config = new ModelOptConfig(node, reading);
        Declaration.Group group = config.group();
        return new Declaration(Layout.MODELOPT, List.of(group), List.of(), config.kvCache(), reading.warnings());
    }

    static ObjectNode write(Declaration declared) {
        ObjectNode config = JsonNodeFactory.instance.objectNode();
        declared.ignored().forEach(config.putArray("ignore")::add);
        config.put("quant_algo", algorithm(declared.only()));
        if (isFloat4(declared.only())) {
            config.put("group_size", NVFP4_GROUP);
        }
        if (declared.kvCache().isPresent()) {
            config.putObject("kv_cache_scheme")
                    .put("dynamic", false)
                    .put("num_bits", Byte.SIZE)
                    .put("type", "float");
        }
        config.set("producer", producer());
        config.put("quant_method", METHOD);
        return config;
    }

    static ObjectNode writeFile(Declaration declared) {
        ObjectNode file = JsonNodeFactory.instance.objectNode();
        file.set("producer", producer());
        ObjectNode quantization = file.putObject("quantization").put("quant_algo", algorithm(declared.only()));
        if (declared.kvCache().isPresent()) {
            quantization.put("kv_cache_quant_algo", "FP8");
        } else {
            quantization.putNull("kv_cache_quant_algo");
        }
        if (isFloat4(declared.only())) {
            quantization.put("group_size", NVFP4_GROUP);
        } else {
            quantization.putNull("group_size");
        }
        declared.ignored().forEach(quantization.putArray("exclude_modules")::add);
        return file;
    }

    private static ObjectNode producer() {
        return JsonNodeFactory.instance.objectNode().put("name", METHOD).put("version", PRODUCER_VERSION);
    }

    private static boolean isFloat4(Declaration.Group group) {
        return group.weights().type() == FloatType.E2M1;
    }

    private static String algorithm(Declaration.Group group) {
        if (isFloat4(group)) {
            return group.inputs().isPresent() ? "NVFP4" : "W4A16_NVFP4";
        }
        if (group.weights().scaleType() == ScaleType.E8M0) {
            return "MXFP8";
        }
        return group.weights().equals(FP8_TENSOR) ? "FP8" : "FP8_PER_CHANNEL_PER_TOKEN";
    }

    private Declaration.Group group() {
        JsonNode spelled = config.node().path("quant_algo");
        reading.of("modelopt with quant_algo " + Reading.shown(spelled));
        String algorithm = config.string("quant_algo").toUpperCase(Locale.ROOT);
        String refusal = "quant_algo is " + spelled + "; supported: FP8, FP8_PER_CHANNEL_PER_TOKEN, NVFP4,"
                + " W4A16_NVFP4, MXFP8";
        if (!READABLE.contains(algorithm)) {
            reading.refuse(refusal);
        }
        return switch (algorithm) {
            case "FP8" -> group(FP8_TENSOR, FP8_TENSOR);
            case "FP8_PER_CHANNEL_PER_TOKEN" ->
                group(
                        Quantization.stored(FloatType.E4M3, new Granularity.PerChannel()),
                        Quantization.dynamic(FloatType.E4M3, new Granularity.PerToken()));
            case "FP8_PB_WO" -> {
                reading.warn("declared weight-only, yet vLLM quantizes inputs while the model runs");
                yield group(Quantization.stored(FloatType.E4M3, new Granularity.PerBlock(BLOCK, BLOCK)), null);
            }
            case "NVFP4" -> group(nvfp4(false), nvfp4(true));
            case "W4A16_NVFP4" -> group(nvfp4(false), null);
            case "MXFP8" -> group(mxfp8(false), mxfp8(true));
            case "INT8_SQ" -> {
                reading.warn("vLLM does not load quant_algo INT8_SQ");
                NumberType int8 = new NumberType.IntType(8);
                yield group(
                        Quantization.stored(int8, new Granularity.PerChannel()),
                        Quantization.stored(int8, new Granularity.PerTensor()));
            }
            case "INT4_AWQ", "W4A16_AWQ" -> {
                reading.warn("vLLM does not load quant_algo " + algorithm);
                var groups = new Granularity.PerGroup(groupSize(BLOCK));
                yield group(Quantization.stored(new NumberType.IntType(4), groups), null);
            }
            default -> throw Declaration.unsupported(refusal);
        };
    }

    private static Declaration.Group group(Quantization weights, @Nullable Quantization inputs) {
        return Declaration.Group.ofEveryLinear(METHOD, weights, Optional.ofNullable(inputs), false);
    }

    private int groupSize(int absent) {
        return config.member("group_size")
                .filter(size -> size.isInt() && size.intValue() > 0)
                .map(JsonNode::intValue)
                .orElse(absent);
    }

    private Quantization nvfp4(boolean dynamic) {
        JsonNode size = config.node().path("group_size");
        if (config.member("group_size").isPresent() && groupSize(0) != NVFP4_GROUP) {
            reading.refuse("group_size is " + size + "; allowed: 16");
        }
        return new Quantization(
                FloatType.E2M1, true, new Granularity.PerTensorGroup(groupSize(NVFP4_GROUP)), ScaleType.E4M3, dynamic);
    }

    private static Quantization mxfp8(boolean dynamic) {
        return new Quantization(FloatType.E4M3, true, new Granularity.PerGroup(MX_GROUP), ScaleType.E8M0, dynamic);
    }

    /** A name in hf_quant_config.json, an object in config.json. */
    private Optional<Quantization> kvCache() {
        String cache = config.text("kv_cache_quant_algo").orElse("").toUpperCase(Locale.ROOT);
        Optional<JsonNode> scheme = config.member("kv_cache_scheme");
        if (scheme.isPresent()) {
            boolean fp8 = scheme.get().path("type").asString("").equals("float")
                    && scheme.get().path("num_bits").asInt(0) == Byte.SIZE;
            if (fp8) {
                return Optional.of(FP8_TENSOR);
            }
            reading.refuse("kv_cache_scheme is " + scheme.get() + "; supported: 8-bit float");
        }
        if (cache.isEmpty() || cache.equals("NONE")) {
            return Optional.empty();
        }
        if (cache.equals("FP8")) {
            return Optional.of(FP8_TENSOR);
        }
        reading.refuse("kv_cache_quant_algo is " + cache + "; supported: FP8");
        if (cache.equals("NVFP4")) {
            return Optional.of(nvfp4(false));
        }
        reading.warn("kv_cache_quant_algo " + Reading.shown(config.node().path("kv_cache_quant_algo"))
                + " is not known to load");
        return Optional.empty();
    }
}
