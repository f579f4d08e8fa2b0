package io.octavo.engine.transformer;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.ScaledMatrix;
import io.octavo.kernels.device.Stream;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Activations that several Linears read; rounded once for Linears in a row that ask for the same, or rounded as all of them
 * ask for when they were computed.
 */
final class LinearInput {

    private final Workspace workspace;
    private final @Nullable Matrix activations;
    private final Stream stream;
    private @Nullable InputRounding last;
    private @Nullable ScaledMatrix rounded;

    LinearInput(Workspace workspace, Matrix activations, Stream stream) {
        this.workspace = workspace;
        this.activations = activations;
        this.stream = stream;
    }

    /**
     * What was rounded as it was computed; nobody observes it.
     *
     * @param rounding that all Linears ask for
     */
    LinearInput(Workspace workspace, InputRounding rounding, ScaledMatrix rounded, Stream stream) {
        this.workspace = workspace;
        this.activations = null;
        this.stream = stream;
        this.last = rounding;
        this.rounded = rounded;
    }

    /** As they came. */
    Matrix activations() {
        if (activations == null) {
            throw new IllegalStateException("these activations were rounded to " + last + " as they were computed");
        }
        return activations;
    }

    /** What one module multiplies; valid until the next call. */
    ScaledMatrix as(InputRounding rounding, String module) {
        return as(rounding, List.of(module));
    }

    /**
     * What some modules multiply; valid until the next call.
     *
     * @param modules for observers
     */
    ScaledMatrix as(InputRounding rounding, List<String> modules) {
        if (activations != null) {
            for (String module : modules) {
                workspace.observer().input(module, activations, stream);
            }
        }
        ScaledMatrix current = rounded;
        if (current == null || !rounding.equals(last)) {
            current = workspace.input(activations(), rounding, stream);
            rounded = current;
            last = rounding;
        }
        return current;
    }
}
