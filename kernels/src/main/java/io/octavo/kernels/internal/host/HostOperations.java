package io.octavo.kernels.internal.host;

import io.octavo.kernels.attention.Attention;
import io.octavo.kernels.attention.KvCacheWrite;
import io.octavo.kernels.attention.Rope;
import io.octavo.kernels.operation.Add;
import io.octavo.kernels.operation.ArgMax;
import io.octavo.kernels.operation.Convert;
import io.octavo.kernels.operation.CrossEntropy;
import io.octavo.kernels.operation.Divergence;
import io.octavo.kernels.operation.Embedding;
import io.octavo.kernels.operation.ExpertCombine;
import io.octavo.kernels.operation.ExpertOrder;
import io.octavo.kernels.operation.ExpertRouting;
import io.octavo.kernels.operation.GatedActivation;
import io.octavo.kernels.operation.RmsNorm;
import io.octavo.kernels.operation.Sampling;
import io.octavo.kernels.operation.Softcap;
import io.octavo.kernels.product.GroupedMatMul;
import io.octavo.kernels.product.MatMul;
import io.octavo.kernels.product.PackedMatMul;
import io.octavo.kernels.quantization.FakeQuantize;
import io.octavo.kernels.quantization.ObserveHistogram;
import io.octavo.kernels.quantization.ObserveRange;
import io.octavo.kernels.quantization.QuantizationError;
import io.octavo.kernels.quantization.QuantizeRows;
import io.octavo.kernels.quantization.QuantizeTiles;
import io.octavo.kernels.quantization.SecondMoments;

/** One implementation of every operation. */
public record HostOperations(
        QuantizeRows quantizeRows,
        QuantizeTiles quantizeTiles,
        FakeQuantize fakeQuantize,
        ObserveRange observeRange,
        QuantizationError quantizationError,
        ObserveHistogram observeHistogram,
        SecondMoments secondMoments,
        MatMul matMul,
        RmsNorm rmsNorm,
        Rope rope,
        KvCacheWrite kvCacheWrite,
        Attention attention,
        GatedActivation gatedActivation,
        Embedding embedding,
        Add add,
        Convert convert,
        CrossEntropy crossEntropy,
        ArgMax argMax,
        Divergence divergence,
        Sampling sampling,
        Softcap softcap,
        ExpertRouting expertRouting,
        ExpertOrder expertOrder,
        GroupedMatMul groupedMatMul,
        ExpertCombine expertCombine,
        PackedMatMul packedMatMul) {}
