package io.octavo.engine.solve.scale;

import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.NumberType.FloatType;
import io.octavo.engine.scheme.NumberType.IntType;
import io.octavo.engine.scheme.Quantization;
import io.octavo.engine.scheme.ScaleType;
import io.octavo.kernels.number.BFloat16;
import io.octavo.kernels.number.CodeFormat;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.number.ScaleFormat;

/**
 * How a module's weight is stored: which numbers a code can stand for, which of them share a scale, and which numbers a scale
 * can be.
 *
 * @param dtype of the source weight, in which scales of type {@link ScaleType#FLOAT} are stored
 * @param inFeatures numbers in a row
 * @param absmax the largest magnitude of the weight, and of all that must share its scale
 */
public record WeightFormat(Quantization quantization, DType dtype, int inFeatures, float absmax) {

    /** The largest number of E4M3 times that of E2M1: where a tensor's largest magnitude is to lie (NVFP4). */
    private static final float NVFP4_LARGEST = 448f * 6f;

    /** Which numbers codes stand for; integers without their offset. */
    public CodeFormat codes() {
        return switch (quantization.type()) {
            case IntType integers -> integers.bits() == Byte.SIZE ? CodeFormat.INT8 : CodeFormat.INT4_OFFSET;
            case FloatType floats -> floats.codes();
        };
    }

    /** The type that scales are stored in; U8 are exponents of powers of two. */
    public DType scaleType() {
        return switch (quantization.scaleType()) {
            case FLOAT -> dtype;
            case E4M3 -> DType.F8_E4M3;
            case E8M0 -> DType.U8;
        };
    }

    /** Rows that share a scale; all of the module's where it has one scale. */
    public int tileRows() {
        return switch (quantization.granularity()) {
            case Granularity.PerTensor tensor -> Integer.MAX_VALUE;
            case Granularity.PerBlock block -> block.rows();
            default -> 1;
        };
    }

    /** Columns that share a scale. */
    public int tileColumns() {
        return switch (quantization.granularity()) {
            case Granularity.PerGroup group -> group.size();
            case Granularity.PerTensorGroup group -> group.size();
            case Granularity.PerBlock block -> block.columns();
            default -> inFeatures;
        };
    }

    /** The largest magnitude where all of the module has one scale, above 0; 0 where tiles have their own. */
    public float sharedAbsmax() {
        boolean shared = quantization.granularity() instanceof Granularity.PerTensor;
        return shared ? Math.max(absmax, Float.MIN_VALUE) : 0;
    }

    /** Tiles beside each other. */
    public int groups() {
        return Math.ceilDiv(inFeatures, tileColumns());
    }

    /** Tiles below each other in so many rows. */
    public int tilesDown(int rows) {
        return Math.ceilDiv(rows, tileRows());
    }

    /** What stored scales are divided by: NVFP4's scale of the whole tensor, as it is stored; 1 for others. */
    public float divisor() {
        if (!(quantization.granularity() instanceof Granularity.PerTensorGroup)) {
            return 1;
        }
        float divisor = rounded(NVFP4_LARGEST / absmax);
        return Float.isFinite(divisor) && divisor > 0 ? divisor : 1;
    }

    /** The numbers that a scale can be stored as. */
    public ScaleFormat scaleFormat() {
        return switch (quantization.scaleType()) {
            case FLOAT -> ScaleFormat.of(dtype);
            case E4M3 -> ScaleFormat.E4M3;
            case E8M0 -> ScaleFormat.E8M0;
        };
    }

    /** The scale that is stored for an exact one: times {@link #divisor}, then the nearest that can be. */
    public float stored(float exact) {
        return scaleFormat().nearest(divisor() * exact);
    }

    private float rounded(float value) {
        return switch (dtype) {
            case BF16 -> BFloat16.toFloat(BFloat16.fromFloat(value));
            case F16 -> Float.float16ToFloat(Float.floatToFloat16(value));
            default -> value;
        };
    }
}
