package io.octavo.worker.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.hub.RepositoryName;
import io.octavo.jobs.JobsConfiguration;
import io.octavo.jobs.blob.BlobId;
import io.octavo.jobs.blob.BlobStore;
import io.octavo.jobs.identity.TenantId;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import io.octavo.jobs.queue.FoundPlans;
import io.octavo.jobs.queue.JobService;
import io.octavo.jobs.repository.RepositoryService;
import io.octavo.jobs.spec.PipelineSpec;
import io.octavo.jobs.spec.QuantizeSpec;
import io.octavo.jobs.testing.EmbeddedS3;
import io.octavo.jobs.testing.Specs;
import io.octavo.wire.JobView;
import io.octavo.wire.RepositoryFile;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Import;
import org.springframework.dao.DataAccessException;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.transaction.TransactionException;

/**
 * Jobs on worker processes while things break: a short run by default, a long one with {@code -Doctavo.faults.jobs=1000}.
 * What breaks, and when, follows from {@code -Doctavo.faults.seed}; what the operating system makes of it does not.
 */
@Timeout(value = 40, unit = TimeUnit.MINUTES)
class FaultSuiteTest {

    private static final int JOBS = Integer.getInteger("octavo.faults.jobs", 40);
    private static final int WORKERS = Integer.getInteger("octavo.faults.workers", 3);
    private static final long SEED = Long.getLong("octavo.faults.seed", 1);
    private static final int FAULTS = Integer.getInteger("octavo.faults.count", Math.max(8, JOBS / 6));
    private static final int MODELS = 4;
    private static final int OUTSTANDING = 40;
    private static final Duration TICK = Duration.ofMillis(100);
    private static final List<Integer> SKEWS = List.of(600, -600, 45, 0);

    private enum Fault {
        KILL,
        FREEZE,
        TERMINATE,
        POSTGRES_CRASH,
        DROP_CONNECTIONS,
        DATABASE_CUT,
        DATABASE_STILL,
        STORAGE_UNAVAILABLE,
        STORAGE_REFUSING,
        STORAGE_SLOW,
        STORAGE_CUT,
        STORAGE_STILL,
        DISK_FULL
    }

    private record Healing(long at, Runnable cure) {}

    @EnableAutoConfiguration
    @Import(JobsConfiguration.class)
    static class Client {}

    @TempDir
    Path folder;

    private final Random random = new Random(SEED);
    private final Map<Fault, Integer> injected = new TreeMap<>();
    private final List<Healing> healings = new ArrayList<>();
    private final Map<UUID, Map<String, String>> expected = new HashMap<>();
    private final Set<UUID> pipelines = new HashSet<>();
    private final Set<UUID> cancelled = new HashSet<>();
    private int retried;
    private int starts;

    @Test
    void noJobIsLostOrDoneTwiceWhateverBreaks() throws IOException {
        EmbeddedS3 s3 = new EmbeddedS3(Files.createDirectories(folder.resolve("s3")));
        s3.start();
        try (FaultyPostgres postgres = new FaultyPostgres(Files.createDirectories(folder.resolve("postgres")));
                FaultyLink database = new FaultyLink(postgres.port());
                FaultyLink storage = new FaultyLink(URI.create(s3.endpoint()).getPort());
                ConfigurableApplicationContext client = client(postgres, s3)) {
            List<WorkerProcess> workers = workers(postgres, database, storage);
            try {
                long started = System.nanoTime();
                Run run = new Run(client, postgres, database, storage, workers);
                run.go();
                long seconds = Duration.ofNanos(System.nanoTime() - started).toSeconds();
                judge(client, workers, seconds);
            } finally {
                workers.forEach(WorkerProcess::close);
            }
        } finally {
            s3.stop();
        }
    }

