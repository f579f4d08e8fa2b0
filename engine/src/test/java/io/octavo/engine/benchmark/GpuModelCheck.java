package io.octavo.engine.benchmark;

import io.octavo.engine.Engine;
import io.octavo.engine.Engines;
import io.octavo.engine.request.EngineOptions;
import io.octavo.engine.request.EvaluationRequest;
import io.octavo.engine.request.EvaluationTask;
import io.octavo.engine.request.GenerationRequest;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.QuantizationRequest;
import io.octavo.engine.request.Recipe;
import io.octavo.engine.request.SamplingOptions;
import io.octavo.engine.request.TaskResult;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A whole model on a GPU: perplexity, cloze accuracy and greedy text beside the recorded ones of float32 arithmetic, and
 * the FP8_DYNAMIC artifact beside the processor's, byte by byte.
 *
 * <p>Arguments: model folder, folder of datasets, scratch folder. Prints one JSON line a check, for {@code
 * kernels/gpu-check.sh}; the exit code says nothing, the lines do.
 */
final class GpuModelCheck {

    private static final double PERPLEXITY_TOLERANCE = 5e-4;
    private static final double CLOZE_TOLERANCE = 2;

    private final Path model;
    private final Path data;
    private final Path scratch;
    private final String device;
    private final JsonNode golden;

    private GpuModelCheck(Path model, Path data, Path scratch, String device) throws IOException {
        this.model = model;
        this.data = data;
        this.scratch = scratch;
        this.device = device;
        this.golden = json(model.resolve("golden_eval.json")).path("float32");
    }

    public static void main(String[] arguments) throws IOException {
        String device = arguments.length > 3 ? arguments[3] : "cuda";
        new GpuModelCheck(Path.of(arguments[0]), Path.of(arguments[1]), Path.of(arguments[2]), device).run();
    }

    private void run() throws IOException {
        int threads = Runtime.getRuntime().availableProcessors();
        Path onGpu = scratch.resolve(model.getFileName() + "-gpu");
        Path onCpu = scratch.resolve(model.getFileName() + "-cpu");
        try (Engine gpu = Engines.open(new EngineOptions(device, threads));
                Engine cpu = Engines.open(new EngineOptions("cpu", threads))) {
            System.err.println(gpu.device());
            evaluate(gpu, "gpu", model);
            generate(gpu);
            quantize(gpu, "gpu", onGpu);
            quantize(cpu, "cpu", onCpu);
            compare(onGpu, onCpu);
            double gpuLoss = evaluate(gpu, "gpu fp8", onGpu);
            double cpuLoss = evaluate(cpu, "cpu fp8", onGpu);
            report("fp8 perplexity gpu/cpu", Math.exp(gpuLoss - cpuLoss), Math.abs(gpuLoss - cpuLoss) < 1e-3);
        }
    }

    /** @return mean loss on the held-out text */
    private double evaluate(Engine engine, String where, Path checkpoint) {
        List<EvaluationTask> tasks = List.of(
                new EvaluationTask.Perplexity(
                        "books-heldout", data.resolve("books-heldout.txt"), 512, OptionalInt.empty()),
                new EvaluationTask.MultipleChoice(
                        "books-cloze", data.resolve("books-cloze.jsonl"), OptionalInt.empty()));
        double loss = 0;
        boolean plain = checkpoint.equals(model);
        for (TaskResult result : engine.evaluate(new EvaluationRequest(checkpoint, tasks), JobMonitor.none())
                .tasks()) {
            switch (result) {
                case TaskResult.Perplexity perplexity -> {
                    double wanted =
                            golden.path("books-heldout").path("perplexity").doubleValue();
                    double ratio = perplexity.perplexity() / wanted;
                    report(
                            where + " perplexity / golden",
                            ratio,
                            !plain || Math.abs(ratio - 1) <= PERPLEXITY_TOLERANCE);
                    double tokens = perplexity.windows() * (double) perplexity.windowTokens();
                    report(where + " perplexity, tokens/s", tokens / seconds(perplexity), true);
                    loss = perplexity.negativeLogLikelihood();
                }
                case TaskResult.MultipleChoice cloze -> {
                    double wanted = golden.path("books-cloze").path("acc").doubleValue();
                    double items = (cloze.accuracy() - wanted) * cloze.items();
                    report(where + " cloze items off golden", items, !plain || Math.abs(items) < CLOZE_TOLERANCE + 0.5);
                }
                case TaskResult.Divergence divergence -> throw new IllegalStateException(divergence.name());
                case TaskResult.Generation generation -> throw new IllegalStateException(generation.name());
                case TaskResult.Smoke smoke -> throw new IllegalStateException(smoke.name());
            }
        }
        return loss;
    }

