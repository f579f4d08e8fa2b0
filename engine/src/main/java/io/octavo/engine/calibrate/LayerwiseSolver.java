package io.octavo.engine.calibrate;

import io.octavo.engine.artifact.BackgroundTasks;
import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.Tensor;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.layout.weight.QuantizedLinear;
import io.octavo.engine.model.Architectures;
import io.octavo.engine.model.ModelSpec;
import io.octavo.engine.modify.Gptq;
import io.octavo.engine.modify.SolvedCodes;
import io.octavo.engine.module.ModuleRole;
import io.octavo.engine.request.CalibrationData;
import io.octavo.engine.request.JobJournal;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.solve.InputMoments;
import io.octavo.engine.solve.InputSolver;
import io.octavo.engine.solve.SolvableWeight;
import io.octavo.engine.solve.SolvedFile;
import io.octavo.engine.solve.SolvedWeight;
import io.octavo.engine.transformer.ActivationObserver;
import io.octavo.engine.transformer.LayerStream;
import io.octavo.engine.transformer.ModelLoader;
import io.octavo.engine.transformer.weight.ChangedWeights;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Stream;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.function.DoubleConsumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Solves the codes of a model's weights layer by layer: texts enter a layer, what its Linears read is summed up, their codes are
 * solved, and the solved layer makes what enters the next one.
 *
 * <p>Where Linears are to give what the original ones give, the texts run through the original model beside the solved one, and
 * the inputs of a layer are solved in the order in which it makes them, with what was solved of it in place.
 *
 * <p>One layer is in memory, or an original and a solved one, and the texts' hidden states in front of each. What was solved lies in files of the journal, one a layer; a layer
 * whose file is there is run, but not solved again.
 */
public final class LayerwiseSolver implements AutoCloseable {

    private final Backend backend;
    private final Gptq settings;
    private final JobMonitor monitor;
    private final Deque<SolvedFile> files = new ArrayDeque<>();

    /** Tensors that something changed before: those of one layer, alive as long as the arena. */
    @FunctionalInterface
    public interface LayerTensors {
        Map<String, Tensor> of(String layer, Arena arena);
    }

    /**
     * @param journal where layers are kept
     * @param key of everything that decides the codes
     */
    public record Keeping(JobJournal journal, String key) {}

    public LayerwiseSolver(Backend backend, Gptq settings, JobMonitor monitor) {
        this.backend = backend;
        this.settings = settings;
        this.monitor = monitor;
    }

    /**
     * @param weights to solve; those of no decoder layer are left out
     * @param progress receives the share that is done
     * @return by module; valid until this is closed
     * @throws QuantizationException as {@link Calibrator#observe} does
     */
    public Map<String, SolvedCodes> solve(
            Checkpoint checkpoint,
            CalibrationData data,
            List<SolvableWeight> weights,
            LayerTensors changed,
            Keeping keeping,
            DoubleConsumer progress) {
        ModelSpec spec = Architectures.read(checkpoint.config().tree());
        List<int[]> samples = Calibrator.samples(checkpoint, data, spec, monitor);
        var codes = new LinkedHashMap<String, SolvedCodes>();
        var loader = new ModelLoader(backend, checkpoint, spec);
        try (LayerStream layers = loader.stream(samples);
                LayerStream originals = settings.runsOriginals() ? layers.beside() : null;
                Stream stream = backend.newStream();
                var writing = new BackgroundTasks("octavo-solved", 1)) {
            while (layers.next() < layers.layers()) {
                int number = layers.next();
                String name = spec.layers().get(number).name();
                List<SolvableWeight> own = weights.stream()
                        .filter(weight -> weight.module().startsWith(name + "."))
                        .toList();
                var layer = new Layer(name, own, new Texts(samples, layers, originals), stream, writing);
                codes.putAll(layer.run(changed, keeping, share -> progress.accept((number + share) / layers.layers())));
            }
        }
        return codes;
    }

