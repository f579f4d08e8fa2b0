package io.octavo.engine.layout.integer;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.Tensor;
import io.octavo.engine.layout.config.Declaration;
import io.octavo.engine.layout.config.Layout;
import io.octavo.engine.layout.integer.TransposedWeight.CodeOrder;
import io.octavo.engine.layout.weight.ModuleCollector;
import io.octavo.engine.layout.weight.QuantizationParameters;
import io.octavo.engine.layout.weight.QuantizedLinear;
import io.octavo.engine.layout.weight.QuantizedModules;
import io.octavo.engine.layout.weight.ScaleGrid;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.Quantization;
import io.octavo.kernels.number.DType;
import java.lang.foreign.ValueLayout;
import java.util.Optional;
import java.util.Set;

/**
 * Reads {@code awq} (gemm) and {@code gptq} (both versions): unsigned codes in 32-bit words, transposed, with zero points
 * in words along the outputs.
 */
public final class IntegerReader {

    private static final Set<DType> WORDS = Set.of(DType.I32);

    private final ModuleCollector collector;
    private final Quantization weights;
    private final int zeroPointOffset;
    private final CodeOrder order;

    private IntegerReader(Checkpoint checkpoint, Layout layout, Quantization weights) {
        this.collector = new ModuleCollector(checkpoint);
        this.weights = weights;
        this.zeroPointOffset = layout == Layout.GPTQ ? 1 : 0;
        this.order = layout == Layout.AWQ ? CodeOrder.AWQ : CodeOrder.GPTQ;
    }

    public static QuantizedModules read(Checkpoint checkpoint, Declaration config) {
        return new IntegerReader(
                        checkpoint, config.layout(), config.groups().getFirst().weights())
                .read();
    }

    private QuantizedModules read() {
        for (String module : collector.modulesWith(QuantizationParameters.QWEIGHT)) {
            collector.add(linear(module));
        }
        return collector.finish(Optional.empty());
    }

    private QuantizedLinear linear(String module) {
        Tensor codes = collector.claim(module, QuantizationParameters.QWEIGHT);
        Tensor zeroPoints = collector.claim(module, QuantizationParameters.QZEROS);
        Tensor scales = collector.claim(module, QuantizationParameters.SCALES);
        ModuleCollector.requireType(codes, WORDS);
        ModuleCollector.requireType(zeroPoints, WORDS);
        if (codes.shape().size() != 2 || scales.shape().size() != 2) {
            throw Declaration.unsupported("module " + module + ": qweight has shape " + codes.shape() + ", scales "
                    + scales.shape() + "; expected matrices");
        }
        int perWord = Integer.SIZE / weights.type().bits();
        long outFeatures = scales.shape().getLast();
        long inFeatures = order == CodeOrder.AWQ
                ? codes.shape().getFirst()
                : Math.multiplyExact(codes.shape().getFirst(), (long) perWord);
        long size =
                weights.granularity() instanceof Granularity.PerGroup group ? group.size() : Math.max(inFeatures, 1);
        if (inFeatures % size != 0 || outFeatures % perWord != 0) {
            throw Declaration.unsupported("module " + module + ": " + outFeatures + " x " + inFeatures
                    + " does not divide into groups of " + size + " and words of " + perWord + " codes");
        }
        int groups = Math.toIntExact(inFeatures / size);
        if (order == CodeOrder.AWQ) {
            ModuleCollector.requireShape(codes, inFeatures, outFeatures / perWord);
        } else {
            ModuleCollector.requireShape(codes, inFeatures / perWord, outFeatures);
        }
        ModuleCollector.requireShape(zeroPoints, groups, outFeatures / perWord);
        ScaleGrid grid = ModuleCollector.scales(scales, 1, Math.toIntExact(outFeatures), groups, outFeatures);
        var weight = new TransposedWeight(
                codes,
                zeroPoints,
                grid,
                weights,
                inFeatures,
                groups,
                order,
                zeroPointOffset,
                groupIndex(module, inFeatures, size, groups));
        weight.requireZeroPoints();
        return new QuantizedLinear(module, weight, Optional.empty(), Optional.empty());
    }

    /** @return empty where groups are runs of consecutive channels, as they are without act-order */
    private Optional<int[]> groupIndex(String module, long inFeatures, long size, int groups) {
        Optional<Tensor> stored = order == CodeOrder.AWQ
                ? Optional.empty()
                : collector.claimIfPresent(module, QuantizationParameters.GROUP_INDEX);
        if (stored.isEmpty()) {
            return Optional.empty();
        }
        Tensor tensor = stored.get();
        ModuleCollector.requireType(tensor, WORDS);
        ModuleCollector.requireShape(tensor, inFeatures);
        int[] index = new int[Math.toIntExact(inFeatures)];
        boolean consecutive = true;
        for (int channel = 0; channel < index.length; channel++) {
            index[channel] = tensor.segment().get(ValueLayout.JAVA_INT_UNALIGNED, (long) channel * Integer.BYTES);
            if (index[channel] < 0 || index[channel] >= groups) {
                throw Declaration.unsupported("tensor " + tensor.name() + " holds " + index[channel] + " at " + channel
                        + "; allowed: 0 to " + (groups - 1));
            }
            consecutive &= index[channel] == channel / size;
        }
        return consecutive ? Optional.empty() : Optional.of(index);
    }
}
