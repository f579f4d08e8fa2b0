package io.octavo.engine.label;

import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.NumberType;
import io.octavo.engine.scheme.Quantization;
import io.octavo.engine.scheme.ScaleType;
import java.util.OptionalInt;

/** What people call the numbers that codes stand for; the four-bit and MX families also fix how scales are stored. */
enum NumberFamily {
    INT,
    FP8,
    /** E2M1 without the scales of the two formats that have a name. */
    FP4,
    NVFP4,
    MXFP4,
    MXFP8;

    private static final Granularity MX_GROUPS = new Granularity.PerGroup(32);

    static NumberFamily of(Quantization numbers) {
        boolean mx =
                numbers.scaleType() == ScaleType.E8M0 && numbers.granularity().equals(MX_GROUPS);
        return switch (numbers.type()) {
            case NumberType.IntType integers -> INT;
            case NumberType.FloatType floats ->
                switch (floats) {
                    case E4M3 -> mx ? MXFP8 : FP8;
                    case E2M1 -> {
                        if (numbers.granularity() instanceof Granularity.PerTensorGroup) {
                            yield NVFP4;
                        }
                        yield mx ? MXFP4 : FP4;
                    }
                };
        };
    }

    /** Whether scales of inputs are computed per group while the model runs, by the format's own definition. */
    private boolean isOfGroups() {
        return this == NVFP4 || this == MXFP4 || this == MXFP8;
    }

    /** Such as {@code INT4}, {@code FP8} or {@code NVFP4}. */
    static String name(Quantization numbers) {
        return of(numbers) == INT ? "INT" + numbers.type().bits() : of(numbers).name();
    }

    /** {@code static} or {@code dynamic} inputs; empty where the name says it. */
    static String timing(Quantization inputs) {
        return of(inputs).isOfGroups() ? "" : inputs.dynamic() ? "dynamic" : "static";
    }

    /** Name and granularity for people, such as {@code INT4 per group of 128}. */
    static String description(Quantization numbers) {
        String shared = switch (numbers.granularity()) {
            case Granularity.PerGroup group -> "per group of " + group.size();
            case Granularity.PerTensorGroup group -> "per group of " + group.size();
            case Granularity.PerBlock block -> "per block of " + block.rows() + " x " + block.columns();
            case Granularity.PerTensor tensor -> tensor.toString();
            case Granularity.PerChannel channel -> channel.toString();
            case Granularity.PerToken token -> token.toString();
            case Granularity.PerHead head -> head.toString();
        };
        boolean local = numbers.granularity() instanceof Granularity.PerTensorGroup;
        return name(numbers) + " " + shared + (numbers.symmetric() ? "" : ", asymmetric")
                + (numbers.dynamic() ? ", while the model runs" : "")
                + (numbers.dynamic() && local ? ", under a stored scale of the tensor" : "");
    }

    /** Consecutive input channels that share a scale, where that is less than a row. */
    static OptionalInt groupSize(Quantization numbers) {
        return switch (numbers.granularity()) {
            case Granularity.PerGroup group -> OptionalInt.of(group.size());
            case Granularity.PerTensorGroup group -> OptionalInt.of(group.size());
            default -> OptionalInt.empty();
        };
    }

    /**
     * Bits a weight, with the scales and zero points of its group. A scale per channel, block or tensor adds what only the
     * tensors' sizes can tell: less than a hundredth of a bit in any real model.
     *
     * @param modelScaleBits of a scale in the model's number type
     */
    static double bitsPerWeight(Quantization weights, int modelScaleBits) {
        int bits = weights.type().bits();
        int scaleBits = of(weights).isOfGroups() ? Byte.SIZE : modelScaleBits;
        int zeroPointBits = weights.symmetric() ? 0 : bits;
        OptionalInt group = groupSize(weights);
        return group.isPresent() ? bits + (double) (scaleBits + zeroPointBits) / group.getAsInt() : bits;
    }
}
