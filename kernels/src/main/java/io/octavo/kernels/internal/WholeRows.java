package io.octavo.kernels.internal;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.CodeFormat;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.quantization.QuantizeRows;
import io.octavo.kernels.quantization.QuantizeTiles;
import io.octavo.kernels.quantization.Scaling;
import org.jspecify.annotations.Nullable;

/** Quantizes tiles: those that are whole rows by the operation that is fastest at them and gives the same bits. */
public record WholeRows(QuantizeRows rows, QuantizeTiles others) implements QuantizeTiles {

    @Override
    public void quantize(Arguments arguments, Stream stream) {
        Matrix x = arguments.x();
        DType codeType = codeType(arguments.format());
        if (codeType != null
                && arguments.scaling() instanceof Scaling.Absmax(float divisor)
                && divisor <= QuantizeRows.MOST_DIVISOR
                && arguments.tile().rows() == 1
                && arguments.tile().columns() >= x.columns()
                && x.elements() > 0) {
            Matrix codes = arguments.codes();
            var typed = new Matrix(codes.buffer(), codes.offset(), codeType, codes.rows(), codes.columns());
            rows.quantize(x, typed, arguments.scales(), divisor, arguments.nonFinite(), stream);
        } else {
            others.quantize(arguments, stream);
        }
    }

    /** What {@link QuantizeRows} calls such codes; null for those that it does not make. */
    private static @Nullable DType codeType(CodeFormat format) {
        return switch (format) {
            case E4M3 -> DType.F8_E4M3;
            case INT8 -> DType.I8;
            case E2M1, INT8_OFFSET, INT4_OFFSET -> null;
        };
    }
}