    private static ConfigurableApplicationContext client(FaultyPostgres postgres, EmbeddedS3 s3) {
        Map<String, Object> settings = new HashMap<>(settings(postgres.url(postgres.port()), s3.endpoint()));
        settings.put("spring.main.web-application-type", "none");
        settings.put("octavo.storage.read-timeout", "60s"); // what is slow here is the machine, not a fault
        settings.put("octavo.database.answer-timeout", "60s");
        return new SpringApplicationBuilder(Client.class).properties(settings).run();
    }

    private static Map<String, String> settings(String databaseUrl, String storageEndpoint) {
        return Map.ofEntries(
                Map.entry("octavo.database.url", databaseUrl),
                Map.entry("octavo.database.pool-size", "5"),
                Map.entry("octavo.database.answer-timeout", "3s"),
                Map.entry("octavo.database.idle-transaction-timeout", "1s"),
                Map.entry("octavo.storage.endpoint", storageEndpoint),
                Map.entry("octavo.storage.access-key", EmbeddedS3.ACCESS_KEY),
                Map.entry("octavo.storage.secret-key", EmbeddedS3.SECRET_KEY),
                Map.entry("octavo.storage.connect-timeout", "1s"),
                Map.entry("octavo.storage.read-timeout", "3s"),
                Map.entry("octavo.storage.part-size", "5MB"),
                Map.entry("octavo.queue.lease", "3s"),
                Map.entry("octavo.queue.sweep", "300ms"),
                Map.entry("octavo.queue.transient-backoff", "200ms"),
                Map.entry("octavo.queue.resource-backoff", "300ms"),
                Map.entry("octavo.queue.max-backoff", "2s"));
    }

    private List<WorkerProcess> workers(FaultyPostgres postgres, FaultyLink database, FaultyLink storage)
            throws IOException {
        Map<String, String> settings =
                new HashMap<>(settings(postgres.url(database.port()), "http://127.0.0.1:" + storage.port()));
        settings.put("octavo.worker.heartbeat", "300ms");
        settings.put("octavo.worker.poll", "500ms");
        settings.put("octavo.worker.stop-timeout", "3s");
        settings.put("spring.main.banner-mode", "off");
        Path library = skewLibrary();
        List<WorkerProcess> workers = new ArrayList<>();
        for (int i = 0; i < WORKERS; i++) {
            WorkerProcess worker = new WorkerProcess(
                    "worker-" + i, folder.resolve("worker-" + i), settings, SKEWS.get(i % SKEWS.size()), library);
            worker.start();
            workers.add(worker);
        }
        return workers;
    }

    /** Without a C compiler all clocks agree, and the report says so. */
    private @Nullable Path skewLibrary() throws IOException {
        Path source = folder.resolve("skewed_clock.c");
        Path library = folder.resolve("skewed_clock.so");
        try (var code = FaultSuiteTest.class.getResourceAsStream("/faults/skewed_clock.c")) {
            Files.write(source, Objects.requireNonNull(code).readAllBytes());
        }
        try {
            int built = new ProcessBuilder(
                            "cc", "-shared", "-fPIC", "-O1", "-o", library.toString(), source.toString(), "-ldl")
                    .inheritIO()
                    .start()
                    .waitFor();
            return built == 0 ? library : null;
        } catch (IOException e) {
            return null;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return null;
        }
    }

