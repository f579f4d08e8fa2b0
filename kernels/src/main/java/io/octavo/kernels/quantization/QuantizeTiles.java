package io.octavo.kernels.quantization;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.operand.Operands;
import io.octavo.kernels.number.CodeFormat;
import io.octavo.kernels.number.DType;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Quantization of a weight with one scale a tile, into codes as checkpoints store them.
 *
 * <p>A tile is some rows high and some columns wide: {@code 1 x columns} for a scale per channel, {@code 1 x size} for
 * groups, {@code 128 x 128} for blocks, the whole matrix for one given scale. Tiles at the lower and right edge may be
 * smaller. Quotients are computed in f32 by true division, clamped to the format's range, and rounded to nearest, ties
 * to even; -0.0 keeps its sign in floating formats. Codes, scales and zero points of tiles that hold NaN or infinity are
 * undefined.
 */
public interface QuantizeTiles {

    /** The shape that shares a scale. */
    record Tile(long rows, long columns) {
        public Tile {
            if (rows <= 0 || columns <= 0) {
                throw new IllegalArgumentException("tile must be positive: " + rows + " x " + columns);
            }
        }

        /** That there is one number for each tile of {@code x}. */
        void requireOneEach(String name, Matrix numbers, Matrix x) {
            Operands.requireShape(name, numbers, Math.ceilDiv(x.rows(), rows), Math.ceilDiv(x.columns(), columns));
        }

        /** That no tile has rows of two inputs. */
        void requireWithin(long rowsOfInput, int inputs) {
            if (inputs > 1 && rowsOfInput % rows != 0) {
                throw new IllegalArgumentException("tiles of " + rows + " rows in inputs of " + rowsOfInput);
            }
        }
    }

    /**
     * What the operation reads and writes.
     *
     * @param x {@code [rows, columns]}, F32, BF16 or F16; columns even for formats of 4 bits
     * @param codes receives {@code [rows, format.rowBytes(columns)]} U8
     * @param scales {@code [ceil(rows / tile.rows), ceil(columns / tile.columns)]}: receives F32, BF16 or F16 for
     *     {@link Scaling.Absmax} and {@link Scaling.Range}, F8_E4M3 for {@link Scaling.Relative}, U8 exponents with bias
     *     127 for {@link Scaling.PowerOfTwo}; read for {@link Scaling.Given}, F32, BF16 or F16
     * @param zeroPoints receives {@code I8} of the shape of scales for {@link Scaling.Range}, which takes integer formats
     *     only; null otherwise
     * @param nonFinite {@code [1, 1]} I32, zeroed by the caller; becomes 1 if {@code x} holds NaN or infinity, or if a
     *     scale overflows its type
     */
    record Arguments(
            Matrix x,
            CodeFormat format,
            Tile tile,
            Scaling scaling,
            Matrix codes,
            Matrix scales,
            @Nullable Matrix zeroPoints,
            Matrix nonFinite) {

        /** @throws IllegalArgumentException if the operation does not take these operands */
        public Arguments {
            Operands.requireType("x", x, Operands.FLOATS);
            Operands.requireIntColumns("x", x);
            requireCodes(codes, format, x);
            Operands.requireType("scales", scales, scaleTypes(scaling));
            tile.requireOneEach("scales", scales, x);
            Operands.requireType("nonFinite", nonFinite, Set.of(DType.I32));
            Operands.requireShape("nonFinite", nonFinite, 1, 1);
            scaling.requireFits(format);
            if (scaling instanceof Scaling.Range != (zeroPoints != null)) {
                throw new IllegalArgumentException("zeroPoints go with scaling by range, and only with it");
            }
            requireZeroPoints(zeroPoints, format, scales);
            if (format.bits() < Byte.SIZE && tile.columns() < x.columns() && tile.columns() % 2 != 0) {
                throw new IllegalArgumentException(format + " shares bytes between columns; tiles are " + tile.columns()
                        + " columns wide, which must be even");
            }
        }
    }

    void quantize(Arguments arguments, Stream stream);

    private static Set<DType> scaleTypes(Scaling scaling) {
        return switch (scaling) {
            case Scaling.Absmax absmax -> Operands.FLOATS;
            case Scaling.Range range -> Operands.FLOATS;
            case Scaling.Relative relative -> Set.of(DType.F8_E4M3);
            case Scaling.PowerOfTwo power -> Set.of(DType.U8);
            case Scaling.Given given -> Operands.FLOATS;
        };
    }

    /** Matrices whose elements are numbered by 32 bits, with something in each row. */
    static void requireWeights(Matrix weights) {
        Operands.requireType("weights", weights, Operands.FLOATS);
        Operands.requireIntRows("weights", weights);
        Operands.requireIntColumns("weights", weights);
        Operands.requireAtLeastOneColumn("weights", weights);
    }

    /** One a tile, F32, with zero points where there are any. */
    static void requireScales(
            Matrix weights, Tile tile, CodeFormat format, Matrix scales, @Nullable Matrix zeroPoints) {
        Operands.requireF32("scales", scales);
        tile.requireOneEach("scales", scales, weights);
        requireZeroPoints(zeroPoints, format, scales);
    }

    /** One a scale, where there are any. */
    private static void requireZeroPoints(@Nullable Matrix zeroPoints, CodeFormat format, Matrix scales) {
        if (zeroPoints != null) {
            if (!format.isInteger()) {
                throw new IllegalArgumentException(format + " has no zero points");
            }
            Operands.requireType("zeroPoints", zeroPoints, Set.of(DType.I8));
            Operands.requireShape("zeroPoints", zeroPoints, scales.rows(), scales.columns());
        }
    }

    /** Rows of bytes for the rows of {@code x}, none of which ends within a byte. */
    static void requireCodes(Matrix codes, CodeFormat format, Matrix x) {
        if (x.columns() * format.bits() % Byte.SIZE != 0) {
            throw new IllegalArgumentException(x.columns() + " columns of " + format + " do not fill whole bytes");
        }
        Operands.requireType("codes", codes, Set.of(DType.U8));
        Operands.requireShape("codes", codes, x.rows(), format.rowBytes(x.columns()));
    }
}
