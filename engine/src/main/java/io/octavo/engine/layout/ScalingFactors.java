package io.octavo.engine.layout;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.ConfigJson;
import io.octavo.engine.checkpoint.JsonText;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.layout.weight.InputScale;
import io.octavo.engine.layout.weight.KvCacheScales;
import io.octavo.engine.layout.weight.QuantizedLinear;
import io.octavo.engine.layout.weight.QuantizedModules;
import io.octavo.engine.layout.weight.RowChunks;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.NumberType.FloatType;
import io.octavo.engine.scheme.Quantization;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * The JSON of FP8 scaling factors by tensor-parallel rank and layer that quantizers handed to older vLLM (discussions 2461
 * and 3218): {@code {"model_type", "kv_cache": {"dtype", "scaling_factor": {rank: {layer: factor}}}}}.
 *
 * <p>A factor is what stored codes are multiplied by. In the {@code kv_cache} section a layer has one for keys and values
 * together; in {@code activation} and {@code weights}, which vLLM never read, it has one a module, or one for all of them.
 *
 * @param modelType empty where the file names none
 */
public record ScalingFactors(Optional<String> modelType, Map<Section, SortedMap<Place, Float>> sections) {

    /** What factors scale. */
    public enum Section {
        KV_CACHE("kv_cache"),
        ACTIVATION("activation"),
        WEIGHTS("weights");

        private final String member;

        Section(String member) {
            this.member = member;
        }
    }

    /**
     * What a factor belongs to.
     *
     * @param rank of tensor parallelism
     * @param module its name inside the layer; empty for all of the layer
     */
    public record Place(int rank, int layer, String module) implements Comparable<Place> {

        static final String WHOLE_LAYER = "";

        private static final Comparator<Place> ORDER = Comparator.comparingInt(Place::rank)
                .thenComparingInt(Place::layer)
                .thenComparing(Place::module);

        @Override
        public int compareTo(Place other) {
            return ORDER.compare(this, other);
        }
    }

    private static final String DTYPE = "float8_e4m3fn";
    private static final String FACTORS = "scaling_factor";
    private static final int MAX_NUMBER = 100_000;
    private static final long MAX_BYTES = 16_000_000;
    private static final Pattern NUMBER = Pattern.compile("0|[1-9]\\d{0,4}");
    private static final Pattern LAYER_MODULE = Pattern.compile("(?:.*\\.)?layers\\.(\\d{1,5})\\.(.+)");

    public ScalingFactors {
        var copied = new EnumMap<Section, SortedMap<Place, Float>>(Section.class);
        sections.forEach(
                (section, factors) -> copied.put(section, Collections.unmodifiableSortedMap(new TreeMap<>(factors))));
        sections = Collections.unmodifiableMap(copied);
    }

    /**
     * Reads another quantizer's file.
     *
     * @throws QuantizationException {@code SCALING_FACTORS_INVALID} for other number types, ranks or layers that are not
     *     numbered from 0 without gaps, ranks that differ in their layers, and factors that are not positive and finite
     */
    public static ScalingFactors parse(byte[] json) {
        JsonNode root;
        try {
            root = ConfigJson.parse(json).tree();
        } catch (QuantizationException e) {
            throw new QuantizationException(
                    ErrorCode.SCALING_FACTORS_INVALID, "the scaling factors are no JSON object in UTF-8", e);
        }
        var sections = new EnumMap<Section, SortedMap<Place, Float>>(Section.class);
        for (Section section : Section.values()) {
            if (root.hasNonNull(section.member)) {
                sections.put(section, section(root.path(section.member), section));
            }
        }
        if (sections.isEmpty()) {
            throw invalid("there is no section kv_cache, activation or weights");
        }
        return new ScalingFactors(
                Optional.of(root.path("model_type")).filter(JsonNode::isString).map(JsonNode::stringValue), sections);
    }

    /**
     * The same from a file.
     *
     * @throws QuantizationException also if it cannot be read or is large beyond reason
     */
    public static ScalingFactors read(Path file) {
        try {
            if (Files.size(file) > MAX_BYTES) {
                throw invalid(file.getFileName() + " has more than " + MAX_BYTES + " bytes");
            }
            return parse(Files.readAllBytes(file));
        } catch (IOException e) {
            throw new QuantizationException(
                    ErrorCode.SCALING_FACTORS_INVALID, file.getFileName() + " cannot be read: " + e.getMessage(), e);
        }
    }