    private void judge(ConfigurableApplicationContext client, List<WorkerProcess> workers, long seconds)
            throws IOException {
        JdbcClient sql = client.getBean(JdbcClient.class);
        History history = new History(sql);
        String report =
                "seed %d: %d jobs, %d pipelines of some of them, on %d workers in %d s, faults %s, %d cancelled, %d dead letters retried, %d workers started again%n%s%n"
                        .formatted(
                                SEED,
                                expected.size(),
                                pipelines.size(),
                                workers.size(),
                                seconds,
                                injected,
                                cancelled.size(),
                                retried,
                                starts,
                                sql.sql("select status || ' ' || count(*) from job group by status order by status")
                                        .query(String.class)
                                        .list());
        Set<UUID> all = new HashSet<>(expected.keySet());
        all.addAll(pipelines);
        history.requireAllEnded(all);
        history.requireOrderlyEvents(pipelines);
        history.requireOrderlySteps(pipelines);
        history.requireJournalsAgree(workers);
        history.requireArtifacts(expected, client.getBean(BlobStore.class));
        assertThat(sql.sql("select problem_code || ': ' || problem_detail from job"
                                + " where status = 'FAILED' or problem_code in ('internal', 'blob-corrupt')")
                        .query(String.class)
                        .list())
                .as("what breaks outside is never the job's fault, nor a defect")
                .isEmpty();
        report += "%d attempts, %d events; tokens unique, no stale write, artifacts byte-identical%n%s%n%s%n"
                .formatted(
                        history.attempts(),
                        history.events(),
                        sql.sql(
                                        "select data -> 'problem' ->> 'code' || ' ' || count(*) from job_event"
                                                + " where type = 'state' and data -> 'problem' is not null"
                                                + " and data ->> 'status' in ('QUEUED', 'FAILED') group by data -> 'problem' ->> 'code'")
                                .query(String.class)
                                .list(),
                        Files.exists(folder.resolve("skewed_clock.so"))
                                ? "clocks of workers off by " + SKEWS + " s"
                                : "no C compiler: clocks of workers agree");
        System.out.println(report);
        Files.writeString(Path.of("target", "fault-suite.txt"), report);
    }

    /** The driver: submits, cancels, breaks and heals, until everything has ended. */
    private final class Run {

        private final JobService jobs;
        private final JdbcClient sql;
        private final ConfigurableApplicationContext client;
        private final FaultyPostgres postgres;
        private final FaultyLink database;
        private final FaultyLink storage;
        private final List<WorkerProcess> workers;
        private final List<UUID> submitted = new ArrayList<>();
        private final List<Map<String, String>> models = new ArrayList<>();
        private final List<Map<String, String>> originals = new ArrayList<>();
        private int faults;
        private long nextFault;

        Run(
                ConfigurableApplicationContext client,
                FaultyPostgres postgres,
                FaultyLink database,
                FaultyLink storage,
                List<WorkerProcess> workers) {
            this.client = client;
            this.jobs = client.getBean(JobService.class);
            this.sql = client.getBean(JdbcClient.class);
            this.postgres = postgres;
            this.database = database;
            this.storage = storage;
            this.workers = workers;
        }

        void go() {
            for (int i = 0; i < MODELS; i++) {
                models.add(push("octavo/model-" + i));
            }
            Awaitility.await()
                    .atMost(Duration.ofMinutes(8)) // of a machine that others use
                    .until(() -> {
                        assertThat(workers).allMatch(WorkerProcess::isAlive, "lives");
                        return workers.stream().allMatch(worker -> Files.exists(worker.journal()));
                    });
            nextFault = System.nanoTime();
            while (submitted.size() < JOBS || faults < FAULTS) {
                submitSome();
                sometimesCancel();
                retryDeadLetters();
                sometimesBreak();
                heal(System.nanoTime());
                supervise();
                LockSupport.parkNanos(TICK.toNanos());
            }
            heal(Long.MAX_VALUE);
            Awaitility.await()
                    .atMost(Duration.ofMinutes(10))
                    .pollInterval(Duration.ofMillis(500))
                    .until(() -> {
                        heal(Long.MAX_VALUE);
                        supervise();
                        retryDeadLetters();
                        return outstanding() == 0 && count("status = 'FAILED' and dead_letter") == 0;
                    });
        }

