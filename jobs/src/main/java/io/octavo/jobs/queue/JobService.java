package io.octavo.jobs.queue;

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

    /** Whose jobs those are that no tenant was named for. */
    public static final UUID BUILT_IN_TENANT = new UUID(0, 0);

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

    /** Submits for the built-in tenant. */
    public JobRecord submit(JobSpec spec) {
        return submit(spec, BUILT_IN_TENANT);
    }

    public JobRecord submit(JobSpec spec, UUID tenant) {
        return record(store(spec, tenant));
    }

    /** Submits for the built-in tenant, once per key. */
    public JobRecord submit(JobSpec spec, String idempotencyKey) {
        return submit(spec, BUILT_IN_TENANT, idempotencyKey);
    }

    /**
     * Submits once per key: the same key and spec answer with the first job.
     *
     * @throws ProblemException {@code idempotency-key-reused} for the same key with another spec
     */
    public JobRecord submit(JobSpec spec, UUID tenant, String idempotencyKey) {
        String digest = sha256(spec.toJson().toString());
        keys.lock(idempotencyKey);
        Optional<IdempotencyKey> earlier = keys.findById(idempotencyKey);
        if (earlier.isEmpty()) {
            Job job = store(spec, tenant);
            keys.insert(idempotencyKey, digest, job.id());
            return record(job);
        }
        if (!earlier.get().requestSha256().equals(digest)) {
            throw new ProblemException(
                    ProblemCode.IDEMPOTENCY_KEY_REUSED, "the idempotency key was used with another request");
        }
        return get(earlier.get().jobId());
    }

    @Transactional(readOnly = true)
    public JobRecord get(UUID id) {
        return record(jobs.findById(id).orElseThrow(() -> notFound(id)));
    }

    /** Newest first. */
    @Transactional(readOnly = true)
    public Page<JobRecord> list(@Nullable JobStatus status, @Nullable String type, PageLimit limit, TimeCursor cursor) {
        List<Job> found = jobs.page(
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
    public Page<EventRecord> events(UUID id, long after, PageLimit limit) {
        if (jobs.findById(id).isEmpty()) {
            throw notFound(id);
        }
        Page<JobEvent> page = Page.of(
                events.page(id, after, Limit.of(limit.probe())), limit.value(), event -> Long.toString(event.id()));
        return page.map(event -> new EventRecord(event.id(), event.at(), event.type(), json.readTree(event.data())));
    }

    public JobRecord cancel(UUID id) {
        return change(id, Job::requestCancel);
    }

    /** Queues a failed or cancelled job again, with a full set of attempts. */
    public JobRecord retry(UUID id) {
        return change(id, (job, now) -> job.retry(now, properties.maxAttempts()));
    }

    private JobRecord change(UUID id, BiConsumer<Job, Instant> change) {
        Job job = jobs.lock(id).orElseThrow(() -> notFound(id));
        change.accept(job, jobs.now());
        jobs.saveAndFlush(job);
        log.state(job);
        return record(job);
    }

    private Job store(JobSpec spec, UUID tenant) {
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
