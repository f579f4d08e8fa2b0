package io.octavo.engine.transformer;

import io.octavo.kernels.Backend;
import io.octavo.kernels.GatedActivation;
import io.octavo.kernels.Matrix;
import io.octavo.kernels.Stream;

/** {@code down(activation(gate(x)) * up(x))}. */
record GatedMlp(GatedActivation.Function activation, Linear gate, Linear up, Linear down) implements FeedForward {

    @Override
    public Matrix forward(Matrix input, int tokens, DecoderLayer.Pass pass) {
        Workspace workspace = pass.workspace();
        Backend backend = pass.backend();
        Stream stream = pass.stream();
        Matrix gated = workspace.gate(tokens, gate.outFeatures());
        Matrix upward = workspace.up(tokens, up.outFeatures());
        LinearInput rounded = new LinearInput(workspace, input, stream);
        gate.apply(backend, rounded, gated, stream);
        up.apply(backend, rounded, upward, stream);
        backend.gatedActivation().apply(activation, gated, upward, gated, stream);
        Matrix result = workspace.normed(tokens);
        down.apply(backend, new LinearInput(workspace, gated, stream), result, stream);
        return result;
    }
}
