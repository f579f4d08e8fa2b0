package io.octavo.kernels.internal.scalar;

import io.octavo.kernels.backend.Operations;
import io.octavo.kernels.internal.host.ComposedSteps;
import io.octavo.kernels.internal.host.HostConvert;
import io.octavo.kernels.internal.host.HostGroupedMatMul;
import io.octavo.kernels.internal.host.HostPackedMatMul;
import io.octavo.kernels.internal.host.HostScaleSearch;

/** Makes the scalar operations; they hold no state. */
public final class ScalarOperations {

    private ScalarOperations() {}

    public static Operations create() {
        var matMul = new ScalarMatMul();
        var add = new ScalarAdd();
        var rmsNorm = new ScalarRmsNorm();
        var convert = new HostConvert();
        var quantizeRows = new ScalarQuantizeRows();
        var gatedActivation = new ScalarGatedActivation();
        var rope = new ScalarRope();
        var kvCacheWrite = new ScalarKvCacheWrite();
        var attention = new ScalarAttention();
        return new Operations(
                quantizeRows,
                new ScalarQuantizeTiles(),
                new ScalarFakeQuantize(),
                new ScalarObserveRange(),
                new ScalarQuantizationError(),
                new ScalarObserveHistogram(),
                new ScalarSecondMoments(),
                new ScalarInverseFactor(),
                new HostScaleSearch((count, piece) -> {
                    for (int index = 0; index < count; index++) {
                        piece.run(index);
                    }
                }),
                new ScalarGptqSweep(),
                new ScalarCodeRefinement(),
                matMul,
                rmsNorm,
                rope,
                kvCacheWrite,
                attention,
                gatedActivation,
                new ScalarEmbedding(),
                add,
                convert,
                new ScalarCrossEntropy(),
                new ScalarArgMax(),
                new ScalarDivergence(),
                new ScalarSampling(),
                new ScalarSoftcap(),
                new ScalarExpertRouting(),
                new ScalarExpertOrder(),
                new HostGroupedMatMul(matMul),
                new ScalarExpertCombine(),
                new HostPackedMatMul(matMul),
                new ComposedSteps(add, rmsNorm, convert, quantizeRows, gatedActivation, rope, kvCacheWrite, attention));
    }
}
