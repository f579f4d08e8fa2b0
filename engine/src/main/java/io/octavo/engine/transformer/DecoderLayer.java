package io.octavo.engine.transformer;

import io.octavo.engine.model.NormSpec;
import io.octavo.kernels.device.Matrix;
import org.jspecify.annotations.Nullable;

/** One decoder layer: a mixer and a feed-forward block, each with its norms around it and the residual beside it. */
record DecoderLayer(NormSpec norm, Norms norms, Mixer mixer, FeedForward feedForward) {

    /** Weights {@code [1, hidden]}, null where the architecture has none. */
    record Norms(
            @Nullable Matrix beforeMixer,
            @Nullable Matrix afterMixer,
            @Nullable Matrix beforeFeedForward,
            @Nullable Matrix afterFeedForward) {}

    void advance(HiddenState state, Pass pass) {
        Matrix mixed = mixer.forward(state.read(norm, norms.beforeMixer(), mixer.readers()), pass);
        pass.normalize(mixed, norms.afterMixer(), norm);
        state.add(mixed);
        Matrix fed = feedForward.forward(state.read(norm, norms.beforeFeedForward(), feedForward.readers()), pass);
        pass.normalize(fed, norms.afterFeedForward(), norm);
        state.add(fed);
    }
}
