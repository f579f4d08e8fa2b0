package io.octavo.engine.layout.codec;

import io.octavo.engine.layout.config.CompressedFormat;
import io.octavo.engine.layout.config.Declaration;
import io.octavo.engine.layout.config.Layout;
import io.octavo.engine.layout.weight.QuantizationParameters;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.NumberType;
import io.octavo.engine.scheme.NumberType.FloatType;
import io.octavo.engine.scheme.Quantization;
import io.octavo.engine.scheme.ScaleType;
import io.octavo.engine.scheme.Scheme;
import io.octavo.kernels.number.DType;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Every way of storing weights that is known, by layout and format. A new one is a line here; readers, writers, plans and
 * the quantizer go by this list.
 */
public final class Codecs {

    private static final Quantization FP8_TENSOR = Quantization.stored(FloatType.E4M3, new Granularity.PerTensor());
    private static final Quantization FP8_CHANNEL = Quantization.stored(FloatType.E4M3, new Granularity.PerChannel());
    private static final Quantization FP8_TOKEN = Quantization.dynamic(FloatType.E4M3, new Granularity.PerToken());
    private static final Quantization MXFP8 =
            Quantization.stored(FloatType.E4M3, new Granularity.PerGroup(32)).withScales(ScaleType.E8M0);
    private static final Quantization MXFP8_INPUTS =
            Quantization.dynamic(FloatType.E4M3, new Granularity.PerGroup(32)).withScales(ScaleType.E8M0);

    /** @param takes which weights, and beside which inputs */
    private record Entry(Layout layout, WeightCodec codec, Predicate<Declaration.Group> takes) {}

    private static final List<Entry> ENTRIES = List.of(
            compressed(
                    rows(QuantizationParameters.WEIGHT, DType.F8_E4M3, null, null),
                    group -> isPlain(group) && (isWhole(group) || isBlock(group) || isGroup(group)),
                    CompressedFormat.FLOAT_QUANTIZED,
                    CompressedFormat.NAIVE_QUANTIZED),
            compressed(
                    rows(QuantizationParameters.WEIGHT, DType.I8, null, null),
                    group -> isPlain(group) && (isWhole(group) || isGroup(group)),
                    CompressedFormat.INT_QUANTIZED),
            compressed(
                    new WordCodec(),
                    group -> group.weights().scaleType() == ScaleType.FLOAT
                            && hasBits(group, 4, 8)
                            && (isWhole(group) || isGroup(group)),
                    CompressedFormat.PACK_QUANTIZED),
            compressed(
                    rows(
                            QuantizationParameters.WEIGHT_PACKED,
                            DType.U8,
                            null,
                            new RowCodec.GlobalScale(QuantizationParameters.WEIGHT_GLOBAL_SCALE, true)),
                    Codecs::isNvfp4,
                    CompressedFormat.NVFP4),
            compressed(
                    rows(QuantizationParameters.WEIGHT_PACKED, DType.U8, null, null),
                    Codecs::isMx,
                    CompressedFormat.MXFP4),
            compressed(
                    rows(QuantizationParameters.WEIGHT, DType.F8_E4M3, null, null),
                    Codecs::isMx,
                    CompressedFormat.MXFP8),
            new Entry(
                    Layout.FP8,
                    rows(QuantizationParameters.WEIGHT, DType.F8_E4M3, DType.F32, null),
                    group -> group.weights().equals(FP8_TENSOR) && hasInputs(group, FP8_TENSOR, FP8_TOKEN)),
            new Entry(
                    Layout.FP8,
                    new RowCodec(
                            QuantizationParameters.WEIGHT,
                            DType.F8_E4M3,
                            QuantizationParameters.WEIGHT_SCALE_INV,
                            DType.F32,
                            null),
                    group -> isPlain(group)
                            && group.weights().granularity() instanceof Granularity.PerBlock block
                            && hasInputs(
                                    group,
                                    Quantization.dynamic(FloatType.E4M3, new Granularity.PerGroup(block.columns())))),
            new Entry(Layout.AWQ, new TransposedCodec(Layout.AWQ), group -> isTransposed(group) && hasBits(group, 4)),
            new Entry(
                    Layout.GPTQ,
                    new TransposedCodec(Layout.GPTQ),
                    group -> isTransposed(group) && hasBits(group, 2, 4, 8)),
            new Entry(
                    Layout.GPTQ_V2,
                    new TransposedCodec(Layout.GPTQ_V2),
                    group -> isTransposed(group) && hasBits(group, 2, 4, 8)),
            new Entry(
                    Layout.MODELOPT,
                    rows(QuantizationParameters.WEIGHT, DType.F8_E4M3, DType.F32, null),
                    group -> (group.weights().equals(FP8_TENSOR) && hasInputs(group, FP8_TENSOR))
                            || (group.weights().equals(FP8_CHANNEL) && hasInputs(group, FP8_TOKEN))
                            || (group.weights().equals(MXFP8) && hasInputs(group, MXFP8_INPUTS))),
            new Entry(
                    Layout.MODELOPT,
                    rows(
                            QuantizationParameters.WEIGHT,
                            DType.U8,
                            DType.F32,
                            new RowCodec.GlobalScale(QuantizationParameters.WEIGHT_SCALE_2, false)),
                    group -> isNvfp4(group)
                            && group.weights().granularity().equals(new Granularity.PerTensorGroup(16))));

