package io.octavo.engine.benchmark;

import com.sun.management.OperatingSystemMXBean;
import io.octavo.engine.Engines;
import io.octavo.engine.request.EngineOptions;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.serve.Completion;
import io.octavo.engine.serve.CompletionEvent;
import io.octavo.engine.serve.CompletionRequest;
import io.octavo.engine.serve.SamplingParameters;
import io.octavo.engine.serve.ServedModel;
import io.octavo.engine.serve.ServingHealth;
import io.octavo.engine.serve.ServingOptions;
import io.octavo.engine.serve.StopConditions;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;

/**
 * A served model under a closed loop of streams: each sends its next request when the last has ended. Random prompts of 128
 * tokens, 128 tokens out, greedy, no token ends a text.
 *
 * <p>Arguments: model folder, device, threads, seconds for each number of streams, those numbers. Prints one JSON line for
 * each: tokens per second out, times to the first token and between tokens in milliseconds, the processor's milliseconds a
 * token, and the process's own memory, which does not grow.
 */
final class ServingBenchmark {

    private static final int PROMPT_TOKENS = 128;
    private static final int NEW_TOKENS = 128;
    private static final int MOST_STREAMS = 256;
    private static final int FIRST_ORDINARY_TOKEN = 300;

    private ServingBenchmark() {}

    /** When the tokens of one request came, in nanoseconds. */
    private record Times(long submitted, List<Long> tokens) {}

    public static void main(String[] arguments) throws Exception {
        var options = new EngineOptions(arguments[1], Integer.parseInt(arguments[2]));
        Duration duration = Duration.ofSeconds(Long.parseLong(arguments[3]));
        var serving = new ServingOptions(
                PROMPT_TOKENS + NEW_TOKENS, MOST_STREAMS, null, null, null, true, MOST_STREAMS, MOST_STREAMS, null);
        try (ServedModel model = Engines.serve(options, Path.of(arguments[0]), serving, JobMonitor.none())) {
            load(model, 8, Duration.ofSeconds(10));
            for (int i = 4; i < arguments.length; i++) {
                int streams = Integer.parseInt(arguments[i]);
                long before = processorTime();
                List<Times> times = load(model, streams, duration);
                report(streams, duration, times, (processorTime() - before) / 1e6);
            }
            ServingHealth health = model.health();
            System.out.printf(
                    Locale.ROOT,
                    "{\"steps\": %d, \"preemptions\": %d, \"failures\": %d}%n",
                    health.steps(),
                    health.preemptions(),
                    health.failures());
        }
    }

    private static long processorTime() {
        return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
    }

    private static long residentMebibytes() throws IOException {
        return Files.readAllLines(Path.of("/proc/self/status")).stream()
                        .filter(line -> line.startsWith("VmRSS:"))
                        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
                        .sum()
                / 1024;
    }

    private static List<Times> load(ServedModel model, int streams, Duration duration) throws Exception {
        var times = new ConcurrentLinkedQueue<Times>();
        long end = System.nanoTime() + duration.toNanos();
        try (ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> running = new ArrayList<>();
            for (int i = 0; i < streams; i++) {
                var random = new SplittableRandom(i);
                running.add(clients.submit(() -> {
                    while (System.nanoTime() < end) {
                        times.add(ask(model, random));
                    }
                    return null;
                }));
            }
            for (Future<?> client : running) {
                client.get();
            }
        }
        return List.copyOf(times);
    }

    private static Times ask(ServedModel model, SplittableRandom random) throws InterruptedException {
        List<Integer> prompt = random.ints(
                        PROMPT_TOKENS, FIRST_ORDINARY_TOKEN, model.limits().vocabularySize())
                .boxed()
                .toList();
        var never = new StopConditions(List.of(), Set.of(), true, false);
        var request = new CompletionRequest("client", prompt, NEW_TOKENS, SamplingParameters.greedy(), never);
        var times = new Times(System.nanoTime(), new ArrayList<>());
        try (Completion completion = model.submit(request)) {
            while (true) {
                CompletionEvent event = completion.next(Duration.ofMinutes(1)).orElseThrow();
                if (event instanceof CompletionEvent.Piece) {
                    times.tokens().add(System.nanoTime());
                } else if (event.last()) {
                    return times;
                }
            }
        }
    }

    private static void report(int streams, Duration duration, List<Times> times, double processorMilliseconds)
            throws IOException {
        long tokens = times.stream().mapToLong(each -> each.tokens().size()).sum();
        long from = times.stream().mapToLong(Times::submitted).min().orElseThrow();
        long to =
                times.stream().mapToLong(each -> each.tokens().getLast()).max().orElseThrow();
        double[] first = times.stream()
                .mapToDouble(each -> (each.tokens().getFirst() - each.submitted()) / 1e6)
                .toArray();
        double[] between = times.stream()
                .flatMapToDouble(each -> IntStream.range(1, each.tokens().size())
                        .mapToDouble(i -> (each.tokens().get(i) - each.tokens().get(i - 1)) / 1e6))
                .toArray();
        System.out.printf(
                Locale.ROOT,
                "{\"streams\": %d, \"seconds\": %d, \"requests\": %d, \"tokens_per_second\": %.1f, "
                        + "\"first_ms_p50\": %.1f, \"first_ms_p99\": %.1f, \"between_ms_p50\": %.2f, \"between_ms_p99\": %.2f, "
                        + "\"processor_ms_a_token\": %.3f, \"resident_mib\": %d}%n",
                streams,
                duration.toSeconds(),
                times.size(),
                tokens / ((to - from) / 1e9),
                quantile(first, 0.5),
                quantile(first, 0.99),
                quantile(between, 0.5),
                quantile(between, 0.99),
                processorMilliseconds / tokens,
                residentMebibytes());
    }

    private static double quantile(double[] values, double share) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[(int) Math.min(sorted.length - 1, Math.round(share * (sorted.length - 1)))];
    }
}
