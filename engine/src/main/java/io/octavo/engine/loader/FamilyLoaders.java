package io.octavo.engine.loader;

import io.octavo.engine.layout.config.CompressedFormat;
import io.octavo.engine.layout.config.Layout;
import io.octavo.engine.scheme.Quantization;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/**
 * Which families transformers 5.18 does not load in packed formats, or in any, by model type, and what it does not run in
 * their type: the one table that plans, labels and docs/schemes.md go by. Of each a small model was tried.
 */
public final class FamilyLoaders {

    private enum Limit {
        READS_WEIGHTS(
                "t5 mt5 umt5 longt5 udop pop2piano pix2struct switch_transformers modernbert"
                        + " modernbert-decoder modernvbert kosmos-2 mamba2 recurrent_gemma rwkv xlstm falcon gpt_bigcode nanochat",
                "transformers cannot load packed weights of this family, whose code looks at a weight that such Linears do"
                        + " not have; choose a scheme with a byte a weight, such as FP8_DYNAMIC or W8A8, or another loader"),
        CUTS_WEIGHTS(
                "hrm_text gte nomic_bert jina_embeddings_v3",
                "transformers cuts weights of this family while it loads them, and cannot cut packed ones; choose a scheme"
                        + " with a byte a weight, such as FP8_DYNAMIC, or save the model by transformers with"
                        + " save_original_format=False before"),
        QUANTIZES_ITSELF(
                "ibert",
                "transformers makes layers of its own that round weights themselves of this family's Linears, and loads"
                        + " codes into them as numbers, without an error; leave this model as it is");

        private final String types;
        private final String warning;

        Limit(String types, String warning) {
            this.types = types;
            this.warning = warning;
        }

        boolean concerns(CompressedFormat format) {
            return this == QUANTIZES_ITSELF || format.isPacked();
        }
    }

    private static final Map<String, Limit> LIMITS = Stream.of(Limit.values())
            .flatMap(limit -> Arrays.stream(limit.types.split(" ")).map(type -> Map.entry(type, limit)))
            .collect(Collectors.toUnmodifiableMap(Map.Entry::getKey, Map.Entry::getValue));

    /** Types of models in which transformers cannot run what compressed-tensors expands to BF16 alone. */
    private static final Set<String> NOT_EXPANDED = Set.of("float16", "float32");

    private FamilyLoaders() {}

    /**
     * What transformers does wrong with Linears that are stored so; empty where it reads them.
     *
     * @param config the root of config.json
     */
    public static Optional<String> lostInTransformers(
            Layout layout, Quantization weights, Optional<Quantization> inputs, JsonNode config) {
        if (layout != Layout.COMPRESSED_TENSORS) {
            return Optional.empty();
        }
        CompressedFormat format = CompressedFormat.of(weights, inputs);
        return Optional.ofNullable(LIMITS.get(config.path("model_type").asString("")))
                .filter(limit -> limit.concerns(format))
                .map(limit -> limit.warning)
                .or(() -> expandedToBf16(format, config));
    }

    /** Scales of groups of these formats name no type to expand to, so compressed-tensors takes BF16. */
    private static Optional<String> expandedToBf16(CompressedFormat format, JsonNode config) {
        String type = Stream.of(config, config.path("text_config"))
                .flatMap(part -> Stream.of(part.path("dtype"), part.path("torch_dtype")))
                .map(named -> named.asString(""))
                .filter(NOT_EXPANDED::contains)
                .findFirst()
                .orElse("");
        return switch (format) {
            case MXFP4, NVFP4, MXFP8 ->
                type.isEmpty()
                        ? Optional.empty()
                        : Optional.of("transformers expands this format to bfloat16 and stops in the first Linear of a"
                                + " model in " + type + "; it runs such a model in bfloat16, and vLLM runs this one");
            default -> Optional.empty();
        };
    }
}
