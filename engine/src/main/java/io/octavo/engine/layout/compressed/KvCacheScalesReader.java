package io.octavo.engine.layout.compressed;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.layout.config.Declaration;
import io.octavo.engine.layout.weight.KvCacheScales;
import io.octavo.engine.layout.weight.ModuleCollector;
import io.octavo.engine.layout.weight.QuantizationParameters;
import io.octavo.engine.layout.weight.ScaleGrid;
import io.octavo.engine.safetensors.TensorSpec;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.Quantization;
import io.octavo.kernels.number.DType;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads the scales of the KV cache.
 *
 * <p>A loader takes a missing scale for 1, which is never right, so every attention module must have both.
 */
public final class KvCacheScalesReader {

    private static final Pattern ATTENTION =
            Pattern.compile("(.*\\blayers\\.(\\d{1,6})\\.(?:self_attn|attention))\\..*");

    private final Checkpoint checkpoint;
    private final Quantization scheme;
    private final ModuleCollector tensors;

    KvCacheScalesReader(Checkpoint checkpoint, Quantization scheme, ModuleCollector tensors) {
        this.checkpoint = checkpoint;
        this.scheme = scheme;
        this.tensors = tensors;
    }

    /** @param modules names of modules, those inside attention among them */
    KvCacheScales read(Set<String> modules) {
        var layers = new TreeMap<Integer, KvCacheScales.Layer>();
        for (String module : modules) {
            Matcher attention = ATTENTION.matcher(module);
            if (attention.matches()) {
                int layer = Integer.parseInt(attention.group(2));
                layers.computeIfAbsent(layer, number -> read(attention.group(1)));
            }
        }
        int expected = checkpoint.config().tree().path("num_hidden_layers").asInt(layers.size());
        if (layers.isEmpty() || layers.size() != expected) {
            throw Declaration.unsupported("kv_cache_scheme: " + layers.size() + " attention modules have scales, the"
                    + " model has " + expected + " layers");
        }
        return new KvCacheScales(scheme, layers);
    }

    private KvCacheScales.Layer read(String attention) {
        return new KvCacheScales.Layer(
                scales(attention, QuantizationParameters.KEY_SCALE),
                scales(attention, QuantizationParameters.VALUE_SCALE));
    }

    private List<Float> scales(String attention, String parameter) {
        if (scheme.granularity() instanceof Granularity.PerTensor) {
            return List.of(tensors.scalar(attention, parameter));
        }
        long heads = checkpoint
                .find(attention + "." + parameter)
                .filter(stored -> stored.shape().size() == 3)
                .map(stored -> stored.shape().getFirst())
                .orElse(0L);
        ScaleGrid grid = tensors.scales(new TensorSpec(attention + "." + parameter, DType.F32, heads, 1, 1), 1, 1);
        grid.requirePositive();
        var scales = new ArrayList<Float>();
        for (long head = 0; head < heads; head++) {
            scales.add(grid.number(head));
        }
        return scales;
    }
}
