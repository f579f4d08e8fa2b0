package io.octavo.engine.model;

import static io.octavo.engine.model.AttentionSpec.QueryKeyNorm.NONE;
import static io.octavo.engine.model.AttentionSpec.QueryKeyNorm.PER_HEAD;
import static io.octavo.engine.model.AttentionSpec.QueryKeyNorm.WHOLE;
import static java.util.Map.entry;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** The architectures whose forward pass is known, by the name that config.json gives them. */
public final class Architectures {

    private static final FeedForwardReader DENSE = FeedForwardReader.dense(FeedForwardSpec.Names.SEPARATE);

    private static final AttentionReader PLAIN = new AttentionReader(NONE, AttentionSpec.Names.SEPARATE);

    private static final AttentionReader NORMED_HEADS = new AttentionReader(PER_HEAD, AttentionSpec.Names.SEPARATE);

    /** Llama, Mistral, Seed-OSS, SmolLM3. */
    private static final Family LLAMA = new Family(LayerNorms::before, PLAIN, DENSE);

    private static final Family QWEN2 = LLAMA.withBiases(Biases.OF_ATTENTION_INPUTS);

    private static final Family QWEN3 = new Family(LayerNorms::before, NORMED_HEADS, DENSE);

    private static final Family QWEN3_MOE = new Family(LayerNorms::before, NORMED_HEADS, FeedForwardReader::qwen3Moe);

    private static final Family MIXTRAL = new Family(LayerNorms::before, PLAIN, FeedForwardReader::mixtral);

    private static final Family PHI3 = new Family(
            LayerNorms::before,
            new AttentionReader(NONE, AttentionSpec.Names.FUSED),
            FeedForwardReader.dense(FeedForwardSpec.Names.FUSED));

    private static final Family OLMO2 =
            new Family(LayerNorms::after, new AttentionReader(WHOLE, AttentionSpec.Names.SEPARATE), DENSE);

    private static final Family GEMMA2 = new Family(LayerNorms::around, PLAIN, DENSE).withScaledEmbeddings();

    private static final Family GEMMA3 = new Family(LayerNorms::around, NORMED_HEADS, DENSE).withScaledEmbeddings();

    private static final Map<String, Family> KNOWN = new TreeMap<>(Map.ofEntries(
            entry("LlamaForCausalLM", LLAMA),
            entry("MistralForCausalLM", LLAMA),
            entry("Qwen2ForCausalLM", QWEN2),
            entry("Qwen3ForCausalLM", QWEN3),
            entry("Phi3ForCausalLM", PHI3),
            entry("Olmo2ForCausalLM", OLMO2),
            entry("Gemma2ForCausalLM", GEMMA2),
            entry("Gemma3ForCausalLM", GEMMA3),
            entry("MixtralForCausalLM", MIXTRAL),
            entry("Qwen3MoeForCausalLM", QWEN3_MOE),
            entry("SeedOssForCausalLM", LLAMA),
            entry("SmolLM3ForCausalLM", LLAMA)));

    private Architectures() {}

    /** Names for messages and documentation, sorted. */
    public static List<String> names() {
        return List.copyOf(KNOWN.keySet());
    }

    /** Whether the first that a config names is known. */
    static boolean isKnown(JsonNode config) {
        return KNOWN.containsKey(config.path("architectures").path(0).asString(""));
    }

    /** What {@link #read} gives, where the architecture is known and the config can be read. */
    static Optional<ModelSpec> find(JsonNode config) {
        try {
            return Optional.of(read(config));
        } catch (QuantizationException e) {
            return Optional.empty();
        }
    }

    /**
     * @param config parsed config.json
     * @throws QuantizationException {@code architecture-missing}, {@code architecture-unsupported} or
     *     {@code config-invalid}
     */
    public static ModelSpec read(JsonNode config) {
        ConfigReader reader = new ConfigReader(config, "");
        List<String> architectures = reader.texts("architectures");
        if (architectures.isEmpty()) {
            throw new QuantizationException(
                    ErrorCode.ARCHITECTURE_MISSING, "config.json: architectures is missing or empty");
        }
        String name = architectures.getFirst();
        Family family = KNOWN.get(name);
        if (family == null) {
            throw new QuantizationException(
                    ErrorCode.ARCHITECTURE_UNSUPPORTED,
                    "config.json: architecture " + name + " cannot be run; known: " + String.join(", ", names()));
        }
        return family.read(name, CompleteConfig.read(name, (ObjectNode) config));
    }
}
