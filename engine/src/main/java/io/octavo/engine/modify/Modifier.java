package io.octavo.engine.modify;

import io.octavo.engine.model.ModelSpec;
import java.util.Map;
import java.util.Set;

/** A change of weights before they are rounded, so that rounding costs less. All of them look at data first. */
public sealed interface Modifier permits SmoothQuant {

    /** As job requests spell it, such as {@code smoothquant}. */
    String name();

    /** What it was asked to do, by name, for the record. */
    Map<String, Double> settings();

    /** The Linears of a model whose inputs it must see, channel by channel; none if it can do nothing for the model. */
    Set<String> observed(ModelSpec spec);

    /**
     * What becomes of tensors, by name.
     *
     * @param inputs of the {@link #observed} modules, as data showed them
     * @param weights of the same modules: of each input channel
     */
    Map<String, ChannelScaling> scalings(ModelSpec spec, ChannelMagnitudes inputs, ChannelMagnitudes weights);
}
