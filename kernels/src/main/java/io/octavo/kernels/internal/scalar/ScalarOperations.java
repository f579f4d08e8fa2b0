package io.octavo.kernels.internal.scalar;

import io.octavo.kernels.internal.host.HostConvert;
import io.octavo.kernels.internal.host.HostGroupedMatMul;
import io.octavo.kernels.internal.host.HostOperations;
import io.octavo.kernels.internal.host.HostPackedMatMul;

/** Makes the scalar operations; they hold no state. */
public final class ScalarOperations {

    private ScalarOperations() {}

    public static HostOperations create() {
        var matMul = new ScalarMatMul();
        return new HostOperations(
                new ScalarQuantizeRows(),
                new ScalarQuantizeTiles(),
                new ScalarFakeQuantize(),
                new ScalarObserveRange(),
                new ScalarQuantizationError(),
                new ScalarObserveHistogram(),
                new ScalarSecondMoments(),
                matMul,
                new ScalarRmsNorm(),
                new ScalarRope(),
                new ScalarKvCacheWrite(),
                new ScalarAttention(),
                new ScalarGatedActivation(),
                new ScalarEmbedding(),
                new ScalarAdd(),
                new HostConvert(),
                new ScalarCrossEntropy(),
                new ScalarArgMax(),
                new ScalarDivergence(),
                new ScalarSampling(),
                new ScalarSoftcap(),
                new ScalarExpertRouting(),
                new ScalarExpertOrder(),
                new HostGroupedMatMul(matMul),
                new ScalarExpertCombine(),
                new HostPackedMatMul(matMul));
    }
}
