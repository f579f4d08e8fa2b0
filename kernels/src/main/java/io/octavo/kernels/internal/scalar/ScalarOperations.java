package io.octavo.kernels.internal.scalar;

import io.octavo.kernels.internal.host.HostOperations;

/** Makes the scalar operations; they hold no state. */
public final class ScalarOperations {

    private ScalarOperations() {}

    public static HostOperations create() {
        return new HostOperations(
                new ScalarQuantizeRows(),
                new ScalarMatMul(),
                new ScalarRmsNorm(),
                new ScalarRope(),
                new ScalarKvCacheWrite(),
                new ScalarAttention(),
                new ScalarGatedActivation(),
                new ScalarEmbedding(),
                new ScalarAdd(),
                new ScalarCrossEntropy(),
                new ScalarArgMax());
    }
}
