package io.octavo.engine.layout.weight;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.layout.config.Declaration;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.NumberType;
import io.octavo.engine.scheme.Quantization;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads KV cache scales per tensor under any of the names that loaders accept. */
public final class KvScaleReader {

    /** What stands before the layer's number differs between models and does not matter. */
    private static final Pattern LAYER = Pattern.compile("(?:.*\\.)?layers\\.(\\d{1,5})\\..*");

    private static final List<String> OWNERS = List.of(".self_attn", ".self_attn.k_proj", ".self_attn.v_proj");

    private final Checkpoint checkpoint;
    private final ModuleCollector collector;
    private final TreeMap<Integer, Float> keys = new TreeMap<>();
    private final TreeMap<Integer, Float> values = new TreeMap<>();

    public KvScaleReader(Checkpoint checkpoint, ModuleCollector collector) {
        this.checkpoint = checkpoint;
        this.collector = collector;
    }

    /**
     * Scales of every layer, both for keys and values.
     *
     * @return 1 for every layer where none is stored: that is what loaders take then
     */
    public KvCacheScales read() {
        for (String name : checkpoint.names()) {
            String module = QuantizationParameters.module(name);
            if (OWNERS.stream().anyMatch(module::endsWith)) {
                switch (QuantizationParameters.parameter(name)) {
                    case QuantizationParameters.KEY_SCALE -> keys.put(layer(name), take(module, name));
                    case QuantizationParameters.VALUE_SCALE -> values.put(layer(name), take(module, name));
                    default -> {
                        // No scale of the cache.
                    }
                }
            }
        }
        requireEveryLayer();
        var layers = new TreeMap<Integer, KvCacheScales.Layer>();
        keys.forEach((layer, scale) ->
                layers.put(layer, new KvCacheScales.Layer(List.of(scale), List.of(values.getOrDefault(layer, 1f)))));
        return new KvCacheScales(Quantization.stored(NumberType.FloatType.E4M3, new Granularity.PerTensor()), layers);
    }

    private float take(String module, String name) {
        return collector.scalar(module, QuantizationParameters.parameter(name));
    }

    private static int layer(String name) {
        Matcher matcher = LAYER.matcher(name);
        if (!matcher.matches()) {
            throw Declaration.unsupported("tensor " + name + " belongs to no numbered layer");
        }
        return Integer.parseInt(matcher.group(1));
    }

    private void requireEveryLayer() {
        int count = Optional.of(checkpoint.config().tree().path("num_hidden_layers"))
                .filter(node -> node.isInt() && node.intValue() > 0 && node.intValue() < 100_000)
                .map(node -> node.intValue())
                .orElseThrow(() -> Declaration.unsupported("KV cache scales without num_hidden_layers in config.json"));
        if (keys.isEmpty() && values.isEmpty()) {
            for (int layer = 0; layer < count; layer++) {
                keys.put(layer, 1f);
                values.put(layer, 1f);
            }
        }
        boolean complete = keys.size() == count
                && keys.keySet().equals(values.keySet())
                && keys.firstKey() == 0
                && keys.lastKey() == count - 1;
        if (!complete) {
            throw Declaration.unsupported("there are " + keys.size() + " k_scale and " + values.size() + " v_scale for "
                    + count + " layers; every layer needs one of each");
        }
    }
}
