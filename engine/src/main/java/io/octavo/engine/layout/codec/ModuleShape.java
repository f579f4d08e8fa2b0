package io.octavo.engine.layout.codec;

import io.octavo.engine.scheme.Quantization;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.quantization.QuantizeTiles;

/**
 * A Linear's weight as a layout is to store it.
 *
 * @param floats type of scales that are floats, where the layout leaves the choice
 * @param actOrder whether the groups of its input channels are no runs of consecutive ones
 */
public record ModuleShape(
        String module, Quantization weights, long outFeatures, long inFeatures, DType floats, boolean actOrder) {

    String name(String parameter) {
        return module + "." + parameter;
    }

    public long scaleRows() {
        return Math.ceilDiv(outFeatures, tile().rows());
    }

    public long scaleColumns() {
        return Math.ceilDiv(inFeatures, tile().columns());
    }

    public QuantizeTiles.Tile tile() {
        return weights.granularity().tile(outFeatures, inFeatures);
    }

    /** Words of 32 bits that so many codes fill. */
    long words(long codes) {
        return Math.ceilDiv(codes * weights.type().bits(), Integer.SIZE);
    }

    /** @param ownFloats what a layout stores scales in that are floats */
    public DType scaleType(DType ownFloats) {
        return switch (weights.scaleType()) {
            case FLOAT -> ownFloats;
            case E4M3 -> DType.F8_E4M3;
            case E8M0 -> DType.U8;
        };
    }
}
