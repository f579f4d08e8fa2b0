package io.octavo.engine.transformer;

import io.octavo.engine.model.FeedForwardSpec;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.operation.GatedActivation;
import java.util.List;

/**
 * A mixture of experts (arXiv:2401.04088, section 2): the router sends each token to some of the gated MLPs, and what
 * they make of it is summed by the router's weights. Rows are brought into the order of the experts, so that each
 * expert's weights are read once a pass.
 */
record ExpertMixture(
        GatedActivation.Function activation,
        FeedForwardSpec.Experts spec,
        Linear router,
        ExpertLinears gates,
        ExpertLinears ups,
        ExpertLinears downs)
        implements FeedForward {

    /** Rows are brought into another order before they are rounded. */
    @Override
    public List<Linear> readers() {
        return List.of();
    }

    @Override
    public Matrix forward(LinearInput input, int tokens, DecoderLayer.Pass pass) {
        Workspace workspace = pass.workspace();
        ExpertWorkspace experts = workspace.experts(spec);
        Backend backend = pass.backend();
        Stream stream = pass.stream();
        Matrix logits = experts.logits(tokens);
        router.apply(backend, input, logits, stream);
        Matrix chosen = experts.chosen(tokens);
        Matrix weights = experts.weights(tokens);
        backend.expertRouting().route(logits, spec.normalized(), chosen, weights, stream);
        Matrix sources = experts.sources(tokens);
        Matrix rows = experts.rows(tokens);
        backend.expertOrder().sort(chosen, sources, rows, experts.starts(), stream);

        Matrix ordered = experts.ordered(tokens);
        backend.embedding().gather(input.activations(), sources, 1, ordered, stream);
        runExperts(ordered, experts, pass);

        Matrix result = workspace.normed(tokens);
        backend.expertCombine().combine(ordered, rows, weights, result, stream);
        return result;
    }

    /** Replaces every row by what its expert makes of it. */
    private void runExperts(Matrix ordered, ExpertWorkspace experts, DecoderLayer.Pass pass) {
        Workspace workspace = pass.workspace();
        Backend backend = pass.backend();
        Stream stream = pass.stream();
        int rows = Math.toIntExact(ordered.rows());
        Matrix gated = workspace.gate(rows, spec.intermediateSize());
        Matrix upward = workspace.up(rows, spec.intermediateSize());
        LinearInput rounded = new LinearInput(workspace, ordered, stream);
        gates.apply(backend, rounded, experts.starts(), gated, stream);
        ups.apply(backend, rounded, experts.starts(), upward, stream);
        backend.gatedActivation().apply(activation, gated, upward, gated, stream);
        downs.apply(backend, new LinearInput(workspace, gated, stream), experts.starts(), ordered, stream);
    }
}
