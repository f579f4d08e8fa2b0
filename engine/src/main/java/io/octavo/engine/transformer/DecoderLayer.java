package io.octavo.engine.transformer;

import io.octavo.engine.model.AttentionSpec.QueryKeyNorm;
import io.octavo.engine.model.LayerSpec;
import io.octavo.engine.model.ModelSpec;
import io.octavo.engine.model.NormSpec;
import io.octavo.kernels.attention.Attention;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.ScaledMatrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.operation.FusedSteps;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One decoder layer: attention and MLP, each with its norms around it and the residual beside it.
 *
 * @param norms weights {@code [1, hidden]}, null where the architecture has none
 * @param queryNorm {@code [1, headDim]} or {@code [1, heads * headDim]}, by {@link QueryKeyNorm}; null for none
 */
record DecoderLayer(
        ModelSpec spec,
        LayerSpec layer,
        int index,
        Norms norms,
        Linear queries,
        Linear keys,
        Linear values,
        @Nullable Matrix queryNorm,
        @Nullable Matrix keyNorm,
        Linear output,
        FeedForward feedForward) {

    record Norms(
            @Nullable Matrix beforeAttention,
            @Nullable Matrix afterAttention,
            @Nullable Matrix beforeMlp,
            @Nullable Matrix afterMlp) {}

    /** Where one pass runs and what it reads beside the activations. */
    record Pass(
            Backend backend,
            Workspace workspace,
            DeviceBatch.View batch,
            KvCache cache,
            RopeTables ropes,
            Stream stream) {}

    /**
     * Advances {@code workspace.residual(tokens)} by this layer.
     *
     * @param pending what is still to be added to it beforehand, in {@code workspace.normed(tokens)}; null for nothing
     * @return what is still to be added to it afterwards, in the same place
     */
    Matrix forward(int tokens, @Nullable Matrix pending, Pass pass) {
        LinearInput attentionInput =
                advance(tokens, pending, norms.beforeAttention(), List.of(queries, keys, values), pass);
        Matrix attended = attend(attentionInput, tokens, pass);
        normalizeBranch(attended, norms.afterAttention(), pass);

        LinearInput mlpInput = advance(tokens, attended, norms.beforeMlp(), feedForward.readers(), pass);
        Matrix result = feedForward.forward(mlpInput, tokens, pass);
        normalizeBranch(result, norms.afterMlp(), pass);
        return result;
    }

    /** Adds what is pending, and gives what {@code readers} take of the sum, normalized if there is a weight. */
    private LinearInput advance(
            int tokens, @Nullable Matrix pending, @Nullable Matrix weight, List<Linear> readers, Pass pass) {
        Workspace workspace = pass.workspace();
        Stream stream = pass.stream();
        Matrix residual = workspace.residual(tokens);
        if (weight == null) {
            if (pending != null) {
                pass.backend().add().accumulate(residual, pending, stream);
            }
            return new LinearInput(workspace, residual, stream);
        }
        Matrix normed = workspace.normed(tokens);
        InputRounding rounding = Linear.sharedRounding(pass.backend(), readers).orElse(null);
        Optional<ScaledMatrix> target = rounding == null ? Optional.empty() : workspace.rounded(rounding, normed);
        NormSpec norm = spec.norms();
        pass.backend()
                .fusedSteps()
                .normalize(
                        residual,
                        pending,
                        weight,
                        norm.gainOffset(),
                        norm.epsilon(),
                        normed,
                        target.orElse(ScaledMatrix.plain(normed)),
                        rounding == null ? 1 : rounding.divisor(),
                        stream);
        return rounding == null || target.isEmpty()
                ? new LinearInput(workspace, normed, stream)
                : new LinearInput(workspace, rounding, target.get(), stream);
    }

    private Matrix attend(LinearInput input, int tokens, Pass pass) {
        Workspace workspace = pass.workspace();
        Backend backend = pass.backend();
        Stream stream = pass.stream();
        Matrix q = workspace.queries(tokens);
        Matrix k = workspace.keys(tokens);
        Matrix v = workspace.values(tokens);
        queries.apply(backend, input, q, stream);
        keys.apply(backend, input, k, stream);
        values.apply(backend, input, v, stream);

        normalizeHeads(q, queryNorm, pass);
        normalizeHeads(k, keyNorm, pass);
        RopeTables.Table rope = pass.ropes().get(layer.rope());
        DeviceBatch.View batch = pass.batch();
        KvCache cache = pass.cache();
        var rotation = new FusedSteps.Rotation(batch.positions(), rope.cos(), rope.sin());
        backend.fusedSteps()
                .rotateAndWrite(
                        q,
                        k,
                        v,
                        rotation,
                        batch.slots(),
                        cache.layout(),
                        cache.keys(index),
                        cache.values(index),
                        stream);
        workspace.observer().keysAndValues(index, k, v, stream);
        Matrix attended = workspace.attended(tokens);
        var parameters = new Attention.Parameters(
                spec.attention().heads(),
                cache.layout(),
                spec.attention().scale(),
                layer.window(),
                spec.attention().softcap());
        backend.attention()
                .attend(q, cache.keys(index), cache.values(index), batch.attention(), parameters, attended, stream);

        Matrix result = workspace.normed(tokens);
        output.apply(backend, new LinearInput(workspace, attended, stream), result, stream);
        return result;
    }

    private void normalizeBranch(Matrix branch, @Nullable Matrix weight, Pass pass) {
        if (weight != null) {
            normalize(branch, weight, branch, pass);
        }
    }

    private void normalizeHeads(Matrix x, @Nullable Matrix weight, Pass pass) {
        if (weight != null) {
            Matrix rows = x.reshape(x.elements() / weight.columns(), weight.columns());
            normalize(rows, weight, rows, pass);
        }
    }

    private void normalize(Matrix x, Matrix weight, Matrix out, Pass pass) {
        NormSpec norm = spec.norms();
        pass.backend().rmsNorm().normalize(x, weight, norm.gainOffset(), norm.epsilon(), out, pass.stream());
    }
}