    private Codecs() {}

    /** How a layout stores a group of modules; empty where it has no way to. */
    public static Optional<WeightCodec> of(Layout layout, Declaration.Group group) {
        return ENTRIES.stream()
                .filter(entry -> entry.layout == layout && entry.takes.test(group))
                .map(Entry::codec)
                .findFirst();
    }

    /** How compressed-tensors stores what a scheme rounds to. */
    public static WeightCodec of(Scheme scheme) {
        return of(Layout.COMPRESSED_TENSORS, Declaration.Group.of(scheme))
                .orElseThrow(() -> new IllegalStateException("nothing stores " + scheme));
    }

    private static Entry compressed(
            WeightCodec codec, Predicate<Declaration.Group> takes, CompressedFormat... formats) {
        Set<CompressedFormat> allowed = Set.of(formats);
        return new Entry(
                Layout.COMPRESSED_TENSORS, codec, group -> allowed.contains(group.format()) && takes.test(group));
    }

    private static RowCodec rows(
            String codes, DType codeType, @Nullable DType floats, RowCodec.@Nullable GlobalScale global) {
        return new RowCodec(codes, codeType, QuantizationParameters.WEIGHT_SCALE, floats, global);
    }

    private static boolean isPlain(Declaration.Group group) {
        return group.weights().symmetric() && group.weights().scaleType() == ScaleType.FLOAT;
    }

    private static boolean isWhole(Declaration.Group group) {
        Granularity granularity = group.weights().granularity();
        return granularity instanceof Granularity.PerTensor || granularity instanceof Granularity.PerChannel;
    }

    private static boolean isGroup(Declaration.Group group) {
        return group.weights().granularity() instanceof Granularity.PerGroup;
    }

    private static boolean isBlock(Declaration.Group group) {
        return group.weights().granularity() instanceof Granularity.PerBlock;
    }

    private static boolean isNvfp4(Declaration.Group group) {
        return group.weights().type() == FloatType.E2M1
                && group.weights().symmetric()
                && group.weights().scaleType() == ScaleType.E4M3
                && group.weights().granularity() instanceof Granularity.PerTensorGroup;
    }

    private static boolean isMx(Declaration.Group group) {
        return group.weights().symmetric() && group.weights().granularity().equals(new Granularity.PerGroup(32));
    }

    private static boolean isTransposed(Declaration.Group group) {
        return group.inputs().isEmpty()
                && group.weights().type() instanceof NumberType.IntType
                && (isGroup(group) || group.weights().granularity() instanceof Granularity.PerChannel);
    }

    private static boolean hasBits(Declaration.Group group, Integer... allowed) {
        return List.of(allowed).contains(group.weights().type().bits());
    }

    private static boolean hasInputs(Declaration.Group group, Quantization... allowed) {
        return group.inputs().filter(List.of(allowed)::contains).isPresent();
    }
}
