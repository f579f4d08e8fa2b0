package io.octavo.engine.label;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.ConfigJson;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.layout.QuantizedLayouts;
import io.octavo.engine.layout.compressed.CompressedTensors;
import io.octavo.engine.layout.config.Declaration;
import io.octavo.engine.module.ModulePattern;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.Quantization;
import io.octavo.engine.scheme.Scheme;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;

/**
 * What a checkpoint is: weight bits and input bits as configured, their number type, how input scales come about; and
 * what loaders make of it on which GPUs.
 *
 * @param text such as {@code W8A8-FP8-dynamic}; for unquantized checkpoints the number type, such as {@code BF16}; for
 *     configs that are not understood {@code unknown (...)}
 * @param groups what is declared for which modules; empty for unquantized and unknown checkpoints
 * @param kvCache how keys and values are declared to be stored
 * @param executions one a generation of GPUs; empty where nothing is quantized or no loader is known
 * @param warnings what the reader of a label should know before loading
 */
public record Label(
        String text,
        List<Group> groups,
        Optional<DeclaredKvCache> kvCache,
        List<Execution> executions,
        List<String> warnings) {

    /**
     * What is declared for some modules.
     *
     * @param targets module names, patterns, or {@code Linear}
     * @param bits such as {@code W8A16}
     * @param bitsPerWeight with the scales and zero points of groups
     * @param inputs empty where inputs stay 16-bit
     */
    public record Group(
            String name,
            List<String> targets,
            String bits,
            double bitsPerWeight,
            Quantization weights,
            Optional<Quantization> inputs) {

        public Group {
            targets = List.copyOf(targets);
        }

        private static Group of(Declaration.Group declared, int modelBits) {
            Quantization weights = declared.weights();
            return new Group(
                    declared.name(),
                    declared.targets().stream().map(ModulePattern::text).toList(),
                    Label.bits(declared),
                    NumberFamily.bitsPerWeight(weights, modelBits),
                    weights,
                    declared.inputs());
        }

        /** Such as {@code INT4 per group of 128}. */
        public String weightsText() {
            return NumberFamily.description(weights);
        }

        /** Such as {@code FP8 per token, while the model runs}; empty where inputs stay 16-bit. */
        public Optional<String> inputsText() {
            return inputs.map(NumberFamily::description);
        }

        /** Such as {@code W8A8-FP8-dynamic}. */
        private String text() {
            String type = NumberFamily.name(weights);
            return Stream.of(
                            bits,
                            type,
                            inputs.map(NumberFamily::name)
                                    .filter(other -> !other.equals(type))
                                    .orElse(""),
                            weights.granularity() instanceof Granularity.PerBlock ? "block" : "",
                            inputs.map(NumberFamily::timing).orElse(""),
                            isSymmetric() ? "" : "asym")
                    .filter(word -> !word.isEmpty())
                    .collect(Collectors.joining("-"));
        }

        boolean isSymmetric() {
            return weights.symmetric() && inputs.map(Quantization::symmetric).orElse(true);
        }
    }

    static final String UNKNOWN = "unknown";

    public Label {
        groups = List.copyOf(groups);
        executions = List.copyOf(executions);
        warnings = List.copyOf(warnings);
    }

    /** Never fails: what cannot be understood is called unknown. */
    public static Label of(ConfigJson config) {
        return of(config, null);
    }

    /** The same, where the quantization may be declared in a file beside config.json. */
    public static Label of(Checkpoint checkpoint) {
        return of(checkpoint.config(), QuantizedLayouts.beside(checkpoint).orElse(null));
    }

    /**
     * @param beside a quantization config in a file of its own, as ModelOpt leaves it; counts only where config.json has
     *     none
     */
    public static Label of(ConfigJson config, @Nullable JsonNode beside) {
        String modelType = NumberTypes.of(config.tree());
        JsonNode nested = config.tree().path("text_config").path("quantization_config");
        Optional<JsonNode> declared = config.quantizationConfig()
                .or(() -> Optional.of(nested).filter(JsonNode::isObject))
                .or(() -> Optional.ofNullable(beside));
        return declared.map(node -> declared(node, NumberTypes.bits(modelType), config.tree()))
                .orElseGet(() -> new Label(modelType, List.of(), Optional.empty(), List.of(), List.of()));
    }

    /** What a checkpoint quantized by {@code scheme} and written as compressed-tensors must turn out to be. */
    public static Label of(Scheme scheme) {
        return declared(
                CompressedTensors.config(scheme, List.of()),
                NumberTypes.DEFAULT_BITS,
                JsonNodeFactory.instance.objectNode());
    }

    private static Label declared(JsonNode quantization, int modelBits, JsonNode config) {
        Declaration declaration;
        try {
            declaration = Declaration.lenient(quantization);
        } catch (QuantizationException e) {
            String text = UNKNOWN + " (" + e.getMessage() + ")";
            return new Label(text, List.of(), Optional.empty(), List.of(), List.of());
        }
        List<Group> groups = declaration.groups().stream()
                .map(group -> Group.of(group, modelBits))
                .toList();
        Optional<DeclaredKvCache> kvCache = declaration.kvCache().map(DeclaredKvCache::of);
        return new Label(
                text(groups, kvCache),
                groups,
                kvCache,
                executions(declaration),
                LoaderWarnings.of(declaration, config));
    }

    private static String text(List<Group> groups, Optional<DeclaredKvCache> kvCache) {
        List<String> texts = groups.stream().map(Group::text).distinct().toList();
        String linear = switch (texts.size()) {
            case 0 -> "W16A16";
            case 1 -> texts.getFirst();
            default -> "mixed(" + String.join(", ", texts) + ")";
        };
        return linear + kvCache.map(cache -> "-KV" + cache.bits()).orElse("");
    }

    private static String bits(Declaration.Group group) {
        return "W" + group.weights().type().bits() + "A"
                + group.inputs().map(inputs -> inputs.type().bits()).orElse(NumberTypes.DEFAULT_BITS);
    }

    private static List<Execution> executions(Declaration declaration) {
        boolean known = !declaration.groups().isEmpty()
                && declaration.groups().stream().allMatch(group -> LoaderPath.of(declaration.layout(), group) != null);
        return known
                ? Arrays.stream(Gpu.values())
                        .map(gpu -> execution(gpu, declaration))
                        .toList()
                : List.of();
    }

    /** Where several groups run as different things, a row names all of them; one that fails fails the checkpoint. */
    private static Execution execution(Gpu gpu, Declaration declaration) {
        List<Execution> rows = declaration.groups().stream()
                .map(group -> Objects.requireNonNull(LoaderPath.of(declaration.layout(), group))
                        .on(gpu, bits(group)))
                .distinct()
                .toList();
        return rows.stream()
                .filter(row -> !row.loads())
                .findFirst()
                .orElseGet(() -> Execution.on(
                        gpu,
                        joined(rows.stream().map(Execution::runsAs)),
                        joined(rows.stream().map(Execution::how))));
    }

    private static String joined(Stream<String> texts) {
        return texts.distinct().collect(Collectors.joining(" + "));
    }

    /** Whether the config could be understood. */
    public boolean isKnown() {
        return !text.startsWith(UNKNOWN);
    }

    /** Bits a weight with the scales of groups; empty where nothing is quantized or groups differ. */
    public OptionalDouble bitsPerWeight() {
        double[] distinct =
                groups.stream().mapToDouble(Group::bitsPerWeight).distinct().toArray();
        return distinct.length == 1 ? OptionalDouble.of(distinct[0]) : OptionalDouble.empty();
    }

    /**
     * Whether a tag that people put on checkpoints, such as {@code W8A16} or {@code FP8-dynamic}, is true of this one.
     *
     * @throws io.octavo.engine.failure.QuantizationException {@code TAG_UNKNOWN} for tags that say nothing checkable
     */
    public TagCheck check(String tag) {
        return Tag.parse(tag).check(this);
    }
}
