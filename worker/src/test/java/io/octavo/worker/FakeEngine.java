package io.octavo.worker;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.engine.Engine;
import io.octavo.engine.benchmark.BenchmarkRequest;
import io.octavo.engine.benchmark.BenchmarkResult;
import io.octavo.engine.benchmark.ServingFigures;
import io.octavo.engine.checkpoint.CheckpointFiles;
import io.octavo.engine.label.Label;
import io.octavo.engine.plan.PlanReport;
import io.octavo.engine.request.ConversionRequest;
import io.octavo.engine.request.ConversionResult;
import io.octavo.engine.request.DeviceOffer;
import io.octavo.engine.request.EngineOptions;
import io.octavo.engine.request.EvaluationRequest;
import io.octavo.engine.request.EvaluationResult;
import io.octavo.engine.request.EvaluationTask;
import io.octavo.engine.request.GenerationRequest;
import io.octavo.engine.request.GenerationResult;
import io.octavo.engine.request.HashedFile;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.QuantizationRequest;
import io.octavo.engine.request.QuantizationResult;
import io.octavo.engine.request.Recipe;
import io.octavo.engine.request.TaskResult;
import io.octavo.engine.request.VerificationReport;
import io.octavo.engine.scheme.Scheme;
import io.octavo.engine.serve.ServedModel;
import io.octavo.engine.serve.ServingOptions;
import io.octavo.jobs.blob.Sha256Stream;
import io.octavo.jobs.spec.SchemeInfo;
import io.octavo.worker.engine.EngineFactory;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Writes real files: each input file's bytes in reverse order. A test can step in before it writes. */
final class FakeEngine implements EngineFactory {

    /** Runs inside each quantize call; by default it does nothing. */
    volatile BiConsumer<QuantizationRequest, JobMonitor> interlude = (request, monitor) -> {};

    /** Runs inside each warm-up; by default it does nothing. */
    volatile Consumer<JobMonitor> warmingUp = monitor -> {};

    /** What is served, whatever is to be. */
    volatile Supplier<ServedModel> served = () -> {
        throw new IllegalStateException("nothing is served here");
    };

    /** Released whenever a quantize call begins. */
    final Semaphore begun = new Semaphore(0);

    /** The output, if it is not to be the inputs in reverse order. */
    volatile @Nullable HashedFile instead;

    /** How much larger than its inputs a plan says the output will be. */
    volatile long extraOutputBytes;

    /** Of its device. */
    volatile long freeMemoryBytes;

    volatile String version = "fake-1";

    void reset() {
        freeMemoryBytes = 0;
        version = "fake-1";
        extraOutputBytes = 0;
        instead = null;
        interlude = (request, monitor) -> {};
        warmingUp = monitor -> {};
        begun.drainPermits();
    }

    @Override
    public Engine open(EngineOptions options) {
        return new Opened();
    }

    /** The baseline takes two seconds for the load, what is no original takes one. */
    @Override
    public BenchmarkResult benchmark(EngineOptions options, BenchmarkRequest request, JobMonitor monitor) {
        return new BenchmarkResult(
                "fake", request.load(), figures(request, request.source()), figures(request, request.baseline()));
    }

    private static ServingFigures figures(BenchmarkRequest request, Path folder) {
        boolean original = Opened.isOriginal(folder.resolve("original"));
        var times = new ServingFigures.Quantiles(10, 10, 20, 30);
        return new ServingFigures(
                original ? "BF16" : "W8A8-FP8-dynamic",
                request.load().requests(),
                original ? 2 : 1,
                10,
                100,
                times,
                times,
                times,
                0,
                new ServingFigures.Memory(1, 2, 3, 4, 5, 0));
    }

    @Override
    public PlanReport plan(CheckpointFiles source, Recipe recipe) {
        return FakePlan.of(source, extraOutputBytes);
    }

    @Override
    public ServedModel serve(EngineOptions options, Path source, ServingOptions serving, JobMonitor monitor) {
        return served.get();
    }

    @Override
    public List<SchemeInfo> schemes() {
        return List.of(new SchemeInfo("FP8_DYNAMIC", "fake"), new SchemeInfo("W8A8", "fake"));
    }

    @Override
    public List<String> layouts() {
        return List.of("compressed-tensors", "awq");
    }

    @Override
    public String version() {
        return version;
    }

    private final class Opened implements Engine {

        @Override
        public String device() {
            return "fake device";
        }

        @Override
        public DeviceOffer deviceOffer() {
            return new DeviceOffer("cpu", freeMemoryBytes, 0);
        }

        @Override
        public void warmUp(Path folder, JobMonitor monitor) {
            warmingUp.accept(monitor);
        }

