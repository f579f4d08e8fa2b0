package io.octavo.engine.loader;

import io.octavo.engine.layout.config.CompressedFormat;
import io.octavo.engine.layout.config.Layout;
import io.octavo.engine.scheme.Scheme;
import io.octavo.kernels.number.DType;

/** In which type scales are stored that are floats. */
public final class ScaleTypes {

    private ScaleTypes() {}

    /**
     * The weights' own type, as the reference library chooses it, but for F16, whose range is too small for scales of small
     * weights: F32 then, which loaders take wherever they do not multiply packed integers in the model's type. Layouts that
     * know F16 alone get it before anything is divided.
     *
     * @param weight type of the source's weight
     */
    public static DType of(Scheme scheme, DType weight, Layout layout) {
        boolean packed = CompressedFormat.of(scheme.weights(), scheme.inputs()) == CompressedFormat.PACK_QUANTIZED;
        if (packed) {
            return weight == DType.F32 && holdsHalfAlone(layout) ? DType.F16 : weight;
        }
        return weight == DType.F16 ? DType.F32 : weight;
    }

    /** Whether a layout stores scales in F16 whatever the model's type is. */
    public static boolean holdsHalfAlone(Layout layout) {
        return layout == Layout.AWQ || layout == Layout.GPTQ || layout == Layout.GPTQ_V2;
    }
}
