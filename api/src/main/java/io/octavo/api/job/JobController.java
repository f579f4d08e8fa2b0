package io.octavo.api.job;

import io.octavo.api.condition.Tagged;
import io.octavo.api.identity.Caller;
import io.octavo.api.plan.JobPreFlight;
import io.octavo.api.plan.PlanView;
import io.octavo.api.problem.Problems;
import io.octavo.jobs.deletion.Deletions;
import io.octavo.jobs.identity.TenantId;
import io.octavo.jobs.page.PageLimit;
import io.octavo.jobs.page.TimeCursor;
import io.octavo.jobs.queue.JobFilter;
import io.octavo.jobs.queue.JobService;
import io.octavo.jobs.spec.BenchmarkSpec;
import io.octavo.jobs.spec.ConvertSpec;
import io.octavo.jobs.spec.EvaluateSpec;
import io.octavo.jobs.spec.JobSpec;
import io.octavo.jobs.spec.JobSpecReader;
import io.octavo.jobs.spec.PipelineSpec;
import io.octavo.jobs.spec.QuantizeSpec;
import io.octavo.jobs.spec.ServeSpec;
import io.octavo.wire.EventRecord;
import io.octavo.wire.JobStatus;
import io.octavo.wire.JobView;
import io.octavo.wire.Page;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.servlet.http.HttpServletRequest;
import java.net.URI;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.servlet.mvc.method.annotation.SseEmitter;
import tools.jackson.databind.JsonNode;

@RestController
@RequestMapping("/api/v1/jobs")
class JobController {

    private final JobService jobs;
    private final JobSpecReader reader;
    private final JobPreFlight preFlight;
    private final EventStreams streams;
    private final Deletions deletions;

    JobController(
            JobService jobs, JobSpecReader reader, JobPreFlight preFlight, EventStreams streams, Deletions deletions) {
        this.jobs = jobs;
        this.reader = reader;
        this.preFlight = preFlight;
        this.streams = streams;
        this.deletions = deletions;
    }

    /** @param dryRun true is the other call's */
    @Operation(operationId = "submitJob", summary = "Submits a job, or tells what it would do")
    @PostMapping
    @ResponseStatus(HttpStatus.ACCEPTED)
    ResponseEntity<JobView> submit(
            Caller caller,
            @RequestBody JsonNode body,
            @RequestParam(required = false) @Nullable String dryRun,
            @RequestHeader(name = Problems.IDEMPOTENCY_KEY, required = false) @Nullable String key) {
        if (Problems.isTrue("dryRun", dryRun)) { // what may be meant as one queues no job
            throw new IllegalStateException("true is the other call's");
        }
        JobSpec spec = reader.read(body);
        JobView job = key == null
                ? submit(caller.tenant(), spec)
                : submitOnce(caller.tenant(), spec, Problems.idempotencyKey(key));
        return ResponseEntity.accepted()
                .location(URI.create("/api/v1/jobs/" + job.id()))
                .body(job);
    }

    private JobView submit(TenantId tenant, JobSpec spec) {
        return jobs.submit(tenant, spec, preFlight.plan(tenant, spec).found());
    }

    /** Looks at the key before the sources, which may be gone by the time that a request is sent again. */
    private JobView submitOnce(TenantId tenant, JobSpec spec, String key) {
        return jobs.submitted(tenant, spec, key)
                .orElseGet(() ->
                        jobs.submit(tenant, spec, preFlight.plan(tenant, spec).found(), key));
    }

    @Operation(operationId = "submitJob", summary = "Submits a job, or tells what it would do")
    @PostMapping(params = "dryRun=true")
    PlanView plan(Caller caller, @RequestBody JsonNode body) {
        return preFlight.plan(caller.tenant(), reader.read(body));
    }

    @Operation(operationId = "listJobs", summary = "Lists jobs, the newest first")
    @GetMapping
    Page<JobView> list(
            Caller caller,
            @RequestParam(required = false) @Nullable JobStatus status,
            @Parameter(
                            schema =
                                    @Schema(
                                            type = "string",
                                            allowableValues = {
                                                QuantizeSpec.TYPE,
                                                ConvertSpec.TYPE,
                                                EvaluateSpec.TYPE,
                                                BenchmarkSpec.TYPE,
                                                PipelineSpec.TYPE,
                                                ServeSpec.TYPE
                                            }))
                    @RequestParam(required = false)
                    @Nullable String type,
            @RequestParam(required = false) @Nullable List<String> label,
            @RequestParam(required = false) @Nullable UUID parent,
            @RequestParam(required = false) @Nullable Integer limit,
            @RequestParam(required = false) @Nullable String cursor,
            HttpServletRequest request) {
        // As they were sent: the framework takes one with commas in it for several.
        List<String> labels = label == null ? List.of() : List.of(request.getParameterValues("label"));
        var filter = new JobFilter(
                Optional.ofNullable(status),
                Optional.ofNullable(type).map(name -> Problems.read("type", () -> JobFilter.type(name))),
                Problems.read("label", () -> JobFilter.labels(labels)),
                Optional.ofNullable(parent));
        return jobs.list(caller.tenant(), filter, PageLimit.of(limit), TimeCursor.parse(cursor));
    }

    @Operation(operationId = "getJob", summary = "Shows a job, a pipeline with its steps")
    @Tagged
    @GetMapping("/{id}")
    JobView get(Caller caller, @PathVariable UUID id) {
        return jobs.get(caller.tenant(), id);
    }

    @Operation(operationId = "listJobEvents", summary = "Lists what happened to a job, or streams it as it happens")
    @GetMapping("/{id}/events")
    Page<EventRecord> events(
            Caller caller,
            @PathVariable UUID id,
            @RequestParam(required = false) @Nullable Integer limit,
            @RequestParam(required = false) @Nullable String cursor) {
        return jobs.events(caller.tenant(), id, Problems.number("cursor", cursor, 0), PageLimit.of(limit));
    }

    @Operation(operationId = "listJobEvents", summary = "Lists what happened to a job, or streams it as it happens")
    @GetMapping(path = "/{id}/events", produces = MediaType.TEXT_EVENT_STREAM_VALUE)
    SseEmitter stream(
            Caller caller,
            @PathVariable UUID id,
            @RequestHeader(name = "Last-Event-ID", required = false) @Nullable String lastEventId) {
        return streams.open(caller.tenant(), id, Problems.number("Last-Event-ID", lastEventId, 0));
    }

    /** One that has ended; its artifact stays. */
    @Operation(operationId = "deleteJob", summary = "Deletes a job that has ended; its artifact stays")
    @DeleteMapping("/{id}")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    void delete(Caller caller, @PathVariable UUID id) {
        deletions.job(caller.tenant(), id);
    }

    @Operation(operationId = "cancelJob", summary = "Cancels a job, of a pipeline every step that has not ended")
    @PostMapping("/{id}/cancel")
    JobView cancel(Caller caller, @PathVariable UUID id) {
        return jobs.cancel(caller.tenant(), id);
    }

    @Operation(operationId = "retryJob", summary = "Queues a failed or cancelled job again")
    @PostMapping("/{id}/retry")
    JobView retry(Caller caller, @PathVariable UUID id) {
        return jobs.retry(caller.tenant(), id);
    }
}
