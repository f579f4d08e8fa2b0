package io.octavo.engine.sensitivity;

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
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.function.DoubleConsumer;

/**
 * What it costs a model to store one group of modules otherwise: with that group in the recipe's own scheme texts run to the end,
 * and how far what the model says of the next token moved is the loss. Of other schemes the loss is that one times how much less
 * they move the outputs of the group's layer: what later layers make of a small error depends on where it is, and hardly on what
 * made it. What is lost grows slower than large errors do, so where it is much, the scheme that errs most of the others is
 * measured, too, and so on, until one loses little.
 *
 * <p>One layer is in memory at a time, and the hidden states of some groups' texts beside those of the original model; what does
 * not fit takes another pass.
 */
final class LossStudy {

    /** Of hidden states that are kept at once, unless those of one group are more. */
    static final long MOST_BYTES = 1L << 30;

    /** In nats: up to there losses are in proportion to squared errors. */
    private static final double SMALL = 0.01;

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
        String own = candidates.own();
        List<Found> groups = candidates.groups().stream().map(Found::new).toList();
        int most = groups.stream()
                .mapToInt(group -> group.modules.bySchemes().size())
                .max()
                .orElse(0);
        List<Start> next = groups.stream().map(group -> new Start(group, own)).toList();
        for (int round = 1; !next.isEmpty(); round++) {
            for (int from = 0; from < next.size(); ) {
                try (LayerStream layers = loader.stream(texts)) {
                    int atOnce = Math.toIntExact(Math.clamp(MOST_BYTES / layers.branchBytes(), 1, groups.size()));
                    int to = Math.min(from + atOnce, next.size());
                    new Pass(layers).run(next.subList(from, to));
                    from = to;
                }
                progress.accept((round - 1 + (double) from / next.size()) / most);
            }
            next = groups.stream().flatMap(group -> group.next().stream()).toList();
        }
        progress.accept(1);
        return groups.stream().map(Found::losses).toList();
    }

    /** What is known of a group, by scheme. */
    private static final class Found {

        private final Modules modules;

        /** How far outputs of the layer lie from the original ones. */
        private final Map<String, Double> moved = new LinkedHashMap<>();

        /** The last is that of the scheme that errs least of those. */
        private final SequencedMap<String, Double> measured = new LinkedHashMap<>();

        Found(Modules modules) {
            this.modules = modules;
        }

        private double moved(String scheme) {
            return moved.getOrDefault(scheme, 0.0);
        }

        /** The scheme to measure after others lost much; none that is kept as it is. */
        Optional<Start> next() {
            double last = measured.lastEntry().getValue();
            return moved.keySet().stream()
                    .filter(scheme -> !(last <= SMALL) && moved(scheme) > 0 && !measured.containsKey(scheme))
                    .max(Comparator.comparingDouble(this::moved))
                    .map(scheme -> new Start(this, scheme));
        }

        Map<String, Double> losses() {
            Map.Entry<String, Double> last = measured.lastEntry();
            double unit = last.getValue() / Math.max(moved(last.getKey()), Double.MIN_NORMAL);
            var losses = new LinkedHashMap<String, Double>();
            moved.forEach((scheme, distance) -> losses.put(scheme, measured.getOrDefault(scheme, unit * distance)));
            return losses;
        }
    }

    /** Of a branch. */
    private record Start(Found group, String scheme) {}

    /** One way of the texts through the model, with some groups each in its branch. */
    private final class Pass {

        private final LayerStream layers;
        private final List<Branch> branches = new ArrayList<>();

        Pass(LayerStream layers) {
            this.layers = layers;
        }

        /** @param starts in the order of the model */
        void run(List<Start> starts) {
            try {
                while (layers.next() < layers.layers()) {
                    advance(starts.stream()
                            .filter(start -> start.group.modules.layer() == layers.next())
                            .toList());
                }
                try (TextOutputs outputs = layers.outputs()) {
                    for (int i = 0; i < branches.size(); i++) {
                        Start start = starts.get(i);
                        start.group.measured.put(
                                start.scheme, outputs.divergence(branches.get(i), monitor::checkpoint));
                    }
                }
            } finally {
                branches.forEach(Branch::close);
            }
        }

        private void advance(List<Start> starting) {
            int before = branches.size();
            if (starting.stream().anyMatch(start -> start.group.moved.isEmpty())) {
                var outputs = new LayerOutputs(layers, hidden);
                starting.forEach(start -> begin(start, outputs));
            } else {
                starting.forEach(
                        start -> branches.add(layers.branch(changed(start.group, start.scheme), (text, output) -> {})));
            }
            try (LayerStream.Loaded layer = layers.load(ChangedWeights.none())) {
                for (Branch branch : branches.subList(0, before)) {
                    layer.advance(branch, monitor::checkpoint);
                }
                layer.advance(ActivationObserver.none(), monitor::checkpoint);
            }
        }

        /** Tells how far all schemes move the layer's outputs, too. */
        private void begin(Start start, LayerOutputs outputs) {
            start.group.modules.bySchemes().keySet().forEach(scheme -> {
                LayerOutputs.Distance distance = outputs.new Distance();
                if (scheme.equals(start.scheme)) {
                    branches.add(layers.branch(changed(start.group, scheme), distance));
                } else if (!scheme.equals(Budget.KEPT)) {
                    layers.look(changed(start.group, scheme), distance);
                }
                start.group.moved.put(scheme, distance.mean());
            });
        }

        private ChangedWeights changed(Found group, String scheme) {
            return new ChangedWeights(Map.of(), rounded.of(group.modules.in(scheme)));
        }
    }
}
