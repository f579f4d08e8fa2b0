package io.octavo.engine.loader;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.layout.config.CompressedFormat;
import io.octavo.engine.layout.config.Layout;
import io.octavo.engine.module.Experts;
import io.octavo.engine.module.ModuleRole;
import io.octavo.engine.safetensors.TensorInfo;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.NumberType;
import io.octavo.engine.scheme.Quantization;
import io.octavo.engine.scheme.Scheme;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;

/**
 * Whether a module's shape and kind allow a scheme.
 *
 * @param layout in which it is to be written
 * @param config the root of config.json
 */
public record SchemeFit(Layout layout, JsonNode config) {

    private static final int INTEGER_TILE = 256;

    /** Of which vLLM wants multiples as sizes of experts: those of 4-bit integers with 8-bit inputs have a tile. */
    public static int expertTile(Scheme scheme) {
        boolean tiled = scheme.weights().type() instanceof NumberType.IntType
                && scheme.weights().granularity() instanceof Granularity.PerGroup
                && scheme.inputs().isPresent();
        return tiled ? INTEGER_TILE : 1;
    }

    /**
     * @throws QuantizationException {@code SCHEME_UNSUITABLE} or {@code LAYOUT_UNSUITABLE}, with the module's name, the
     *     actual and the allowed
     */
    public void require(String module, Scheme scheme, TensorInfo weight) {
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
                for (long part : partsOnDisk(module, rows)) {
                    requireMultiple(
                            module, scheme, "outFeatures of a projection that is fused on disk", part, block.rows());
                }
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
        if (Experts.of(module).isPresent()) {
            requireForExperts(module, scheme, weight);
        }
    }

    /** vLLM joins the experts of a layer into one, and has fewer ways to run that than a Linear. */
    private void requireForExperts(String module, Scheme scheme, TensorInfo weight) {
        ExpertLoaders.refusedByVllm(layout, scheme.weights(), scheme.inputs()).ifPresent(refusal -> {
            throw new QuantizationException(
                    refusal.code(),
                    "module " + module + " is an expert, which vLLM cannot run with " + scheme.name() + ": it "
                            + refusal.why());
        });
        for (long size : weight.shape()) {
            requireMultiple(module, scheme, "a size of an expert", size, expertTile(scheme));
        }
    }

    /** Output features of each projection in a matrix of several, where the config tells them. */
    private List<Long> partsOnDisk(String module, long rows) {
        var parts = new ArrayList<Long>();
        switch (ModuleRole.named(module)) {
            case GATE_UP -> parts.add(rows / 2);
            case QUERY_KEY_VALUE -> {
                JsonNode text = config.path("text_config").isObject() ? config.path("text_config") : config;
                long heads = text.path("num_attention_heads").asLong(0);
                long keyHeads = text.path("num_key_value_heads").asLong(heads);
                if (heads > 0 && keyHeads > 0) {
                    long headSize = rows / (heads + 2 * keyHeads);
                    parts.add(heads * headSize);
                    parts.add(keyHeads * headSize);
                }
            }
            default -> {}
        }
        return parts;
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
