package io.octavo.engine.label;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.ConfigJson;
import io.octavo.engine.layout.QuantizedLayouts;
import io.octavo.engine.layout.compressed.CompressedTensors;
import io.octavo.engine.scheme.Scheme;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

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
            DeclaredNumbers weights,
            Optional<DeclaredNumbers> inputs) {

        public Group {
            targets = List.copyOf(targets);
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
        return declared.map(node -> of(Declaration.of(node), NumberTypes.bits(modelType)))
                .orElseGet(() -> new Label(modelType, List.of(), Optional.empty(), List.of(), List.of()));
    }

    /** What a checkpoint quantized by {@code scheme} and written as compressed-tensors must turn out to be. */
    public static Label of(Scheme scheme) {
        return of(Declaration.of(CompressedTensors.config(scheme, List.of())), NumberTypes.DEFAULT_BITS);
    }

    private static Label of(Declaration declaration, int modelBits) {
        List<DeclaredGroup> groups = declaration.groups();
        return new Label(
                text(declaration),
                groups.stream()
                        .map(group -> new Group(
                                group.name(),
                                group.targets(),
                                group.bits(),
                                group.weights().bitsPerWeight(modelBits),
                                group.weights(),
                                group.inputs()))
                        .toList(),
                declaration.kvCache(),
                executions(groups),
                warnings(declaration));
    }

    private static String text(Declaration declaration) {
        if (declaration.unknown().isPresent()) {
            return UNKNOWN + " (" + declaration.unknown().get() + ")";
        }
        List<String> texts = declaration.groups().stream()
                .map(DeclaredGroup::text)
                .distinct()
                .toList();
        String linear = switch (texts.size()) {
            case 0 -> "W16A16";
            case 1 -> texts.getFirst();
            default -> "mixed(" + String.join(", ", texts) + ")";
        };
        return linear + declaration.kvCache().map(cache -> "-KV" + cache.bits()).orElse("");
    }

    private static List<Execution> executions(List<DeclaredGroup> groups) {
        boolean known = !groups.isEmpty() && groups.stream().allMatch(group -> group.path() != null);
        return known
                ? Arrays.stream(Gpu.values()).map(gpu -> execution(gpu, groups)).toList()
                : List.of();
    }

    /** Where several groups run as different things, a row names all of them; one that fails fails the checkpoint. */
    private static Execution execution(Gpu gpu, List<DeclaredGroup> groups) {
        List<Execution> rows = groups.stream()
                .map(group -> Objects.requireNonNull(group.path()).on(gpu, group.bits()))
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

    private static List<String> warnings(Declaration declaration) {
        var warnings = new ArrayList<>(declaration.warnings());
        declaration.groups().stream()
                .map(DeclaredGroup::path)
                .distinct()
                .flatMap(path -> LoaderWarnings.of(path).stream())
                .forEach(warnings::add);
        boolean staticInputs = declaration.groups().stream()
                .anyMatch(group -> group.path() == LoaderPath.FP8
                        && group.inputs()
                                .map(DeclaredNumbers::timing)
                                .equals(Optional.of(DeclaredNumbers.Timing.STORED)));
        if (staticInputs) {
            warnings.add("below sm_89 the stored input scales are ignored");
        }
        return warnings.stream().distinct().toList();
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
