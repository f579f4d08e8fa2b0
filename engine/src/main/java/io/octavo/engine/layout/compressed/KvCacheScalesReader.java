package io.octavo.engine.layout.compressed;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.Tensor;
import io.octavo.engine.layout.config.Declaration;
import io.octavo.engine.layout.weight.KvCacheScales;
import io.octavo.engine.layout.weight.ScaleGrid;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.Quantization;
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
    private final ModuleTensors tensors;

    KvCacheScalesReader(Checkpoint checkpoint, Quantization scheme, ModuleTensors tensors) {
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
                scales(attention, CompressedTensors.KEY_SCALE_SUFFIX),
                scales(attention, CompressedTensors.VALUE_SCALE_SUFFIX));
    }

    private List<Float> scales(String attention, String suffix) {
        if (scheme.granularity() instanceof Granularity.PerTensor) {
            return List.of(tensors.scale(attention, suffix));
        }
        Tensor stored = tensors.tensor(attention, suffix, ModuleTensors.FLOATS, 3);
        long heads = stored.shape().getFirst();
        if (!stored.hasShape(heads, 1, 1)) {
            throw Declaration.unsupported(
                    "tensor " + stored.name() + " is " + stored.shape() + "; expected [heads, 1, 1]");
        }
        var grid = new ScaleGrid(stored, 1, 1);
        grid.requirePositive();
        var scales = new ArrayList<Float>();
        for (long head = 0; head < heads; head++) {
            scales.add(grid.number(head));
        }
        return scales;
    }
}
