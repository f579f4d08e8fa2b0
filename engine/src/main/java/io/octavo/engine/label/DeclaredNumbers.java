package io.octavo.engine.label;

import io.octavo.engine.scheme.Granularity;
import java.util.OptionalInt;

/**
 * How a config declares one kind of tensor.
 *
 * @param bits of one code
 * @param granularity which codes share a scale
 */
public record DeclaredNumbers(Family family, int bits, Granularity granularity, boolean symmetric, Timing timing) {

    /** Which numbers codes stand for; the four-bit and MX families also fix how scales are stored. */
    public enum Family {
        INT,
        FP8,
        NVFP4,
        MXFP4,
        MXFP8;

        /** Whether scales are computed per group while the model runs, by the format's own definition. */
        boolean impliesTiming() {
            return this == NVFP4 || this == MXFP4 || this == MXFP8;
        }
    }

    /** When scales come about. */
    public enum Timing {
        STORED,
        DYNAMIC,
        /** Group scales while the model runs, under one stored scale of the whole tensor. */
        LOCAL
    }

    static DeclaredNumbers stored(Family family, int bits, Granularity granularity) {
        return new DeclaredNumbers(family, bits, granularity, true, Timing.STORED);
    }

    static DeclaredNumbers dynamic(Family family, int bits, Granularity granularity) {
        return new DeclaredNumbers(family, bits, granularity, true, Timing.DYNAMIC);
    }

    /** Such as {@code INT4}, {@code FP8} or {@code NVFP4}. */
    public String type() {
        return family == Family.INT ? "INT" + bits : family.name();
    }

    /** Type and granularity for people, such as {@code INT4 per group of 128}. */
    public String description() {
        String shared = switch (granularity) {
            case Granularity.PerTensor tensor -> " per tensor";
            case Granularity.PerChannel channel -> " per channel";
            case Granularity.PerToken token -> " per token";
            case Granularity.PerGroup group -> " per group of " + group.size();
            case Granularity.PerTensorGroup group -> " per group of " + group.size();
            case Granularity.PerHead head -> " per head";
            case Granularity.PerBlock block -> " per block of " + block.rows() + " x " + block.columns();
        };
        String time = switch (timing) {
            case STORED -> "";
            case DYNAMIC -> ", while the model runs";
            case LOCAL -> ", while the model runs, under a stored scale of the tensor";
        };
        return type() + shared + (symmetric ? "" : ", asymmetric") + time;
    }

    /** Consecutive input channels that share a scale, where that is less than a row. */
    OptionalInt groupSize() {
        return switch (granularity) {
            case Granularity.PerGroup group -> OptionalInt.of(group.size());
            case Granularity.PerTensorGroup group -> OptionalInt.of(group.size());
            case Granularity.PerTensor tensor -> OptionalInt.empty();
            case Granularity.PerChannel channel -> OptionalInt.empty();
            case Granularity.PerToken token -> OptionalInt.empty();
            case Granularity.PerHead head -> OptionalInt.empty();
            case Granularity.PerBlock block -> OptionalInt.empty();
        };
    }

    /**
     * Bits a weight, with the scales and zero points of its group. A scale per channel, block or tensor adds what only the
     * tensors' sizes can tell: less than a hundredth of a bit in any real model.
     *
     * @param modelScaleBits of a scale in the model's number type
     */
    double bitsPerWeight(int modelScaleBits) {
        int scaleBits = family.impliesTiming() ? Byte.SIZE : modelScaleBits;
        int zeroPointBits = symmetric ? 0 : bits;
        return groupSize().isPresent()
                ? bits + (double) (scaleBits + zeroPointBits) / groupSize().getAsInt()
                : bits;
    }
}
