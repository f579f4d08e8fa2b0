package io.octavo.engine.transformer;

import io.octavo.engine.transformer.weight.ExpertLinears;
import io.octavo.engine.transformer.weight.InputRounding;
import io.octavo.engine.transformer.weight.Linear;
import io.octavo.kernels.backend.Backend;
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

    /** Ends a text's way through a layer where its observer wants to see no more. */
    static final class SeenEnough extends RuntimeException {

        private static final long serialVersionUID = 1L;

        SeenEnough() {
            super(null, null, false, false);
        }
    }

    private final Workspace workspace;
    private final @Nullable Matrix activations;
    private final Stream stream;
    private List<String> shown = List.of();
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

    /** {@code out = input * weight^T + bias}, with the input rounded as the Linear asks. */
    void multiply(Linear linear, Matrix out) {
        multiply(List.of(linear), List.of(out));
    }

    /** The same of several, those that ask for the same rounding at once. */
    void multiply(List<Linear> linears, List<Matrix> outs) {
        Backend backend = workspace.backend();
        for (Linear linear : linears) {
            if (shows(List.of(linear.module()))) {
                workspace.observer().input(linear.module(), activations(), stream);
                stopIfSeenEnough();
            }
        }
        int from = 0;
        for (int to = 1; to <= linears.size(); to++) {
            InputRounding rounding = linears.get(from).roundingOn(backend);
            if (to == linears.size() || !linears.get(to).roundingOn(backend).equals(rounding)) {
                Linear.multiply(backend, as(rounding), linears.subList(from, to), outs.subList(from, to), stream);
                from = to;
            }
        }
    }

    /**
     * The same of experts, each with rows of its own.
     *
     * @param starts {@code [1, experts + 1]} I32
     */
    void multiply(ExpertLinears experts, Matrix starts, Matrix out) {
        Backend backend = workspace.backend();
        if (shows(experts.modules())) {
            workspace.observer().experts(experts.modules(), activations(), starts, stream);
            stopIfSeenEnough();
        }
        experts.multiply(backend, as(experts.roundingOn(backend)), starts, out, stream);
    }

    private void stopIfSeenEnough() {
        if (workspace.observer().hasSeenEnough()) {
            throw new SeenEnough();
        }
    }

    /** Whether an observer is to see what modules multiply, which it does not see twice where they hold several Linears. */
    private boolean shows(List<String> modules) {
        boolean shows = activations != null && workspace.observer().looks() && !modules.equals(shown);
        shown = modules;
        return shows;
    }

    /** Valid until the next call. */
    private ScaledMatrix as(InputRounding rounding) {
        ScaledMatrix current = rounded;
        if (current == null || !rounding.equals(last)) {
            current = workspace.input(activations(), rounding, stream);
            rounded = current;
            last = rounding;
        }
        return current;
    }
}
