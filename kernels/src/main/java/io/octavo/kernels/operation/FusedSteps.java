package io.octavo.kernels.operation;

import io.octavo.kernels.attention.KvCacheLayout;
import io.octavo.kernels.attention.KvCacheTensor;
import io.octavo.kernels.attention.KvCacheWrite;
import io.octavo.kernels.attention.Rope;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.ScaledMatrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.quantization.QuantizeRows;
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
     * {@link Add}, {@link RmsNorm}, and rounding.
     *
     * @param x {@code [rows, columns]} F32; {@code addend} is added to it
     * @param addend like {@code x}, or null for nothing; undefined afterwards
     * @param weight as for {@link RmsNorm}, and so are the next two
     * @param scratch like {@code x}, undefined afterwards; may be {@code addend}
     * @param rounded receives {@code [rows, columns]}; F32 may be {@code scratch} or {@code addend}
     * @param divisor of {@link QuantizeRows}; without meaning for plain numbers
     */
    void normalize(
            Matrix x,
            @Nullable Matrix addend,
            Matrix weight,
            float gainOffset,
            float epsilon,
            Matrix scratch,
            ScaledMatrix rounded,
            float divisor,
            Stream stream);

    /**
     * {@link GatedActivation} and rounding.
     *
     * @param gate {@code [rows, columns]} F32; undefined afterwards
     * @param up like {@code gate}
     * @param rounded receives {@code [rows, columns]}; F32 may be {@code gate}
     * @param divisor of {@link QuantizeRows}; without meaning for plain numbers
     */
    void activate(
            GatedActivation.Function function,
            Matrix gate,
            Matrix up,
            ScaledMatrix rounded,
            float divisor,
            Stream stream);

    /**
     * {@link Rope} of queries and keys, in place, then {@link KvCacheWrite} of keys and values.
     *
     * @param q {@code [tokens, heads * headDim]} F32
     * @param k {@code [tokens, kvHeads * headDim]} F32
     * @param v like {@code k}
     * @param rotation where the tokens are
     * @param slots as for {@link KvCacheWrite}
     */
    void rotateAndWrite(
            Matrix q,
            Matrix k,
            Matrix v,
            Rotation rotation,
            Matrix slots,
            KvCacheLayout layout,
            KvCacheTensor keys,
            KvCacheTensor values,
            Stream stream);

    /**
     * What {@link Rope} takes beside the numbers.
     *
     * @param positions {@code [1, tokens]} I32
     * @param cos {@code [positions, rotated / 2]} F32; see {@link io.octavo.kernels.attention.Rope}
     * @param sin like {@code cos}
     */
    record Rotation(Matrix positions, Matrix cos, Matrix sin) {}
}
