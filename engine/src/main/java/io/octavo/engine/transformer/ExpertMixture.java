package io.octavo.engine.transformer;

import io.octavo.engine.model.FeedForwardSpec;
import io.octavo.engine.transformer.weight.ExpertLinears;
import io.octavo.engine.transformer.weight.Linear;
import io.octavo.engine.transformer.weight.ModuleReader;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import java.util.ArrayList;
import java.util.List;

/**
 * A mixture of experts (arXiv:2401.04088, section 2): the router sends each token to some of the gated MLPs, and what
 * they make of it is summed by the router's weights. Rows are brought into the order of the experts, so that each
 * expert's weights are read once a pass.
 */
record ExpertMixture(
        FeedForwardSpec.Experts spec,
        ExpertBuffers buffers,
        Linear router,
        ExpertLinears gates,
        ExpertLinears ups,
        ExpertLinears downs)
        implements FeedForward {

    static ExpertMixture read(FeedForwardSpec.Experts spec, String prefix, ModuleReader modules) {
        FeedForwardSpec.Names names = spec.names();
        int rows = spec.intermediateSize();
        int hidden = modules.hidden();
        List<Linear> gates = new ArrayList<>();
        List<Linear> ups = new ArrayList<>();
        List<Linear> downs = new ArrayList<>();
        for (int i = 0; i < spec.count(); i++) {
            int expert = i;
            List<Linear> inner = ModuleReader.split(
                    List.of(names.gate(), names.up()),
                    List.of(rows, rows),
                    (name, all) -> modules.expert(prefix, spec, name, expert, all, hidden));
            gates.add(inner.getFirst());
            ups.add(inner.getLast());
            downs.add(modules.expert(prefix, spec, names.down(), expert, hidden, rows));
        }
        return new ExpertMixture(
                spec,
                ExpertBuffers.of(spec, hidden),
                modules.router(prefix + "." + spec.router(), spec.count(), hidden),
                ExpertLinears.of(gates),
                ExpertLinears.of(ups),
                ExpertLinears.of(downs));
    }

    /** Rows are brought into another order before they are rounded. */
    @Override
    public List<Linear> readers() {
        return List.of();
    }

    @Override
    public Matrix forward(LinearInput input, Pass pass) {
        Backend backend = pass.backend();
        Stream stream = pass.stream();
        Matrix logits = pass.scratch(buffers.logits());
        input.multiply(router, logits);
        Matrix chosen = pass.scratch(buffers.chosen());
        Matrix weights = pass.scratch(buffers.weights());
        backend.operations().expertRouting().route(logits, spec.normalized(), chosen, weights, stream);
        Matrix rows = pass.scratch(buffers.rows());
        Matrix sources = pass.scratch(buffers.sources()).reshape(1, rows.elements());
        backend.operations().expertOrder().sort(chosen, sources, rows, pass.scratch(buffers.starts()), stream);

        Matrix ordered = pass.scratch(buffers.ordered());
        backend.operations().embedding().gather(input.activations(), sources, 1, ordered, stream);
        runExperts(ordered, pass);

        Matrix result = pass.normed();
        backend.operations().expertCombine().combine(ordered, rows, weights, result, stream);
        return result;
    }

    /** Replaces every row by what its expert makes of it. */
    private void runExperts(Matrix ordered, Pass pass) {
        Workspace workspace = pass.workspace();
        Backend backend = pass.backend();
        Stream stream = pass.stream();
        Matrix starts = pass.scratch(buffers.starts());
        Matrix gated = pass.scratch(buffers.gate());
        Matrix upward = pass.scratch(buffers.up());
        LinearInput rounded = new LinearInput(workspace, ordered, stream);
        rounded.multiply(gates, starts, gated);
        rounded.multiply(ups, starts, upward);
        backend.operations().gatedActivation().apply(spec.activation(), gated, upward, gated, stream);
        new LinearInput(workspace, gated, stream).multiply(downs, starts, ordered);
    }
}
