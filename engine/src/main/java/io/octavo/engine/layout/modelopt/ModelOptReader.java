package io.octavo.engine.layout.modelopt;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.Tensor;
import io.octavo.engine.layout.config.StrictObject;
import io.octavo.engine.layout.weight.InputScale;
import io.octavo.engine.layout.weight.KvCacheScales;
import io.octavo.engine.layout.weight.KvScaleReader;
import io.octavo.engine.layout.weight.ModuleCollector;
import io.octavo.engine.layout.weight.PackedE2m1;
import io.octavo.engine.layout.weight.PlainWeight;
import io.octavo.engine.layout.weight.QuantizationParameters;
import io.octavo.engine.layout.weight.QuantizedLinear;
import io.octavo.engine.layout.weight.QuantizedModules;
import io.octavo.engine.layout.weight.ScaleGrid;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.NumberType.FloatType;
import io.octavo.engine.scheme.Quantization;
import io.octavo.engine.scheme.ScaleType;
import io.octavo.kernels.number.DType;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/** Reads ModelOpt's FP8 and NVFP4 exports, declared in config.json or in hf_quant_config.json. */
public final class ModelOptReader {

    private static final int NVFP4_GROUP = 16;
    private static final Set<String> FP8_CACHE = Set.of("FP8");
    private static final Set<String> NO_CACHE = Set.of("", "NONE");

    private final Checkpoint checkpoint;
    private final ModuleCollector collector;
    private final StrictObject config;
    private final String algorithm;

    private ModelOptReader(Checkpoint checkpoint, JsonNode node) {
        this.checkpoint = checkpoint;
        this.collector = new ModuleCollector(checkpoint);
        JsonNode quantization = node.path("quantization");
        this.config = new StrictObject(quantization.isObject() ? quantization : node, "the root");
        this.algorithm = config.string("quant_algo").toUpperCase(Locale.ROOT);
    }

    public static QuantizedModules read(Checkpoint checkpoint, JsonNode config) {
        return new ModelOptReader(checkpoint, config).read();
    }

    private QuantizedModules read() {
        boolean nvfp4 = algorithm.equals("NVFP4") || algorithm.equals("W4A16_NVFP4");
        boolean fp8 = algorithm.equals("FP8") || algorithm.equals("FP8_PER_CHANNEL_PER_TOKEN");
        if (!nvfp4 && !fp8) {
            throw StrictObject.unsupported("quant_algo is " + config.node().path("quant_algo")
                    + "; supported: FP8, FP8_PER_CHANNEL_PER_TOKEN, NVFP4, W4A16_NVFP4");
        }
        if (nvfp4 && config.member("group_size").isPresent() && config.integer("group_size") != NVFP4_GROUP) {
            throw StrictObject.unsupported("group_size is " + config.node().path("group_size") + "; allowed: 16");
        }
        for (String module : collector.modulesWith(QuantizationParameters.WEIGHT)) {
            if (nvfp4) {
                collector.matrix(module, DType.U8).ifPresent(weight -> collector.add(nvfp4(module, weight)));
            } else {
                collector.matrix(module, DType.F8_E4M3).ifPresent(weight -> collector.add(fp8(module, weight)));
            }
        }
        return collector.finish(kvCache());
    }

    private QuantizedLinear fp8(String module, Tensor weight) {
        Tensor scale = collector.claim(module, QuantizationParameters.WEIGHT_SCALE);
        long rows = weight.shape().getFirst();
        if (algorithm.equals("FP8")) {
            ModuleCollector.scalar(scale);
            Quantization perTensor = Quantization.stored(FloatType.E4M3, new Granularity.PerTensor());
            var stored = new PlainWeight(weight, perTensor, new ScaleGrid(scale, Math.max(rows, 1), 1));
            float input = ModuleCollector.scalar(collector.claim(module, QuantizationParameters.INPUT_SCALE));
            return new QuantizedLinear(
                    module, stored, Optional.of(perTensor), Optional.of(InputScale.symmetric(input)));
        }
        ScaleGrid grid = scale.shape().size() == 1
                ? ModuleCollector.scales(scale, 1, 1, rows)
                : ModuleCollector.scales(scale, 1, 1, rows, 1);
        var stored = new PlainWeight(weight, Quantization.stored(FloatType.E4M3, new Granularity.PerChannel()), grid);
        Quantization inputs = Quantization.dynamic(FloatType.E4M3, new Granularity.PerToken());
        return new QuantizedLinear(module, stored, Optional.of(inputs), Optional.empty());
    }

    private QuantizedLinear nvfp4(String module, Tensor weight) {
        long rows = weight.shape().getFirst();
        long columns = Math.multiplyExact(weight.shape().getLast(), 2L);
        if (columns % NVFP4_GROUP != 0) {
            throw StrictObject.unsupported("tensor " + weight.name() + ": inFeatures " + columns
                    + " is not divisible by group size " + NVFP4_GROUP);
        }
        Tensor scale = collector.claim(module, QuantizationParameters.WEIGHT_SCALE);
        ModuleCollector.requireType(scale, Set.of(DType.F8_E4M3));
        int groups = Math.toIntExact(columns / NVFP4_GROUP);
        ModuleCollector.requireShape(scale, rows, groups);
        float global = ModuleCollector.scalar(collector.claim(module, QuantizationParameters.WEIGHT_SCALE_2));
        // A group of zeros may have a scale of zero.
        var grid = new ScaleGrid(scale, 1, groups);
        grid.requireNotNegative();
        Quantization weights = Quantization.stored(FloatType.E2M1, new Granularity.PerTensorGroup(NVFP4_GROUP))
                .withScales(ScaleType.E4M3);
        var stored = new PackedE2m1(weight, weights, grid, global);
        if (algorithm.equals("W4A16_NVFP4")) {
            return new QuantizedLinear(module, stored, Optional.empty(), Optional.empty());
        }
        Quantization inputs = Quantization.dynamic(FloatType.E2M1, new Granularity.PerTensorGroup(NVFP4_GROUP))
                .withScales(ScaleType.E4M3);
        float input = ModuleCollector.scalar(collector.claim(module, QuantizationParameters.INPUT_SCALE));
        return new QuantizedLinear(module, stored, Optional.of(inputs), Optional.of(InputScale.symmetric(input)));
    }

    /** A name in hf_quant_config.json, an object in config.json. */
    private Optional<KvCacheScales> kvCache() {
        Optional<JsonNode> scheme = config.member("kv_cache_scheme");
        String cache = config.string("kv_cache_quant_algo", "").toUpperCase(Locale.ROOT);
        if (scheme.isPresent()) {
            StrictObject object = new StrictObject(scheme.get(), "kv_cache_scheme");
            if (!object.string("type").equals("float") || object.integer("num_bits") != Byte.SIZE) {
                throw StrictObject.unsupported("kv_cache_scheme is " + scheme.get() + "; supported: 8-bit float");
            }
            cache = "FP8";
        }
        if (NO_CACHE.contains(cache)) {
            return Optional.empty();
        }
        if (!FP8_CACHE.contains(cache)) {
            throw StrictObject.unsupported("kv_cache_quant_algo is " + cache + "; supported: FP8");
        }
        return Optional.of(new KvScaleReader(checkpoint, collector).read());
    }
}
