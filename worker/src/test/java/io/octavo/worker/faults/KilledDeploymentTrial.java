package io.octavo.worker.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.jobs.JobsConfiguration;
import io.octavo.jobs.deployment.Deployments;
import io.octavo.jobs.deployment.ServedEndpoint;
import io.octavo.jobs.identity.TenantId;
import io.octavo.jobs.queue.FoundPlans;
import io.octavo.jobs.spec.JobSpecReader;
import io.octavo.jobs.testing.EmbeddedServices;
import io.octavo.wire.DeploymentState;
import io.octavo.wire.DeploymentView;
import io.octavo.worker.CalibratedJob;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Import;
import tools.jackson.databind.json.JsonMapper;

/**
 * A real model on real workers, of which one is killed while it serves: by hand, since starts are slow, and so is a model in a
 * process that compiles as little as these do.
 */
@Timeout(1200)
class KilledDeploymentTrial {

    private static final TenantId TENANT = TenantId.BUILT_IN;
    private static final String PROMPT =
            "{\"model\":\"b\",\"prompt\":\"The old man\",\"max_tokens\":3,\"temperature\":0}";

    @EnableAutoConfiguration
    @Import(JobsConfiguration.class)
    static class Client {}

    @TempDir
    Path folder;

    @Test
    void aDeploymentWhoseWorkerIsKilledComesBackOnAnother() throws Exception {
        Map<String, String> settings = settings();
        try (ConfigurableApplicationContext client = new SpringApplicationBuilder(Client.class)
                        .properties(new HashMap<String, Object>(settings))
                        .properties("spring.main.web-application-type=none")
                        .run();
                WorkerProcess first = start("first", settings)) {
            CalibratedJob.pushInputs(client);
            Deployments deployments = client.getBean(Deployments.class);
            UUID id = deployments
                    .create(
                            TENANT,
                            client.getBean(JobSpecReader.class)
                                    .readDeployment(JsonMapper.shared()
                                            .readTree("{\"source\":\"hub:octavo/books\",\"name\":\"b\"}")),
                            FoundPlans.NONE)
                    .id();
            DeploymentView before = ready(deployments, id, first);
            ServedEndpoint old = endpoint(deployments);
            String text = text(ask(old));
            assertThat(before.worker()).isEqualTo("first");
            Awaitility.await()
                    .until(
                            () -> deployments.get(TENANT, id).health(),
                            health -> health != null && health.completionTokens() > 0);
            try (WorkerProcess second = start("second", settings)) {
                Awaitility.await().atMost(Duration.ofMinutes(5)).until(second::isUp);
                first.kill();
                Awaitility.await()
                        .atMost(Duration.ofMinutes(5))
                        .until(() -> "second".equals(deployments.get(TENANT, id).worker()));
                DeploymentView after = ready(deployments, id, second);
                ServedEndpoint found = endpoint(deployments);
                assertThat(after.attempt()).isGreaterThan(before.attempt());
                assertThat(text(ask(found))).isEqualTo(text);
                assertThat(found.secret()).isNotEqualTo(old.secret());
                assertThat(ask(new ServedEndpoint(found.url(), old.secret(), 1)).statusCode())
                        .isEqualTo(401);

                second.terminate(); // hands it back at once, to nobody
                Awaitility.await()
                        .atMost(Duration.ofSeconds(30))
                        .until(() -> deployments.get(TENANT, id).state() == DeploymentState.QUEUED);
                deployments.delete(TENANT, id);
                assertThat(deployments.route(TENANT, "b")).isEmpty();
            }
        }
    }

    private static Map<String, String> settings() {
        Map<String, String> settings = EmbeddedServices.settings(EmbeddedServices.newDatabase());
        settings.put("octavo.queue.lease", "8s");
        settings.put("octavo.queue.sweep", "300ms");
        settings.put("octavo.secrets.keys.a", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
        settings.put("octavo.secrets.current", "a");
        return settings;
    }

    private WorkerProcess start(String name, Map<String, String> settings) {
        Map<String, String> own = new HashMap<>(settings);
        own.put("octavo.worker.heartbeat", "300ms");
        own.put("octavo.worker.poll", "200ms");
        own.put("octavo.worker.device", "cpu");
        own.put("octavo.worker.serve.report", "200ms");
        own.put("engine", "local");
        var worker = new WorkerProcess(name, folder.resolve(name), own, 0, null);
        worker.start();
        return worker;
    }

    private static DeploymentView ready(Deployments deployments, UUID id, WorkerProcess worker) {
        return Awaitility.await()
                .atMost(Duration.ofMinutes(5))
                .until(
                        () -> {
                            DeploymentView now = deployments.get(TENANT, id);
                            assertThat(now.state())
                                    .as(() -> now.problem() + " " + log(worker))
                                    .isNotEqualTo(DeploymentState.FAILED);
                            return now;
                        },
                        now -> now.state() == DeploymentState.READY);
    }

    private static String log(WorkerProcess worker) {
        try {
            List<String> lines = Files.readAllLines(worker.log());
            return String.join("\n", lines.subList(Math.max(0, lines.size() - 30), lines.size()));
        } catch (IOException e) {
            return e.toString();
        }
    }

    private static ServedEndpoint endpoint(Deployments deployments) {
        return Objects.requireNonNull(
                deployments.route(TENANT, "octavo/books").orElseThrow().endpoint());
    }

    private static HttpResponse<String> ask(ServedEndpoint worker) throws IOException, InterruptedException {
        try (HttpClient http = HttpClient.newHttpClient()) {
            return http.send(
                    HttpRequest.newBuilder(URI.create(worker.url() + "/v1/completions"))
                            .header("Authorization", "Bearer " + worker.secret())
                            .header("Content-Type", "application/json")
                            .POST(BodyPublishers.ofString(PROMPT))
                            .build(),
                    BodyHandlers.ofString());
        }
    }

    private static String text(HttpResponse<String> answer) {
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        return JsonMapper.shared().readTree(answer.body()).at("/choices/0/text").asString("");
    }
}