    private static SortedMap<Place, Float> section(JsonNode node, Section section) {
        if (!node.path("dtype").asString("").equals(DTYPE)) {
            throw invalid(section.member + ".dtype is " + shown(node.path("dtype")) + "; allowed: " + DTYPE);
        }
        var factors = new TreeMap<Place, Float>();
        var layersByRank = new TreeMap<Integer, Set<Integer>>();
        String path = section.member + "." + FACTORS;
        for (var rank : node.path(FACTORS).properties()) {
            int rankNumber = number(rank.getKey(), path);
            var layers = new TreeSet<Integer>();
            String rankPath = path + "." + rankNumber;
            for (var layer : rank.getValue().properties()) {
                int layerNumber = number(layer.getKey(), rankPath);
                layers.add(layerNumber);
                modules(layer.getValue(), rankPath + "." + layerNumber, section)
                        .forEach((module, factor) -> factors.put(new Place(rankNumber, layerNumber, module), factor));
            }
            requireConsecutive(layers, rankPath);
            layersByRank.put(rankNumber, layers);
        }
        requireConsecutive(layersByRank.keySet(), path);
        layersByRank.forEach((rank, layers) -> {
            int first = layersByRank.getOrDefault(0, Set.of()).size();
            if (layers.size() != first) {
                throw invalid(
                        section.member + ": rank " + rank + " has " + layers.size() + " layers, rank 0 has " + first);
            }
        });
        return factors;
    }

    private static SequencedMap<String, Float> modules(JsonNode node, String path, Section section) {
        var modules = new LinkedHashMap<String, Float>();
        if (section != Section.KV_CACHE && node.isObject()) {
            node.properties()
                    .forEach(module -> modules.put(
                            module.getKey(), factor(module.getValue(), path + "." + shortened(module.getKey()))));
        } else {
            modules.put(Place.WHOLE_LAYER, factor(node, path));
        }
        return modules;
    }

    private static float factor(JsonNode node, String path) {
        float factor = node.isNumber() ? (float) node.asDouble(Double.NaN) : Float.NaN;
        if (!(factor > 0 && factor < Float.POSITIVE_INFINITY)) {
            throw invalid(path + " is " + shown(node) + "; factors are positive and finite");
        }
        return factor;
    }

    private static int number(String text, String path) {
        if (!NUMBER.matcher(text).matches()) {
            throw invalid(path + " has a member " + shortened(text) + "; allowed: numbers below " + MAX_NUMBER);
        }
        return Integer.parseInt(text);
    }

    private static void requireConsecutive(Set<Integer> numbers, String path) {
        boolean consecutive = !numbers.isEmpty() && Collections.max(numbers) == numbers.size() - 1;
        if (!consecutive) {
            throw invalid(
                    path + " has members " + shortened(numbers.toString()) + "; they are numbered from 0 without gaps");
        }
    }

    /**
     * What a checkpoint stores, as rank 0. Of a layer's two cache scales the larger one counts, as it did in vLLM.
     *
     * @throws QuantizationException {@code SCALING_FACTORS_INVALID} if it stores none
     */
    public static ScalingFactors of(Checkpoint checkpoint) {
        QuantizedModules modules = QuantizedLayouts.read(checkpoint);
        var sections = new EnumMap<Section, SortedMap<Place, Float>>(Section.class);
        modules.kvCache()
                .filter(cache -> cache.quantization().type() == FloatType.E4M3)
                .ifPresent(cache -> cache.byLayer()
                        .forEach((layer, scales) -> sections.computeIfAbsent(Section.KV_CACHE, key -> new TreeMap<>())
                                .put(new Place(0, layer, Place.WHOLE_LAYER), largest(scales))));
        for (QuantizedLinear linear : modules.byName().values()) {
            Matcher module = LAYER_MODULE.matcher(linear.module());
            boolean fp8 = linear.weight().quantization().type() == FloatType.E4M3;
            if (!fp8 || !module.matches()) {
                continue;
            }
            var place = new Place(0, Integer.parseInt(module.group(1)), module.group(2));
            if (linear.weight().quantization().granularity() instanceof Granularity.PerTensor) {
                sections.computeIfAbsent(Section.WEIGHTS, key -> new TreeMap<>())
                        .put(place, RowChunks.tensorScale(linear.weight()));
            }
            linear.inputScale()
                    .ifPresent(scale -> sections.computeIfAbsent(Section.ACTIVATION, key -> new TreeMap<>())
                            .put(place, scale.scale()));
        }
        if (sections.isEmpty()) {
            throw invalid("the checkpoint stores no FP8 scale of its cache, inputs or whole weights");
        }
        String modelType = checkpoint.config().tree().path("model_type").asString("");
        return new ScalingFactors(Optional.of(modelType).filter(type -> !type.isEmpty()), sections);
    }

    private static float largest(KvCacheScales.Layer scales) {
        return Math.max(Collections.max(scales.keys()), Collections.max(scales.values()));
    }

