package io.octavo.kernels.internal.vector;

import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.backend.Operations;
import io.octavo.kernels.internal.WholeRows;
import io.octavo.kernels.internal.host.ComposedSteps;
import io.octavo.kernels.internal.host.HostBackend;
import io.octavo.kernels.internal.host.HostConvert;
import io.octavo.kernels.internal.host.HostGroupedMatMul;
import io.octavo.kernels.internal.host.HostPackedMatMul;
import io.octavo.kernels.internal.host.HostScaleSearch;
import io.octavo.kernels.internal.vector.attention.VectorAttention;
import io.octavo.kernels.internal.vector.attention.VectorKvCacheWrite;
import io.octavo.kernels.internal.vector.attention.VectorRope;
import io.octavo.kernels.internal.vector.base.Native;
import io.octavo.kernels.internal.vector.base.WorkerPool;
import io.octavo.kernels.internal.vector.operation.CountingExpertOrder;
import io.octavo.kernels.internal.vector.operation.VectorAdd;
import io.octavo.kernels.internal.vector.operation.VectorArgMax;
import io.octavo.kernels.internal.vector.operation.VectorCrossEntropy;
import io.octavo.kernels.internal.vector.operation.VectorDivergence;
import io.octavo.kernels.internal.vector.operation.VectorEmbedding;
import io.octavo.kernels.internal.vector.operation.VectorExpertCombine;
import io.octavo.kernels.internal.vector.operation.VectorExpertRouting;
import io.octavo.kernels.internal.vector.operation.VectorGatedActivation;
import io.octavo.kernels.internal.vector.operation.VectorRmsNorm;
import io.octavo.kernels.internal.vector.operation.VectorSampling;
import io.octavo.kernels.internal.vector.operation.VectorSoftcap;
import io.octavo.kernels.internal.vector.product.VectorMatMul;
import io.octavo.kernels.internal.vector.quantization.VectorCodeRefinement;
import io.octavo.kernels.internal.vector.quantization.VectorFakeQuantize;
import io.octavo.kernels.internal.vector.quantization.VectorGptqSweep;
import io.octavo.kernels.internal.vector.quantization.VectorInverseFactor;
import io.octavo.kernels.internal.vector.quantization.VectorObserveHistogram;
import io.octavo.kernels.internal.vector.quantization.VectorObserveRange;
import io.octavo.kernels.internal.vector.quantization.VectorQuantizationError;
import io.octavo.kernels.internal.vector.quantization.VectorQuantizeRows;
import io.octavo.kernels.internal.vector.quantization.VectorQuantizeTiles;
import io.octavo.kernels.internal.vector.quantization.VectorSecondMoments;

/** Makes the vector operations, which share one set of threads. */
public final class VectorOperations {

    private VectorOperations() {}

    public static Backend backend(int threads) {
        WorkerPool workers = new WorkerPool(threads);
        String description = "cpu: Vector API, " + Native.FLOATS.vectorBitSize() + "-bit vectors, " + threads
                + (threads == 1 ? " thread" : " threads");
        return new HostBackend(
                description,
                operations(workers, new VectorMatMul(workers)),
                operations(workers, VectorMatMul.batchInvariant(workers)),
                workers::close);
    }

    private static Operations operations(WorkerPool workers, VectorMatMul matMul) {
        var add = new VectorAdd(workers);
        var rmsNorm = new VectorRmsNorm(workers);
        var convert = new HostConvert();
        var quantizeRows = new VectorQuantizeRows(workers);
        var gatedActivation = new VectorGatedActivation(workers);
        var rope = new VectorRope(workers);
        var kvCacheWrite = new VectorKvCacheWrite(workers);
        var attention = new VectorAttention(workers);
        return new Operations(
                quantizeRows,
                new WholeRows(quantizeRows, new VectorQuantizeTiles(workers)),
                new VectorFakeQuantize(workers),
                new VectorObserveRange(workers),
                new VectorQuantizationError(workers),
                new VectorObserveHistogram(workers),
                new VectorSecondMoments(workers),
                new VectorInverseFactor(workers),
                new HostScaleSearch((count, piece) -> workers.run(count, (index, scratch) -> piece.run(index))),
                new VectorGptqSweep(workers),
                new VectorCodeRefinement(matMul, workers),
                matMul,
                rmsNorm,
                rope,
                kvCacheWrite,
                attention,
                gatedActivation,
                new VectorEmbedding(workers),
                add,
                convert,
                new VectorCrossEntropy(workers),
                new VectorArgMax(workers),
                new VectorDivergence(workers),
                new VectorSampling(workers),
                new VectorSoftcap(workers),
                new VectorExpertRouting(workers),
                new CountingExpertOrder(),
                new HostGroupedMatMul(matMul),
                new VectorExpertCombine(workers),
                new HostPackedMatMul(matMul),
                new ComposedSteps(add, rmsNorm, convert, quantizeRows, gatedActivation, rope, kvCacheWrite, attention));
    }
}
