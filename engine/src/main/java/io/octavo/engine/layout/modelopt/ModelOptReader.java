package io.octavo.engine.layout.modelopt;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.Tensor;
import io.octavo.engine.layout.config.Declaration;
import io.octavo.engine.layout.weight.InputScale;
import io.octavo.engine.layout.weight.KvScaleReader;
import io.octavo.engine.layout.weight.ModuleCollector;
import io.octavo.engine.layout.weight.PackedE2m1;
import io.octavo.engine.layout.weight.PlainWeight;
import io.octavo.engine.layout.weight.QuantizationParameters;
import io.octavo.engine.layout.weight.QuantizedLinear;
import io.octavo.engine.layout.weight.QuantizedModules;
import io.octavo.engine.layout.weight.QuantizedWeight;
import io.octavo.engine.layout.weight.ScaleGrid;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.Quantization;
import io.octavo.kernels.number.DType;
import java.util.Optional;
import java.util.Set;

/** Reads ModelOpt's FP8 and NVFP4 exports, declared in config.json or in hf_quant_config.json. */
public final class ModelOptReader {

    private final ModuleCollector collector;
    private final Declaration.Group group;

    private ModelOptReader(Checkpoint checkpoint, Declaration.Group group) {
        this.collector = new ModuleCollector(checkpoint);
        this.group = group;
    }

    public static QuantizedModules read(Checkpoint checkpoint, Declaration config) {
        var reader = new ModelOptReader(checkpoint, config.groups().getFirst());
        reader.addModules();
        return reader.collector.finish(
                config.kvCache().map(cache -> new KvScaleReader(checkpoint, reader.collector).read()));
    }

    private void addModules() {
        for (String module : collector.modulesWith(QuantizationParameters.WEIGHT)) {
            if (group.weights().granularity() instanceof Granularity.PerTensorGroup size) {
                collector.matrix(module, DType.U8).ifPresent(weight -> add(module, nvfp4(module, weight, size.size())));
            } else {
                collector.matrix(module, DType.F8_E4M3).ifPresent(weight -> add(module, fp8(module, weight)));
            }
        }
    }

    private void add(String module, QuantizedWeight weight) {
        Optional<InputScale> inputScale = group.inputs()
                .filter(Quantization::isCalibrated)
                .map(inputs -> InputScale.symmetric(
                        ModuleCollector.scalar(collector.claim(module, QuantizationParameters.INPUT_SCALE))));
        collector.add(new QuantizedLinear(module, weight, group.inputs(), inputScale));
    }

    private QuantizedWeight fp8(String module, Tensor weight) {
        Tensor scale = collector.claim(module, QuantizationParameters.WEIGHT_SCALE);
        long rows = weight.shape().getFirst();
        if (group.weights().granularity() instanceof Granularity.PerTensor) {
            ModuleCollector.scalar(scale);
            return new PlainWeight(weight, group.weights(), new ScaleGrid(scale, Math.max(rows, 1), 1));
        }
        ScaleGrid grid = scale.shape().size() == 1
                ? ModuleCollector.scales(scale, 1, 1, rows)
                : ModuleCollector.scales(scale, 1, 1, rows, 1);
        return new PlainWeight(weight, group.weights(), grid);
    }

    private QuantizedWeight nvfp4(String module, Tensor weight, int size) {
        long rows = weight.shape().getFirst();
        long columns = Math.multiplyExact(weight.shape().getLast(), 2L);
        if (columns % size != 0) {
            throw Declaration.unsupported(
                    "tensor " + weight.name() + ": inFeatures " + columns + " is not divisible by group size " + size);
        }
        Tensor scale = collector.claim(module, QuantizationParameters.WEIGHT_SCALE);
        ModuleCollector.requireType(scale, Set.of(DType.F8_E4M3));
        int groups = Math.toIntExact(columns / size);
        ModuleCollector.requireShape(scale, rows, groups);
        float global = ModuleCollector.scalar(collector.claim(module, QuantizationParameters.WEIGHT_SCALE_2));
        // A group of zeros may have a scale of zero.
        var grid = new ScaleGrid(scale, 1, groups);
        grid.requireNotNegative();
        return new PackedE2m1(weight, group.weights(), grid, global);
    }
}
