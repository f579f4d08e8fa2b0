package io.octavo.engine.modify;

import io.octavo.engine.model.ModelSpec;
import java.util.Map;
import java.util.Set;

/** Multiplies channels of weights before anything else becomes of them. */
public sealed interface ChannelModifier extends Modifier permits Awq, Equalization, SmoothQuant {

    /** The Linears of a model whose inputs it looks at or changes, channel by channel; none if it can do nothing for the model. */
    Set<String> observed(ModelSpec spec);

    /** Those of them of whose inputs it must know E[x²], too. */
    default Set<String> weighed(ModelSpec spec) {
        return Set.of();
    }

    /**
     * What becomes of tensors, by name; those that a model has not are left out by whoever asks.
     *
     * @param statistics of the {@link #observed} modules; of weights alone if it needs no data
     */
    Map<String, ChannelScaling> scalings(ModelSpec spec, LinearStatistics statistics);
}
