package io.octavo.engine.transformer;

import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.ScaledMatrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.operation.GatedActivation;
import java.util.List;
import java.util.Optional;

/** {@code down(activation(gate(x)) * up(x))}. */
record GatedMlp(GatedActivation.Function activation, Linear gate, Linear up, Linear down) implements FeedForward {

    @Override
    public List<Linear> readers() {
        return List.of(gate, up);
    }

    @Override
    public Matrix forward(LinearInput input, int tokens, DecoderLayer.Pass pass) {
        Workspace workspace = pass.workspace();
        Backend backend = pass.backend();
        Stream stream = pass.stream();
        Matrix gated = workspace.gate(tokens, gate.outFeatures());
        Matrix upward = workspace.up(tokens, up.outFeatures());
        gate.apply(backend, input, gated, stream);
        up.apply(backend, input, upward, stream);
        Matrix result = workspace.normed(tokens);
        down.apply(backend, activate(gated, upward, pass), result, stream);
        return result;
    }

    private LinearInput activate(Matrix gated, Matrix upward, DecoderLayer.Pass pass) {
        Workspace workspace = pass.workspace();
        Stream stream = pass.stream();
        InputRounding rounding = down.roundingOn(pass.backend());
        Optional<ScaledMatrix> target = workspace.rounded(rounding, gated);
        ScaledMatrix activated = target.orElse(ScaledMatrix.plain(gated));
        pass.backend().fusedSteps().activate(activation, gated, upward, activated, rounding.divisor(), stream);
        return target.map(rounded -> new LinearInput(workspace, rounding, rounded, stream))
                .orElseGet(() -> new LinearInput(workspace, gated, stream));
    }
}
