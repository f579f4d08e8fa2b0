package io.octavo.engine.transformer;

import io.octavo.engine.model.FeedForwardSpec;
import io.octavo.engine.transformer.weight.InputRounding;
import io.octavo.engine.transformer.weight.Linear;
import io.octavo.engine.transformer.weight.ModuleReader;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.ScaledMatrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.operation.FusedSteps;
import java.util.List;
import java.util.Optional;

/** {@code down(activation(gate(x)) * up(x))}. */
record GatedMlp(FeedForwardSpec.Dense spec, Buffers buffers, Linear gate, Linear up, Linear down)
        implements FeedForward {

    record Buffers(Scratch gate, Scratch up) {

        static Buffers of(FeedForwardSpec.Dense spec) {
            return new Buffers(
                    Scratch.row("gate", spec.intermediateSize()), Scratch.row("up", spec.intermediateSize()));
        }

        List<Scratch> all() {
            return List.of(gate, up);
        }
    }

    static GatedMlp read(FeedForwardSpec.Dense spec, String prefix, ModuleReader modules) {
        FeedForwardSpec.Names names = spec.names();
        String block = prefix + "." + names.block() + ".";
        int rows = spec.intermediateSize();
        List<Linear> inner =
                modules.projections(block, List.of(names.gate(), names.up()), List.of(rows, rows), modules.hidden());
        Linear down = modules.linear(block + names.down(), modules.hidden(), rows);
        return new GatedMlp(spec, Buffers.of(spec), inner.getFirst(), inner.getLast(), down);
    }

    @Override
    public List<Linear> readers() {
        return List.of(gate, up);
    }

    @Override
    public Matrix forward(LinearInput input, Pass pass) {
        Matrix gated = pass.scratch(buffers.gate());
        Matrix upward = pass.scratch(buffers.up());
        input.multiply(readers(), List.of(gated, upward));
        Matrix result = pass.normed();
        activate(gated, upward, pass).multiply(down, result);
        return result;
    }

    private LinearInput activate(Matrix gated, Matrix upward, Pass pass) {
        Workspace workspace = pass.workspace();
        Stream stream = pass.stream();
        InputRounding rounding = down.roundingOn(pass.backend());
        Optional<ScaledMatrix> target = workspace.rounded(rounding, gated);
        ScaledMatrix activated = target.orElse(ScaledMatrix.plain(gated));
        pass.backend()
                .operations()
                .fusedSteps()
                .activate(
                        new FusedSteps.Activation(spec.activation(), gated, upward, activated, rounding.divisor()),
                        stream);
        return target.map(rounded -> new LinearInput(workspace, rounding, rounded, stream))
                .orElseGet(() -> new LinearInput(workspace, gated, stream));
    }
}
