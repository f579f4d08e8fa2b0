package io.octavo.jobs.queue;

import io.octavo.jobs.identity.TenantId;
import io.octavo.jobs.page.Page;
import io.octavo.jobs.page.PageLimit;
import io.octavo.jobs.page.TimeCursor;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import io.octavo.jobs.spec.JobSpec;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.data.domain.Limit;
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
    private final Lanes lanes;
    private final JobLog log;
    private final JsonMapper json;
    private final QueueProperties properties;

    JobService(
            JobRepository jobs,
            JobEventRepository events,
            IdempotencyKeyRepository keys,
            Lanes lanes,
            JobLog log,
            JsonMapper json,
            QueueProperties properties) {
        this.jobs = jobs;
        this.events = events;
        this.keys = keys;
        this.lanes = lanes;
        this.log = log;
        this.json = json;
        this.properties = properties;
    }

    public JobRecord submit(TenantId tenant, JobSpec spec) {
        return record(store(tenant, spec));
    }

    /**
     * Submits once per key: the same key and spec answer with the first job.
     *
     * @throws ProblemException {@code idempotency-key-reused} for the same key with another spec
     */
    public JobRecord submit(TenantId tenant, JobSpec spec, String idempotencyKey) {
        String digest = sha256(spec.toJson().toString());
        keys.lock(tenant.value(), idempotencyKey);
        Optional<IdempotencyKeyRepository.Use> earlier = keys.find(tenant.value(), idempotencyKey);
        if (earlier.isEmpty()) {
            Job job = store(tenant, spec);
            keys.insert(tenant.value(), idempotencyKey, digest, job.id());
            return record(job);
        }
        if (!earlier.get().getRequestSha256().equals(digest)) {
            throw new ProblemException(
                    ProblemCode.IDEMPOTENCY_KEY_REUSED, "the idempotency key was used with another request");
        }
        return get(tenant, earlier.get().getJobId());
    }

    @Transactional(readOnly = true)
    public JobRecord get(TenantId tenant, UUID id) {
        return record(jobs.findByTenantAndId(tenant.value(), id).orElseThrow(() -> notFound(id)));
    }

    /** Newest first. */
    @Transactional(readOnly = true)
    public Page<JobRecord> list(
            TenantId tenant, @Nullable JobStatus status, @Nullable String type, PageLimit limit, TimeCursor cursor) {
        List<Job> found = jobs.page(
                tenant.value(),
                status == null,
                status == null ? JobStatus.QUEUED : status,
                type == null ? "" : type,
                cursor.at(),
                cursor.id(),
                Limit.of(limit.probe()));
        Page<Job> page = Page.of(found, limit.value(), job -> new TimeCursor(job.createdAt(), job.id()).toString());
        return new Page<>(records(page.items()), page.nextCursor());
    }

    /**
     * Events of a job in order.
     *
     * @param after the id of the last event already seen, or 0
     */
    @Transactional(readOnly = true)
    public Page<EventRecord> events(TenantId tenant, UUID id, long after, PageLimit limit) {
        if (jobs.findByTenantAndId(tenant.value(), id).isEmpty()) {
            throw notFound(id);
        }
        Page<JobEvent> page = Page.of(
                events.page(id, after, Limit.of(limit.probe())), limit.value(), event -> Long.toString(event.id()));
        return page.map(event -> new EventRecord(event.id(), event.at(), event.type(), json.readTree(event.data())));
    }

    public JobRecord cancel(TenantId tenant, UUID id) {
        return change(tenant, id, Job::requestCancel);
    }

    /** Queues a failed or cancelled job again, with a full set of attempts. */
    public JobRecord retry(TenantId tenant, UUID id) {
        return change(tenant, id, (job, now) -> job.retry(now, properties.maxAttempts()));
    }

    private JobRecord change(TenantId tenant, UUID id, BiConsumer<Job, Instant> change) {
        Job job = jobs.lock(tenant.value(), id).orElseThrow(() -> notFound(id));
        change.accept(job, jobs.now());
        jobs.saveAndFlush(job);
        log.state(job);
        return record(job);
    }

    private Job store(TenantId tenant, JobSpec spec) {
        Job job = jobs.saveAndFlush(
                new Job(tenant, spec, lanes.of(spec.requirements()), properties.maxAttempts(), jobs.now()));
        log.state(job);
        return job;
    }

    private JobRecord record(Job job) {
        return records(List.of(job)).getFirst();
    }

    private List<JobRecord> records(List<Job> page) {
        if (page.isEmpty()) {
            return List.of();
        }
        Map<UUID, JobEventRepository.Position> positions =
                events.positions(page.stream().map(Job::id).toList()).stream()
                        .collect(Collectors.toMap(JobEventRepository.Position::getJobId, Function.identity()));
        Map<UUID, JobRecord.Waiting> waiting = lanes.reasons(page.stream()
                .filter(job -> job.status() == JobStatus.QUEUED)
                .map(Job::id)
                .toList());
        return page.stream()
                .map(job -> record(job, positions.get(job.id()), waiting.get(job.id())))
                .toList();
    }

    private JobRecord record(
            Job job, JobEventRepository.@Nullable Position position, JobRecord.@Nullable Waiting waiting) {
        Double progress = position == null ? null : position.getProgress();
        return new JobRecord(
                job.id(),
                job.type(),
                job.status(),
                position == null ? null : position.getPhase(),
                job.status() == JobStatus.SUCCEEDED ? 1.0 : progress == null ? 0.0 : progress,
                job.attempt(),
                job.cancelRequested(),
                job.createdAt(),
                job.startedAt(),
                job.finishedAt(),
                json.readTree(job.spec()),
                job.result() == null ? null : json.readTree(job.result()),
                job.problem(),
                job.worker(),
                job.deadLetter(),
                waiting);
    }

    private static ProblemException notFound(UUID id) {
        return new ProblemException(ProblemCode.JOB_NOT_FOUND, "job " + id + " does not exist");
    }

    private static String sha256(String text) {
        try {
            return HexFormat.of()
                    .formatHex(MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
