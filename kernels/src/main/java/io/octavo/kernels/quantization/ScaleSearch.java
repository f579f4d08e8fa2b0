package io.octavo.kernels.quantization;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.operand.Operands;
import io.octavo.kernels.number.CodeFormat;
import io.octavo.kernels.number.ScaleFormat;
import org.jspecify.annotations.Nullable;

/**
 * Scales under which rounding a weight to the nearest codes costs least, each squared error weighed by how large the input
 * channel is that it is multiplied with (E[x²]); the same on every backend.
 *
 * <p>The scale of a tile's largest number, as {@link Scaling} has it, is always among those that are tried: no tile becomes
 * worse than that. Rungs of the ladder of numbers that a scale can be are tried from the lowest on, {@code stride} apart, then
 * those half as far from the best, and so on. With zero points, for each scale the range may lie anywhere between one that cuts
 * off numbers above alone and one that cuts them off below alone; at most 16 places, the next ones beside the best later on.
 * What gains less than a share of 2^-12 changes nothing. Errors are f32, and so are sums of 16 columns, which are added in f64.
 * Weights of several inputs lie below each other, each with as many rows.
 */
public interface ScaleSearch {

    /**
     * How far a search goes.
     *
     * @param below rungs down
     * @param above rungs up
     * @param stride rungs between those that are tried first
     * @param finest rungs between those that are tried last
     */
    record Reach(int below, int above, int stride, int finest) {
        public Reach {
            if (below < 0 || above < 0 || stride <= 0 || finest <= 0) {
                throw new IllegalArgumentException(
                        "no reach: %d below, %d above by %d, then %d".formatted(below, above, stride, finest));
            }
        }
    }

    /**
     * @param weights {@code [rows, columns]}, F32, BF16 or F16, finite; columns even for formats of 4 bits
     * @param importance {@code [inputs, columns]} F32: E[x²] of each input channel, at least 0
     * @param tile that shares a scale; of several rows, those of one input
     * @param absmax of all numbers that share one scale with these; 0 where tiles have their own
     * @param codeDivisor what an absmax is divided by to be a scale
     * @param scaleFormat the numbers that scales can be stored as
     * @param divisor what stored scales are divided by
     * @param reach null for the scales of the largest numbers
     * @param scales receives {@code [ceil(rows / tile.rows), ceil(columns / tile.columns)]} F32: numbers of {@code scaleFormat}
     * @param zeroPoints receives the same shape, I8, for integers only; null for zeros
     * @param codes receives {@code [rows, format.rowBytes(columns)]} U8, the nearest under what was found; null for none
     */
    record Arguments(
            Matrix weights,
            Matrix importance,
            CodeFormat format,
            QuantizeTiles.Tile tile,
            float absmax,
            float codeDivisor,
            ScaleFormat scaleFormat,
            float divisor,
            @Nullable Reach reach,
            Matrix scales,
            @Nullable Matrix zeroPoints,
            @Nullable Matrix codes)
            implements InputBatch<Arguments> {

        /** @throws IllegalArgumentException if the operation does not take these operands */
        public Arguments {
            QuantizeTiles.requireWeights(weights);
            Operands.requireF32("importance", importance);
            int inputs = (int) Math.max(importance.rows(), 1);
            Operands.requireShape("importance", importance, inputs, weights.columns());
            if (weights.rows() % inputs != 0) {
                throw new IllegalArgumentException(inputs + " inputs for " + weights.rows() + " rows");
            }
            tile.requireWithin(weights.rows() / inputs, inputs);
            if (!(absmax >= 0 && codeDivisor > 0 && divisor > 0 && divisor < Float.POSITIVE_INFINITY)) {
                throw new IllegalArgumentException(
                        "no scales of %s / %s and %s".formatted(absmax, codeDivisor, divisor));
            }
            QuantizeTiles.requireScales(weights, tile, format, scales, zeroPoints);
            if (absmax > 0 && (reach != null || zeroPoints != null)) {
                throw new IllegalArgumentException("a scale that others share is not sought");
            }
            if (codes != null) {
                QuantizeTiles.requireCodes(codes, format, weights);
            }
        }

        @Override
        public int inputs() {
            return (int) importance.rows();
        }

        @Override
        public Arguments part(int input, int inputs) {
            return new Arguments(
                    weights.part(input, inputs),
                    importance.part(input, inputs),
                    format,
                    tile,
                    absmax,
                    codeDivisor,
                    scaleFormat,
                    divisor,
                    reach,
                    scales.part(input, inputs),
                    zeroPoints == null ? null : zeroPoints.part(input, inputs),
                    codes == null ? null : codes.part(input, inputs));
        }
    }

    void search(Arguments arguments, Stream stream);
}