    /**
     * On their way through the model.
     *
     * @param originals where the original model is run beside the one that is solved
     */
    private record Texts(
            List<int[]> samples,
            LayerStream layers,
            @Nullable LayerStream originals) {}

    /** @param solved in memory; what the file holds otherwise */
    private record Outcome(Future<SolvedFile> file, Optional<Map<String, SolvedWeight>> solved) {}

    /** Gives what was seen of inputs that are solved at once, complete. */
    @FunctionalInterface
    private interface Taking {
        Moments.Taken take(List<String> modules, int columns, Stream stream);
    }

    /** One layer's way through. */
    private final class Layer {

        private final String name;
        private final List<SolvableWeight> weights;
        private final Texts texts;
        private final Stream stream;
        private final BackgroundTasks writing;
        private final Collection<List<SolvableWeight>> inputs;
        private final Losses losses = new Losses();

        Layer(String name, List<SolvableWeight> weights, Texts texts, Stream stream, BackgroundTasks writing) {
            this.name = name;
            this.weights = weights;
            this.inputs = inputs(weights).values();
            this.texts = texts;
            this.stream = stream;
            this.writing = writing;
        }

        Map<String, SolvedCodes> run(LayerTensors changed, Keeping keeping, DoubleConsumer progress) {
            LayerStream layers = texts.layers();
            LayerStream originals = texts.originals();
            int number = layers.next();
            int passes = looks() + (settings.propagateError() ? 1 : 0);
            try (Arena arena = Arena.ofShared()) {
                Map<String, Tensor> tensors = changed.of(name, arena);
                var before = new ChangedWeights(tensors, Map.of());
                Outcome outcome;
                try (LayerStream.Loaded original = originals == null ? null : originals.load(before)) {
                    outcome = outcome(original, tensors, keeping, progress, passes);
                    if (original != null && originals != null && originals.next() == number) {
                        original.advance(ActivationObserver.none(), steps(progress, 0, passes));
                    }
                }
                if (settings.propagateError()) {
                    Map<String, SolvedWeight> solved =
                            outcome.solved.orElseGet(() -> file(outcome).read());
                    var after = new ChangedWeights(tensors, linears(solved));
                    layers.advance(ActivationObserver.none(), steps(progress, passes - 1, passes), after);
                }
                return file(outcome).codes();
            }
        }

        private SolvedFile file(Outcome outcome) {
            return BackgroundTasks.await(outcome.file, monitor);
        }

        /** What was solved before, or anew while the file is being written. */
        private Outcome outcome(
                LayerStream.@Nullable Loaded original,
                Map<String, Tensor> tensors,
                Keeping keeping,
                DoubleConsumer progress,
                int passes) {
            var before = new ChangedWeights(tensors, Map.of());
            String fileName = "%s-layer-%04d.safetensors"
                    .formatted(keeping.key(), texts.layers().next());
            Optional<SolvedFile> kept = find(keeping.journal(), fileName);
            if (kept.isPresent()) {
                monitor.log(name + " was solved before");
                if (!settings.propagateError()) {
                    texts.layers().advance(ActivationObserver.none(), steps(progress, 0, 1), before);
                }
                return new Outcome(CompletableFuture.completedFuture(owned(kept.get())), Optional.empty());
            }
            Map<String, SolvedWeight> solved = original == null
                    ? solveAtOnce(before, steps(progress, 0, passes))
                    : solveInOrder(original, tensors, progress, passes);
            losses.tell();
            Future<SolvedFile> written = writing.submit(() -> {
                Path path = keeping.journal().keep(fileName, target -> SolvedFile.write(target, weights, solved));
                return owned(SolvedFile.open(path, weights));
            });
            return new Outcome(written, Optional.of(solved));
        }

        /** To be closed with the solver, by which time nothing is being written. */
        private SolvedFile owned(SolvedFile file) {
            files.push(file);
            return file;
        }

