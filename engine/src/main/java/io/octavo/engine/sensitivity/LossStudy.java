package io.octavo.engine.sensitivity;

import io.octavo.engine.quantize.QuantizationPlan.Quantize;
import io.octavo.engine.request.Budget;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.sensitivity.Candidates.Modules;
import io.octavo.engine.transformer.ActivationObserver;
import io.octavo.engine.transformer.LayerStream;
import io.octavo.engine.transformer.LayerStream.Branch;
import io.octavo.engine.transformer.ModelLoader;
import io.octavo.engine.transformer.TextOutputs;
import io.octavo.engine.transformer.weight.ChangedWeights;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.DoubleConsumer;

/**
 * What it costs a model to store one group of modules otherwise: with that group in the recipe's own scheme texts run to the end,
 * and how far what the model says of the next token moved is the loss. Of other schemes the loss is that one times how much less
 * they move the outputs of the group's layer: what later layers make of an error depends on where it is, and hardly on what made
 * it.
 *
 * <p>One layer is in memory at a time, and the hidden states of some groups' texts beside those of the original model; what does
 * not fit takes another pass.
 */
final class LossStudy {

    /** Of hidden states that are kept at once, unless those of one group are more. */
    static final long MOST_BYTES = 1L << 30;

    private final ModelLoader loader;
    private final RoundedModules rounded;
    private final JobMonitor monitor;
    private final DoubleConsumer progress;
    private final int hidden;

    /** @param progress receives the share that is done */
    LossStudy(ModelLoader loader, RoundedModules rounded, int hidden, JobMonitor monitor, DoubleConsumer progress) {
        this.loader = loader;
        this.rounded = rounded;
        this.hidden = hidden;
        this.monitor = monitor;
        this.progress = progress;
    }

    /** @return for each group of the candidates, by scheme: the mean over tokens of KL(original || changed), in nats */
    List<Map<String, Double>> run(List<int[]> texts, Candidates candidates) {
        List<Modules> groups = candidates.groups();
        var losses = new ArrayList<Map<String, Double>>();
        while (losses.size() < groups.size()) {
            int from = losses.size();
            try (LayerStream layers = loader.stream(texts)) {
                int atOnce = Math.toIntExact(Math.clamp(MOST_BYTES / layers.branchBytes(), 1, groups.size()));
                int to = Math.min(from + atOnce, groups.size());
                losses.addAll(new Pass(layers, candidates.own()).run(groups.subList(from, to)));
                progress.accept((double) to / groups.size());
            }
        }
        return losses;
    }

    /** One way of the texts through the model, with some groups each in its branch. */
    private final class Pass {

        private final LayerStream layers;
        private final String own;
        private final List<Branch> branches = new ArrayList<>();
        private final List<Map<String, Double>> moved = new ArrayList<>();

        Pass(LayerStream layers, String own) {
            this.layers = layers;
            this.own = own;
        }

        List<Map<String, Double>> run(List<Modules> groups) {
            try {
                while (layers.next() < layers.layers()) {
                    advance(groups.stream()
                            .filter(modules -> modules.layer() == layers.next())
                            .toList());
                }
                try (TextOutputs outputs = layers.outputs()) {
                    var losses = new ArrayList<Map<String, Double>>();
                    for (int i = 0; i < branches.size(); i++) {
                        losses.add(losses(outputs.divergence(branches.get(i), monitor::checkpoint), moved.get(i)));
                    }
                    return losses;
                }
            } finally {
                branches.forEach(Branch::close);
            }
        }

        private void advance(List<Modules> starting) {
            int before = branches.size();
            if (!starting.isEmpty()) {
                var outputs = new LayerOutputs(layers, hidden);
                starting.forEach(modules -> start(modules, outputs));
            }
            try (LayerStream.Loaded layer = layers.load(ChangedWeights.none())) {
                for (Branch branch : branches.subList(0, before)) {
                    layer.advance(branch, monitor::checkpoint);
                }
                layer.advance(ActivationObserver.none(), monitor::checkpoint);
            }
        }

        private void start(Modules modules, LayerOutputs outputs) {
            var found = new LinkedHashMap<String, Double>();
            modules.bySchemes().forEach((scheme, actions) -> {
                LayerOutputs.Distance distance = outputs.new Distance();
                if (scheme.equals(own)) {
                    branches.add(layers.branch(changed(actions), distance));
                } else if (!scheme.equals(Budget.KEPT)) {
                    layers.look(changed(actions), distance);
                }
                found.put(scheme, distance.mean());
            });
            moved.add(found);
        }

        private ChangedWeights changed(List<Quantize> actions) {
            return new ChangedWeights(Map.of(), rounded.of(actions));
        }

        private Map<String, Double> losses(double divergence, Map<String, Double> moved) {
            double most = Math.max(moved.getOrDefault(own, 0.0), Double.MIN_NORMAL);
            var losses = new LinkedHashMap<String, Double>();
            moved.forEach((scheme, distance) -> losses.put(scheme, divergence * (distance / most)));
            return losses;
        }
    }
}