        private Map<String, String> push(String repository) {
            Map<String, String> original = new HashMap<>();
            Map<String, String> reversed = new HashMap<>();
            List<RepositoryFile> files = new ArrayList<>();
            for (String path : List.of("model.safetensors", "sub/tokenizer.json")) {
                byte[] content = new byte[random.nextInt(1000, 100_000)];
                random.nextBytes(content);
                BlobId id = client.getBean(BlobStore.class)
                        .put(TenantId.BUILT_IN, new ByteArrayInputStream(content), content.length, null);
                files.add(new RepositoryFile(path, id.size(), id.sha256()));
                original.put(path, id.sha256());
                reversed.put(path, ReversingEngine.sha256(ReversingEngine.reversed(content)));
            }
            client.getBean(RepositoryService.class)
                    .commit(TenantId.BUILT_IN, RepositoryName.parse(repository), "push", files);
            originals.add(original);
            return reversed;
        }

        private void submitSome() {
            int planned = Math.min(JOBS, JOBS * (faults + 1) / FAULTS + 5); // so that no fault meets an idle service
            int room = Math.min(planned - submitted.size(), OUTSTANDING - outstanding());
            for (int i = 0; i < Math.min(room, 5); i++) {
                int number = submitted.size();
                if (number % 8 == 3) {
                    submitPipeline(number);
                    continue;
                }
                int model = random.nextInt(MODELS);
                String own = "job-" + number + (number % 25 == 7 ? "-large" : "");
                QuantizeSpec spec = Specs.quantize(
                        "hub:octavo/model-" + model, "octavo/out-" + number % 10, List.of(own), random.nextInt(-5, 6));
                UUID id = insist(() -> jobs.submit(TenantId.BUILT_IN, spec, FoundPlans.NONE, "fault-suite-" + number)
                        .id());
                Map<String, String> files = new HashMap<>(models.get(model));
                files.put("own", ReversingEngine.sha256(ReversingEngine.own(own)));
                submitted.add(id);
                expected.put(id, files);
            }
        }

        /** Two artifacts side by side, each made again of what was made: reversing twice gives the model back. */
        private void submitPipeline(int number) {
            int model = random.nextInt(MODELS);
            List<PipelineSpec.Step> steps = new ArrayList<>();
            for (String side : List.of("a", "b")) {
                String first = side + "1";
                String second = side + "2";
                steps.add(new PipelineSpec.Step(first, List.of(), step(number, first, "hub:octavo/model-" + model)));
                steps.add(new PipelineSpec.Step(second, List.of(first), step(number, second, "step:" + first)));
            }
            var spec = new PipelineSpec(steps, Specs.scheduling(0));
            JobView pipeline =
                    insist(() -> jobs.submit(TenantId.BUILT_IN, spec, FoundPlans.NONE, "fault-suite-" + number));
            submitted.add(pipeline.id());
            pipelines.add(pipeline.id());
            pipeline.steps().forEach(step -> {
                boolean back = step.name().endsWith("2");
                Map<String, String> files = new HashMap<>(back ? originals.get(model) : models.get(model));
                String own = own(number, step.name());
                files.put("own", ReversingEngine.sha256(ReversingEngine.own(own)));
                expected.put(step.jobId(), files);
            });
        }

        private QuantizeSpec step(int number, String name, String source) {
            return Specs.quantize(
                    source, "octavo/pipe-" + number + "-" + name, List.of(own(number, name)), random.nextInt(-5, 6));
        }

        private static String own(int number, String name) {
            return "job-" + number + "-" + name;
        }

        private int outstanding() {
            return count("status in ('QUEUED', 'RUNNING')");
        }

        private int count(String condition) {
            return insist(() -> sql.sql("select count(*) from job where " + condition)
                    .query(Integer.class)
                    .single());
        }

        private void sometimesCancel() {
            if (!submitted.isEmpty() && random.nextInt(20) == 0) {
                UUID id = submitted.get(random.nextInt(submitted.size()));
                insist(() -> {
                    try {
                        jobs.cancel(TenantId.BUILT_IN, id);
                        cancelled.add(id);
                    } catch (ProblemException e) {
                        // it has ended already
                    }
                    return true;
                });
            }
        }

