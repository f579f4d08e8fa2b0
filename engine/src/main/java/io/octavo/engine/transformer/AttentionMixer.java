package io.octavo.engine.transformer;

import io.octavo.engine.model.AttentionSpec;
import io.octavo.engine.model.AttentionSpec.QueryKeyNorm;
import io.octavo.engine.model.NormSpec;
import io.octavo.engine.transformer.weight.InputRounding;
import io.octavo.engine.transformer.weight.Linear;
import io.octavo.engine.transformer.weight.ModuleReader;
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
 * Attention over the keys and values of the tokens before.
 *
 * @param layer its number
 * @param norm of queries and keys
 * @param queryNorm {@code [1, headDim]} or {@code [1, heads * headDim]}, by {@link QueryKeyNorm}; null for none
 */
record AttentionMixer(
        AttentionSpec spec,
        int layer,
        Buffers buffers,
        Linear queries,
        Linear keys,
        Linear values,
        NormSpec norm,
        @Nullable Matrix queryNorm,
        @Nullable Matrix keyNorm,
        Linear output)
        implements Mixer {

    record Buffers(Scratch queries, Scratch keys, Scratch values, Scratch attended) {

        static Buffers of(AttentionSpec spec) {
            return new Buffers(
                    Scratch.row("queries", spec.queryColumns()),
                    Scratch.row("keys", spec.keyValueColumns()),
                    Scratch.row("values", spec.keyValueColumns()),
                    Scratch.row("attended", spec.queryColumns()));
        }

        List<Scratch> all() {
            return List.of(queries, keys, values, attended);
        }
    }

    static AttentionMixer read(AttentionSpec spec, int layer, String prefix, NormSpec norm, ModuleReader modules) {
        AttentionSpec.Names names = spec.names();
        String block = prefix + "." + names.block() + ".";
        int queryRows = spec.queryColumns();
        int keyRows = spec.keyValueColumns();
        List<Linear> projections = modules.projections(
                block,
                List.of(names.queries(), names.keys(), names.values()),
                List.of(queryRows, keyRows, keyRows),
                modules.hidden());
        return new AttentionMixer(
                spec,
                layer,
                Buffers.of(spec),
                projections.get(0),
                projections.get(1),
                projections.get(2),
                norm,
                headNorm(block + names.queryNorm(), spec, queryRows, modules),
                headNorm(block + names.keyNorm(), spec, keyRows, modules),
                modules.linear(block + names.output(), modules.hidden(), queryRows));
    }

    private static @Nullable Matrix headNorm(
            String module, AttentionSpec spec, int wholeColumns, ModuleReader modules) {
        return switch (spec.queryKeyNorm()) {
            case NONE -> null;
            case PER_HEAD -> modules.norm(module, spec.headDim());
            case WHOLE -> modules.norm(module, wholeColumns);
        };
    }

    @Override
    public List<Linear> readers() {
        return List.of(queries, keys, values);
    }

    @Override
    public Matrix forward(LinearInput input, Pass pass) {
        Backend backend = pass.backend();
        Stream stream = pass.stream();
        Matrix q = pass.scratch(buffers.queries());
        Matrix k = pass.scratch(buffers.keys());
        Matrix v = pass.scratch(buffers.values());
        input.multiply(readers(), List.of(q, k, v));
        pass.normalize(q, queryNorm, norm);
        pass.normalize(k, keyNorm, norm);

        LayerState.KeysAndValues state = pass.cache().keysAndValues(layer);
        RopeTables.Table rope = pass.ropes().get(spec);
        DeviceBatch.View batch = pass.batch();
        var rotation = new FusedSteps.Rotation(batch.positions(), rope.cos(), rope.sin());
        backend.operations()
                .fusedSteps()
                .rotateAndWrite(
                        new FusedSteps.RotatedWrite(
                                q, k, v, rotation, batch.slots(), state.layout(), state.keys(), state.values()),
                        stream);
        pass.workspace().observer().keysAndValues(layer, k, v, stream);
        Matrix attended = pass.scratch(buffers.attended());
        var parameters =
                new Attention.Parameters(spec.heads(), state.layout(), spec.scale(), spec.window(), spec.softcap());
        var arguments =
                new Attention.Arguments(q, state.keys(), state.values(), batch.attention(), parameters, attended);
        Matrix result = pass.normed();
        attend(arguments, pass).multiply(output, result);
        return result;
    }

    /** Rounded at once where products take BF16. */
    private LinearInput attend(Attention.Arguments arguments, Pass pass) {
        Workspace workspace = pass.workspace();
        InputRounding rounding = output.roundingOn(pass.backend());
        Optional<ScaledMatrix> target = rounding instanceof InputRounding.Half
                ? workspace.rounded(rounding, arguments.out())
                : Optional.empty();
        if (target.isPresent()) {
            pass.backend()
                    .operations()
                    .fusedSteps()
                    .attend(arguments, target.get().codes(), pass.stream());
            return new LinearInput(workspace, rounding, target.get(), pass.stream());
        }
        pass.backend().operations().attention().attend(arguments, pass.stream());
        return new LinearInput(workspace, arguments.out(), pass.stream());
    }
}