    private static double seconds(TaskResult result) {
        return result.duration().toNanos() / 1e9;
    }

    private void generate(Engine engine) throws IOException {
        JsonNode wanted = json(model.resolve("golden_generate.json"));
        var request = new GenerationRequest(model, wanted.path("prompt").stringValue(), 48);
        List<Integer> prompt = ids(wanted.path("input_ids"));
        List<Integer> expected = ids(wanted.path("greedy_ids"));
        var result = engine.generate(request, JobMonitor.none());
        int equal = 0;
        for (int i = 0; i < result.newIds().size(); i++) {
            equal += result.newIds().get(i).equals(expected.get(prompt.size() + i)) ? 1 : 0;
        }
        report("greedy tokens equal to golden of 48", equal, equal == 48);
        result = engine.generate(request, JobMonitor.none());
        report("greedy tokens/s", 48 / (result.duration().toNanos() / 1e9), true);
        draw(engine, request, result.newIds());
    }

    /** Drawn texts: of one seed always the same, of another another; of one token that may be drawn, the greedy one. */
    private void draw(Engine engine, GenerationRequest greedy, List<Integer> mostLikely) {
        List<Integer> drawn = draw(engine, greedy, new SamplingOptions(1, 40, 0.95f, 0, 1.1f, 7));
        boolean same = drawn.equals(draw(engine, greedy, new SamplingOptions(1, 40, 0.95f, 0, 1.1f, 7)));
        boolean other = !drawn.equals(draw(engine, greedy, new SamplingOptions(1, 40, 0.95f, 0, 1.1f, 8)));
        boolean only = mostLikely.equals(draw(engine, greedy, new SamplingOptions(1, 1, 1, 0, 1, 7)));
        int right = (same ? 1 : 0) + (other ? 1 : 0) + (only ? 1 : 0);
        report("drawn texts as their seeds say, of 3", right, right == 3);
    }

    private static List<Integer> draw(Engine engine, GenerationRequest greedy, SamplingOptions sampling) {
        var request = new GenerationRequest(greedy.source(), greedy.prompt(), greedy.maxTokens(), sampling);
        return engine.generate(request, JobMonitor.none()).newIds();
    }

    private void quantize(Engine engine, String where, Path target) {
        long start = System.nanoTime();
        var request =
                new QuantizationRequest(model, target, new Recipe("FP8_DYNAMIC", "compressed-tensors", List.of()));
        engine.quantize(request, JobMonitor.none());
        report(where + " quantize seconds", (System.nanoTime() - start) / 1e9, true);
    }

    private static void compare(Path left, Path right) throws IOException {
        int different = 0;
        int compared = 0;
        try (Stream<Path> files = Files.list(left)) {
            for (Path file : files.toList()) {
                String name = file.getFileName().toString();
                if (name.endsWith(".safetensors") || name.equals("config.json")) {
                    compared++;
                    different += Files.mismatch(file, right.resolve(name)) == -1 ? 0 : 1;
                }
            }
        }
        report("fp8 files that differ from the cpu's", different, different == 0 && compared > 1);
    }

    private static List<Integer> ids(JsonNode array) {
        return array.valueStream().map(JsonNode::intValue).toList();
    }

    private static JsonNode json(Path file) throws IOException {
        return JsonMapper.shared().readTree(Files.readString(file));
    }

    private static void report(String name, double value, boolean passed) {
        System.out.printf(Locale.ROOT, "{\"check\": \"%s\", \"value\": %.6f, \"passed\": %b}%n", name, value, passed);
    }
}
