package io.octavo.jobs.queue;

import io.octavo.wire.JobStatus;
import io.octavo.wire.JobView;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.Span;
import org.springframework.context.ApplicationEventPublisher;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Propagation;
import org.springframework.transaction.annotation.Transactional;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Appends events and tells listeners, inside the caller's transaction. */
@Component
@Transactional(propagation = Propagation.MANDATORY)
class JobLog {

    private final JobEventRepository events;
    private final ApplicationEventPublisher publisher;

    JobLog(JobEventRepository events, ApplicationEventPublisher publisher) {
        this.events = events;
        this.publisher = publisher;
    }

    /** Records the state that a locked and flushed job is in. */
    void state(Job job) {
        events.append(job.id(), job.attempt(), EventType.STATE.slug(), describe(job));
        tell(job);
    }

    /** The same of a job that was handed out, and that its tenant has had its turn. */
    void claimed(Job job) {
        events.appendServing(job.tenant().value(), job.id(), job.attempt(), EventType.STATE.slug(), describe(job));
        tell(job);
    }

    private static String describe(Job job) {
        ObjectNode data = JsonNodeFactory.instance
                .objectNode()
                .put("status", job.status().name())
                .put("attempt", job.attempt());
        if (job.worker() != null) {
            data.put("worker", job.worker());
        }
        JobView.JobProblem problem = job.problem();
        if (problem != null) {
            data.putObject("problem").put("code", problem.code()).put("detail", problem.detail());
        }
        return data.toString();
    }

    private void tell(Job job) {
        publisher.publishEvent(new JobStateChanged(
                job.tenant(),
                job.id(),
                job.type(),
                job.status(),
                job.attempt(),
                job.problem(),
                job.parent().orElse(null)));
        Span.current()
                .addEvent(
                        "octavo.job.state",
                        Attributes.builder()
                                .put("octavo.job.id", job.id().toString())
                                .put("octavo.job.status", job.status().name())
                                .put("octavo.job.attempt", job.attempt())
                                .build());
        if (job.status() == JobStatus.QUEUED) {
            events.notify(JobSignals.QUEUE_CHANNEL, "");
        }
        if (job.status() == JobStatus.RUNNING && job.cancelRequested()) {
            events.notify(JobSignals.CANCEL_CHANNEL, job.id().toString());
        }
    }

    /** Tells of a step in the log of its locked pipeline. */
    void step(Job pipeline, Job step) {
        ObjectNode data = JsonNodeFactory.instance
                .objectNode()
                .put("step", step.step())
                .put("jobId", step.id().toString())
                .put("status", step.status().name());
        events.append(pipeline.id(), pipeline.attempt(), EventType.STEP.slug(), data.toString());
    }

    /** A step that was queued all the time may be claimed now. */
    void released(Job step) {
        events.notify(JobSignals.EVENT_CHANNEL, step.id().toString());
        events.notify(JobSignals.QUEUE_CHANNEL, "");
    }

    /** @throws LeaseLostException if the lease no longer holds; nothing is written then */
    void append(Lease lease, EventType type, ObjectNode data) {
        if (events.appendHolding(lease.jobId(), lease.attempt(), type.slug(), data.toString())
                .isEmpty()) {
            throw new LeaseLostException(lease);
        }
    }
}
