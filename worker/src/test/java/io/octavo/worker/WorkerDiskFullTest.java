package io.octavo.worker;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.jobs.testing.EmbeddedServices;
import io.octavo.jobs.testing.SmallDisk;
import io.octavo.wire.JobStatus;
import io.octavo.wire.JobView;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;

/** A worker whose work directory lies on a file system of 128 MB, which the kernel itself says is full. */
@Timeout(120)
@SpringBootTest(
        classes = RunningWorker.Application.class,
        properties = {
            "octavo.queue.resource-backoff=1s",
            "octavo.queue.max-attempts=3",
            "octavo.worker.heartbeat=100ms",
            "octavo.worker.poll=100ms",
            "octavo.worker.metrics.port=0"
        })
class WorkerDiskFullTest extends RunningWorker {

    private static final int DISK_BYTES = 128 << 20;
    private static final int WEIGHTS = 8 << 20;
    private static final String SPEC = """
            {"type":"quantize","source":"hub:octavo/model","scheme":"FP8_DYNAMIC","target":"octavo/out"}""";

    @TempDir
    static Path folder;

    private static SmallDisk disk;

    @DynamicPropertySource
    static void services(DynamicPropertyRegistry registry) {
        EmbeddedServices.register(registry);
        registry.add("octavo.worker.work-directory", () -> folder.resolve("disk/work"));
    }

    @BeforeAll
    static void mount() {
        disk = new SmallDisk(folder.resolve("disk"), DISK_BYTES);
    }

    @AfterAll
    static void unmount() {
        disk.close();
    }

    @BeforeEach
    void push() {
        disk.require();
        engine.reset();
        disk.empty();
        sql.sql("truncate job, job_event, idempotency, artifact, artifact_file, evaluation")
                .update();
        byte[] weights = new byte[WEIGHTS];
        new Random(UUID.randomUUID().hashCode()).nextBytes(weights);
        push("octavo/model", file("model.safetensors", weights));
    }

    private UUID submit() {
        return submit(SPEC);
    }

    private JobView await(UUID id) {
        Awaitility.await()
                .atMost(Duration.ofSeconds(60))
                .until(() -> jobs.get(TENANT, id).status().isTerminal());
        return jobs.get(TENANT, id);
    }

    private long count(String table) {
        return sql.sql("select count(*) from " + table).query(Long.class).single();
    }

    private static void assertNothingLeftOfAttempts() {
        Awaitility.await().until(() -> {
            try (Stream<Path> left = Files.list(disk.folder().resolve("work/jobs"))) {
                return left.findAny().isEmpty();
            }
        });
    }

    private JobView.JobProblem firstProblem(UUID id) {
        Awaitility.await()
                .atMost(Duration.ofSeconds(60))
                .until(() -> jobs.get(TENANT, id).problem() != null);
        return Objects.requireNonNull(jobs.get(TENANT, id).problem());
    }

    @Test
    void aDiskThatFillsUpInTheMiddleOfAJobCostsAnAttemptAndLeavesNothingHalf() {
        var attempts = new AtomicInteger();
        long before = count("blob");
        engine.interlude = (request, monitor) -> {
            if (attempts.incrementAndGet() == 1) {
                disk.fill();
            }
        };
        UUID id = submit();
        assertThat(firstProblem(id)).isEqualTo(new JobView.JobProblem("disk-full", "the worker's disk is full"));
        assertThat(jobs.get(TENANT, id).status()).isEqualTo(JobStatus.QUEUED);
        assertThat(count("artifact")).isZero();
        assertThat(count("blob")).isEqualTo(before);
        assertNothingLeftOfAttempts();

        disk.empty();
        JobView job = await(id);
        assertThat(job.status()).as("%s", job.problem()).isEqualTo(JobStatus.SUCCEEDED);
        assertThat(job.attempt()).isBetween(2, 3);
        assertThat(count("artifact")).isOne();
        assertThat(sql.sql("select size from artifact_file").query(Long.class).list())
                .containsExactly((long) WEIGHTS);
        assertNothingLeftOfAttempts();
    }

    @Test
    void aDiskThatStaysFullFailsTheJobAndNotTheWorker() {
        engine.interlude = (request, monitor) -> disk.fill();
        UUID id = submit();
        JobView job = await(id);
        assertThat(job.status()).isEqualTo(JobStatus.FAILED);
        assertThat(job.deadLetter()).as("a retry may help").isTrue();
        assertThat(Objects.requireNonNull(job.problem()).code()).isEqualTo("disk-full");
        assertThat(count("artifact")).isZero();
        assertNothingLeftOfAttempts();

        engine.interlude = (request, monitor) -> {};
        disk.empty();
        jobs.retry(TENANT, id);
        assertThat(await(id).status()).isEqualTo(JobStatus.SUCCEEDED);
    }

    /** As a system in another language says it. */
    @Test
    void aFullDiskIsToldByWhatIsLeftToo() {
        engine.interlude = (request, monitor) -> {
            disk.fill();
            throw new UncheckedIOException(new IOException("Auf dem Gerät ist kein Speicherplatz mehr verfügbar"));
        };
        UUID full = submit();
        assertThat(firstProblem(full).detail()).isEqualTo("the worker's disk is full");
        jobs.cancel(TENANT, full);
        await(full);
        disk.empty();
        engine.interlude = (request, monitor) -> {
            throw new UncheckedIOException(new IOException("Eingabe-/Ausgabefehler"));
        };
        assertThat(firstProblem(submit()).code()).isEqualTo("io-failed");
    }

    /** It is full before anything is fetched: said before, and the worker's own life goes on. */
    @Test
    void aJobThatHasNoRoomForItsInputsSaysSo() {
        disk.fill();
        UUID id = submit();
        JobView job = await(id);
        assertThat(Objects.requireNonNull(job.problem()).code()).isEqualTo("disk-full");
        assertThat(engine.begun.availablePermits()).isZero();
        assertThat(worker.isRunning()).isTrue();
        disk.empty();
    }
}
