package io.octavo.engine.modify;

import io.octavo.engine.model.ModelSpec;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Multiplies channels of weights before anything else becomes of them. */
public sealed interface ChannelModifier extends Modifier permits Awq, Equalization, SmoothQuant {

    /** The Linears of a model whose inputs it looks at or changes, channel by channel; none if it can do nothing for the model. */
    default Set<String> observed(ModelSpec spec) {
        return ChannelMapping.readers(spec);
    }

    /** Those of them of whose inputs it must know E[x²], too. */
    default Set<String> weighed(ModelSpec spec) {
        return Set.of();
    }

    /**
     * What becomes of tensors, by name; those that a model has not are left out by whoever asks.
     *
     * @param statistics of the {@link #observed} modules; of weights alone if it needs no data
     */
    default Map<String, ChannelScaling> scalings(ModelSpec spec, LinearStatistics statistics) {
        var scalings = new LinkedHashMap<String, ChannelScaling>();
        for (ChannelMapping mapping : ChannelMapping.of(spec)) {
            if (!mapping.changesValues() || statistics.mayChangeValues()) {
                scales(mapping, statistics).ifPresent(scales -> mapping.fold(scales, scalings));
            }
        }
        return scalings;
    }

    /** What the columns of the mapping's Linears are multiplied with; empty to leave them. */
    Optional<float[]> scales(ChannelMapping mapping, LinearStatistics statistics);
}
