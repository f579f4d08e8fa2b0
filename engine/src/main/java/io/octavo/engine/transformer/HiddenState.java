package io.octavo.engine.transformer;

import io.octavo.engine.model.NormSpec;
import io.octavo.engine.transformer.weight.InputRounding;
import io.octavo.engine.transformer.weight.Linear;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.ScaledMatrix;
import io.octavo.kernels.operation.FusedSteps;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A batch on its way through the layers: the residual, and what a block made and the next norm is to add to it as it reads
 * it, which spares a pass over memory.
 */
final class HiddenState {

    private final Pass pass;
    private @Nullable Matrix pending;

    /** @param pass whose residual holds what the first layer takes */
    HiddenState(Pass pass) {
        this.pass = pass;
    }

    /** @param branch {@code pass.normed()} */
    void add(Matrix branch) {
        pending = branch;
    }

    /**
     * The sum, normalized if there is a weight.
     *
     * @param readers that take it; rounded for them at once if they want the same
     */
    LinearInput read(NormSpec norm, @Nullable Matrix weight, List<Linear> readers) {
        Workspace workspace = pass.workspace();
        if (weight == null) {
            return new LinearInput(workspace, complete(), pass.stream());
        }
        Matrix normed = pass.normed();
        InputRounding rounding = Linear.sharedRounding(pass.backend(), readers).orElse(null);
        Optional<ScaledMatrix> target = rounding == null ? Optional.empty() : workspace.rounded(rounding, normed);
        pass.backend()
                .operations()
                .fusedSteps()
                .normalize(
                        new FusedSteps.Normalization(
                                pass.residual(),
                                pending,
                                weight,
                                norm.gainOffset(),
                                norm.epsilon(),
                                normed,
                                target.orElse(ScaledMatrix.plain(normed)),
                                rounding == null ? 1 : rounding.divisor()),
                        pass.stream());
        pending = null;
        return rounding == null || target.isEmpty()
                ? new LinearInput(workspace, normed, pass.stream())
                : new LinearInput(workspace, rounding, target.get(), pass.stream());
    }

    /** The sum itself, {@code [tokens, hidden]} F32, with nothing left to add. */
    Matrix complete() {
        Matrix residual = pass.residual();
        if (pending != null) {
            pass.backend().operations().add().accumulate(residual, pending, pass.stream());
            pending = null;
        }
        return residual;
    }
}
