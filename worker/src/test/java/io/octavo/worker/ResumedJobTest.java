package io.octavo.worker;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.jobs.queue.JobQueue;
import io.octavo.jobs.testing.EmbeddedServices;
import io.octavo.wire.RepositoryFile;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.context.ApplicationContext;
import org.springframework.jdbc.core.simple.JdbcClient;

/** A job that solves layer after layer, whose workers die one after the other, each a layer further. */
@Timeout(600)
class ResumedJobTest {

    private static final int NEVER = Integer.MAX_VALUE;

    @TempDir
    Path folder;

    private final String database = EmbeddedServices.newDatabase();
    private final Deque<DyingWorker> workers = new ArrayDeque<>();

    @AfterEach
    void wakeAndStopAll() {
        workers.forEach(DyingWorker::close);
    }

    /** @param files that it keeps before it dies */
    private DyingWorker start(int files) {
        String name = "worker-" + workers.size();
        Map<String, Object> settings = new HashMap<>(EmbeddedServices.settings(database));
        settings.putAll(Map.of(
                "spring.main.web-application-type", "none",
                "octavo.queue.max-attempts", CalibratedJob.LAYERS + 1,
                "octavo.worker.name", name,
                "octavo.worker.work-directory", folder.resolve(name),
                "octavo.worker.poll", "200ms",
                "octavo.worker.device", "cpu",
                "octavo.worker.threads", "2"));
        var worker = new DyingWorker(settings, files);
        workers.push(worker);
        return worker;
    }

    private static int entries(ApplicationContext client) {
        return client.getBean(JdbcClient.class)
                .sql("select count(*) from job_journal")
                .query(Integer.class)
                .single();
    }

    /** As when a worker is dead for longer than its lease. */
    private static void takeBack(ApplicationContext client) {
        Awaitility.await().until(() -> {
            client.getBean(JdbcClient.class)
                    .sql("update job set lease_expires_at = now() - interval '1 second' where status = 'RUNNING'")
                    .update();
            return client.getBean(JobQueue.class).reclaimExpired() > 0;
        });
    }

    @Test
    void eachAttemptGoesOnAtTheLayerWhereTheOneBeforeDied() throws IOException {
        DyingWorker first = start(NEVER);
        CalibratedJob.pushInputs(first.application());
        List<RepositoryFile> whole =
                CalibratedJob.submit(first.application(), "octavo/whole").artifact();
        workers.remove(first);
        first.close();

        DyingWorker dying = start(1);
        ApplicationContext client = dying.application();
        CalibratedJob job = CalibratedJob.submit(client, "octavo/resumed");
        for (int layers = 1; layers < CalibratedJob.LAYERS; layers++) {
            int kept = layers;
            Awaitility.await()
                    .atMost(Duration.ofMinutes(2))
                    .until(() -> workers.getFirst().isDead() && job.kept() == kept);
            takeBack(client);
            start(layers + 1 < CalibratedJob.LAYERS ? 1 : NEVER);
        }
        assertThat(job.artifact()).isEqualTo(whole);
        assertThat(job.view().attempt()).isEqualTo(CalibratedJob.LAYERS);
        assertThat(job.lines("squared output error"))
                .as("layers that were solved")
                .isEqualTo(CalibratedJob.LAYERS);
        assertThat(job.lines("was solved before")).isEqualTo(1 + 2 + 3);
        assertThat(entries(client)).isZero();
    }
}