        private Map<String, SolvedWeight> solveAtOnce(ChangedWeights before, Runnable step) {
            try (var observer = new MomentsObserver(backend, firsts(inputs))) {
                if (settings.propagateError()) {
                    texts.layers().look(observer, step, before);
                } else {
                    texts.layers().advance(observer, step, before);
                }
                return solve(inputs, observer::take);
            }
        }

        private Map<String, SolvedWeight> solveInOrder(
                LayerStream.Loaded original, Map<String, Tensor> tensors, DoubleConsumer progress, int passes) {
            var solved = new HashMap<String, SolvedWeight>();
            var left = new ArrayList<>(inputs);
            int longest = texts.samples().stream()
                    .mapToInt(tokens -> tokens.length)
                    .max()
                    .orElseThrow();
            for (int pass = 0; !left.isEmpty(); pass++) {
                try (var moments = new StageMoments(backend, firsts(left), longest)) {
                    look(original, stages(left) == 1, moments, tensors, solved, steps(progress, pass, passes));
                    List<List<SolvableWeight>> stage = left.stream()
                            .filter(readers -> moments.came(readers.getFirst().module()))
                            .toList();
                    solved.putAll(solve(stage, moments::take));
                    left.removeAll(stage);
                }
            }
            return solved;
        }

        /**
         * Texts run to the stage through the original layer and through the one of which some Linears are solved.
         *
         * @param last whether the original layer is needed no more, so that texts run through all of it
         */
        private void look(
                LayerStream.Loaded original,
                boolean last,
                StageMoments moments,
                Map<String, Tensor> tensors,
                Map<String, SolvedWeight> solved,
                Runnable step) {
            try (LayerStream.Loaded layer = texts.layers().load(new ChangedWeights(tensors, linears(solved)))) {
                for (int text = 0; text < texts.samples().size(); text++) {
                    if (last) {
                        original.advance(text, moments.ofOriginals(true));
                    } else {
                        original.look(text, moments.ofOriginals());
                    }
                    layer.look(text, moments.ofSolved());
                    step.run();
                }
            }
        }

        private Runnable steps(DoubleConsumer progress, int pass, int passes) {
            int[] done = new int[1];
            return () -> {
                monitor.checkpoint();
                progress.accept((pass + (double) ++done[0] / texts.samples().size()) / passes);
            };
        }

        /** A file that is not what it should be is made again. */
        private Optional<SolvedFile> find(JobJournal journal, String fileName) {
            try {
                return journal.find(fileName).map(path -> SolvedFile.open(path, weights));
            } catch (QuantizationException e) {
                monitor.log(fileName + " is solved again: " + e.getMessage());
                return Optional.empty();
            }
        }

        private static Set<String> firsts(Collection<List<SolvableWeight>> inputs) {
            return inputs.stream().map(readers -> readers.getFirst().module()).collect(Collectors.toSet());
        }

        /** Passes of the texts before all is solved. */
        private int looks() {
            return texts.originals() == null ? 1 : stages(inputs);
        }

        private static int stages(Collection<List<SolvableWeight>> inputs) {
            return (int)
                    firsts(inputs).stream().map(StageMoments::stage).distinct().count();
        }

        private Map<String, SolvedWeight> solve(Collection<List<SolvableWeight>> inputs, Taking taking) {
            var solved = new HashMap<String, SolvedWeight>();
            for (List<List<SolvableWeight>> batch : batches(inputs, backend.computeCapability() > 0)) {
                List<String> firsts = batch.stream()
                        .map(readers -> readers.getFirst().module())
                        .toList();
                int columns = batch.getFirst().getFirst().inFeatures();
                try (Moments.Taken moments = taking.take(firsts, columns, stream)) {
                    solve(moments.seen(stream), batch, solved);
                }
            }
            return solved;
        }

