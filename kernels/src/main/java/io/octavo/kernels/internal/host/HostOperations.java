package io.octavo.kernels.internal.host;

import io.octavo.kernels.Add;
import io.octavo.kernels.ArgMax;
import io.octavo.kernels.Attention;
import io.octavo.kernels.Convert;
import io.octavo.kernels.CrossEntropy;
import io.octavo.kernels.Divergence;
import io.octavo.kernels.Embedding;
import io.octavo.kernels.ExpertCombine;
import io.octavo.kernels.ExpertOrder;
import io.octavo.kernels.ExpertRouting;
import io.octavo.kernels.FakeQuantize;
import io.octavo.kernels.GatedActivation;
import io.octavo.kernels.GroupedMatMul;
import io.octavo.kernels.KvCacheWrite;
import io.octavo.kernels.MatMul;
import io.octavo.kernels.ObserveHistogram;
import io.octavo.kernels.ObserveRange;
import io.octavo.kernels.PackedMatMul;
import io.octavo.kernels.QuantizationError;
import io.octavo.kernels.QuantizeRows;
import io.octavo.kernels.QuantizeTiles;
import io.octavo.kernels.RmsNorm;
import io.octavo.kernels.Rope;
import io.octavo.kernels.Sampling;
import io.octavo.kernels.Softcap;

/** One implementation of every operation. */
public record HostOperations(
        QuantizeRows quantizeRows,
        QuantizeTiles quantizeTiles,
        FakeQuantize fakeQuantize,
        ObserveRange observeRange,
        QuantizationError quantizationError,
        ObserveHistogram observeHistogram,
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
