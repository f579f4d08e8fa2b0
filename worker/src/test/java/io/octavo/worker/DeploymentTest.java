package io.octavo.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.jobs.deployment.Deployments;
import io.octavo.jobs.deployment.ServedEndpoint;
import io.octavo.jobs.deployment.ServedRoute;
import io.octavo.jobs.queue.FoundPlans;
import io.octavo.jobs.spec.ServeSpec;
import io.octavo.jobs.testing.EmbeddedServices;
import io.octavo.jobs.testing.Specs;
import io.octavo.wire.DeploymentState;
import io.octavo.wire.DeploymentView;
import io.octavo.wire.JobStatus;
import io.octavo.worker.serve.FakeModel;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;

/** A real worker that serves a fake model, for as long as it is wanted. */
@Timeout(120)
@SpringBootTest(
        classes = RunningWorker.Application.class,
        properties = {
            "octavo.queue.transient-backoff=50ms",
            "octavo.queue.lease=5s",
            "octavo.worker.heartbeat=100ms",
            "octavo.worker.poll=200ms",
            "octavo.worker.serve.report=100ms",
            "octavo.secrets.keys.a=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
            "octavo.secrets.current=a"
        })
class DeploymentTest extends RunningWorker {

    private static final HttpClient HTTP = HttpClient.newHttpClient();

    @TempDir
    static Path folder;

    @DynamicPropertySource
    static void services(DynamicPropertyRegistry registry) {
        EmbeddedServices.register(registry);
        registry.add("octavo.worker.work-directory", () -> folder.resolve("work"));
    }

    @Autowired
    Deployments deployments;

    private final FakeModel model = new FakeModel();

    @BeforeEach
    void pushModel() {
        worker.start();
        engine.reset();
        engine.served = () -> model;
        push("octavo/model", file("model.safetensors", bytes("weights")));
    }

    @AfterEach
    void stopAll() {
        worker.stop(); // before its rows go
        sql.sql("truncate job, job_event, idempotency, artifact, artifact_file, evaluation, deployment")
                .update();
    }

    /** @param more JSON with ' in place of " */
    private UUID deploy(String more) {
        return create("{'source': 'hub:octavo/model', 'name': 'm'" + more + "}");
    }

    private UUID create(String request) {
        ServeSpec spec = reader.readDeployment(json.readTree(request.replace('\'', '"')));
        return deployments.create(TENANT, spec, FoundPlans.NONE).id();
    }

    private DeploymentView await(UUID id, DeploymentState state) {
        return Awaitility.await()
                .atMost(Duration.ofSeconds(30))
                .until(() -> deployments.get(TENANT, id), view -> view.state() == state);
    }

    private ServedEndpoint endpoint() {
        return deployments.route(TENANT, "m").map(ServedRoute::endpoint).orElseThrow();
    }

    private static HttpResponse<String> complete(ServedEndpoint endpoint, String name)
            throws IOException, InterruptedException {
        return HTTP.send(
                HttpRequest.newBuilder(URI.create(endpoint.url() + "/v1/completions"))
                        .header("Authorization", "Bearer " + endpoint.secret())
                        .header("Content-Type", "application/json")
                        .POST(BodyPublishers.ofString(
                                "{\"model\":\"" + name + "\",\"prompt\":\"abc\",\"max_tokens\":3}"))
                        .build(),
                BodyHandlers.ofString());
    }

    @Test
    void answersByItsNamesUntilItIsStopped() throws Exception {
        UUID id = deploy("");
        DeploymentView ready = await(id, DeploymentState.READY);
        ServedEndpoint endpoint = endpoint();
        assertThat(ready.maxModelLength()).isEqualTo(64);
        for (String name : List.of("m", "octavo/model")) {
            HttpResponse<String> answer = complete(endpoint, name);
            assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
            assertThat(answer.body()).contains("\"text\":\"def\"", "\"model\":\"m\"");
        }
        assertThat(complete(endpoint, "other").statusCode()).isEqualTo(404);
        assertThat(complete(new ServedEndpoint(endpoint.url(), "guessed", 1), "m")
                        .statusCode())
                .isEqualTo(401);
        Awaitility.await().until(() -> deployments.get(TENANT, id).health() != null);

        deployments.delete(TENANT, id);
        Awaitility.await().until(() -> jobs.get(TENANT, id).status() == JobStatus.CANCELLED);
        assertThat(model.closed).hasValue(1);
        assertThatExceptionOfType(ConnectException.class).isThrownBy(() -> complete(endpoint, "m"));
    }

