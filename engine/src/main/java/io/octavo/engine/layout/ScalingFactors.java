package io.octavo.engine.layout;

import io.octavo.engine.ErrorCode;
import io.octavo.engine.QuantizationException;
import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.ConfigJson;
import io.octavo.engine.checkpoint.JsonText;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.NumberType.FloatType;
import io.octavo.engine.scheme.Quantization;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
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
 * together; in {@code activation} and {@code weights}, which vLLM never read, it has one a module, or one for all of them
 * (under the empty name).
 *
 * @param modelType empty where the file names none
 * @param sections by rank, then layer, then module
 */
public record ScalingFactors(
        Optional<String> modelType,
        Map<Section, SortedMap<Integer, SortedMap<Integer, SortedMap<String, Float>>>> sections) {

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

    private static final String DTYPE = "float8_e4m3fn";
    private static final String FACTORS = "scaling_factor";
    private static final String WHOLE_LAYER = "";
    private static final int MAX_NUMBER = 100_000;
    private static final Pattern NUMBER = Pattern.compile("0|[1-9]\\d{0,4}");
    private static final Pattern LAYER_MODULE = Pattern.compile("(?:.*\\.)?layers\\.(\\d{1,5})\\.(.+)");

    public ScalingFactors {
        sections = Collections.unmodifiableMap(new EnumMap<>(sections));
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
        var sections =
                new EnumMap<Section, SortedMap<Integer, SortedMap<Integer, SortedMap<String, Float>>>>(Section.class);
        for (Section section : Section.values()) {
            if (root.hasNonNull(section.member)) {
                sections.put(section, ranks(root.path(section.member), section));
            }
        }
        if (sections.isEmpty()) {
            throw invalid("there is no section kv_cache, activation or weights");
        }
        return new ScalingFactors(
                Optional.of(root.path("model_type")).filter(JsonNode::isString).map(JsonNode::stringValue), sections);
    }

    private static SortedMap<Integer, SortedMap<Integer, SortedMap<String, Float>>> ranks(
            JsonNode node, Section section) {
        if (!node.path("dtype").asString("").equals(DTYPE)) {
            throw invalid(section.member + ".dtype is " + shown(node.path("dtype")) + "; allowed: " + DTYPE);
        }
        var ranks = new TreeMap<Integer, SortedMap<Integer, SortedMap<String, Float>>>();
        JsonNode factors = node.path(FACTORS);
        for (String rank : factors.propertyNames()) {
            var layers = new TreeMap<Integer, SortedMap<String, Float>>();
            String path = section.member + "." + FACTORS + "." + shortened(rank);
            JsonNode byLayer = factors.path(rank);
            for (String layer : byLayer.propertyNames()) {
                layers.put(number(layer, path), modules(byLayer.path(layer), path + "." + shortened(layer), section));
            }
            requireConsecutive(layers, path);
            ranks.put(number(rank, section.member + "." + FACTORS), layers);
        }
        requireConsecutive(ranks, section.member + "." + FACTORS);
        for (var rank : ranks.entrySet()) {
            if (!rank.getValue().keySet().equals(ranks.firstEntry().getValue().keySet())) {
                throw invalid(section.member + ": rank " + rank.getKey() + " has "
                        + rank.getValue().size() + " layers, rank 0 has "
                        + ranks.firstEntry().getValue().size());
            }
        }
        return ranks;
    }

    private static SortedMap<String, Float> modules(JsonNode node, String path, Section section) {
        var modules = new TreeMap<String, Float>();
        if (section != Section.KV_CACHE && node.isObject()) {
            for (String module : node.propertyNames()) {
                modules.put(module, factor(node.path(module), path + "." + shortened(module)));
            }
            return modules;
        }
        modules.put(WHOLE_LAYER, factor(node, path));
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

    private static void requireConsecutive(SortedMap<Integer, ?> numbered, String path) {
        if (numbered.isEmpty() || numbered.firstKey() != 0 || numbered.lastKey() != numbered.size() - 1) {
            throw invalid(path + " has members " + shortened(numbered.keySet().toString())
                    + "; they are numbered from 0 without gaps");
        }
    }

    /**
     * What a checkpoint stores, as rank 0. Of a layer's two cache scales the larger one counts, as it did in vLLM.
     *
     * @throws QuantizationException {@code SCALING_FACTORS_INVALID} if it stores none
     */
    public static ScalingFactors of(Checkpoint checkpoint) {
        QuantizedModules modules = QuantizedLayouts.read(checkpoint);
        var sections =
                new EnumMap<Section, SortedMap<Integer, SortedMap<Integer, SortedMap<String, Float>>>>(Section.class);
        modules.kvCache().ifPresent(cache -> {
            var layers = new TreeMap<Integer, SortedMap<String, Float>>();
            cache.byLayer()
                    .forEach((layer, scales) -> layers.put(
                            layer,
                            new TreeMap<>(Map.of(
                                    WHOLE_LAYER,
                                    Math.max(Collections.max(scales.keys()), Collections.max(scales.values()))))));
            sections.put(Section.KV_CACHE, new TreeMap<>(Map.of(0, layers)));
        });
        modules.byName().values().forEach(linear -> {
            boolean fp8 = linear.weight().quantization().type() == FloatType.E4M3;
            boolean perTensor = linear.weight().quantization().granularity() instanceof Granularity.PerTensor;
            if (fp8 && perTensor) {
                put(sections, Section.WEIGHTS, linear.module(), Fp8Writer.tensorScale(linear.weight()));
            }
            linear.inputScale()
                    .filter(scale -> fp8)
                    .ifPresent(scale -> put(sections, Section.ACTIVATION, linear.module(), scale.scale()));
        });
        if (sections.isEmpty()) {
            throw invalid("the checkpoint stores no FP8 scale of its cache, inputs or whole weights");
        }
        String modelType = checkpoint.config().tree().path("model_type").asString("");
        return new ScalingFactors(Optional.of(modelType).filter(type -> !type.isEmpty()), sections);
    }

    private static void put(
            Map<Section, SortedMap<Integer, SortedMap<Integer, SortedMap<String, Float>>>> sections,
            Section section,
            String module,
            float factor) {
        Matcher matcher = LAYER_MODULE.matcher(module);
        if (matcher.matches()) {
            sections.computeIfAbsent(section, key -> new TreeMap<>())
                    .computeIfAbsent(0, key -> new TreeMap<>())
                    .computeIfAbsent(Integer.parseInt(matcher.group(1)), key -> new TreeMap<>())
                    .put(matcher.group(2), factor);
        }
    }

    /**
     * The cache's factors as a checkpoint stores them: of a layer, the largest over all ranks, for keys and for values.
     *
     * @param layers how many the model has
     * @throws QuantizationException {@code SCALING_FACTORS_INVALID} if the section is missing or has other layers
     */
    public KvCacheScales kvCache(int layers) {
        SortedMap<Integer, SortedMap<Integer, SortedMap<String, Float>>> ranks = sections.get(Section.KV_CACHE);
        if (ranks == null || ranks.get(0) == null) {
            throw invalid("there is no section kv_cache");
        }
        var scales = new TreeMap<Integer, KvCacheScales.Layer>();
        for (int layer = 0; layer < layers; layer++) {
            float largest = 0;
            for (var rank : ranks.values()) {
                SortedMap<String, Float> factor = rank.get(layer);
                largest = Math.max(largest, factor == null ? Float.NaN : factor.getOrDefault(WHOLE_LAYER, Float.NaN));
            }
            if (Float.isNaN(largest) || rankHasMore(ranks, layers)) {
                throw invalid("kv_cache has factors of "
                        + ranks.firstEntry().getValue().size() + " layers, the model has " + layers);
            }
            scales.put(layer, new KvCacheScales.Layer(List.of(largest), List.of(largest)));
        }
        return new KvCacheScales(Quantization.stored(FloatType.E4M3, new Granularity.PerTensor()), scales);
    }

    private static boolean rankHasMore(
            SortedMap<Integer, SortedMap<Integer, SortedMap<String, Float>>> ranks, int layers) {
        return ranks.firstEntry().getValue().size() != layers;
    }

    /** The file's text. */
    public byte[] toJson() {
        ObjectNode root = JsonNodeFactory.instance.objectNode();
        modelType.ifPresent(type -> root.put("model_type", type));
        for (Section section : Section.values()) {
            SortedMap<Integer, SortedMap<Integer, SortedMap<String, Float>>> ranks = sections.get(section);
            if (ranks != null) {
                ObjectNode factors =
                        root.putObject(section.member).put("dtype", DTYPE).putObject(FACTORS);
                ranks.forEach((rank, layers) -> write(layers, factors.putObject(rank.toString())));
            }
        }
        return (JsonText.indented(root) + "\n").getBytes(StandardCharsets.UTF_8);
    }

    private static void write(SortedMap<Integer, SortedMap<String, Float>> layers, ObjectNode target) {
        layers.forEach((layer, modules) -> {
            Float whole = modules.get(WHOLE_LAYER);
            if (whole != null) {
                target.put(layer.toString(), whole);
            } else {
                modules.forEach(target.putObject(layer.toString())::put);
            }
        });
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
