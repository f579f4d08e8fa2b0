package io.octavo.jobs.queue;

import io.octavo.jobs.hash.Sha256;
import io.octavo.jobs.identity.TenantId;
import io.octavo.jobs.page.PageLimit;
import io.octavo.jobs.page.TimeCursor;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import io.octavo.jobs.spec.JobSpec;
import io.octavo.jobs.spec.PipelineSpec;
import io.octavo.jobs.spec.ServeSpec;
import io.octavo.wire.EventRecord;
import io.octavo.wire.JobStatus;
import io.octavo.wire.JobView;
import io.octavo.wire.Page;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.springframework.stereotype.Service;
import org.springframework.transaction.annotation.Transactional;
import tools.jackson.databind.json.JsonMapper;

/** The clients' side of the queue. */
@Service
@Transactional
public class JobService {

    private final JobRepository jobs;
    private final JobEventRepository events;
    private final IdempotencyKeyRepository keys;
    private final JobListing listing;
    private final Pipelines pipelines;
    private final Lanes lanes;
    private final JobLog log;
    private final JsonMapper json;
    private final QueueProperties properties;

    JobService(
            JobRepository jobs,
            JobEventRepository events,
            IdempotencyKeyRepository keys,
            JobListing listing,
            Pipelines pipelines,
            Lanes lanes,
            JobLog log,
            JsonMapper json,
            QueueProperties properties) {
        this.jobs = jobs;
        this.events = events;
        this.keys = keys;
        this.listing = listing;
        this.pipelines = pipelines;
        this.lanes = lanes;
        this.log = log;
        this.json = json;
        this.properties = properties;
    }

    public JobView submit(TenantId tenant, JobSpec spec, FoundPlans plans) {
        return record(store(tenant, spec, plans));
    }

    /**
     * Submits once per key: the same key and spec answer with the first job.
     *
     * @throws ProblemException {@code idempotency-key-reused} for the same key with another spec
     */
    public JobView submit(TenantId tenant, JobSpec spec, FoundPlans plans, String idempotencyKey) {
        keys.lock(tenant.value(), idempotencyKey);
        return submitted(tenant, spec, idempotencyKey).orElseGet(() -> {
            Job job = store(tenant, spec, plans);
            keys.insert(tenant.value(), idempotencyKey, digest(spec), job.id());
            return record(job);
        });
    }

    /**
     * The job that was submitted with the key before, whatever became of its sources since.
     *
     * @throws ProblemException {@code idempotency-key-reused} for the same key with another spec
     */
    @Transactional(readOnly = true)
    public Optional<JobView> submitted(TenantId tenant, JobSpec spec, String idempotencyKey) {
        return keys.find(tenant.value(), idempotencyKey).map(earlier -> {
            if (!earlier.requestSha256().equals(digest(spec))) {
                throw new ProblemException(
                        ProblemCode.IDEMPOTENCY_KEY_REUSED, "the idempotency key was used with another request");
            }
            return get(tenant, earlier.jobId());
        });
    }

    @Transactional(readOnly = true)
    public JobView get(TenantId tenant, UUID id) {
        return record(
                jobs.findByTenantAndIdAndDeletedAtIsNull(tenant.value(), id).orElseThrow(() -> notFound(id)));
    }

    /** Newest first. */
    @Transactional(readOnly = true)
    public Page<JobView> list(TenantId tenant, JobFilter filter, PageLimit limit, TimeCursor cursor) {
        List<UUID> ids = listing.page(tenant, filter, cursor, limit.probe());
        Map<UUID, Job> found =
                jobs.findAllByIdInOrderById(ids).stream().collect(Collectors.toMap(Job::id, Function.identity()));
        Page<Job> page = Page.of(
                ids.stream().map(found::get).toList(),
                limit.value(),
                job -> new TimeCursor(job.createdAt(), job.id()).toString());
        return new Page<>(records(page.items()), page.nextCursor());
    }

    /**
     * Events of a job in order.
     *
     * @param after the id of the last event already seen, or 0
     */
    @Transactional(readOnly = true)
    public Page<EventRecord> events(TenantId tenant, UUID id, long after, PageLimit limit) {
        if (jobs.findByTenantAndIdAndDeletedAtIsNull(tenant.value(), id).isEmpty()) {
            throw notFound(id);
        }
        Page<JobEventRepository.Event> page =
                Page.of(events.page(id, after, limit.probe()), limit.value(), event -> Long.toString(event.id()));
        return page.map(event -> new EventRecord(event.id(), event.at(), event.type(), json.readTree(event.data())));
    }