        private void retryDeadLetters() {
            List<UUID> dead = insist(() -> sql.sql("select id from job where dead_letter and parent is null")
                    .query(UUID.class)
                    .list());
            for (UUID id : dead) {
                insist(() -> jobs.retry(TenantId.BUILT_IN, id));
                retried++;
            }
        }

        /** The database may be away when the driver asks; what it asks may be asked twice. */
        private <T> T insist(Supplier<T> request) {
            while (true) {
                try {
                    return request.get();
                } catch (DataAccessException | TransactionException e) {
                    LockSupport.parkNanos(TICK.toNanos());
                } catch (ProblemException e) {
                    if (e.code() != ProblemCode.JOB_NOT_RETRYABLE) {
                        throw e;
                    }
                    return request.get(); // the retry that seemed lost was done
                }
            }
        }

        private void heal(long until) {
            List<Healing> due =
                    healings.stream().filter(healing -> healing.at() <= until).toList();
            healings.removeAll(due);
            due.forEach(healing -> healing.cure().run()); // which may plan another
        }

        private void later(int fromMillis, int toMillis, Runnable cure) {
            healings.add(new Healing(
                    System.nanoTime()
                            + Duration.ofMillis(random.nextInt(fromMillis, toMillis))
                                    .toNanos(),
                    cure));
        }

        private void sometimesBreak() {
            long up = workers.stream().filter(WorkerProcess::isUp).count();
            if (faults >= FAULTS || System.nanoTime() < nextFault || up < Math.max(1, WORKERS - 1)) {
                return; // what breaks is to meet work
            }
            nextFault = System.nanoTime()
                    + Duration.ofMillis(random.nextInt(500, 2500)).toNanos();
            Fault[] kinds = Fault.values();
            Fault fault = kinds[random.nextInt(kinds.length)];
            WorkerProcess worker = workers.get(random.nextInt(workers.size()));
            if (breakDown(fault, worker)) {
                injected.merge(fault, 1, Integer::sum);
                faults++;
            }
        }

        private boolean breakDown(Fault fault, WorkerProcess worker) {
            switch (fault) {
                case KILL, TERMINATE -> {
                    if (!worker.isUp()) {
                        return false;
                    }
                    if (fault == Fault.KILL) {
                        worker.kill();
                    } else {
                        worker.terminate();
                    }
                }
                case FREEZE -> {
                    if (!worker.isUp()) {
                        return false;
                    }
                    worker.freeze();
                    later(3500, 7000, worker::thaw);
                }
                case POSTGRES_CRASH -> postgres.crash();
                case DROP_CONNECTIONS -> postgres.dropConnections(0.5);
                case DATABASE_CUT -> database.cutAll();
                case DATABASE_STILL -> {
                    database.set(FaultyLink.Mode.STILL);
                    later(1000, 5000, () -> database.set(FaultyLink.Mode.FINE));
                }
                case STORAGE_UNAVAILABLE -> storageMode(FaultyLink.Mode.UNAVAILABLE);
                case STORAGE_REFUSING -> storageMode(FaultyLink.Mode.REFUSING);
                case STORAGE_STILL -> storageMode(FaultyLink.Mode.STILL);
                case STORAGE_SLOW -> {
                    storage.slow(random.nextInt(20, 300));
                    later(1000, 3000, () -> storage.set(FaultyLink.Mode.FINE));
                }
                case STORAGE_CUT -> storage.cutAll();
                case DISK_FULL -> {
                    try {
                        Files.writeString(worker.full(), "");
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                    later(500, 2000, () -> worker.full().toFile().delete());
                }
            }
            return true;
        }

        private void storageMode(FaultyLink.Mode mode) {
            storage.set(mode);
            storage.cutAll(); // else what is connected would not notice
            later(500, 2500, () -> storage.set(FaultyLink.Mode.FINE));
        }

        /** As an orchestrator does: what ended starts again, whatever it ended of. */
        private void supervise() {
            workers.stream().filter(worker -> !worker.isAlive()).forEach(worker -> {
                worker.start();
                starts++;
            });
        }
    }
}