        private void solve(InputMoments seen, List<List<SolvableWeight>> batch, Map<String, SolvedWeight> solved) {
            try (var solver = new InputSolver(backend, stream, monitor, settings, seen)) {
                for (int i = 0; i < batch.size(); i++) {
                    tell(
                            batch.get(i).getFirst().module(),
                            solver.dampening(i),
                            seen.tokens().get(i));
                }
                List<SolvableWeight> weights =
                        batch.stream().flatMap(List::stream).toList();
                List<InputSolver.Result> results = solver.solveAll(batch, absmaxes(weights));
                for (int i = 0; i < results.size(); i++) {
                    InputSolver.Result result = results.get(i);
                    String module = weights.get(i).module();
                    solved.put(module, result.weight());
                    losses.add(result);
                    if (!result.solved()) {
                        monitor.log(module + " is rounded plainly: nothing better was found");
                    }
                }
            }
        }

        /** Of the layer's outputs. */
        private final class Losses {

            private double plain;
            private double solved;

            void add(InputSolver.Result result) {
                plain += result.plainLoss();
                solved += result.loss();
            }

            void tell() {
                monitor.log("%s: squared output error %s by plain rounding, %s solved (%s)"
                        .formatted(name, figure(plain), figure(solved), figure(solved / plain)));
            }
        }

        private void tell(String module, Optional<Double> dampening, long tokens) {
            if (tokens == 0) {
                monitor.log("no token reached " + module);
            } else if (dampening.isEmpty()) {
                monitor.log("the second moments of the inputs of " + module + " cannot be factored");
            } else if (dampening.get() > settings.dampening()) {
                monitor.log("the inputs of " + module + " took a dampening of " + dampening.get());
            }
        }
    }

    /** Inputs that are solved at once: those of experts that do the same, in the experts' order, as many as are alike. */
    static List<List<List<SolvableWeight>>> batches(Collection<List<SolvableWeight>> inputs, boolean gpu) {
        var stages = new LinkedHashMap<String, List<List<SolvableWeight>>>();
        inputs.forEach(readers -> stages.computeIfAbsent(
                        StageMoments.stage(readers.getFirst().module()), stage -> new ArrayList<>())
                .add(readers));
        var batches = new ArrayList<List<List<SolvableWeight>>>();
        for (List<List<SolvableWeight>> stage : stages.values()) {
            stage.sort(Comparator.comparingInt(
                    readers -> StageMoments.expert(readers.getFirst().module())));
            int most = InputSolver.atOnce(stage, gpu);
            for (int from = 0; from < stage.size(); from += most) {
                batches.add(List.copyOf(stage.subList(from, Math.min(from + most, stage.size()))));
            }
        }
        return batches;
    }

    /** Weights by the modules that read the same input; loaders join those. */
    static Map<List<String>, List<SolvableWeight>> inputs(List<SolvableWeight> weights) {
        var inputs = new LinkedHashMap<List<String>, List<SolvableWeight>>();
        for (SolvableWeight weight : weights) {
            List<String> fused = ModuleRole.fusedWith(weight.module());
            inputs.computeIfAbsent(fused.isEmpty() ? List.of(weight.module()) : fused, key -> new ArrayList<>())
                    .add(weight);
        }
        return inputs;
    }

    private static String figure(double number) {
        return String.format(Locale.ROOT, "%.4g", number);
    }

    /** Of all weights that must share a scale; they read the same input. */
    private static Map<List<String>, Float> absmaxes(List<SolvableWeight> readers) {
        var absmaxes = new HashMap<List<String>, Float>();
        for (SolvableWeight weight : readers) {
            if (!weight.sharing().isEmpty()) {
                absmaxes.merge(weight.sharing(), weight.absmax(), Math::max);
            }
        }
        return absmaxes;
    }

    /** Inputs stay as they are: what a scheme rounds of them is rounded when the model is served. */
    private static Map<String, QuantizedLinear> linears(Map<String, SolvedWeight> weights) {
        var linears = new HashMap<String, QuantizedLinear>();
        weights.forEach((module, weight) ->
                linears.put(module, new QuantizedLinear(module, weight, Optional.empty(), Optional.empty())));
        return linears;
    }

    @Override
    public void close() {
        files.forEach(SolvedFile::close);
    }
}