    /** Of a pipeline, all of its steps that have not ended. */
    public JobView cancel(TenantId tenant, UUID id) {
        Job job = lock(tenant, id);
        Instant now = jobs.now();
        if (job.isPipeline()) {
            pipelines.cancel(job, now);
        } else {
            job.requestCancel(now);
            save(job);
            pipelines.follow(job, now);
        }
        return record(job);
    }

    /** Queues a failed or cancelled job again, with a full set of attempts; of a pipeline, all steps that are so. */
    public JobView retry(TenantId tenant, UUID id) {
        Job job = lock(tenant, id);
        Instant now = jobs.now();
        if (job.isPipeline()) {
            pipelines.retry(job, now, properties.maxAttempts());
        } else {
            requireNoStep(job);
            requireNoDeployment(job);
            job.retry(now, properties.maxAttempts());
            save(job);
        }
        return record(job);
    }

    /** What comes after a step may have been left out since, so that a pipeline is tried again as a whole. */
    private static void requireNoStep(Job job) {
        job.parent().ifPresent(pipeline -> {
            throw new ProblemException(
                    ProblemCode.JOB_NOT_RETRYABLE,
                    "job " + job.id() + " is step " + job.step() + " of pipeline " + pipeline
                            + "; a retry of that tries again all that did not succeed");
        });
    }

    /** Another one may have its name by now. */
    private static void requireNoDeployment(Job job) {
        if (job.type().equals(ServeSpec.TYPE)) {
            throw new ProblemException(
                    ProblemCode.JOB_NOT_RETRYABLE,
                    "job " + job.id() + " is a deployment; POST /api/v1/deployments makes one anew");
        }
    }

    /** With its pipeline, if it is a step. */
    private Job lock(TenantId tenant, UUID id) {
        pipelines.lockOf(tenant, id);
        return jobs.lock(tenant.value(), id).orElseThrow(() -> notFound(id));
    }

    private void save(Job job) {
        jobs.saveAndFlush(job);
        log.state(job);
    }

    private Job store(TenantId tenant, JobSpec spec, FoundPlans plans) {
        Instant now = jobs.now();
        int lane = spec instanceof PipelineSpec ? Lanes.NOBODY : lanes.of(spec.requirements());
        Job job = new Job(tenant, spec, lane, properties.maxAttempts(), now);
        job.plan(plans.own(), json);
        save(job);
        if (spec instanceof PipelineSpec pipeline) {
            pipelines.submitSteps(job, pipeline, plans, properties.maxAttempts(), now);
        }
        return job;
    }

    private JobView record(Job job) {
        return records(List.of(job)).getFirst();
    }

    private List<JobView> records(List<Job> page) {
        if (page.isEmpty()) {
            return List.of();
        }
        Map<UUID, List<Job>> steps = pipelines.stepsOf(
                page.stream().filter(Job::isPipeline).map(Job::id).toList());
        List<Job> shown = Stream.concat(page.stream(), steps.values().stream().flatMap(List::stream))
                .toList();
        var views = new JobViews(steps, positions(shown), waiting(shown), json);
        return page.stream().map(views::record).toList();
    }

    private Map<UUID, JobEventRepository.Position> positions(List<Job> shown) {
        return events.positions(shown.stream().map(Job::id).toList()).stream()
                .collect(Collectors.toMap(JobEventRepository.Position::jobId, Function.identity()));
    }

    private Map<UUID, JobView.Waiting> waiting(List<Job> shown) {
        Map<Boolean, List<UUID>> queued = shown.stream()
                .filter(job -> job.status() == JobStatus.QUEUED && !job.isPipeline())
                .collect(Collectors.partitioningBy(Job::isBlocked, Collectors.mapping(Job::id, Collectors.toList())));
        Map<UUID, JobView.Waiting> reasons = new HashMap<>(lanes.reasons(queued.getOrDefault(false, List.of())));
        reasons.putAll(pipelines.reasons(queued.getOrDefault(true, List.of())));
        return reasons;
    }

    private static ProblemException notFound(UUID id) {
        return new ProblemException(ProblemCode.JOB_NOT_FOUND, "job " + id + " does not exist");
    }

    private static String digest(JobSpec spec) {
        return Sha256.hex(spec.toJson().toString());
    }
}
