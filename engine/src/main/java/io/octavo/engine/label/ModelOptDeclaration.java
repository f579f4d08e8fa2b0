package io.octavo.engine.label;

import static io.octavo.engine.label.LenientJson.integer;
import static io.octavo.engine.label.LenientJson.text;

import io.octavo.engine.label.Numbers.Family;
import io.octavo.engine.label.Numbers.Timing;
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
                Numbers perTensor = fp8(new Granularity.PerTensor());
                declared.add(group(perTensor, perTensor, LoaderPath.FP8_NATIVE_ONLY));
            }
            case "FP8_PER_CHANNEL_PER_TOKEN" -> {
                Numbers inputs = Numbers.dynamic(Family.FP8, 8, new Granularity.PerToken());
                declared.add(group(fp8(new Granularity.PerChannel()), inputs, LoaderPath.FP8_NATIVE_ONLY));
            }
            case "FP8_PB_WO" -> {
                Numbers perBlock = fp8(new Granularity.PerBlock(BLOCK, BLOCK));
                declared.add(DeclaredGroup.ofEveryLinear(NAME, perBlock, null, LoaderPath.FP8_NATIVE_ONLY));
                declared.warn("declared weight-only, yet vLLM quantizes inputs while the model runs");
            }
            case "NVFP4" -> {
                var inputs = new Numbers(Family.NVFP4, 4, new Granularity.PerTensorGroup(group), true, Timing.LOCAL);
                declared.add(group(nvfp4(group), inputs, LoaderPath.NVFP4));
            }
            case "W4A16_NVFP4" ->
                declared.add(DeclaredGroup.ofEveryLinear(NAME, nvfp4(group), null, LoaderPath.WEIGHT_ONLY));
            case "MXFP8" -> {
                Numbers inputs = Numbers.dynamic(Family.MXFP8, 8, new Granularity.PerGroup(MX_GROUP));
                Numbers weights = Numbers.stored(Family.MXFP8, 8, new Granularity.PerGroup(MX_GROUP));
                declared.add(group(weights, inputs, LoaderPath.MODELOPT_MXFP8));
            }
            case "INT8_SQ" -> {
                Numbers weights = Numbers.stored(Family.INT, 8, new Granularity.PerChannel());
                Numbers inputs = Numbers.stored(Family.INT, 8, new Granularity.PerTensor());
                declared.add(new DeclaredGroup(NAME, DeclaredGroup.EVERY_LINEAR, weights, Optional.of(inputs), null));
                declared.warn("vLLM does not load quant_algo INT8_SQ");
            }
            case "INT4_AWQ", "W4A16_AWQ" -> {
                int size = integer(quantization, "group_size")
                        .filter(value -> value > 0)
                        .orElse(BLOCK);
                Numbers weights = Numbers.stored(Family.INT, 4, new Granularity.PerGroup(size));
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

    private static DeclaredGroup group(Numbers weights, Numbers inputs, LoaderPath path) {
        return DeclaredGroup.ofEveryLinear(NAME, weights, inputs, path);
    }

    private static Numbers fp8(Granularity granularity) {
        return Numbers.stored(Family.FP8, 8, granularity);
    }

    private static Numbers nvfp4(int group) {
        return Numbers.stored(Family.NVFP4, 4, new Granularity.PerTensorGroup(group));
    }

    /** A name in hf_quant_config.json, an object in config.json. */
    private static void kvCache(JsonNode quantization, Declaration.Builder declared) {
        JsonNode scheme = quantization.path("kv_cache_scheme");
        String algorithm = text(quantization, "kv_cache_quant_algo").orElse("").toUpperCase(Locale.ROOT);
        boolean fp8Scheme = scheme.path("type").asString("").equals("float")
                && integer(scheme, "num_bits").filter(bits -> bits == 8).isPresent();
        if (algorithm.equals("FP8") || fp8Scheme) {
            declared.kvCache(KvCache.FP8_PER_TENSOR);
        } else if (algorithm.equals("NVFP4")) {
            declared.kvCache(new KvCache("NVFP4", 4, "per group of 16"));
        } else if (!algorithm.isEmpty() && !algorithm.equals("NONE")) {
            declared.warn("kv_cache_quant_algo " + LenientJson.shown(quantization.path("kv_cache_quant_algo"))
                    + " is not known to load");
        }
    }
}
