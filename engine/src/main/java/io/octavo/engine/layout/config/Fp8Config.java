package io.octavo.engine.layout.config;

import io.octavo.engine.module.ModulePattern;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.NumberType.FloatType;
import io.octavo.engine.scheme.Quantization;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Reads {@code quant_method} {@code fp8}: AutoFP8's scales per tensor, or DeepSeek's per block. */
final class Fp8Config {

    private static final Quantization PER_TENSOR = Quantization.stored(FloatType.E4M3, new Granularity.PerTensor());

    private Fp8Config() {}

    static Declaration read(JsonNode node, Reading reading) {
        ConfigObject config = ConfigObject.of(node, "the root", reading);
        reading.of("fp8 with activation_scheme " + Reading.shown(node.path("activation_scheme")));
        String scheme = config.string("activation_scheme");
        boolean staticInputs = switch (scheme) {
            case "static" -> true;
            case "dynamic" -> false;
            default ->
                throw Declaration.unsupported(
                        "activation_scheme is " + node.path("activation_scheme") + "; allowed: static, dynamic");
        };
        if (config.text("fmt").filter(format -> !format.equals("e4m3")).isPresent()) {
            reading.refuse("fmt is " + node.path("fmt") + "; allowed: e4m3");
        }
        JsonNode sizes = node.path("weight_block_size");
        reading.of("fp8 with weight_block_size " + Reading.shown(sizes) + " and " + scheme + " inputs");
        Declaration.Group group = config.member("weight_block_size").isPresent()
                ? perBlock(config, staticInputs)
                : perTensor(staticInputs);
        // Loaders read the scales where they find them; the member only says that there are some.
        Optional<Quantization> kvCache = config.member("kv_cache_scheme").map(member -> PER_TENSOR);
        if (kvCache.isPresent()) {
            reading.warn("the KV cache is 16-bit and its scales are passed over unless the server starts with"
                    + " --kv-cache-dtype fp8");
        }
        if (group.weights().equals(PER_TENSOR)) {
            reading.warn(
                    "transformers does not load fp8 with scales per tensor: it expects weight_scale_inv per block");
        }
        List<ModulePattern> ignore = Stream.of("ignored_layers", "modules_to_not_convert")
                .flatMap(member -> config.strings(member).stream())
                .<ModulePattern>map(ModulePattern.Exact::new)
                .toList();
        return new Declaration(Layout.FP8, List.of(group), ignore, kvCache, reading.warnings());
    }

    static ObjectNode write(Declaration declared) {
        ObjectNode config = JsonNodeFactory.instance.objectNode();
        config.put("quant_method", "fp8");
        if (declared.only().weights().granularity() instanceof Granularity.PerBlock block) {
            config.put("fmt", "e4m3").put("activation_scheme", "dynamic");
            config.putArray("weight_block_size").add(block.rows()).add(block.columns());
            declared.ignored().forEach(config.putArray("modules_to_not_convert")::add);
            return config;
        }
        boolean dynamic = declared.only().inputs().orElseThrow().dynamic();
        config.put("activation_scheme", dynamic ? "dynamic" : "static");
        declared.ignored().forEach(config.putArray("ignored_layers")::add);
        if (declared.kvCache().isPresent()) {
            config.put("kv_cache_scheme", "static");
        }
        return config;
    }

    private static Declaration.Group perTensor(boolean staticInputs) {
        Quantization inputs =
                staticInputs ? PER_TENSOR : Quantization.dynamic(FloatType.E4M3, new Granularity.PerToken());
        return Declaration.Group.ofEveryLinear("fp8", PER_TENSOR, Optional.of(inputs), false);
    }

    private static Declaration.Group perBlock(ConfigObject config, boolean staticInputs) {
        Granularity.PerBlock block = config.block("weight_block_size")
                .orElseThrow(() -> Declaration.unsupported("weight_block_size is "
                        + config.node().path("weight_block_size") + "; expected two positive integers"));
        if (staticInputs) {
            throw Declaration.unsupported("activation_scheme is static; blocks allow only dynamic");
        }
        Quantization inputs = Quantization.dynamic(FloatType.E4M3, new Granularity.PerGroup(block.columns()));
        return Declaration.Group.ofEveryLinear(
                "fp8", Quantization.stored(FloatType.E4M3, block), Optional.of(inputs), false);
    }
}
