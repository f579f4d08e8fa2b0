package io.octavo.engine.layout.integer;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.Tensor;
import io.octavo.engine.layout.config.StrictObject;
import io.octavo.engine.layout.integer.TransposedWeight.CodeOrder;
import io.octavo.engine.layout.weight.ModuleCollector;
import io.octavo.engine.layout.weight.QuantizationParameters;
import io.octavo.engine.layout.weight.QuantizedLinear;
import io.octavo.engine.layout.weight.QuantizedModules;
import io.octavo.engine.layout.weight.ScaleGrid;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.NumberType;
import io.octavo.engine.scheme.Quantization;
import io.octavo.kernels.number.DType;
import java.lang.foreign.ValueLayout;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/**
 * Reads {@code awq} (gemm) and {@code gptq} (both versions): unsigned codes in 32-bit words, transposed, with zero points
 * in words along the outputs.
 */
public final class IntegerReader {

    private static final int WHOLE_ROWS = -1;
    private static final Set<DType> WORDS = Set.of(DType.I32);

    private final ModuleCollector collector;
    private final int bits;
    private final int groupSize;
    private final boolean symmetric;
    private final int zeroPointOffset;
    private final CodeOrder order;

    private IntegerReader(
            Checkpoint checkpoint, int bits, int groupSize, boolean symmetric, int zeroPointOffset, CodeOrder order) {
        this.collector = new ModuleCollector(checkpoint);
        this.bits = bits;
        this.groupSize = groupSize;
        this.symmetric = symmetric;
        this.zeroPointOffset = zeroPointOffset;
        this.order = order;
    }

    public static QuantizedModules readAwq(Checkpoint checkpoint, JsonNode node) {
        var config = new StrictObject(node, "the root");
        String version = config.string("version", "gemm");
        if (!version.toLowerCase(Locale.ROOT).equals("gemm")) {
            throw StrictObject.unsupported("version is " + version + "; supported: gemm");
        }
        int bits = config.integer(config.member("bits").isPresent() ? "bits" : "w_bit");
        if (bits != 4) {
            throw StrictObject.unsupported("bits is " + bits + "; allowed: 4");
        }
        int groupSize = groupSize(config, config.member("group_size").isPresent() ? "group_size" : "q_group_size");
        boolean symmetric = !config.bool("zero_point", true);
        return new IntegerReader(checkpoint, bits, groupSize, symmetric, 0, CodeOrder.AWQ).read();
    }

    public static QuantizedModules readGptq(Checkpoint checkpoint, JsonNode node) {
        var config = new StrictObject(node, "the root");
        int bits = config.integer("bits");
        if (bits != 2 && bits != 4 && bits != 8) {
            throw StrictObject.unsupported("bits is " + bits + "; supported: 2, 4, 8");
        }
        if (config.member("pack_dtype").isPresent()
                && !config.string("pack_dtype").equals("int32")) {
            throw StrictObject.unsupported("pack_dtype is " + node.path("pack_dtype") + "; supported: int32");
        }
        requireNoOverrides(config);
        String format = config.string("checkpoint_format", config.string("format", "gptq"));
        int offset = switch (format) {
            case "gptq" -> 1;
            case "gptq_v2" -> 0;
            default -> throw StrictObject.unsupported("checkpoint_format is " + format + "; supported: gptq, gptq_v2");
        };
        boolean symmetric = config.bool("sym", true);
        return new IntegerReader(checkpoint, bits, groupSize(config, "group_size"), symmetric, offset, CodeOrder.GPTQ)
                .read();
    }

    /** Entries that exclude modules are told by the tensors; those that change bits or groups cannot be guessed. */
    private static void requireNoOverrides(StrictObject config) {
        config.member("dynamic").ifPresent(dynamic -> {
            for (String pattern : dynamic.propertyNames()) {
                if (!pattern.startsWith("-:")) {
                    throw StrictObject.unsupported(
                            "dynamic changes modules " + pattern + "; supported: exclusions (-:)");
                }
            }
        });
    }

    private static int groupSize(StrictObject config, String member) {
        int size = config.integer(member);
        if (size <= 0 && size != WHOLE_ROWS) {
            throw StrictObject.unsupported(member + " is " + size + "; allowed: -1 or a positive size");
        }
        return size;
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
            throw StrictObject.unsupported("module " + module + ": qweight has shape " + codes.shape() + ", scales "
                    + scales.shape() + "; expected matrices");
        }
        int perWord = Integer.SIZE / bits;
        long outFeatures = scales.shape().getLast();
        long inFeatures = order == CodeOrder.AWQ
                ? codes.shape().getFirst()
                : Math.multiplyExact(codes.shape().getFirst(), (long) perWord);
        long size = groupSize == WHOLE_ROWS ? Math.max(inFeatures, 1) : groupSize;
        if (inFeatures % size != 0 || outFeatures % perWord != 0) {
            throw StrictObject.unsupported("module " + module + ": " + outFeatures + " x " + inFeatures
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
        Granularity granularity =
                groupSize == WHOLE_ROWS ? new Granularity.PerChannel() : new Granularity.PerGroup(groupSize);
        Quantization stored = Quantization.stored(new NumberType.IntType(bits), granularity);
        var weight = new TransposedWeight(
                codes,
                zeroPoints,
                grid,
                symmetric ? stored : stored.asymmetric(),
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
                throw StrictObject.unsupported("tensor " + tensor.name() + " holds " + index[channel] + " at " + channel
                        + "; allowed: 0 to " + (groups - 1));
            }
            consecutive &= index[channel] == channel / size;
        }
        return consecutive ? Optional.empty() : Optional.of(index);
    }
}
