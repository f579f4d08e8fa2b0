package io.octavo.engine.label;

import io.octavo.engine.scheme.Granularity;

/**
 * How a config declares one kind of tensor.
 *
 * @param bits of one code
 * @param granularity which codes share a scale
 */
public record Numbers(Family family, int bits, Granularity granularity, boolean symmetric, Timing timing) {

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

    static Numbers stored(Family family, int bits, Granularity granularity) {
        return new Numbers(family, bits, granularity, true, Timing.STORED);
    }

    static Numbers dynamic(Family family, int bits, Granularity granularity) {
        return new Numbers(family, bits, granularity, true, Timing.DYNAMIC);
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
            case Granularity.PerBlock block -> " per block of " + block.rows() + " x " + block.columns();
        };
        String time = switch (timing) {
            case STORED -> "";
            case DYNAMIC -> ", while the model runs";
            case LOCAL -> ", while the model runs, under a stored scale of the tensor";
        };
        return type() + shared + (symmetric ? "" : ", asymmetric") + time;
    }

    /**
     * Bits a weight, with the scales and zero points of its group. A scale per channel, block or tensor adds what only the
     * tensors' sizes can tell: less than a hundredth of a bit in any real model.
     *
     * @param modelScaleBits of a scale in the model's number type
     */
    double bitsPerWeight(int modelScaleBits) {
        if (!(granularity instanceof Granularity.PerGroup group)) {
            return bits;
        }
        int scaleBits = family.impliesTiming() ? 8 : modelScaleBits;
        int zeroPointBits = symmetric ? 0 : bits;
        return bits + (double) (scaleBits + zeroPointBits) / group.size();
    }
}
