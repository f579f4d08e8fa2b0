package io.octavo.kernels.internal.cuda.product;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.number.DType;
import org.jspecify.annotations.Nullable;

/** What kernels are told about the scales of an operand, which it may not have. */
final class Scales {

    private Scales() {}

    static DType type(@Nullable Matrix scales) {
        return scales == null ? DType.F32 : scales.dtype();
    }

    /** 0: one for all. A tensor of one row has the same scale either way. */
    static int perRow(@Nullable Matrix scales) {
        return scales != null && (scales.rows() > 1 || scales.columns() > 1) ? 1 : 0;
    }
}
