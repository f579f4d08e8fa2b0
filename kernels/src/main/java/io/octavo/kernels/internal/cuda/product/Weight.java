package io.octavo.kernels.internal.cuda.product;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.ScaledMatrix;
import io.octavo.kernels.number.DType;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The second operand of a product as kernels take it: numbers or codes, with scales or without.
 *
 * @param type as kernels have it in their names, such as {@code bf16}, {@code e4m3} or {@code i4}
 * @param bits of a number or code
 * @param codes {@code [n, bytes of a row]} U8 where {@code bits} is 4, else {@code [n, k]}
 * @param scales {@code [n, groups]}, {@code [1, 1]} or null
 */
record Weight(String type, int bits, Matrix codes, @Nullable Matrix scales) {

    static Weight of(ScaledMatrix w) {
        return of(w.codes(), w.scales());
    }

    static Weight of(Matrix codes, @Nullable Matrix scales) {
        DType type = codes.dtype();
        return new Weight(nameOf(type), Byte.SIZE * type.bytes(), codes, scales);
    }

    /** Of 4 bits, as {@link io.octavo.kernels.product.PackedMatMul} takes them. */
    static Weight packed(Matrix codes, Matrix scales) {
        return new Weight("i4", Byte.SIZE / 2, codes, scales);
    }

    static String nameOf(DType type) {
        return type == DType.F8_E4M3 ? "e4m3" : type.name().toLowerCase(Locale.ROOT);
    }

    /** Whether their scales are alike. */
    boolean isLike(Weight other) {
        return (scales == null) == (other.scales == null)
                && scaleType() == other.scaleType()
                && scalePerRow() == other.scalePerRow();
    }

    boolean isPacked() {
        return bits < Byte.SIZE;
    }

    /** Scales of a row. */
    int groups() {
        return scales == null ? 1 : Math.toIntExact(scales.columns());
    }

    DType scaleType() {
        return Scales.type(scales);
    }

    int scalePerRow() {
        return Scales.perRow(scales);
    }
}
