package io.octavo.engine.transformer;

import io.octavo.engine.model.AttentionSpec;
import io.octavo.engine.model.FeedForwardSpec;
import io.octavo.engine.model.LayerSpec;
import io.octavo.engine.model.ModelSpec;
import io.octavo.engine.model.NormSpec;
import io.octavo.engine.transformer.weight.ModuleReader;
import java.util.ArrayList;
import java.util.List;

/** Which class runs what a spec describes: the one place that a new kind of block is added to. */
final class Blocks {

    private Blocks() {}

    static Mixer mixer(LayerSpec spec, int layer, ModuleReader modules) {
        NormSpec norm = spec.norms().kind();
        return switch (spec.mixer()) {
            case AttentionSpec attention -> AttentionMixer.read(attention, layer, spec.name(), norm, modules);
        };
    }

    static FeedForward feedForward(LayerSpec spec, ModuleReader modules) {
        return switch (spec.feedForward()) {
            case FeedForwardSpec.Dense dense -> GatedMlp.read(dense, spec.name(), modules);
            case FeedForwardSpec.Experts experts -> ExpertMixture.read(experts, spec.name(), modules);
        };
    }

    /** Everything that the layers of a model compute in. */
    static List<Scratch> scratch(ModelSpec spec) {
        List<Scratch> all = new ArrayList<>();
        all.add(Scratch.residual(spec.hiddenSize()));
        all.add(Scratch.normed(spec.hiddenSize()));
        for (LayerSpec layer : spec.layers()) {
            all.addAll(
                    switch (layer.mixer()) {
                        case AttentionSpec attention ->
                            AttentionMixer.Buffers.of(attention).all();
                    });
            all.addAll(
                    switch (layer.feedForward()) {
                        case FeedForwardSpec.Dense dense ->
                            GatedMlp.Buffers.of(dense).all();
                        case FeedForwardSpec.Experts experts ->
                            ExpertBuffers.of(experts, spec.hiddenSize()).all();
                    });
        }
        return all;
    }
}
