package io.octavo.engine.layout.fp8;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.Tensor;
import io.octavo.engine.layout.config.StrictObject;
import io.octavo.engine.layout.weight.InputScale;
import io.octavo.engine.layout.weight.KvCacheScales;
import io.octavo.engine.layout.weight.KvScaleReader;
import io.octavo.engine.layout.weight.ModuleCollector;
import io.octavo.engine.layout.weight.PlainWeight;
import io.octavo.engine.layout.weight.QuantizationParameters;
import io.octavo.engine.layout.weight.QuantizedLinear;
import io.octavo.engine.layout.weight.QuantizedModules;
import io.octavo.engine.layout.weight.ScaleGrid;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.NumberType.FloatType;
import io.octavo.engine.scheme.Quantization;
import io.octavo.kernels.number.DType;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/**
 * Reads {@code quant_method} {@code fp8}: {@code weight} of E4M3 with one {@code weight_scale} as AutoFP8 wrote it, or with
 * a {@code weight_scale_inv} per block as DeepSeek does. Both are multiplied, whatever the second one's name says.
 */
public final class Fp8Reader {

    private final Checkpoint checkpoint;
    private final ModuleCollector collector;
    private final Set<String> ignored;
    private final boolean staticInputs;
    private final Optional<Granularity.PerBlock> block;

    private Fp8Reader(Checkpoint checkpoint, JsonNode node) {
        this.checkpoint = checkpoint;
        this.collector = new ModuleCollector(checkpoint);
        StrictObject config = new StrictObject(node, "the root");
        this.ignored = new HashSet<>(config.strings("ignored_layers"));
        this.ignored.addAll(config.strings("modules_to_not_convert"));
        this.staticInputs = switch (config.string("activation_scheme")) {
            case "static" -> true;
            case "dynamic" -> false;
            default ->
                throw StrictObject.unsupported(
                        "activation_scheme is " + node.path("activation_scheme") + "; allowed: static, dynamic");
        };
        if (config.member("fmt").isPresent() && !config.string("fmt").equals("e4m3")) {
            throw StrictObject.unsupported("fmt is " + node.path("fmt") + "; allowed: e4m3");
        }
        this.block = config.member("weight_block_size").map(Fp8Reader::block);
        if (block.isPresent() && staticInputs) {
            throw StrictObject.unsupported("activation_scheme is static; blocks allow only dynamic");
        }
    }

    public static QuantizedModules read(Checkpoint checkpoint, JsonNode config) {
        return new Fp8Reader(checkpoint, config)
                .read(new StrictObject(config, "the root")
                        .member("kv_cache_scheme")
                        .isPresent());
    }

    private static Granularity.PerBlock block(JsonNode sizes) {
        boolean valid = sizes.isArray()
                && sizes.size() == 2
                && sizes.valueStream().allMatch(size -> size.isInt() && size.intValue() > 0);
        if (!valid) {
            throw StrictObject.unsupported("weight_block_size is " + sizes + "; expected two positive integers");
        }
        return new Granularity.PerBlock(sizes.get(0).intValue(), sizes.get(1).intValue());
    }

    private QuantizedModules read(boolean kvScales) {
        for (String module : collector.modulesWith(QuantizationParameters.WEIGHT)) {
            collector.matrix(module, DType.F8_E4M3).ifPresent(weight -> add(module, weight));
        }
        Optional<KvCacheScales> kvCache =
                kvScales ? Optional.of(new KvScaleReader(checkpoint, collector).read()) : Optional.empty();
        return collector.finish(kvCache);
    }

    private void add(String module, Tensor weight) {
        if (ignored.contains(module)) {
            throw StrictObject.unsupported(
                    "it leaves module " + module + " alone, yet the weight is stored as F8_E4M3");
        }
        collector.add(block.map(size -> perBlock(module, weight, size)).orElseGet(() -> perTensor(module, weight)));
    }

    private QuantizedLinear perTensor(String module, Tensor weight) {
        Tensor scale = collector.claim(module, QuantizationParameters.WEIGHT_SCALE);
        ModuleCollector.scalar(scale);
        var grid = new ScaleGrid(scale, Math.max(weight.shape().getFirst(), 1), 1);
        var perTensor = new Granularity.PerTensor();
        Quantization inputs = staticInputs
                ? Quantization.stored(FloatType.E4M3, perTensor)
                : Quantization.dynamic(FloatType.E4M3, new Granularity.PerToken());
        Optional<InputScale> inputScale = staticInputs
                ? Optional.of(InputScale.symmetric(
                        ModuleCollector.scalar(collector.claim(module, QuantizationParameters.INPUT_SCALE))))
                : Optional.empty();
        var stored = new PlainWeight(weight, Quantization.stored(FloatType.E4M3, perTensor), grid);
        return new QuantizedLinear(module, stored, Optional.of(inputs), inputScale);
    }

    private QuantizedLinear perBlock(String module, Tensor weight, Granularity.PerBlock size) {
        long rows = Math.ceilDiv(weight.shape().getFirst(), size.rows());
        int columns = Math.toIntExact(Math.ceilDiv(weight.shape().getLast(), (long) size.columns()));
        ScaleGrid grid = ModuleCollector.scales(
                collector.claim(module, QuantizationParameters.WEIGHT_SCALE_INV), size.rows(), columns, rows, columns);
        var stored = new PlainWeight(weight, Quantization.stored(FloatType.E4M3, size), grid);
        Quantization inputs = Quantization.dynamic(FloatType.E4M3, new Granularity.PerGroup(size.columns()));
        return new QuantizedLinear(module, stored, Optional.of(inputs), Optional.empty());
    }
}
