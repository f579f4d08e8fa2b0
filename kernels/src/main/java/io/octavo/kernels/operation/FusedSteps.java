package io.octavo.kernels.operation;

import io.octavo.kernels.attention.Attention;
import io.octavo.kernels.attention.KvCacheLayout;
import io.octavo.kernels.attention.KvCacheTensor;
import io.octavo.kernels.attention.KvCacheWrite;
import io.octavo.kernels.attention.Rope;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.ScaledMatrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.operand.Operands;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.quantization.QuantizeRows;
import java.util.EnumSet;
import org.jspecify.annotations.Nullable;

/**
 * Steps of a transformer that are several operations, one after another, done as one: a device passes over memory once, and
 * is asked once.
 *
 * <p>Results are bit for bit those of the operations, where rows begin at multiples of 16 bytes. A {@link ScaledMatrix}
 * receives what products take: plain F32, plain BF16 as {@link Convert} rounds, or E4M3 or I8 codes with F32 scales of rows as
 * {@link QuantizeRows} makes them; codes and scales of a row that holds NaN or infinity are undefined.
 */
public interface FusedSteps {

    /**
     * What {@link #normalize} reads and writes.
     *
     * @param x {@code [rows, columns]} F32; {@code addend} is added to it
     * @param addend like {@code x}, or null for nothing; undefined afterwards
     * @param weight as for {@link RmsNorm}, and so are the next two
     * @param scratch like {@code x}, undefined afterwards; may be {@code addend}
     * @param rounded receives {@code [rows, columns]}; F32 may be {@code scratch} or {@code addend}
     * @param divisor of {@link QuantizeRows}; without meaning for plain numbers
     */
    record Normalization(
            Matrix x,
            @Nullable Matrix addend,
            Matrix weight,
            float gainOffset,
            float epsilon,
            Matrix scratch,
            ScaledMatrix rounded,
            float divisor) {

        /** @throws IllegalArgumentException if the operation does not take these operands */
        public Normalization {
            RmsNorm.check(x, weight, scratch);
            if (addend != null) {
                Operands.requireF32("addend", addend);
                Operands.requireShape("addend", addend, x.rows(), x.columns());
            }
            checkRounded(x, rounded, divisor);
        }
    }

    /**
     * {@link Add}, {@link RmsNorm}, and rounding.
     */
    void normalize(Normalization arguments, Stream stream);

    /**
     * What {@link #activate} reads and writes.
     *
     * @param gate {@code [rows, columns]} F32; undefined afterwards
     * @param up like {@code gate}
     * @param rounded receives {@code [rows, columns]}; F32 may be {@code gate}
     * @param divisor of {@link QuantizeRows}; without meaning for plain numbers
     */
    record Activation(GatedActivation.Function function, Matrix gate, Matrix up, ScaledMatrix rounded, float divisor) {

        /** @throws IllegalArgumentException if the operation does not take these operands */
        public Activation {
            GatedActivation.check(gate, up, gate);
            checkRounded(gate, rounded, divisor);
            Operands.requireIntColumns("gate", gate);
        }
    }

    /**
     * {@link GatedActivation} and rounding.
     */
    void activate(Activation arguments, Stream stream);

    /**
     * What {@link #rotateAndWrite} reads and writes.
     *
     * @param q {@code [tokens, heads * headDim]} F32
     * @param k {@code [tokens, kvHeads * headDim]} F32
     * @param v like {@code k}
     * @param rotation where the tokens are
     * @param slots as for {@link KvCacheWrite}
     */
    record RotatedWrite(
            Matrix q,
            Matrix k,
            Matrix v,
            Rotation rotation,
            Matrix slots,
            KvCacheLayout layout,
            KvCacheTensor keys,
            KvCacheTensor values) {

        /** @throws IllegalArgumentException if the operation does not take these operands */
        public RotatedWrite {
            Rope.check(q, rotation.positions(), rotation.cos(), rotation.sin(), layout.headDim());
            Rope.check(k, rotation.positions(), rotation.cos(), rotation.sin(), layout.headDim());
            KvCacheWrite.check(k, slots, layout, keys);
            KvCacheWrite.check(v, slots, layout, values);
        }
    }

    /**
     * {@link Rope} of queries and keys, in place, then {@link KvCacheWrite} of keys and values.
     */
    void rotateAndWrite(RotatedWrite arguments, Stream stream);

    /**
     * {@link Attention} and rounding to BF16.
     *
     * @param arguments whose {@code out} is undefined afterwards
     * @param rounded receives {@code [tokens, heads * headDim]} BF16; rows that belong to no sequence are undefined
     * @throws IllegalArgumentException if the operation does not take this
     */
    void attend(Attention.Arguments arguments, Matrix rounded, Stream stream);

    /** As {@link #attend} takes it. */
    static void checkAttended(Attention.Arguments arguments, Matrix rounded) {
        Operands.requireType("rounded", rounded, EnumSet.of(DType.BF16));
        Operands.requireShape(
                "rounded", rounded, arguments.out().rows(), arguments.out().columns());
    }

    /**
     * What {@link Rope} takes beside the numbers.
     *
     * @param positions {@code [1, tokens]} I32
     * @param cos {@code [positions, rotated / 2]} F32; see {@link io.octavo.kernels.attention.Rope}
     * @param sin like {@code cos}
     */
    record Rotation(Matrix positions, Matrix cos, Matrix sin) {}

    /** What products take of {@code x}. */
    private static void checkRounded(Matrix x, ScaledMatrix rounded, float divisor) {
        Matrix codes = rounded.codes();
        Matrix scales = rounded.scales();
        Operands.requireShape("rounded", codes, x.rows(), x.columns());
        Operands.requireType("rounded", codes, scales == null ? EnumSet.of(DType.F32, DType.BF16) : Operands.CODES);
        if (scales != null) {
            Operands.requireF32("scales", scales);
            Operands.requireShape("scales", scales, x.rows(), 1);
            QuantizeRows.requireDivisor(divisor);
        }
    }
}
