package io.octavo.engine.transformer;

import io.octavo.engine.transformer.weight.Linear;
import io.octavo.kernels.device.Matrix;
import java.util.List;

/** The block of a layer in which tokens see each other. */
sealed interface Mixer permits AttentionMixer {

    /** The Linears that read the input. */
    List<Linear> readers();

    /**
     * @param input {@code [tokens, hidden]}; may be what {@code pass.normed()} holds
     * @return {@code pass.normed()}
     */
    Matrix forward(LinearInput input, Pass pass);
}
