package io.octavo.engine.modify;

import io.octavo.engine.model.ModelSpec;
import java.util.Map;
import java.util.Set;

/** Multiplies channels of weights before anything else becomes of them. */
public sealed interface ChannelModifier extends Modifier permits SmoothQuant {

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
