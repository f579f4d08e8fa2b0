package io.octavo.kernels;

import io.octavo.kernels.number.BFloat16;
import io.octavo.kernels.number.CodeFormat;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.number.Float4;
import io.octavo.kernels.number.Float8;
import io.octavo.kernels.quantization.Scaling;
import java.util.Arrays;

/** Quantization of one tile as the interfaces define it, by searching all codes; independent of every backend. */
final class TileOracle {

    /**
     * @param stored the scale as the file holds it; a biased exponent for powers of two
     * @param scale what it stands for
     */
    record Scale(float stored, float scale, int zeroPoint) {}

    private TileOracle() {}

    static Scale scale(float[] tile, CodeFormat format, Scaling scaling, DType scaleType) {
        double min = 0;
        double max = 0;
        for (float value : tile) {
            min = Math.min(min, value);
            max = Math.max(max, value);
        }
        float absmax = (float) Math.max(-min, max);
        return switch (scaling) {
            case Scaling.Absmax absolute -> floating(absmax / absolute.divisor(), scaleType);
            case Scaling.Range range -> {
                float width = (float) max - (float) min;
                Scale scale = floating(width / (format.highest() - format.lowest()), scaleType);
                double zero = format.lowest() - (float) min / scale.scale();
                int zeroPoint = (int) Math.rint(Math.max(format.lowest(), Math.min(format.highest(), zero)));
                yield new Scale(scale.stored(), scale.scale(), zeroPoint);
            }
            case Scaling.Relative relative -> {
                float wanted = relative.factor() * (absmax / relative.divisor());
                float stored = number(nearest(Math.min(wanted, Float8.E4M3_MAX), CodeFormat.E4M3), CodeFormat.E4M3);
                stored = stored == 0 ? 0.125f : stored;
                yield new Scale(stored, stored / relative.factor(), 0);
            }
            case Scaling.PowerOfTwo power -> {
                int exponent = absmax == 0 ? -1000 : Math.getExponent(absmax);
                if (absmax != 0 && absmax / Math.scalb(1.0, exponent) >= 1.75) {
                    exponent++;
                }
                int biased = Math.max(0, 127 + exponent - power.offset());
                yield new Scale(biased, (float) Math.scalb(1.0, biased - 127), 0);
            }
            case Scaling.Given given -> throw new IllegalArgumentException("known already");
        };
    }

    private static Scale floating(float scale, DType type) {
        float stored = switch (type) {
            case F32 -> scale == 0 ? 0x1p-23f : scale;
            case F16 -> {
                float half = Float.float16ToFloat(Float.floatToFloat16(scale));
                yield half == 0 ? 0x1p-10f : half;
            }
            default -> {
                float half = BFloat16.toFloat(BFloat16.fromFloat(scale));
                yield half == 0 ? 0x1p-7f : half;
            }
        };
        return new Scale(stored, stored, 0);
    }

    /** The code of a number divided by a scale: without offset, as an int. */
    static int code(float value, Scale scale, CodeFormat format) {
        float quotient = value / scale.scale();
        float shifted = format.isInteger() ? quotient + scale.zeroPoint() : quotient;
        return nearest(Math.clamp(shifted, format.lowest(), format.highest()), format);
    }

    /** The nearest code of all, the even one of two that are equally near. */
    private static int nearest(float quotient, CodeFormat format) {
        int best = 0;
        double bestDistance = Double.POSITIVE_INFINITY;
        boolean negative = Float.floatToRawIntBits(quotient) < 0;
        for (int code : codes(format, negative)) {
            double distance = Math.abs((double) quotient - number(code, format));
            if (distance < bestDistance || (distance == bestDistance && code % 2 == 0)) {
                best = code;
                bestDistance = distance;
            }
        }
        return best;
    }

    private static int[] codes(CodeFormat format, boolean negative) {
        int[] codes = switch (format) {
            case E4M3 -> range(0, 0x7E);
            case E2M1 -> range(0, 7);
            case INT8, INT8_OFFSET -> range(-128, 127);
            case INT4_OFFSET -> range(-8, 7);
        };
        int sign = format == CodeFormat.E4M3 ? 0x80 : 8;
        return format.isInteger() || !negative
                ? codes
                : Arrays.stream(codes).map(code -> code | sign).toArray();
    }

    private static int[] range(int from, int to) {
        int[] codes = new int[to - from + 1];
        Arrays.setAll(codes, i -> from + i);
        return codes;
    }

    static float number(int code, CodeFormat format) {
        return switch (format) {
            case E4M3 -> Float8.fromE4m3((byte) code);
            case E2M1 -> Float4.fromE2m1(code);
            case INT8, INT8_OFFSET, INT4_OFFSET -> code;
        };
    }

    /** A code out of stored bytes. */
    static int stored(byte[] bytes, int rowBytes, int row, int column, CodeFormat format) {
        int at = row * rowBytes;
        return switch (format) {
            case E4M3 -> bytes[at + column] & 0xFF;
            case INT8 -> bytes[at + column];
            case INT8_OFFSET -> (bytes[at + column] & 0xFF) - 128;
            case E2M1 -> nibble(bytes[at + column / 2], column);
            case INT4_OFFSET -> nibble(bytes[at + column / 2], column) - 8;
        };
    }

    private static int nibble(byte both, int column) {
        return column % 2 == 0 ? both & 0xF : (both >> 4) & 0xF;
    }
}
