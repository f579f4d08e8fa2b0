package io.octavo.engine.model;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Holes in a model: modules that its layers have and the files lack. Loaders fill them with numbers of their own, some without
 * a word. Architectures that are known say what must be there; of others one layer is compared with the rest.
 */
public final class MissingModules {

    /** Under which a module's numbers lie, however they are stored. */
    private static final Set<String> WEIGHTS = Set.of("weight", "weight_packed", "qweight");

    /** Tensors of all experts, which transformers 5 saves. */
    private static final List<String> STACKED = List.of("gate_up_proj", "down_proj");

    private static final String MODEL = "model.";
    private static final String EXPERTS = ".experts.";
    private static final String MIXTRAL_BLOCK = ".block_sparse_moe.";
    private static final String SAVED_BLOCK = ".mlp.";

    private final Set<String> modules = new HashSet<>();
    private final Set<String> stacks = new HashSet<>();
    private final JsonNode config;

    /**
     * @param config the root of config.json
     * @param tensors names of all of them
     */
    public MissingModules(JsonNode config, Collection<String> tensors) {
        this.config = config;
        for (String tensor : tensors) {
            int dot = tensor.lastIndexOf('.');
            String last = tensor.substring(dot + 1);
            if (dot > 0 && WEIGHTS.contains(last)) {
                modules.add(tensor.substring(0, dot));
            } else if (dot > 0 && STACKED.contains(last)) {
                stacks.add(tensor.substring(0, dot + 1));
            }
        }
    }

    /**
     * What a known architecture cannot do without; empty for others, and where no layer has the names that are known.
     *
     * @return for people
     */
    public Optional<String> needed() {
        return Architectures.find(config)
                .filter(spec -> layerModules(spec).anyMatch(this::isThere))
                .flatMap(this::firstNeeded);
    }

    private static Stream<String> layerModules(ModelSpec spec) {
        return new RequiredModules(spec).inLayers().map(RequiredModules.Weight::module);
    }

    /** Where nothing has a name that loaders look for. They find a decoder without its prefix, and with it twice. */
    private Stream<String> strangers() {
        return Architectures.find(config)
                .filter(spec -> layerModules(spec)
                        .noneMatch(module -> isThere(module)
                                || isThere(MODEL + module)
                                || isThere(module.substring(MODEL.length()))))
                .map(spec -> "no tensor has a name that a " + spec.architecture() + " looks for, such as "
                        + layerModules(spec).findFirst().orElseThrow() + ".weight")
                .stream();
    }

    /** @throws QuantizationException {@code CHECKPOINT_TENSOR_MISSING} with what is {@link #needed} */
    public void require() {
        needed().ifPresent(what -> {
            throw new QuantizationException(ErrorCode.CHECKPOINT_TENSOR_MISSING, what);
        });
    }

    private Optional<String> firstNeeded(ModelSpec spec) {
        boolean hasHead = modules.stream().anyMatch(module -> !module.startsWith(MODEL));
        Stream<String> needed = Stream.concat(
                new RequiredModules(spec).besideLayers(hasHead).map(RequiredModules.Weight::module),
                layerModules(spec));
        return needed.filter(module -> !isThere(module))
                .findFirst()
                .map(module -> "the checkpoint has no " + module + ".weight, which a " + spec.architecture()
                        + " of this config needs; loaders would run it with numbers of their own");
    }

    private boolean isThere(String module) {
        String saved = module.replace(MIXTRAL_BLOCK, SAVED_BLOCK);
        int experts = saved.indexOf(EXPERTS);
        return modules.contains(module)
                || modules.contains(saved)
                || (experts > 0 && stacks.contains(saved.substring(0, experts + EXPERTS.length())));
    }

    /** What a layer lacks that most of its kind have, whatever the architecture; for people. */
    public List<String> suspected() {
        var nodes = new TreeMap<String, Node>();
        modules.forEach(module -> add(module, nodes));
        return Stream.concat(strangers(), nodes.values().stream().flatMap(Node::holes))
                .toList();
    }

    /** Every module on the way down from a numbered layer gets what it holds told. */
    private void add(String module, Map<String, Node> nodes) {
        List<String> segments = List.of(module.split("\\.", -1));
        int number = 0;
        while (number < segments.size() && !isNumber(segments.get(number))) {
            number++;
        }
        String layers = String.join(".", segments.subList(0, number));
        for (int at = number + 1; at < segments.size(); at++) {
            int layer = Integer.parseInt(segments.get(number));
            String within = segments.subList(number + 1, at).stream()
                    .map(segment -> "." + segment)
                    .collect(Collectors.joining());
            nodes.computeIfAbsent(layers + " " + type(layers, layer) + within, kind -> new Node(layers, within))
                    .children
                    .computeIfAbsent(layer, unseen -> new TreeSet<>())
                    .add(segments.get(at));
        }
    }

    /** Layers of several types need not hold the same. */
    private String type(String layers, int layer) {
        JsonNode text = config.path("text_config").isObject() ? config.path("text_config") : config;
        return layers.endsWith("layers") ? text.path("layer_types").path(layer).asString("") : "";
    }

    private static boolean isNumber(String segment) {
        return !segment.isEmpty() && segment.length() < 7 && segment.chars().allMatch(c -> c >= '0' && c <= '9');
    }

    /**
     * The same module of all layers.
     *
     * @param within the layer, with a dot before it; empty for the layer itself
     * @param children names of what it holds, by layer
     */
    private record Node(String layers, String within, Map<Integer, Set<String>> children) {

        Node(String layers, String within) {
            this(layers, within, new TreeMap<>());
        }

        Stream<String> holes() {
            Map<Set<String>, Long> kinds = children.values().stream()
                    .collect(Collectors.groupingBy(Function.identity(), Collectors.counting()));
            @Nullable Set<String> usual = kinds.entrySet().stream()
                    .filter(kind -> 2 * kind.getValue() > children.size())
                    .map(Map.Entry::getKey)
                    .findFirst()
                    .orElse(null);
            if (usual == null) {
                return Stream.of();
            }
            long count = kinds.getOrDefault(usual, 0L);
            return children.entrySet().stream()
                    .filter(layer -> usual.containsAll(layer.getValue()))
                    .flatMap(layer -> usual.stream()
                            .filter(child -> !layer.getValue().contains(child))
                            .map(child -> layers + "." + layer.getKey() + within + " has no " + child + ", which "
                                    + count + " others of its kind have"));
        }
    }
}
