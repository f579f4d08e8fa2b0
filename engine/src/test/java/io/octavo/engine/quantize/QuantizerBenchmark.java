package io.octavo.engine.quantize;

import io.octavo.engine.Engine;
import io.octavo.engine.Engines;
import io.octavo.engine.artifact.FileDigest;
import io.octavo.engine.benchmark.SyntheticLlama;
import io.octavo.engine.layout.compressed.CompressedTensors;
import io.octavo.engine.request.EngineOptions;
import io.octavo.engine.request.HashedFile;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.QuantizationRequest;
import io.octavo.engine.request.QuantizationResult;
import io.octavo.engine.request.Recipe;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * FP8_DYNAMIC from file to file: {@code QuantizerBenchmark DIR [threads] [runs] [device] [layers] [vocabulary]}.
 *
 * <p>With {@code -Doctavo.benchmark.warm=true} the process warms up first, as a worker does; otherwise the first run is cold.
 * With {@code -Doctavo.benchmark.known=true} the source's SHA-256 are told instead of computed, as they are where files were
 * hashed on their way from storage.
 *
 * <p>Makes a bf16 checkpoint in {@code DIR} once (by default nine decoder layers with the shapes of Llama 3 8B, some 4 GB; 32
 * and a vocabulary of 128256 make the whole of it), in files of 4 GB, then quantizes it. Prints, per run, source gigabytes a second until the output file and its SHA-256 are complete, the same
 * for the whole call (verification and the source's SHA-256 included), the processor seconds that it took, which show
 * what a busy machine hides, by kind of thread too, and the largest anonymous memory seen. What the last run wrote stays.
 */
final class QuantizerBenchmark {

    private static final String LAYERS = "9";
    private static final String VOCABULARY = "8192";

    private QuantizerBenchmark() {}

    public static void main(String[] arguments) throws IOException {
        Path folder = Path.of(arguments[0]);
        int threads = Integer.parseInt(argument(arguments, 1, "2"));
        int runs = Integer.parseInt(argument(arguments, 2, "3"));
        String device = argument(arguments, 3, "cpu");
        Path source = folder.resolve("source");
        int layers = Integer.parseInt(argument(arguments, 4, LAYERS));
        int vocabulary = Integer.parseInt(argument(arguments, 5, VOCABULARY));
        SyntheticLlama.like8b(layers, vocabulary).write(source);
        List<HashedFile> known = Boolean.getBoolean("octavo.benchmark.known") ? known(source, folder) : List.of();
        try (Engine engine = Engines.openBeside(new EngineOptions(device, threads))) {
            if (Boolean.getBoolean("octavo.benchmark.warm")) {
                warmUp(engine, folder.resolve("warm-up"));
            }
            System.out.printf("ready %.2f s after the process began%n", sinceStart());
            for (int run = 0; run < runs; run++) {
                Path target = folder.resolve("out");
                if (Files.exists(target)) {
                    delete(target);
                }
                measure(engine, source, known, target);
            }
            System.out.println(engine.device());
        }
    }

    /** As a worker does before its first job. */
    private static void warmUp(Engine engine, Path folder) throws IOException {
        long begun = System.nanoTime();
        engine.warmUp(folder, JobMonitor.none());
        System.out.printf("warmed up in %.2f s%n", (System.nanoTime() - begun) / 1e9);
        delete(folder);
    }

    private static String argument(String[] arguments, int index, String absent) {
        return index < arguments.length ? arguments[index] : absent;
    }

    /** Hashed once and kept beside the source. */
    private static List<HashedFile> known(Path source, Path folder) throws IOException {
        Path list = folder.resolve("source.sha256");
        if (!Files.exists(list)) {
            try (Stream<Path> files = Files.list(source)) {
                Files.write(
                        list,
                        files.parallel()
                                .map(file -> FileDigest.of(file, source.relativize(file)))
                                .map(file -> "%s %d %s".formatted(file.sha256(), file.size(), file.path()))
                                .toList());
            }
        }
        return Files.readAllLines(list).stream()
                .map(line -> line.split(" ", 3))
                .map(fields -> new HashedFile(fields[2], Long.parseLong(fields[1]), fields[0]))
                .toList();
    }

    private static void measure(Engine engine, Path source, List<HashedFile> known, Path target) {
        var request = new QuantizationRequest(
                        source, target, new Recipe("FP8_DYNAMIC", CompressedTensors.NAME, List.of()))
                .withKnown(known);
        var clock = new Clock();
        double cpuBefore = cpuSeconds();
        QuantizationResult result = engine.quantize(request, clock);
        double total = clock.seconds();
        double gigabytes = result.inputBytes() / 1e9;
        System.out.printf(
                "%.2f GB: written and hashed %.2f s = %.2f GB/s; with verification %.2f s = %.2f GB/s,"
                        + " %.2f processor seconds;"
                        + " peak RssAnon %d MB, heap limit %d MB; %s%n",
                gigabytes,
                clock.hashed,
                gigabytes / clock.hashed,
                total,
                gigabytes / total,
                cpuSeconds() - cpuBefore,
                clock.peakAnonymousKib >> 10,
                Runtime.getRuntime().maxMemory() >> 20,
                clock.phases);
        System.out.println(clock.processor);
    }

    private static double sinceStart() {
        return (System.currentTimeMillis()
                        - ManagementFactory.getRuntimeMXBean().getStartTime())
                / 1e3;
    }

    private static double cpuSeconds() {
        return ProcessHandle.current().info().totalCpuDuration().orElseThrow().toNanos() / 1e9;
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> paths = Files.walk(folder)) {
            for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }

    /** Processor seconds of every kind of thread, in user code and in the kernel. */
    private static final class ProcessorTime {

        private static final double TICKS_A_SECOND = 100;
        private static final long INTERVAL_NANOS = 50_000_000;

        private record Usage(String kind, long user, long system) {}

        /** By id; threads that have ended stay with what was seen last. */
        private final Map<String, Usage> threads = new HashMap<>();

        private final Map<String, Usage> atStart;
        private long sampled;

        ProcessorTime() {
            sample();
            atStart = Map.copyOf(threads);
        }

        void sample() {
            if (sampled != 0 && System.nanoTime() - sampled < INTERVAL_NANOS) {
                return;
            }
            sampled = System.nanoTime();
            try (Stream<Path> tasks = Files.list(Path.of("/proc/self/task"))) {
                for (Path task : tasks.toList()) {
                    read(task);
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        private void read(Path task) throws IOException {
            try {
                String stat = Files.readString(task.resolve("stat"));
                String name = stat.substring(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
                String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
                var thread = new Usage(
                        name.replaceAll("[-0-9#]+$", ""), Long.parseLong(fields[11]), Long.parseLong(fields[12]));
                threads.put(task.getFileName().toString(), thread);
            } catch (NoSuchFileException e) {
                // It has ended since.
            }
        }

        @Override
        public String toString() {
            sampled = 0;
            sample();
            var seconds = new TreeMap<String, double[]>();
            threads.forEach((id, thread) -> {
                Usage before = atStart.getOrDefault(id, new Usage(thread.kind, 0, 0));
                double[] sums = seconds.computeIfAbsent(thread.kind, kind -> new double[2]);
                sums[0] += (thread.user - before.user) / TICKS_A_SECOND;
                sums[1] += (thread.system - before.system) / TICKS_A_SECOND;
            });
            return seconds.entrySet().stream()
                    .filter(kind -> kind.getValue()[0] + kind.getValue()[1] >= 0.05)
                    .map(kind -> "%s %.2f + %.2f".formatted(kind.getKey(), kind.getValue()[0], kind.getValue()[1]))
                    .collect(Collectors.joining(", ", "processor seconds, user + system: ", ""));
        }
    }

    /** Takes the time of every phase and, whenever it is called, the process's memory. */
    private static final class Clock implements JobMonitor {

        private final long start = System.nanoTime();
        private final StringBuilder phases = new StringBuilder();
        private final ProcessorTime processor = new ProcessorTime();
        private double hashed;
        private long peakAnonymousKib;

        private double seconds() {
            return (System.nanoTime() - start) / 1e9;
        }

        @Override
        public void phase(String name) {
            processor.sample();
            phases.append("%s at %.2f s; ".formatted(name, seconds()));
            sampleMemory();
        }

        @Override
        public void progress(double fraction) {
            processor.sample();
            sampleMemory();
        }

        @Override
        public void log(String line) {
            if (line.contains("sha256")) {
                hashed = seconds();
            }
        }

        @Override
        public void checkpoint() {}

        private void sampleMemory() {
            try (Stream<String> lines = Files.lines(Path.of("/proc/self/status"))) {
                lines.filter(line -> line.startsWith("RssAnon:"))
                        .map(line -> line.replaceAll("[^0-9]", ""))
                        .mapToLong(Long::parseLong)
                        .forEach(kib -> peakAnonymousKib = Math.max(peakAnonymousKib, kib));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
