package io.octavo.kernels.internal.vector;

import io.octavo.kernels.Backend;
import io.octavo.kernels.internal.host.HostBackend;
import io.octavo.kernels.internal.host.HostConvert;
import io.octavo.kernels.internal.host.HostGroupedMatMul;
import io.octavo.kernels.internal.host.HostOperations;
import io.octavo.kernels.internal.host.HostPackedMatMul;

/** Makes the vector operations, which share one set of threads. */
public final class VectorOperations {

    private VectorOperations() {}

    public static Backend backend(int threads) {
        WorkerPool workers = new WorkerPool(threads);
        var matMul = new VectorMatMul(workers);
        var operations = new HostOperations(
                new VectorQuantizeRows(workers),
                new VectorQuantizeTiles(workers),
                new VectorFakeQuantize(workers),
                new VectorObserveRange(workers),
                new VectorQuantizationError(workers),
                new VectorObserveHistogram(workers),
                matMul,
                new VectorRmsNorm(workers),
                new VectorRope(workers),
                new VectorKvCacheWrite(workers),
                new VectorAttention(workers),
                new VectorGatedActivation(workers),
                new VectorEmbedding(workers),
                new VectorAdd(workers),
                new HostConvert(),
                new VectorCrossEntropy(workers),
                new VectorArgMax(workers),
                new VectorDivergence(workers),
                new VectorSampling(workers),
                new VectorSoftcap(workers),
                new VectorExpertRouting(workers),
                new CountingExpertOrder(),
                new HostGroupedMatMul(matMul),
                new VectorExpertCombine(workers),
                new HostPackedMatMul(matMul));
        String description = "cpu: Vector API, " + Native.FLOATS.vectorBitSize() + "-bit vectors, " + threads
                + (threads == 1 ? " thread" : " threads");
        return new HostBackend(description, operations, workers::close);
    }
}
