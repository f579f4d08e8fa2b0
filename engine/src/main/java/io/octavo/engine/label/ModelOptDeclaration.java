package io.octavo.engine.label;

import static io.octavo.engine.label.LenientJson.integer;
import static io.octavo.engine.label.LenientJson.text;

import io.octavo.engine.label.DeclaredNumbers.Family;
import io.octavo.engine.label.DeclaredNumbers.Timing;
import io.octavo.engine.scheme.Granularity;
import java.util.Locale;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/** Reads {@code modelopt}: one algorithm's name, in config.json or nested as in hf_quant_config.json. */
final class ModelOptDeclaration {

    private static final String NAME = "modelopt";
    private static final int NVFP4_GROUP = 16;
    private static final int MX_GROUP = 32;
    private static final int BLOCK = 128;

    private ModelOptDeclaration() {}

    static Declaration read(JsonNode config) {
        JsonNode quantization = config.path("quantization").isObject() ? config.path("quantization") : config;
        String algorithm = text(quantization, "quant_algo").orElse("").toUpperCase(Locale.ROOT);
        var declared = new Declaration.Builder();
        int group = integer(quantization, "group_size").filter(size -> size > 0).orElse(NVFP4_GROUP);
        switch (algorithm) {
            case "FP8" -> {
                DeclaredNumbers perTensor = fp8(new Granularity.PerTensor());
                declared.add(group(perTensor, perTensor, LoaderPath.FP8_NATIVE_ONLY));
            }
            case "FP8_PER_CHANNEL_PER_TOKEN" -> {
                DeclaredNumbers inputs = DeclaredNumbers.dynamic(Family.FP8, 8, new Granularity.PerToken());
                declared.add(group(fp8(new Granularity.PerChannel()), inputs, LoaderPath.FP8_NATIVE_ONLY));
            }
            case "FP8_PB_WO" -> {
                DeclaredNumbers perBlock = fp8(new Granularity.PerBlock(BLOCK, BLOCK));
                declared.add(DeclaredGroup.ofEveryLinear(NAME, perBlock, null, LoaderPath.FP8_NATIVE_ONLY));
                declared.warn("declared weight-only, yet vLLM quantizes inputs while the model runs");
            }
            case "NVFP4" -> {
                var inputs =
                        new DeclaredNumbers(Family.NVFP4, 4, new Granularity.PerTensorGroup(group), true, Timing.LOCAL);
                declared.add(group(nvfp4(group), inputs, LoaderPath.NVFP4));
            }
            case "W4A16_NVFP4" ->
                declared.add(DeclaredGroup.ofEveryLinear(NAME, nvfp4(group), null, LoaderPath.WEIGHT_ONLY));
            case "MXFP8" -> {
                DeclaredNumbers inputs = DeclaredNumbers.dynamic(Family.MXFP8, 8, new Granularity.PerGroup(MX_GROUP));
                DeclaredNumbers weights = DeclaredNumbers.stored(Family.MXFP8, 8, new Granularity.PerGroup(MX_GROUP));
                declared.add(group(weights, inputs, LoaderPath.MODELOPT_MXFP8));
            }
            case "INT8_SQ" -> {
                DeclaredNumbers weights = DeclaredNumbers.stored(Family.INT, 8, new Granularity.PerChannel());
                DeclaredNumbers inputs = DeclaredNumbers.stored(Family.INT, 8, new Granularity.PerTensor());
                declared.add(new DeclaredGroup(NAME, DeclaredGroup.EVERY_LINEAR, weights, Optional.of(inputs), null));
                declared.warn("vLLM does not load quant_algo INT8_SQ");
            }
            case "INT4_AWQ", "W4A16_AWQ" -> {
                int size = integer(quantization, "group_size")
                        .filter(value -> value > 0)
                        .orElse(BLOCK);
                DeclaredNumbers weights = DeclaredNumbers.stored(Family.INT, 4, new Granularity.PerGroup(size));
                declared.add(DeclaredGroup.ofEveryLinear(NAME, weights, null, null));
                declared.warn("vLLM does not load quant_algo " + algorithm);
            }
            default -> {
                return Declaration.unknown(
                        "modelopt with quant_algo " + LenientJson.shown(quantization.path("quant_algo")));
            }
        }
        kvCache(quantization, declared);
        return declared.build();
    }

    private static DeclaredGroup group(DeclaredNumbers weights, DeclaredNumbers inputs, LoaderPath path) {
        return DeclaredGroup.ofEveryLinear(NAME, weights, inputs, path);
    }

    private static DeclaredNumbers fp8(Granularity granularity) {
        return DeclaredNumbers.stored(Family.FP8, 8, granularity);
    }

    private static DeclaredNumbers nvfp4(int group) {
        return DeclaredNumbers.stored(Family.NVFP4, 4, new Granularity.PerTensorGroup(group));
    }

    /** A name in hf_quant_config.json, an object in config.json. */
    private static void kvCache(JsonNode quantization, Declaration.Builder declared) {
        JsonNode scheme = quantization.path("kv_cache_scheme");
        String algorithm = text(quantization, "kv_cache_quant_algo").orElse("").toUpperCase(Locale.ROOT);
        boolean fp8Scheme = scheme.path("type").asString("").equals("float")
                && integer(scheme, "num_bits").filter(bits -> bits == 8).isPresent();
        if (algorithm.equals("FP8") || fp8Scheme) {
            declared.kvCache(DeclaredKvCache.FP8_PER_TENSOR);
        } else if (algorithm.equals("NVFP4")) {
            declared.kvCache(new DeclaredKvCache("NVFP4", 4, "per group of 16"));
        } else if (!algorithm.isEmpty() && !algorithm.equals("NONE")) {
            declared.warn("kv_cache_quant_algo " + LenientJson.shown(quantization.path("kv_cache_quant_algo"))
                    + " is not known to load");
        }
    }
}
