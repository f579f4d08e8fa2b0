package io.octavo.engine.layout.fp8;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.Tensor;
import io.octavo.engine.layout.config.Declaration;
import io.octavo.engine.layout.weight.InputScale;
import io.octavo.engine.layout.weight.KvScaleReader;
import io.octavo.engine.layout.weight.ModuleCollector;
import io.octavo.engine.layout.weight.PlainWeight;
import io.octavo.engine.layout.weight.QuantizationParameters;
import io.octavo.engine.layout.weight.QuantizedLinear;
import io.octavo.engine.layout.weight.QuantizedModules;
import io.octavo.engine.layout.weight.ScaleGrid;
import io.octavo.engine.scheme.Granularity;
import io.octavo.kernels.number.DType;
import java.util.List;
import java.util.Optional;

/**
 * Reads {@code quant_method} {@code fp8}: {@code weight} of E4M3 with one {@code weight_scale} as AutoFP8 wrote it, or with
 * a {@code weight_scale_inv} per block as DeepSeek does. Both are multiplied, whatever the second one's name says.
 */
public final class Fp8Reader {

    private final ModuleCollector collector;
    private final Declaration config;
    private final Declaration.Group group;

    private Fp8Reader(Checkpoint checkpoint, Declaration config) {
        this.collector = new ModuleCollector(checkpoint);
        this.config = config;
        this.group = config.groups().getFirst();
    }

    public static QuantizedModules read(Checkpoint checkpoint, Declaration config) {
        return new Fp8Reader(checkpoint, config).read(checkpoint);
    }

    private QuantizedModules read(Checkpoint checkpoint) {
        for (String module : collector.modulesWith(QuantizationParameters.WEIGHT)) {
            collector.matrix(module, DType.F8_E4M3).ifPresent(weight -> add(module, weight));
        }
        return collector.finish(config.kvCache().map(cache -> new KvScaleReader(checkpoint, collector).read()));
    }

    private void add(String module, Tensor weight) {
        if (config.ignores(List.of(module))) {
            throw Declaration.unsupported("it leaves module " + module + " alone, yet the weight is stored as F8_E4M3");
        }
        collector.add(
                group.weights().granularity() instanceof Granularity.PerBlock size
                        ? perBlock(module, weight, size)
                        : perTensor(module, weight));
    }

    private QuantizedLinear perTensor(String module, Tensor weight) {
        Tensor scale = collector.claim(module, QuantizationParameters.WEIGHT_SCALE);
        ModuleCollector.scalar(scale);
        var grid = new ScaleGrid(scale, Math.max(weight.shape().getFirst(), 1), 1);
        Optional<InputScale> inputScale = group.inputs()
                .filter(inputs -> !inputs.dynamic())
                .map(inputs -> InputScale.symmetric(
                        ModuleCollector.scalar(collector.claim(module, QuantizationParameters.INPUT_SCALE))));
        return new QuantizedLinear(module, new PlainWeight(weight, group.weights(), grid), group.inputs(), inputScale);
    }

    private QuantizedLinear perBlock(String module, Tensor weight, Granularity.PerBlock size) {
        long rows = Math.ceilDiv(weight.shape().getFirst(), size.rows());
        int columns = Math.toIntExact(Math.ceilDiv(weight.shape().getLast(), (long) size.columns()));
        ScaleGrid grid = ModuleCollector.scales(
                collector.claim(module, QuantizationParameters.WEIGHT_SCALE_INV), size.rows(), columns, rows, columns);
        return new QuantizedLinear(
                module, new PlainWeight(weight, group.weights(), grid), group.inputs(), Optional.empty());
    }
}
