package io.octavo.worker.faults;

import io.octavo.engine.Engine;
import io.octavo.engine.benchmark.BenchmarkRequest;
import io.octavo.engine.benchmark.BenchmarkResult;
import io.octavo.engine.checkpoint.CheckpointFiles;
import io.octavo.engine.label.Label;
import io.octavo.engine.plan.PlanReport;
import io.octavo.engine.request.ConversionRequest;
import io.octavo.engine.request.ConversionResult;
import io.octavo.engine.request.DeviceOffer;
import io.octavo.engine.request.EngineOptions;
import io.octavo.engine.request.EvaluationRequest;
import io.octavo.engine.request.EvaluationResult;
import io.octavo.engine.request.GenerationRequest;
import io.octavo.engine.request.GenerationResult;
import io.octavo.engine.request.HashedFile;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.QuantizationRequest;
import io.octavo.engine.request.QuantizationResult;
import io.octavo.engine.request.Recipe;
import io.octavo.engine.request.VerificationReport;
import io.octavo.engine.scheme.Scheme;
import io.octavo.engine.serve.ServedModel;
import io.octavo.engine.serve.ServingOptions;
import io.octavo.jobs.spec.SchemeInfo;
import io.octavo.worker.FakePlan;
import io.octavo.worker.engine.EngineFactory;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/**
 * A cheap stand-in for quantization whose output anybody can predict: each input's bytes in reverse order, and a file
 * {@code own} that follows from the request's first ignored name alone. It takes tenths of a second, writes real files, keeps a
 * journal, and meets a full disk while the file {@code full} lies beside its journal.
 */
final class ReversingEngine implements EngineFactory {

    private static final int LARGE = 6 << 20;

    private final Journal journal;
    private final Path full;

    ReversingEngine(Journal journal, Path full) {
        this.journal = journal;
        this.full = full;
    }

    /** What the file that follows from the request holds. */
    static byte[] own(String name) {
        byte[] text = name.getBytes(StandardCharsets.UTF_8);
        if (!name.endsWith("large")) {
            return text;
        }
        byte[] large = new byte[LARGE];
        new Random(name.hashCode()).nextBytes(large);
        return large;
    }

    static byte[] reversed(byte[] bytes) {
        byte[] copy = bytes.clone();
        for (int i = 0, j = copy.length - 1; i < j; i++, j--) {
            byte swapped = copy[i];
            copy[i] = copy[j];
            copy[j] = swapped;
        }
        return copy;
    }

    static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    @Override
    public Engine open(EngineOptions options) {
        return new Opened();
    }

    @Override
    public BenchmarkResult benchmark(EngineOptions options, BenchmarkRequest request, JobMonitor monitor) {
        throw new UnsupportedOperationException("no test needs it");
    }

    @Override
    public PlanReport plan(CheckpointFiles source, Recipe recipe) {
        return FakePlan.of(source, 0);
    }

    @Override
    public ServedModel serve(EngineOptions options, Path source, ServingOptions serving, JobMonitor monitor) {
        throw new UnsupportedOperationException("this engine serves nothing");
    }

    @Override
    public List<SchemeInfo> schemes() {
        return List.of(new SchemeInfo("FP8_DYNAMIC", "reversed"));
    }

    @Override
    public List<String> layouts() {
        return List.of("compressed-tensors");
    }

    @Override
    public String version() {
        return "reversing-1";
    }

    private final class Opened implements Engine {

        @Override
        public String device() {
            return "mirror";
        }

        @Override
        public DeviceOffer deviceOffer() {
            return DeviceOffer.CPU;
        }

        @Override
        public QuantizationResult quantize(QuantizationRequest request, JobMonitor monitor) {
            String attempt =
                    String.valueOf(String.valueOf(request.target().getParent()).replaceAll(".*/", ""));
            journal.write("begin " + attempt);
            monitor.phase("quantize");
            try {
                Files.createDirectories(request.target());
                work(new Random(attempt.hashCode()).nextInt(10, 150), monitor);
                requireSpace();
                List<HashedFile> files = new ArrayList<>();
                for (Path input : inputs(request.source())) {
                    String name = request.source().relativize(input).toString();
                    files.add(write(request.target().resolve(name), name, reversed(Files.readAllBytes(input))));
                }
                String own = request.recipe().ignore().getFirst();
                files.add(write(request.target().resolve("own"), "own", own(own)));
                journal.write("end " + attempt);
                long bytes = files.stream().mapToLong(HashedFile::size).sum();
                return new QuantizationResult(
                        "W8A8-FP8-dynamic",
                        8,
                        bytes,
                        bytes,
                        1,
                        files,
                        new VerificationReport(true, 1, List.of(), List.of()));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        private static void work(int steps, JobMonitor monitor) {
            for (int step = 0; step < steps; step++) {
                LockSupport.parkNanos(Duration.ofMillis(2).toNanos());
                monitor.progress((double) step / steps);
                monitor.checkpoint();
            }
        }

        /** The kernel's own answer to a write on a full device. */
        private void requireSpace() throws IOException {
            if (Files.exists(full)) {
                journal.write("full");
                try (OutputStream device = Files.newOutputStream(Path.of("/dev/full"))) {
                    device.write(1);
                }
            }
        }

        private static List<Path> inputs(Path source) throws IOException {
            try (Stream<Path> files = Files.walk(source)) {
                return files.filter(file -> Files.isRegularFile(file) && !file.endsWith("own"))
                        .sorted()
                        .toList();
            }
        }

        private static HashedFile write(Path file, String name, byte[] content) throws IOException {
            Files.createDirectories(file.getParent());
            Files.write(file, content);
            return new HashedFile(name, content.length, sha256(content));
        }

        @Override
        public Label label(Path checkpoint) {
            return Label.of(Scheme.FP8_DYNAMIC);
        }

        @Override
        public ConversionResult convert(ConversionRequest request, JobMonitor monitor) {
            throw new UnsupportedOperationException("only quantizes");
        }

        @Override
        public EvaluationResult evaluate(EvaluationRequest request, JobMonitor monitor) {
            throw new UnsupportedOperationException("only quantizes");
        }

        @Override
        public GenerationResult generate(GenerationRequest request, JobMonitor monitor) {
            throw new UnsupportedOperationException("only quantizes");
        }

        @Override
        public void close() {}
    }
}
