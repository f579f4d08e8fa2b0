package io.octavo.engine.quantize;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.layout.compressed.CompressedFormat;
import io.octavo.engine.module.ModuleRole;
import io.octavo.engine.safetensors.TensorInfo;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.Quantization;
import io.octavo.engine.scheme.Scheme;

/** Whether a weight's shape allows a scheme. */
final class SchemeFit {

    private SchemeFit() {}

    /** @throws QuantizationException {@code SCHEME_UNSUITABLE}, with the module's name, the actual and the allowed */
    static void require(String module, Scheme scheme, TensorInfo weight) {
        long rows = weight.shape().getFirst();
        long columns = weight.shape().getLast();
        Quantization weights = scheme.weights();
        switch (weights.granularity()) {
            case Granularity.PerGroup group -> requireMultiple(module, scheme, "inFeatures", columns, group.size());
            case Granularity.PerTensorGroup group ->
                requireMultiple(module, scheme, "inFeatures", columns, group.size());
            case Granularity.PerBlock block -> {
                // Loaders infer the block's size from the shapes, which only whole blocks allow.
                requireMultiple(module, scheme, "outFeatures", rows, block.rows());
                requireMultiple(module, scheme, "inFeatures", columns, block.columns());
            }
            case Granularity.PerTensor tensor -> requireNotFused(module, scheme);
            case Granularity.PerChannel channel -> {}
            case Granularity.PerToken token -> throw new IllegalStateException("no weight has tokens");
            case Granularity.PerHead head -> throw new IllegalStateException("no weight has heads");
        }
        if (CompressedFormat.of(weights, scheme.inputs()) == CompressedFormat.PACK_QUANTIZED) {
            int perWord = Integer.SIZE / weights.type().bits();
            requireMultiple(module, scheme, "inFeatures", columns, perWord);
            if (!weights.symmetric()) {
                requireMultiple(module, scheme, "outFeatures", rows, perWord);
            }
        }
    }

    /** Loaders keep a scale for each part of these, which one stored scale would leave unset (vLLM issue 39764). */
    private static void requireNotFused(String module, Scheme scheme) {
        if (ModuleRole.named(module).isFusedOnDisk()) {
            throw new QuantizationException(
                    ErrorCode.SCHEME_UNSUITABLE,
                    "module " + module + " is stored as one matrix of several projections, and " + scheme.name()
                            + " has one scale a tensor; choose a scheme with a scale a channel, group or block");
        }
    }

    private static void requireMultiple(String module, Scheme scheme, String what, long actual, long divisor) {
        if (actual % divisor != 0) {
            throw new QuantizationException(
                    ErrorCode.SCHEME_UNSUITABLE,
                    "module " + module + ": " + what + " " + actual + " is not divisible by " + divisor + ", which "
                            + scheme.name() + " needs; ignore the module or choose another scheme");
        }
    }
}
