package io.octavo.engine.benchmark;

import io.octavo.engine.Engine;
import io.octavo.engine.Engines;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.layout.config.Layout;
import io.octavo.engine.request.CalibrationData;
import io.octavo.engine.request.EngineOptions;
import io.octavo.engine.request.EvaluationRequest;
import io.octavo.engine.request.EvaluationTask;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.QuantizationRequest;
import io.octavo.engine.request.Recipe;
import io.octavo.engine.request.TaskResult;
import io.octavo.engine.scheme.Scheme;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;

/**
 * The figures of docs/schemes.md: every preset in every layout that holds it, and the perplexity of what was written.
 *
 * <p>Arguments: model folder, text, calibration texts, output folder, windows of 512 tokens. Prints a row for each
 * checkpoint and leaves it in the output folder, so that other loaders can be asked too.
 */
final class SchemeAccuracy {

    private final Engine engine;
    private final Path model;
    private final Path text;
    private final CalibrationData calibration;
    private final Path folder;
    private final int windows;

    private SchemeAccuracy(Engine engine, List<String> arguments) {
        this.engine = engine;
        this.model = Path.of(arguments.get(0));
        this.text = Path.of(arguments.get(1));
        this.calibration = new CalibrationData(Path.of(arguments.get(2)), 128, 512, 0);
        this.folder = Path.of(arguments.get(3));
        this.windows = Integer.parseInt(arguments.get(4));
    }

    public static void main(String[] arguments) {
        int threads = Runtime.getRuntime().availableProcessors();
        try (Engine engine = Engines.open(new EngineOptions("cpu", threads))) {
            new SchemeAccuracy(engine, List.of(arguments)).run();
        }
    }

    private void run() {
        double original = perplexity(model);
        System.out.printf("| none | | 16.00 | %.3f | |%n", original);
        for (Scheme scheme : Scheme.PRESETS) {
            for (Layout layout : Layout.values()) {
                try {
                    measure(scheme.name(), layout.id(), original);
                } catch (QuantizationException refused) {
                    System.err.println(scheme.name() + " in " + layout.id() + ": " + refused.getMessage());
                }
            }
        }
    }

    private void measure(String scheme, String layout, double original) {
        Path target = folder.resolve(scheme + "-" + layout);
        var request = new QuantizationRequest(model, target, new Recipe(scheme, layout, List.of()))
                .withCalibration(calibration);
        var result = engine.quantize(request, JobMonitor.none());
        double perplexity = perplexity(target);
        System.out.printf(
                "| %s | %s | %.2f | %.3f | %+.2f %% |%n",
                scheme, layout, result.weightBits(), perplexity, (perplexity / original - 1) * 100);
    }

    private double perplexity(Path checkpoint) {
        var task = new EvaluationTask.Perplexity("text", text, 512, OptionalInt.of(windows));
        var result = engine.evaluate(new EvaluationRequest(checkpoint, List.of(task)), JobMonitor.none());
        return ((TaskResult.Perplexity) result.tasks().getFirst()).perplexity();
    }
}