    /**
     * Puts these factors in place of a checkpoint's own: scales of the cache, and of inputs that have stored ones. A
     * factor of a weight must be the stored scale, because codes of another scale would be other codes.
     *
     * @param layers how many the model has
     * @throws QuantizationException {@code SCALING_FACTORS_INVALID} if they do not fit the checkpoint
     */
    public QuantizedModules into(QuantizedModules modules, int layers) {
        var byName = new LinkedHashMap<String, QuantizedLinear>();
        modules.byName().forEach((name, linear) -> byName.put(name, into(linear)));
        Optional<KvCacheScales> cache =
                sections.containsKey(Section.KV_CACHE) ? Optional.of(kvCache(layers)) : modules.kvCache();
        return new QuantizedModules(byName, cache);
    }

    private QuantizedLinear into(QuantizedLinear linear) {
        find(Section.WEIGHTS, linear.module())
                .filter(factor -> factor != RowChunks.tensorScale(linear.weight()))
                .ifPresent(factor -> {
                    throw invalid("weights: module " + linear.module() + " is stored with scale "
                            + RowChunks.tensorScale(linear.weight()) + ", not " + factor);
                });
        Optional<Float> input = find(Section.ACTIVATION, linear.module());
        if (input.isEmpty()) {
            return linear;
        }
        if (linear.inputScale().isEmpty() || linear.weight().quantization().type() != FloatType.E4M3) {
            throw invalid("activation: module " + linear.module() + " has no stored FP8 input scale to replace");
        }
        return new QuantizedLinear(linear.module(), linear.weight(), linear.inputs(), input.map(InputScale::symmetric));
    }

    /** The largest factor over all ranks for a module, or for all of its layer. */
    private Optional<Float> find(Section section, String name) {
        Matcher module = LAYER_MODULE.matcher(name);
        if (!sections.containsKey(section) || !module.matches()) {
            return Optional.empty();
        }
        int layer = Integer.parseInt(module.group(1));
        return sections.getOrDefault(section, Collections.emptySortedMap()).entrySet().stream()
                .filter(entry -> entry.getKey().layer() == layer)
                .filter(entry -> entry.getKey().module().equals(module.group(2))
                        || entry.getKey().module().equals(Place.WHOLE_LAYER))
                .map(Map.Entry::getValue)
                .max(Float::compare);
    }

    /**
     * The cache's factors as a checkpoint stores them: of a layer, the largest over all ranks, for keys and for values.
     *
     * @param layers how many the model has
     * @throws QuantizationException {@code SCALING_FACTORS_INVALID} if the section is missing or has other layers
     */
    public KvCacheScales kvCache(int layers) {
        SortedMap<Place, Float> factors = sections.getOrDefault(Section.KV_CACHE, Collections.emptySortedMap());
        if (factors.isEmpty()) {
            throw invalid("there is no section kv_cache");
        }
        var largest = new TreeMap<Integer, Float>();
        factors.forEach((place, factor) -> largest.merge(place.layer(), factor, Math::max));
        if (largest.size() != layers) {
            throw invalid("kv_cache has factors of " + largest.size() + " layers, the model has " + layers);
        }
        var scales = new TreeMap<Integer, KvCacheScales.Layer>();
        largest.forEach(
                (layer, factor) -> scales.put(layer, new KvCacheScales.Layer(List.of(factor), List.of(factor))));
        return new KvCacheScales(Quantization.stored(FloatType.E4M3, new Granularity.PerTensor()), scales);
    }

    /** The file's text. */
    public byte[] toJson() {
        ObjectNode root = JsonNodeFactory.instance.objectNode();
        modelType.ifPresent(type -> root.put("model_type", type));
        sections.forEach((section, factors) -> {
            ObjectNode ranks =
                    root.putObject(section.member).put("dtype", DTYPE).putObject(FACTORS);
            factors.forEach((place, factor) -> {
                ObjectNode rank = ranks.withObjectProperty(Integer.toString(place.rank()));
                String layer = Integer.toString(place.layer());
                if (place.module().equals(Place.WHOLE_LAYER)) {
                    rank.put(layer, factor);
                } else {
                    rank.withObjectProperty(layer).put(place.module(), factor);
                }
            });
        });
        return (JsonText.indented(root) + "\n").getBytes(StandardCharsets.UTF_8);
    }

    private static String shown(JsonNode node) {
        return shortened(node.isMissingNode() ? "missing" : node.toString());
    }

    private static String shortened(String text) {
        return text.length() > 60 ? text.substring(0, 60) + "…" : text;
    }

    private static QuantizationException invalid(String message) {
        return new QuantizationException(ErrorCode.SCALING_FACTORS_INVALID, message);
    }
}
