package io.octavo.engine.modify;

import io.octavo.engine.model.AttentionSpec;
import io.octavo.engine.model.FeedForwardSpec;
import io.octavo.engine.model.LayerNorms;
import io.octavo.engine.model.LayerSpec;
import io.octavo.engine.model.ModelSpec;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Moves outliers of activations into weights (arXiv 2211.10438): what enters a Linear is divided, channel by channel, by a
 * scale that its weight is multiplied with.
 *
 * @param alpha how much of the difficulty moves from activations to weights, 0 to 1
 */
public record SmoothQuant(double alpha) implements ChannelModifier {

    private static final String WEIGHT = ".weight";

    /** So that no scale makes numbers vanish. */
    private static final double SMALLEST = 1e-5;

    /** As the paper takes it for models without extreme outliers. */
    public static final double DEFAULT_ALPHA = 0.5;

    public SmoothQuant {
        if (!(alpha >= 0 && alpha <= 1)) {
            throw new IllegalArgumentException("alpha must be between 0 and 1: " + alpha);
        }
    }

    @Override
    public String name() {
        return "smoothquant";
    }

    @Override
    public Map<String, Object> settings() {
        return Map.of("alpha", alpha);
    }

    /** Linears that read the output of one norm, in one layer. */
    private record Group(String norm, float gainOffset, Set<String> linears) {}

    private static List<Group> groups(ModelSpec spec) {
        var groups = new ArrayList<Group>();
        for (LayerSpec layer : spec.layers()) {
            LayerNorms norms = layer.norms();
            float offset = norms.kind().gainOffset();
            if (norms.beforeMixer() != null && layer.mixer() instanceof AttentionSpec attention) {
                AttentionSpec.Names names = attention.names();
                String block = layer.name() + "." + names.block() + ".";
                var linears = new LinkedHashSet<String>();
                for (String part : List.of(names.queries(), names.keys(), names.values())) {
                    linears.add(block + part);
                }
                groups.add(new Group(layer.name() + "." + norms.beforeMixer(), offset, linears));
            }
            // The router of a mixture reads the same norm, and is left alone.
            if (norms.beforeFeedForward() != null && layer.feedForward() instanceof FeedForwardSpec.Dense dense) {
                String block = layer.name() + "." + dense.names().block() + ".";
                var linears = new LinkedHashSet<String>();
                linears.add(block + dense.names().gate());
                linears.add(block + dense.names().up());
                groups.add(new Group(layer.name() + "." + norms.beforeFeedForward(), offset, linears));
            }
        }
        return groups;
    }

    @Override
    public Set<String> observed(ModelSpec spec) {
        var modules = new LinkedHashSet<String>();
        groups(spec).forEach(group -> modules.addAll(group.linears()));
        return modules;
    }

    @Override
    public Map<String, ChannelScaling> scalings(ModelSpec spec, ChannelMagnitudes inputs, ChannelMagnitudes weights) {
        var scalings = new LinkedHashMap<String, ChannelScaling>();
        for (Group group : groups(spec)) {
            float[] scales = scales(largest(group.linears(), inputs), largest(group.linears(), weights));
            float[] inverse = new float[scales.length];
            for (int channel = 0; channel < scales.length; channel++) {
                inverse[channel] = 1 / scales[channel];
            }
            scalings.put(group.norm() + WEIGHT, new ChannelScaling(group.gainOffset(), inverse));
            group.linears().forEach(linear -> scalings.put(linear + WEIGHT, new ChannelScaling(0, scales)));
        }
        return scalings;
    }

    private static float[] largest(Set<String> modules, ChannelMagnitudes magnitudes) {
        float[] largest = new float[0];
        for (String module : modules) {
            float[] own = magnitudes.of(module);
            largest = largest.length == 0 ? own.clone() : largest;
            for (int channel = 0; channel < own.length; channel++) {
                largest[channel] = Math.max(largest[channel], own[channel]);
            }
        }
        return largest;
    }

    /** {@code max|X|^alpha / max|W|^(1 - alpha)}; a channel that is always zero on either side stays as it is. */
    private float[] scales(float[] inputs, float[] weights) {
        float[] scales = new float[inputs.length];
        for (int channel = 0; channel < scales.length; channel++) {
            double scale = Math.pow(inputs[channel], alpha) / Math.pow(weights[channel], 1 - alpha);
            boolean dead = inputs[channel] == 0 || weights[channel] == 0;
            scales[channel] = dead ? 1 : (float) Math.clamp(scale, SMALLEST, 1 / SMALLEST);
        }
        return scales;
    }
}
