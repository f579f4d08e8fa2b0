package io.octavo.worker.attempt;

import io.octavo.jobs.problem.Failure;
import io.octavo.jobs.queue.Claim;
import io.octavo.jobs.trace.Traceparent;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * The spans of one attempt, in the trace of the request that submitted its job: one for the attempt, in it one for each phase
 * of the worker and for each call of the engine, and in the latter one for each phase of the engine. Phases are for one
 * thread, outcomes for any.
 */
public final class AttemptTrace implements AutoCloseable {

    private final Tracer tracer;
    private final Span attempt;
    private int engineCall;
    private @Nullable Span engine;
    private @Nullable Span phase;

    /** @param worker its name */
    public AttemptTrace(Tracer tracer, Claim claim, String worker) {
        this.tracer = tracer;
        this.attempt = tracer.spanBuilder("attempt " + claim.spec().type())
                .setParent(claim.traceparent().map(Traceparent::context).orElseGet(Context::root))
                .setSpanKind(SpanKind.CONSUMER)
                .setAttribute("octavo.job.id", claim.lease().jobId().toString())
                .setAttribute("octavo.job.attempt", claim.lease().attempt())
                .setAttribute("octavo.job.type", claim.spec().type())
                .setAttribute("octavo.tenant.id", claim.tenant().toString())
                .setAttribute("octavo.worker", worker)
                .startSpan();
        JsonNode scheme = claim.spec().toJson().path("scheme");
        if (scheme.isString()) {
            attempt.setAttribute("octavo.scheme", scheme.stringValue());
        }
    }

    /** Does the attempt's work; this thread's log lines carry the trace meanwhile. */
    public void during(Runnable work) {
        try (var _ = attempt.makeCurrent()) {
            work.run();
        }
    }

    /** The worker itself does something else from now on. */
    void phase(String name) {
        engineEnded();
        phase = start(name, attempt);
    }

    /**
     * The engine does something else from now on.
     *
     * @param call the same number for all phases of one call
     */
    void enginePhase(int call, String name) {
        if (call != engineCall || engine == null) {
            engineEnded();
            engineCall = call;
            engine = start("engine", attempt);
        }
        phaseEnded();
        phase = start(name, engine);
    }

    private Span start(String name, Span parent) {
        return tracer.spanBuilder(name).setParent(Context.root().with(parent)).startSpan();
    }

    void phaseEnded() {
        if (phase != null) {
            phase.end();
            phase = null;
        }
    }

    private void engineEnded() {
        phaseEnded();
        if (engine != null) {
            engine.end();
            engine = null;
        }
    }

    void device(String device) {
        attempt.setAttribute("octavo.device", device);
    }

    void bytes(long in, long out) {
        attempt.setAttribute("octavo.bytes.in", in).setAttribute("octavo.bytes.out", out);
    }

    public void succeeded() {
        outcome("succeeded");
    }

    public void failed(Failure failure) {
        outcome("failed");
        attempt.setAttribute("error.type", failure.code()).setStatus(StatusCode.ERROR);
    }

    public void stopped(StopReason reason) {
        outcome(reason.name().toLowerCase(Locale.ROOT).replace('_', '-'));
        if (reason != StopReason.CANCELLED && reason != StopReason.SHUTDOWN) {
            attempt.setStatus(StatusCode.ERROR);
        }
    }

    private void outcome(String outcome) {
        attempt.setAttribute("octavo.outcome", outcome);
    }

    @Override
    public void close() {
        engineEnded();
        attempt.end();
    }
}
