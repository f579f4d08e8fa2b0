package io.octavo.worker.serve;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Timer;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.octavo.engine.serve.ServedModel;
import io.octavo.engine.serve.ServingHealth;
import java.time.Duration;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/** What a served model shows to Prometheus. */
final class ServeMeters {

    /** 1 ms to a minute, each twice the one before. */
    private static final Duration[] TIMES =
            IntStream.range(0, 17).mapToObj(i -> Duration.ofMillis(1L << i)).toArray(Duration[]::new);

    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final ServedModel model;
    private final Timer firstToken;

    ServeMeters(ServedModel model) {
        this.model = model;
        gauge("running", "Texts that are gone on with", ServingHealth::running);
        gauge("waiting", "Texts that wait for room", ServingHealth::waiting);
        gauge("pages.free", "Pages of the cache that a new text could take", ServingHealth::freePages);
        gauge("pages", "Pages of the cache", ServingHealth::pages);
        counter("steps", "Forward passes", ServingHealth::steps);
        counter("prompt.tokens", "Tokens of prompts", ServingHealth::promptTokens);
        counter("cached.tokens", "Tokens of prompts that were found in the cache", ServingHealth::cachedTokens);
        counter("completion.tokens", "Tokens drawn", ServingHealth::completionTokens);
        counter("preemptions", "Texts that lost their pages to older ones", ServingHealth::preemptions);
        counter("failures", "Requests that ended with a failure", ServingHealth::failures);
        firstToken = Timer.builder("octavo.serve.time.to.first.token")
                .description("From a request's arrival to its first new token")
                .serviceLevelObjectives(TIMES)
                .register(registry);
    }

    private void gauge(String name, String description, ToDoubleFunction<ServingHealth> value) {
        Gauge.builder("octavo.serve." + name, model, served -> value.applyAsDouble(served.health()))
                .description(description)
                .register(registry);
    }

    private void counter(String name, String description, ToDoubleFunction<ServingHealth> value) {
        FunctionCounter.builder("octavo.serve." + name, model, served -> value.applyAsDouble(served.health()))
                .description(description)
                .register(registry);
    }

    void firstTokenAfter(Duration time) {
        firstToken.record(time);
    }

    /** @param route what was called, one of a few names */
    void answered(String route, int status, Duration time) {
        Timer.builder("octavo.serve.requests")
                .description("From a request's arrival to the end of its answer")
                .serviceLevelObjectives(TIMES)
                .tag("route", route)
                .tag("status", String.valueOf(status))
                .register(registry)
                .record(time);
    }

    String scrape() {
        return registry.scrape();
    }
}
