package io.octavo.engine.calibrate;

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
import io.octavo.engine.solve.InputSolver;
import io.octavo.engine.solve.RowTasks;
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
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.DoubleConsumer;
import java.util.stream.Collectors;

/**
 * Solves the codes of a model's weights layer by layer: texts enter a layer, what its Linears read is summed up, their codes are
 * solved, and the solved layer makes what enters the next one.
 *
 * <p>One layer is in memory, and the texts' hidden states. What was solved lies in files of the journal, one a layer; a layer
 * whose file is there is run, but not solved again.
 */
public final class LayerwiseSolver implements AutoCloseable {

    private final Backend backend;
    private final int threads;
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

    public LayerwiseSolver(Backend backend, int threads, Gptq settings, JobMonitor monitor) {
        this.backend = backend;
        this.threads = threads;
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
        List<int[]> samples = Calibrator.samples(checkpoint, data, spec);
        var codes = new LinkedHashMap<String, SolvedCodes>();
        try (LayerStream layers = new ModelLoader(backend, checkpoint, spec).stream(samples);
                var tasks = new RowTasks(threads, monitor);
                Stream stream = backend.newStream()) {
            while (layers.next() < layers.layers()) {
                int number = layers.next();
                String name = spec.layers().get(number).name();
                List<SolvableWeight> own = weights.stream()
                        .filter(weight -> weight.module().startsWith(name + "."))
                        .toList();
                var layer = new Layer(name, own, samples.size(), tasks, stream);
                codes.putAll(layer.run(
                        layers, changed, keeping, share -> progress.accept((number + share) / layers.layers())));
            }
        }
        return codes;
    }

    /** One layer's way through. */
    private final class Layer {

        private final String name;
        private final List<SolvableWeight> weights;
        private final int texts;
        private final RowTasks tasks;
        private final Stream stream;

        Layer(String name, List<SolvableWeight> weights, int texts, RowTasks tasks, Stream stream) {
            this.name = name;
            this.weights = weights;
            this.texts = texts;
            this.tasks = tasks;
            this.stream = stream;
        }

        Map<String, SolvedCodes> run(
                LayerStream layers, LayerTensors changed, Keeping keeping, DoubleConsumer progress) {
            String fileName = "%s-layer-%04d.safetensors".formatted(keeping.key(), layers.next());
            int passes = settings.propagateError() ? 2 : 1;
            try (Arena arena = Arena.ofShared()) {
                Map<String, Tensor> tensors = changed.of(name, arena);
                var before = new ChangedWeights(tensors, Map.of());
                Optional<SolvedFile> kept = find(keeping.journal(), fileName);
                SolvedFile file;
                if (kept.isPresent()) {
                    monitor.log(name + " was solved before");
                    file = kept.get();
                    if (!settings.propagateError()) {
                        layers.advance(ActivationObserver.none(), steps(progress, 0, 1), before);
                    }
                } else {
                    Map<List<String>, List<SolvableWeight>> inputs = inputs();
                    try (var observer = new MomentsObserver(backend, firsts(inputs))) {
                        if (settings.propagateError()) {
                            layers.look(observer, steps(progress, 0, passes), before);
                        } else {
                            layers.advance(observer, steps(progress, 0, passes), before);
                        }
                        Map<String, SolvedWeight> solved = solve(inputs, observer);
                        Path path =
                                keeping.journal().keep(fileName, target -> SolvedFile.write(target, weights, solved));
                        file = SolvedFile.open(path, weights);
                    }
                }
                files.push(file);
                if (settings.propagateError()) {
                    var after = new ChangedWeights(tensors, linears(file.read()));
                    layers.advance(ActivationObserver.none(), steps(progress, 1, passes), after);
                }
                return file.codes();
            }
        }

        private Runnable steps(DoubleConsumer progress, int pass, int passes) {
            int[] done = new int[1];
            return () -> {
                monitor.checkpoint();
                progress.accept((pass + (double) ++done[0] / texts) / passes);
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

        /** Weights by the modules that read the same input; loaders join those. */
        private Map<List<String>, List<SolvableWeight>> inputs() {
            var inputs = new LinkedHashMap<List<String>, List<SolvableWeight>>();
            for (SolvableWeight weight : weights) {
                List<String> fused = ModuleRole.fusedWith(weight.module());
                inputs.computeIfAbsent(fused.isEmpty() ? List.of(weight.module()) : fused, key -> new ArrayList<>())
                        .add(weight);
            }
            return inputs;
        }

        private static Set<String> firsts(Map<List<String>, List<SolvableWeight>> inputs) {
            return inputs.values().stream()
                    .map(readers -> readers.getFirst().module())
                    .collect(Collectors.toSet());
        }

        private Map<String, SolvedWeight> solve(
                Map<List<String>, List<SolvableWeight>> inputs, MomentsObserver observer) {
            var solved = new HashMap<String, SolvedWeight>();
            double plainLoss = 0;
            double loss = 0;
            for (List<SolvableWeight> readers : inputs.values()) {
                String first = readers.getFirst().module();
                int columns = readers.getFirst().inFeatures();
                try (MomentsObserver.Moments moments = observer.take(first, columns, stream);
                        var solver =
                                new InputSolver(backend, stream, tasks, settings, moments.sums(), moments.tokens())) {
                    tell(first, solver, moments.tokens());
                    Map<List<String>, Float> absmaxes = absmaxes(readers);
                    for (SolvableWeight weight : readers) {
                        InputSolver.Result result = solver.solve(weight, absmaxes.getOrDefault(weight.sharing(), 0f));
                        solved.put(weight.module(), result.weight());
                        plainLoss += result.plainLoss();
                        loss += result.loss();
                        if (!result.solved()) {
                            monitor.log(weight.module() + " is rounded plainly: nothing better was found");
                        }
                    }
                }
            }
            monitor.log("%s: squared output error %s by plain rounding, %s solved (%s)"
                    .formatted(name, figure(plainLoss), figure(loss), figure(loss / plainLoss)));
            return solved;
        }

        private void tell(String module, InputSolver solver, long tokens) {
            if (tokens == 0) {
                monitor.log("no token reached " + module);
            } else if (solver.dampening().isEmpty()) {
                monitor.log("the second moments of the inputs of " + module + " cannot be factored");
            } else if (solver.dampening().get() > settings.dampening()) {
                monitor.log("the inputs of " + module + " took a dampening of "
                        + solver.dampening().get());
            }
        }
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