    @Test
    void endsWhenItsTimeIsUp() {
        UUID id = deploy(", 'ttl': 'PT1S'");
        await(id, DeploymentState.STOPPED);
        assertThat(jobs.get(TENANT, id).status()).isEqualTo(JobStatus.SUCCEEDED);
        assertThat(String.valueOf(jobs.get(TENANT, id).result())).isEqualTo("{\"stopped\":\"ttl\"}");
        assertThat(model.closed).hasValue(1);
    }

    @Test
    void endsWhenNobodyCallsAndNotWhileSomebodyDoes() {
        UUID id = deploy(", 'idle': 'PT1S'");
        await(id, DeploymentState.READY);
        Awaitility.await()
                .during(Duration.ofMillis(1500))
                .atMost(Duration.ofSeconds(10))
                .until(() -> deployments.get(TENANT, id).state() == DeploymentState.READY);
        model.idle = true;
        await(id, DeploymentState.STOPPED);
        assertThat(String.valueOf(jobs.get(TENANT, id).result())).isEqualTo("{\"stopped\":\"idle\"}");
    }

    @Test
    void keepsNoJobFromRunning() {
        UUID id = deploy("");
        await(id, DeploymentState.READY);
        UUID job = jobs.submit(TENANT, Specs.quantize("hub:octavo/model", "octavo/out", List.of(), 0), FoundPlans.NONE)
                .id();
        Awaitility.await()
                .atMost(Duration.ofSeconds(30))
                .until(() -> jobs.get(TENANT, job).status() == JobStatus.SUCCEEDED);
        assertThat(deployments.get(TENANT, id).state()).isEqualTo(DeploymentState.READY);

        UUID second = create("{'source': 'hub:octavo/model', 'name': 'n'}"); // one a worker, unless told
        Awaitility.await()
                .during(Duration.ofSeconds(1))
                .atMost(Duration.ofSeconds(10))
                .until(() -> deployments.get(TENANT, second).state() == DeploymentState.QUEUED);
        deployments.delete(TENANT, id);
        await(second, DeploymentState.READY);
    }

    @Test
    void aWorkerThatStopsHandsItBackAndTheNextOneTakesItUp() {
        UUID id = deploy("");
        await(id, DeploymentState.READY);
        worker.stop();
        assertThat(deployments.get(TENANT, id).state()).isEqualTo(DeploymentState.QUEUED);
        assertThat(model.closed).hasValue(1);
        worker.start();
        assertThat(await(id, DeploymentState.READY).attempt()).isEqualTo(2);
    }

    @Test
    void aLostDeviceEndsTheProcessAndTheDeploymentWaitsForAnother() {
        UUID id = deploy("");
        await(id, DeploymentState.READY);
        model.refusal = ErrorCode.DEVICE_FAULT;
        Awaitility.await().until(() -> recordedEnd.exitCodes.poll() != null);
        DeploymentView waiting = await(id, DeploymentState.QUEUED);
        assertThat(waiting.problem()).isNotNull().returns("device-fault", problem -> problem.code());
    }

    @Test
    void whatCannotBeLoadedFailsWithItsReason() {
        engine.served = () -> {
            throw new QuantizationException(ErrorCode.ARCHITECTURE_UNSUPPORTED, "no such model");
        };
        DeploymentView failed = await(deploy(""), DeploymentState.FAILED);
        assertThat(failed.problem()).isNotNull().returns("architecture-unsupported", problem -> problem.code());
    }
}
