package io.octavo.engine.benchmark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.engine.Engines;
import io.octavo.engine.TestModels;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.JobCancelledException;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.request.EngineOptions;
import io.octavo.engine.request.JobMonitor;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import tools.jackson.databind.node.ObjectNode;

/** A small load on a small model. */
@Timeout(120)
class BenchmarkTest {

    private static final EngineOptions CPU = new EngineOptions("cpu", 2);

    private static BenchmarkRequest request(Load load) {
        return new BenchmarkRequest(TestModels.books5m(), TestModels.books5m(), load, null, null);
    }

    private static Load load(int requests, Load.Arrival arrival) {
        return new Load(requests, 2, arrival, new Lengths.Uniform(5, 20), new Lengths.Uniform(1, 6), 3);
    }

    @Test
    void bothModelsAnswerEveryRequestInTheLengthThatWasDrawn() {
        Load load = load(12, new Load.Arrival.ClosedLoop(4));
        List<String> phases = new ArrayList<>();
        BenchmarkResult result = Engines.benchmark(CPU, request(load), new Telling(phases));

        long prompts =
                load.planned().stream().mapToLong(Load.Planned::promptTokens).sum();
        long texts = load.planned().stream().mapToLong(Load.Planned::newTokens).sum();
        for (ServingFigures figures : List.of(result.baseline(), result.source())) {
            assertThat(figures.label()).isEqualTo("BF16");
            assertThat(figures.requests()).isEqualTo(12);
            assertThat(figures.promptTokens()).isEqualTo(prompts);
            assertThat(figures.newTokens()).isEqualTo(texts);
            assertThat(figures.outputTokensPerSecond()).isEqualTo(texts / figures.seconds());
            assertThat(figures.timeToFirstToken().p50()).isPositive();
            assertThat(figures.requestLatency().p99())
                    .isGreaterThanOrEqualTo(figures.timeToFirstToken().p99());
            ServingFigures.Memory memory = figures.memory();
            // bf16 weights of 5,048,576 parameters, whose output projection is the embedding
            assertThat(memory.weightBytes()).isEqualTo(2 * 5_048_576L);
            // keys and values of 4 layers, 2 heads of 64, in f32
            assertThat(memory.cacheBytes()).isEqualTo(memory.cacheTokens() * 4 * 2 * 2 * 64 * 4);
            assertThat(memory.peakCacheTokens()).isBetween(1L, memory.cacheTokens());
        }
        assertThat(phases)
                .containsExactly(
                        "load baseline",
                        "warm up baseline",
                        "measure baseline",
                        "load source",
                        "warm up source",
                        "measure source");
        ObjectNode json = BenchmarkReport.json(result);
        assertThat(json.at("/ratio/weightBytes").doubleValue()).isEqualTo(1);
        assertThat(json.at("/load/concurrency").intValue()).isEqualTo(4);
        assertThat(BenchmarkReport.throughput(result)).hasSize(3).allMatch(line -> line.size() == 5);
    }

    /** At 1,000 requests a second all but the last gaps are shorter than an answer takes. */
    @Test
    void requestsOfARateDoNotWaitForEachOther() {
        BenchmarkResult result =
                Engines.benchmark(CPU, request(load(30, new Load.Arrival.Poisson(1000))), JobMonitor.none());
        assertThat(result.source().requests()).isEqualTo(30);
        assertThat(result.source().memory().peakCacheTokens()).isGreaterThan(64 * 4);
    }

    @Test
    void cancellingEndsItAtOnce() {
        var load = new Load(1000, 0, new Load.Arrival.ClosedLoop(2), new Lengths.Fixed(5), new Lengths.Fixed(500), 0);
        List<String> phases = new ArrayList<>();
        var measuringSince = new AtomicLong();
        JobMonitor monitor = new JobMonitor() {
            @Override
            public void phase(String name) {
                phases.add(name);
                measuringSince.set(System.nanoTime());
            }

            @Override
            public void progress(double fraction) {}

            @Override
            public void log(String line) {}

            @Override
            public void checkpoint() {
                if (!phases.isEmpty() && phases.getLast().startsWith("measure")) {
                    throw new JobCancelledException("told to stop");
                }
            }
        };
        assertThatThrownBy(() -> Engines.benchmark(CPU, request(load), monitor))
                .isInstanceOf(JobCancelledException.class);
        assertThat(phases.getLast()).isEqualTo("measure baseline");
        // A thousand texts of 500 tokens would take minutes.
        assertThat((System.nanoTime() - measuringSince.get()) / 1e9).isLessThan(10);
    }

    @Test
    void refusesALoadThatTheModelHasNoRoomFor() {
        var load =
                new Load(1, 0, new Load.Arrival.ClosedLoop(1), new Lengths.Fixed(1000), new Lengths.Uniform(1, 100), 0);
        assertThatThrownBy(() -> Engines.benchmark(CPU, request(load), JobMonitor.none()))
                .isInstanceOfSatisfying(
                        QuantizationException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.PROMPT_TOO_LONG))
                .hasMessageContaining("1100");
    }

    /** Keeps the names of phases. */
    private record Telling(List<String> phases) implements JobMonitor {

        @Override
        public void phase(String name) {
            phases.add(name);
        }

        @Override
        public void progress(double fraction) {
            assertThat(fraction).isBetween(0.0, 1.0);
        }

        @Override
        public void log(String line) {}

        @Override
        public void checkpoint() {}
    }
}
