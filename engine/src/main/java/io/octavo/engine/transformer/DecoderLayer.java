package io.octavo.engine.transformer;

import io.octavo.engine.model.AttentionSpec.QueryKeyNorm;
import io.octavo.engine.model.LayerSpec;
import io.octavo.engine.model.ModelSpec;
import io.octavo.engine.model.NormSpec;
import io.octavo.kernels.Attention;
import io.octavo.kernels.Backend;
import io.octavo.kernels.Matrix;
import io.octavo.kernels.Stream;
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

    /** Advances {@code workspace.residual(tokens)} by this layer. */
    void forward(int tokens, Pass pass) {
        Workspace workspace = pass.workspace();
        Matrix residual = workspace.residual(tokens);

        Matrix attentionInput = normalized(residual, norms.beforeAttention(), tokens, pass);
        Matrix attentionOutput = attend(attentionInput, tokens, pass);
        join(residual, attentionOutput, norms.afterAttention(), pass);

        Matrix mlpInput = normalized(residual, norms.beforeMlp(), tokens, pass);
        Matrix mlpOutput = feedForward.forward(mlpInput, tokens, pass);
        join(residual, mlpOutput, norms.afterMlp(), pass);
    }

    private Matrix attend(Matrix input, int tokens, Pass pass) {
        Workspace workspace = pass.workspace();
        Backend backend = pass.backend();
        Stream stream = pass.stream();
        Matrix q = workspace.queries(tokens);
        Matrix k = workspace.keys(tokens);
        Matrix v = workspace.values(tokens);
        LinearInput rounded = new LinearInput(workspace, input, stream);
        queries.apply(backend, rounded, q, stream);
        keys.apply(backend, rounded, k, stream);
        values.apply(backend, rounded, v, stream);

        int headDim = spec.attention().headDim();
        normalizeHeads(q, queryNorm, pass);
        normalizeHeads(k, keyNorm, pass);
        RopeTables.Table rope = pass.ropes().get(layer.rope());
        DeviceBatch.View batch = pass.batch();
        backend.rope().rotate(q, batch.positions(), rope.cos(), rope.sin(), headDim, stream);
        backend.rope().rotate(k, batch.positions(), rope.cos(), rope.sin(), headDim, stream);

        workspace.observer().keysAndValues(index, k, v, stream);
        KvCache cache = pass.cache();
        backend.kvCacheWrite().write(k, batch.slots(), cache.layout(), cache.keys(index), stream);
        backend.kvCacheWrite().write(v, batch.slots(), cache.layout(), cache.values(index), stream);
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

    private Matrix normalized(Matrix residual, @Nullable Matrix weight, int tokens, Pass pass) {
        if (weight == null) {
            return residual;
        }
        Matrix result = pass.workspace().normed(tokens);
        normalize(residual, weight, result, pass);
        return result;
    }

    private void join(Matrix residual, Matrix branch, @Nullable Matrix weight, Pass pass) {
        if (weight != null) {
            normalize(branch, weight, branch, pass);
        }
        pass.backend().add().accumulate(residual, branch, pass.stream());
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
