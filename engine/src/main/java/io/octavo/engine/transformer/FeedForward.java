package io.octavo.engine.transformer;

import io.octavo.kernels.Matrix;

/** The block of a layer that follows attention. */
sealed interface FeedForward permits GatedMlp, ExpertMixture {

    /**
     * @param input {@code [tokens, hidden]}; may be what {@code workspace.normed(tokens)} holds
     * @return {@code workspace.normed(tokens)}
     */
    Matrix forward(Matrix input, int tokens, DecoderLayer.Pass pass);
}
