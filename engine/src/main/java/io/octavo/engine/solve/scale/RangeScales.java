package io.octavo.engine.solve.scale;

import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.ScaleType;
import io.octavo.kernels.number.CodeFormat;
import io.octavo.kernels.number.ScaleFormat;

/**
 * The scales of plain rounding, that the largest number of a tile leads to; the rules are those of
 * {@code kernels.quantization.Scaling}.
 */
public final class RangeScales {

    /** From this mantissa on the exponent of an absmax is rounded up (OCP MX as compressed-tensors computes it). */
    private static final float CARRIED = 1.75f;

    /**
     * @param weights {@code [rows, inFeatures]}, row-major and finite; whole rows of tiles, but for the last
     * @return of every tile, what is stored
     */
    public TileScales choose(float[] weights, WeightFormat format) {
        int columns = format.inFeatures();
        int rows = weights.length / columns;
        int groups = format.groups();
        int height = Math.min(format.tileRows(), Math.max(rows, 1));
        float[] scales = new float[format.tilesDown(rows) * groups];
        byte[] zeroPoints = new byte[format.quantization().symmetric() ? 0 : scales.length];
        for (int tile = 0; tile < scales.length; tile++) {
            int top = tile / groups * height;
            int left = tile % groups * format.tileColumns();
            float min = 0;
            float max = 0;
            for (int row = top; row < Math.min(top + height, rows); row++) {
                for (int i = row * columns + left;
                        i < row * columns + Math.min(left + format.tileColumns(), columns);
                        i++) {
                    min = Math.min(min, weights[i]);
                    max = Math.max(max, weights[i]);
                }
            }
            scales[tile] = scale(min, max, format);
            if (zeroPoints.length > 0) {
                zeroPoints[tile] = zeroPoint(min, scales[tile], format.codes());
            }
        }
        return new TileScales(scales, zeroPoints);
    }

    private static float scale(float min, float max, WeightFormat format) {
        CodeFormat codes = format.codes();
        float divisor = format.quantization().type().divisor();
        if (!format.quantization().symmetric()) {
            return format.stored((max - min) / (codes.highest() - codes.lowest()));
        }
        boolean whole = format.quantization().granularity() instanceof Granularity.PerTensor;
        float absmax = whole ? format.absmax() : Math.max(-min, max);
        if (format.quantization().scaleType() != ScaleType.E8M0) {
            return format.stored(absmax / divisor);
        }
        int exponent = Math.getExponent(absmax);
        boolean carries = absmax >= CARRIED * Math.scalb(1.0f, exponent);
        return ScaleFormat.power((carries ? exponent + 1 : exponent) - Math.getExponent(divisor));
    }

    private static byte zeroPoint(float min, float scale, CodeFormat codes) {
        float exact = codes.lowest() - min / scale;
        return (byte) Math.rint(Math.clamp(exact, codes.lowest(), codes.highest()));
    }
}
