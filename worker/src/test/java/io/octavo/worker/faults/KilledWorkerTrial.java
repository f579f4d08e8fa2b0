package io.octavo.worker.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.jobs.JobsConfiguration;
import io.octavo.jobs.testing.EmbeddedServices;
import io.octavo.wire.RepositoryFile;
import io.octavo.worker.CalibratedJob;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Import;

/**
 * What {@code ResumedJobTest} shows within a process, shown with processes that are killed: by hand, since starts are slow and
 * a kill meets a layer where it happens to.
 */
class KilledWorkerTrial {

    @EnableAutoConfiguration
    @Import(JobsConfiguration.class)
    static class Client {}

    @TempDir
    Path folder;

    @Test
    void aJobWhoseWorkerIsKilledThreeTimesGivesTheSameBytes() throws IOException {
        Map<String, String> settings = EmbeddedServices.settings(EmbeddedServices.newDatabase());
        settings.put("octavo.queue.lease", "3s");
        settings.put("octavo.queue.sweep", "300ms");
        settings.put("octavo.queue.max-attempts", "9");
        try (ConfigurableApplicationContext client = new SpringApplicationBuilder(Client.class)
                .properties(new HashMap<String, Object>(settings))
                .properties("spring.main.web-application-type=none")
                .run()) {
            CalibratedJob.pushInputs(client);
            settings.put("octavo.worker.heartbeat", "300ms");
            settings.put("octavo.worker.poll", "200ms");
            settings.put("octavo.worker.device", "cpu");
            settings.put("engine", "local");
            CalibratedJob whole = CalibratedJob.submit(client, "octavo/whole");
            List<RepositoryFile> expected;
            try (var _ = start(0, settings)) {
                expected = whole.artifact();
            }
            CalibratedJob job = CalibratedJob.submit(client, "octavo/killed");
            for (int kills = 1; kills < CalibratedJob.LAYERS; kills++) {
                int layers = kills;
                try (WorkerProcess worker = start(kills, settings)) {
                    Awaitility.await()
                            .atMost(Duration.ofMinutes(5))
                            .pollInterval(Duration.ofMillis(5))
                            .until(() -> job.kept() >= layers);
                    worker.kill();
                }
                assertThat(job.kept()).as("it had not ended").isPositive();
            }
            try (var _ = start(CalibratedJob.LAYERS, settings)) {
                assertThat(job.artifact()).isEqualTo(expected);
            }
            long solved = job.lines("squared output error");
            long found = job.lines("was solved before");
            System.out.printf(
                    "%d attempts, %d layers solved, %d found, %d files byte-identical%n",
                    job.view().attempt(), solved, found, expected.size());
            assertThat(job.view().attempt()).isEqualTo(CalibratedJob.LAYERS);
            assertThat(found).isGreaterThanOrEqualTo(1 + 2 + 3);
            assertThat(solved)
                    .as("no more than what was on its way when it was killed is solved twice")
                    .isBetween((long) CalibratedJob.LAYERS, 2L * CalibratedJob.LAYERS - 1);
            assertThat(job.kept()).isZero();
        }
    }

    private WorkerProcess start(int number, Map<String, String> settings) {
        String name = "killed-" + number;
        var worker = new WorkerProcess(name, folder.resolve(name), settings, 0, null);
        worker.start();
        return worker;
    }
}
