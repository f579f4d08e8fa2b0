package io.octavo.engine.transformer;

import io.octavo.kernels.Matrix;
import io.octavo.kernels.ScaledMatrix;
import io.octavo.kernels.Stream;
import java.util.EnumMap;
import java.util.Map;

/** Activations that several Linears read; rounded once for each input type that they ask for. */
final class LinearInput {

    private final Workspace workspace;
    private final Matrix activations;
    private final Stream stream;
    private final Map<InputType, ScaledMatrix> rounded = new EnumMap<>(InputType.class);

    LinearInput(Workspace workspace, Matrix activations, Stream stream) {
        this.workspace = workspace;
        this.activations = activations;
        this.stream = stream;
    }

    ScaledMatrix as(InputType type) {
        return rounded.computeIfAbsent(type, wanted -> workspace.input(activations, wanted, stream));
    }
}
