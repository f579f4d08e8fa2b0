package io.octavo.engine.benchmark;

import io.octavo.engine.Engine;
import io.octavo.engine.Engines;
import io.octavo.engine.layout.compressed.CompressedTensors;
import io.octavo.engine.modify.Awq;
import io.octavo.engine.modify.Gptq;
import io.octavo.engine.modify.Modifier;
import io.octavo.engine.modify.SmoothQuant;
import io.octavo.engine.request.CalibrationData;
import io.octavo.engine.request.EngineOptions;
import io.octavo.engine.request.EvaluationRequest;
import io.octavo.engine.request.EvaluationTask;
import io.octavo.engine.request.HashedFile;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.QuantizationRequest;
import io.octavo.engine.request.Recipe;
import io.octavo.engine.request.TaskResult;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import tools.jackson.databind.json.JsonMapper;

/**
 * Codes that a GPU solves: the same files twice, and a perplexity near that of the processor's file. Their bytes differ, since
 * the GPU rounds activations to BF16 where it sums second moments.
 *
 * <p>Arguments: model folder, folder of datasets, scratch folder, and optionally scheme, samples, tokens of each and a modifier ({@code gptq},
 * {@code awq} or {@code smoothquant}), where only the GPU's seconds are told. Prints one JSON line a check, for {@code kernels/gpu-check.sh}.
 */
final class GpuSolveCheck {

    private static final String SCHEME = "W4A16_G64";
    private static final int SAMPLES = 128;
    private static final int TOKENS = 512;

    /** Settings that ought not to matter move the perplexity by as much (docs/recipes.md). */
    private static final double NEAR = 0.006;

    private final Path model;
    private final Path data;
    private final Path scratch;
    private Modifier modifier = gptq();

    private GpuSolveCheck(String[] arguments) {
        this.model = Path.of(arguments[0]);
        this.data = Path.of(arguments[1]);
        this.scratch = Path.of(arguments[2]).resolve(model.getFileName() + "-solved");
    }

    public static void main(String[] arguments) {
        var check = new GpuSolveCheck(arguments);
        int threads = Runtime.getRuntime().availableProcessors();
        try (Engine gpu = Engines.open(new EngineOptions("cuda", threads));
                Engine cpu = Engines.open(new EngineOptions("cpu", threads))) {
            if (arguments.length > 3) {
                int samples = Integer.parseInt(arguments[4]);
                check.modifier = modifier(arguments.length > 6 ? arguments[6] : "gptq");
                check.quantize(gpu, "large", arguments[3], samples, Integer.parseInt(arguments[5]));
                return;
            }
            List<HashedFile> first = check.quantize(gpu, "gpu", SCHEME, SAMPLES, TOKENS);
            List<HashedFile> second = check.quantize(gpu, "again", SCHEME, SAMPLES, TOKENS);
            long different = first.stream()
                    .filter(file -> file.path().endsWith(".safetensors") && !second.contains(file))
                    .count();
            report("gptq, files that differ in a second run", (double) different, different == 0);
            check.quantize(cpu, "cpu", SCHEME, SAMPLES, TOKENS);
            double ratio = check.perplexity(gpu, "gpu") / check.perplexity(gpu, "cpu");
            report("gptq, perplexity solved by gpu / by cpu", ratio, Math.abs(ratio - 1) <= NEAR);
        }
    }

    private List<HashedFile> quantize(Engine engine, String name, String scheme, int samples, int tokens) {
        Path texts = texts(data, scratch, samples);
        var request = new QuantizationRequest(
                        model, scratch.resolve(name), new Recipe(scheme, CompressedTensors.NAME, List.of()))
                .withCalibration(new CalibrationData(texts, samples, tokens, 0))
                .with(recipe -> recipe.withModifiers(List.of(modifier)));
        long start = System.nanoTime();
        List<HashedFile> files = engine.quantize(request, new Told()).files();
        report(modifier.name() + " " + scheme + ", seconds, " + name, (System.nanoTime() - start) / 1e9, true);
        return files;
    }

    /** As many texts as are asked for, each as long: a file that is no JSON lines is one text. */
    static Path texts(Path data, Path scratch, int samples) {
        try {
            String whole = Files.readString(data.resolve("books-heldout.txt"));
            int length = whole.length() / samples;
            List<String> lines = IntStream.range(0, samples)
                    .mapToObj(i -> whole.substring(i * length, (i + 1) * length))
                    .map(text -> JsonMapper.shared().writeValueAsString(Map.of("text", text)))
                    .toList();
            Files.createDirectories(scratch);
            return Files.write(scratch.resolve("texts.jsonl"), lines);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Modifier modifier(String name) {
        return switch (name) {
            case "gptq" -> gptq();
            case "awq" -> new Awq();
            case "smoothquant" -> new SmoothQuant();
            default -> throw new IllegalArgumentException(name);
        };
    }

    /** {@code -Doctavo.benchmark.refine=false} and the like tell what a part of it takes. */
    private static Gptq gptq() {
        return new Gptq(
                Gptq.DEFAULT_DAMPENING,
                true,
                is("searchScales"),
                is("refine"),
                is("propagateError"),
                is("matchOriginals"));
    }

    private static boolean is(String setting) {
        return Boolean.parseBoolean(System.getProperty("octavo.benchmark." + setting, "true"));
    }

    private double perplexity(Engine engine, String name) {
        var task = new EvaluationTask.Perplexity(
                "books-heldout", data.resolve("books-heldout.txt"), TOKENS, OptionalInt.empty());
        TaskResult result = engine.evaluate(
                        new EvaluationRequest(scratch.resolve(name), List.of(task)), JobMonitor.none())
                .tasks()
                .getFirst();
        double perplexity = ((TaskResult.Perplexity) result).perplexity();
        report("gptq, perplexity, " + name, perplexity, true);
        return perplexity;
    }

    /** Puts the job's log beside the checks. */
    private static final class Told implements JobMonitor {

        private final long start = System.nanoTime();

        @Override
        public void phase(String name) {
            log("phase " + name);
        }

        @Override
        public void progress(double fraction) {}

        @Override
        public void log(String line) {
            System.err.printf(Locale.ROOT, "%8.3f %s%n", (System.nanoTime() - start) / 1e9, line);
        }

        @Override
        public void checkpoint() {}
    }

    private static void report(String name, double value, boolean passed) {
        System.out.printf(Locale.ROOT, "{\"check\": \"%s\", \"value\": %.6f, \"passed\": %b}%n", name, value, passed);
    }
}
