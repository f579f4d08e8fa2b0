package io.octavo.jobs.queue;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Metrics;
import io.micrometer.core.instrument.MultiGauge;
import io.micrometer.core.instrument.MultiGauge.Row;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import io.octavo.wire.JobView;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import org.springframework.stereotype.Component;

/**
 * What operators watch, under {@code octavo.*}. Meters live in Micrometer's global registry: an application with a
 * monitoring system adds its own to it, and without one they cost next to nothing.
 */
@Component
public class QueueMetrics {

    private static final List<String> REASONS =
            List.of("ready", "resting", "needs", "no-suitable-worker", "no-disk", "quota", "running", "dead-letter");

    /** Jobs take from milliseconds to hours. */
    private static final Duration[] BOUNDS = {
        Duration.ofMillis(10),
        Duration.ofMillis(100),
        Duration.ofSeconds(1),
        Duration.ofSeconds(10),
        Duration.ofMinutes(1),
        Duration.ofMinutes(10),
        Duration.ofHours(1)
    };

    /** One for the process, as its device and the registry are. */
    private static final AtomicLong FREE_DEVICE_MEMORY =
            Objects.requireNonNull(Metrics.gauge("octavo.device.free.memory.bytes", new AtomicLong()));

    private final MultiGauge depth = MultiGauge.builder("octavo.queue.jobs")
            .description("jobs by why they wait, and those that run or are dead letters")
            .register(Metrics.globalRegistry);
    private volatile double oldestReadySeconds;

    QueueMetrics() {
        Gauge.builder("octavo.queue.oldest.ready", () -> oldestReadySeconds)
                .description("how long the job that could run longest has waited")
                .baseUnit("seconds")
                .register(Metrics.globalRegistry);
    }

    /** Shows the depths of one look at the queue; reasons without jobs show zero. */
    void depths(List<LaneRepository.Depth> found) {
        depth.register(
                REASONS.stream()
                        .map(reason -> Row.of(
                                Tags.of("reason", reason),
                                found.stream()
                                        .filter(row -> row.reason().equals(reason))
                                        .mapToLong(LaneRepository.Depth::jobs)
                                        .sum()))
                        .toList(),
                true);
        oldestReadySeconds = found.stream()
                .filter(row -> row.reason().equals("ready"))
                .mapToDouble(LaneRepository.Depth::oldestSeconds)
                .max()
                .orElse(0);
    }

    void claimed(String type, Duration waited) {
        timer("octavo.queue.wait", "type", type).record(waited);
    }

    /** An attempt of the job has ended, with the status that it has now. */
    void ended(Job job) {
        JobView.JobProblem problem = job.problem();
        Metrics.counter(
                        "octavo.attempts",
                        "type",
                        job.type(),
                        "outcome",
                        job.status().name(),
                        "code",
                        problem == null ? "none" : problem.code())
                .increment();
    }

    void leasesExpired(int count) {
        Metrics.counter("octavo.leases.expired").increment((double) count);
    }

    /** A worker met a write that was refused. */
    public void leaseLost() {
        Metrics.counter("octavo.leases.lost").increment();
    }

    public void phaseEnded(String phase, Duration took) {
        timer("octavo.phase", "phase", phase).record(took);
    }

    private static Timer timer(String name, String tag, String value) {
        return Timer.builder(name)
                .tag(tag, value)
                .serviceLevelObjectives(BOUNDS)
                .register(Metrics.globalRegistry);
    }

    /** @param direction {@code in} or {@code out} */
    public void bytes(String direction, long count) {
        Metrics.counter("octavo.bytes", "direction", direction).increment((double) count);
    }

    public void tokensPerSecond(double rate) {
        Metrics.summary("octavo.evaluate.tokens.per.second").record(rate);
    }

    public void freeDeviceMemory(long bytes) {
        FREE_DEVICE_MEMORY.set(bytes);
    }
}
