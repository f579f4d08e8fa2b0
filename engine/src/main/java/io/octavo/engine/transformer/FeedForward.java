package io.octavo.engine.transformer;

import io.octavo.engine.transformer.weight.Linear;
import io.octavo.kernels.device.Matrix;
import java.util.List;

/** The block of a layer that follows the mixer. */
sealed interface FeedForward permits GatedMlp, ExpertMixture {

    /** The Linears that read the input, if it may be rounded for them as it is computed; none if it may not. */
    List<Linear> readers();

    /**
     * @param input {@code [tokens, hidden]}; may be what {@code pass.normed()} holds
     * @return {@code pass.normed()}
     */
    Matrix forward(LinearInput input, Pass pass);
}