        @Override
        public QuantizationResult quantize(QuantizationRequest request, JobMonitor monitor) {
            begun.release();
            monitor.phase("quantize");
            monitor.progress(0.5);
            monitor.checkpoint();
            interlude.accept(request, monitor);
            try {
                List<HashedFile> files = new ArrayList<>();
                requireKnown(request.known(), request.source());
                HashedFile prepared = instead;
                if (prepared != null) {
                    files.add(prepared);
                }
                for (Path input : prepared == null ? inputs(request.source()) : List.<Path>of()) {
                    files.add(reverse(input, request.source(), request.target()));
                }
                return new QuantizationResult(
                        "W8A8-FP8-dynamic",
                        8.5,
                        files.stream().mapToLong(HashedFile::size).sum(),
                        files.stream().mapToLong(HashedFile::size).sum(),
                        3,
                        files,
                        new VerificationReport(true, 1, List.of(), List.of()));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        private static List<Path> inputs(Path source) throws IOException {
            try (Stream<Path> files = Files.walk(source)) {
                return files.filter(Files::isRegularFile).sorted().toList();
            }
        }

        /** A worker has hashed what it brought here. */
        private static void requireKnown(List<HashedFile> known, Path source) throws IOException {
            var actual = new ArrayList<HashedFile>();
            for (Path input : inputs(source)) {
                actual.add(hash(input, source));
            }
            assertThat(known).containsExactlyInAnyOrderElementsOf(actual);
        }

        private static HashedFile hash(Path file, Path folder) throws IOException {
            try (Sha256Stream hashing = new Sha256Stream(Files.newInputStream(file))) {
                hashing.transferTo(OutputStream.nullOutputStream());
                return new HashedFile(
                        folder.relativize(file).toString(),
                        Files.size(file),
                        hashing.result().sha256());
            }
        }

        private static HashedFile reverse(Path input, Path source, Path target) throws IOException {
            byte[] bytes = Files.readAllBytes(input);
            for (int i = 0, j = bytes.length - 1; i < j; i++, j--) {
                byte swapped = bytes[i];
                bytes[i] = bytes[j];
                bytes[j] = swapped;
            }
            String name = source.relativize(input).toString();
            Path output = target.resolve(name);
            Files.createDirectories(output.getParent());
            Files.write(output, bytes);
            return hash(output, target);
        }

        @Override
        public EvaluationResult evaluate(EvaluationRequest request, JobMonitor monitor) {
            boolean reversed = !isOriginal(request.source().resolve("original"));
            List<TaskResult> results = request.tasks().stream()
                    .map(task -> score(task, reversed ? 1 : 0))
                    .toList();
            return new EvaluationResult(reversed ? "W8A8-FP8-dynamic" : "BF16", results);
        }

        /** Tests push a file that says yes, which quantizing turns round. */
        private static boolean isOriginal(Path mark) {
            try {
                return Files.exists(mark) && Files.readString(mark).equals("yes");
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        private static TaskResult score(EvaluationTask task, int worse) {
            Duration second = Duration.ofSeconds(1);
            return switch (task) {
                case EvaluationTask.Perplexity perplexity ->
                    new TaskResult.Perplexity(
                            task.name(),
                            lines(perplexity.text()),
                            perplexity.windowing(),
                            lines(perplexity.text())
                                    * (long) perplexity.windowing().tokens(),
                            1.0,
                            10 + worse,
                            null,
                            second);
                case EvaluationTask.MultipleChoice choice ->
                    new TaskResult.MultipleChoice(
                            task.name(),
                            lines(choice.items()),
                            0.5 - worse / 4.0,
                            0.5,
                            0.5,
                            List.of(),
                            List.of(),
                            second);
                case EvaluationTask.Divergence divergence ->
                    new TaskResult.Divergence(
                            task.name(),
                            lines(divergence.text()),
                            divergence.windowTokens(),
                            worse,
                            worse,
                            worse,
                            1,
                            List.of(),
                            second);
                case EvaluationTask.Generation generation ->
                    new TaskResult.Generation(
                            task.name(), generation.prompt(), "text", 1, generation.sampling(), second);
                case EvaluationTask.Smoke smoke ->
                    new TaskResult.Smoke(
                            task.name(),
                            List.of(new TaskResult.SmokeCheck("finite", worse == 0, worse, 0, worse + " of 16")),
                            List.of(new TaskResult.SmokeText("The old", "man", "men")),
                            second);
            };
        }

        /** Of a folder, its files. */
        private static int lines(Path file) {
            try {
                if (Files.isDirectory(file)) {
                    try (Stream<Path> below = Files.walk(file)) {
                        return (int) below.filter(Files::isRegularFile).count();
                    }
                }
                return Files.readAllLines(file).size();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        @Override
        public ConversionResult convert(ConversionRequest request, JobMonitor monitor) {
            monitor.phase("convert");
            try {
                requireKnown(request.known(), request.source());
                List<HashedFile> files = new ArrayList<>();
                for (Path input : inputs(request.source())) {
                    files.add(reverse(input, request.source(), request.target()));
                }
                return new ConversionResult("W4A16-INT4", "gptq", 4.25, 1000, 900, 3, 2, files);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        /** The fake's files hold no config. */
        @Override
        public Label label(Path checkpoint) {
            return Label.of(Scheme.FP8_DYNAMIC);
        }

        @Override
        public GenerationResult generate(GenerationRequest request, JobMonitor monitor) {
            return new GenerationResult(List.of(1), List.of(2), "text", Duration.ofSeconds(1));
        }

        @Override
        public void close() {}
    }
}
