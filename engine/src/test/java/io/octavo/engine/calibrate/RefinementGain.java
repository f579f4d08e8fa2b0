package io.octavo.engine.calibrate;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.model.Architectures;
import io.octavo.engine.model.ModelSpec;
import io.octavo.engine.modify.Gptq;
import io.octavo.engine.quantize.Quantizer;
import io.octavo.engine.request.CalibrationData;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.Recipe;
import io.octavo.engine.solve.InputMoments;
import io.octavo.engine.solve.InputSolver;
import io.octavo.engine.solve.SolvableWeight;
import io.octavo.engine.transformer.LayerStream;
import io.octavo.engine.transformer.ModelLoader;
import io.octavo.engine.transformer.weight.ChangedWeights;
import io.octavo.kernels.Backends;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Stream;
import java.nio.file.Path;
import java.util.Collection;
import java.util.DoubleSummaryStatistics;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Prints what refinement leaves of GPTQ's loss, Linear by Linear on the same inputs, and the mean over all: arguments are a
 * checkpoint's folder, a file of texts and how many of them, 512 tokens each. Weights are W4A16, scales those of the largest numbers.
 */
public final class RefinementGain {

    private RefinementGain() {}

    public static void main(String[] arguments) {
        var ratios = new DoubleSummaryStatistics();
        try (Backend backend = Backends.cpu(2);
                Stream stream = backend.newStream();
                Checkpoint source = Checkpoint.open(Path.of(arguments[0]))) {
            ModelSpec spec = Architectures.read(source.config().tree());
            var data = new CalibrationData(Path.of(arguments[1]), Integer.parseInt(arguments[2]), 512, 0);
            List<SolvableWeight> weights = Quantizer.plan(source, new Recipe("W4A16", "compressed-tensors", List.of()))
                    .solvable();
            try (LayerStream layers =
                    new ModelLoader(backend, source, spec).stream(Calibrator.samples(source, data, spec))) {
                while (layers.next() < layers.layers()) {
                    String name = spec.layers().get(layers.next()).name() + ".";
                    Collection<List<SolvableWeight>> inputs = LayerwiseSolver.inputs(weights.stream()
                                    .filter(weight -> weight.module().startsWith(name))
                                    .toList())
                            .values();
                    Set<String> firsts = inputs.stream()
                            .map(readers -> readers.getFirst().module())
                            .collect(Collectors.toSet());
                    try (var observer = new MomentsObserver(backend, firsts)) {
                        layers.advance(observer, () -> {}, ChangedWeights.none());
                        inputs.forEach(readers -> compare(backend, stream, observer, readers, ratios));
                    }
                }
            }
        }
        System.out.printf(
                Locale.ROOT,
                "%d Linears: refined / GPTQ %.4f on average, %.4f at most%n",
                ratios.getCount(),
                ratios.getAverage(),
                ratios.getMax());
    }

    private static void compare(
            Backend backend,
            Stream stream,
            MomentsObserver observer,
            List<SolvableWeight> readers,
            DoubleSummaryStatistics ratios) {
        SolvableWeight first = readers.getFirst();
        try (Moments.Taken taken = observer.take(List.of(first.module()), first.inFeatures(), stream)) {
            InputMoments seen = taken.seen(stream);
            List<InputSolver.Result> plain = solve(backend, stream, seen, readers, false);
            List<InputSolver.Result> refined = solve(backend, stream, seen, readers, true);
            for (int i = 0; i < readers.size(); i++) {
                double ratio = refined.get(i).loss() / plain.get(i).loss();
                ratios.accept(ratio);
                System.out.printf(Locale.ROOT, "%s %.4f%n", readers.get(i).module(), ratio);
            }
        }
    }

    private static List<InputSolver.Result> solve(
            Backend backend, Stream stream, InputMoments seen, List<SolvableWeight> readers, boolean refine) {
        var settings = new Gptq(Gptq.DEFAULT_DAMPENING, true, false, refine, true, false);
        try (var solver = new InputSolver(backend, stream, JobMonitor.none(), settings, seen)) {
            return solver.solve(readers, Map.of());
        }
    }
}
