package io.octavo.standalone;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.api.ApiApplication;
import io.octavo.jobs.identity.KeyText;
import io.octavo.standalone.TraceReceiver.ReceivedSpan;
import io.octavo.standalone.embedded.EmbeddedParts;
import io.octavo.standalone.embedded.Home;
import io.octavo.worker.WorkerApplication;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.WebApplicationType;
import org.springframework.context.ConfigurableApplicationContext;
import tools.jackson.databind.json.JsonMapper;

/** An api and a worker on one database, and a collector that both send their spans to. */
@Timeout(200)
class TracingTest {

    private static final String TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
    private static final String CLIENT_SPAN = "00f067aa0ba902b7";

    private final HttpClient client = HttpClient.newHttpClient();
    private final JsonMapper json = JsonMapper.builder().build();
    private final String key = KeyText.draw().reveal();

    @TempDir
    Path folder;

    private Home home;
    private EmbeddedParts parts;

    @BeforeEach
    void startParts() {
        home = Home.lock(folder.resolve("home"));
        parts = new EmbeddedParts(home);
        parts.start();
    }

    @AfterEach
    void stopParts() {
        parts.close();
        home.close();
    }

    private ConfigurableApplicationContext start(
            Class<?> application, WebApplicationType type, String name, String... settings) {
        SpringApplication service = new SpringApplication(application);
        service.setWebApplicationType(type);
        service.setDefaultProperties(parts.settings());
        return service.run(Stream.concat(
                        Stream.of(
                                "--spring.application.name=" + name,
                                "--server.port=0",
                                "--octavo.identity.bootstrap-key=" + key,
                                "--octavo.worker.work-directory=" + folder.resolve("work"),
                                "--octavo.worker.device=cpu",
                                "--management.opentelemetry.tracing.export.schedule-delay=50ms"),
                        Stream.of(settings))
                .toArray(String[]::new));
    }

    private String call(String base, String method, String path, byte[] body, String... headers) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(base + path))
                .header("Authorization", "Bearer " + key)
                .header("Content-Type", "application/json")
                .method(method, BodyPublishers.ofByteArray(body));
        HttpResponse<String> answer = client.send(
                (headers.length == 0 ? request : request.headers(headers)).build(), BodyHandlers.ofString());
        assertThat(answer.statusCode()).as(answer.body()).isLessThan(300);
        return answer.body();
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private void push(String base) throws Exception {
        String model = "/repositories/octavo/model";
        String config = call(base, "PUT", model + "/files/config.json", TinyCheckpoint.CONFIG);
        String weights = call(base, "PUT", model + "/files/model.safetensors", TinyCheckpoint.weights());
        call(base, "POST", model + "/revisions", bytes("{\"files\":[" + config + "," + weights + "]}"));
    }

    private String submit(String base, String scheme, String... headers) throws Exception {
        return json.readTree(call(
                        base,
                        "POST",
                        "/jobs",
                        bytes("{\"type\":\"quantize\",\"source\":\"hub:octavo/model\",\"scheme\":\"" + scheme
                                + "\",\"target\":\"octavo/out\"}"),
                        headers))
                .get("id")
                .stringValue();
    }

    private void awaitSuccess(String base, String job) {
        Awaitility.await()
                .atMost(Duration.ofSeconds(100))
                .until(() -> json.readTree(call(base, "GET", "/jobs/" + job, new byte[0]))
                        .get("status")
                        .stringValue()
                        .equals("SUCCEEDED"));
    }

    private static String baseOf(ConfigurableApplicationContext api) {
        return "http://127.0.0.1:" + Objects.requireNonNull(api.getEnvironment().getProperty("local.server.port"))
                + "/api/v1";
    }

    @Test
    void oneTraceLeadsFromTheClientToThePhasesOfTheEngine() throws Exception {
        String[] on = {"--octavo.tracing.enabled=true", ""};
        try (TraceReceiver collector = new TraceReceiver()) {
            on[1] = "--octavo.tracing.endpoint=" + collector.endpoint();
            try (var api = start(ApiApplication.class, WebApplicationType.SERVLET, "octavo-api", on);
                    var _ = start(WorkerApplication.class, WebApplicationType.NONE, "octavo-worker", on)) {
                push(baseOf(api));
                String job =
                        submit(baseOf(api), "FP8_DYNAMIC", "traceparent", "00-" + TRACE + "-" + CLIENT_SPAN + "-01");
                awaitSuccess(baseOf(api), job);
                Awaitility.await()
                        .until(() -> collector.spans().stream()
                                .anyMatch(span -> span.name().equals("attempt quantize")));

                Map<String, ReceivedSpan> spans = collector.spans().stream()
                        .filter(span -> span.trace().equals(TRACE))
                        .collect(Collectors.toMap(ReceivedSpan::name, Function.identity(), (first, second) -> second));
                ReceivedSpan request = Objects.requireNonNull(spans.get("http post /api/v1/jobs"));
                assertThat(request.parent()).isEqualTo(CLIENT_SPAN);
                assertThat(request.service()).isEqualTo("octavo-api");
                assertThat(request.attributes()).containsKey("octavo.tenant.id");
                assertThat(request.events()).contains("octavo.job.state");

                ReceivedSpan attempt = Objects.requireNonNull(spans.get("attempt quantize"));
                assertThat(attempt.parent()).isEqualTo(request.id());
                assertThat(attempt.service()).isEqualTo("octavo-worker");
                assertThat(attempt.attributes())
                        .containsEntry("octavo.job.id", job)
                        .containsEntry("octavo.job.attempt", "1")
                        .containsEntry("octavo.scheme", "FP8_DYNAMIC")
                        .containsEntry("octavo.outcome", "succeeded")
                        .containsEntry("octavo.bytes.in", "4096")
                        .containsKeys("octavo.tenant.id", "octavo.device", "octavo.worker", "octavo.bytes.out");
                assertThat(childrenOf(attempt, collector))
                        .containsSubsequence("start", "resolve", "fetch", "engine", "upload", "commit")
                        .as("planned when it was submitted")
                        .doesNotContain("plan");
                assertThat(childrenOf(Objects.requireNonNull(spans.get("engine")), collector))
                        .contains("plan", "quantize", "verify", "publish");
            }
        }
    }

    /** In the order in which they began. */
    private static List<String> childrenOf(ReceivedSpan parent, TraceReceiver collector) {
        return collector.spans().stream()
                .filter(span -> span.parent().equals(parent.id()))
                .sorted(Comparator.comparingLong(ReceivedSpan::start))
                .map(ReceivedSpan::name)
                .toList();
    }

    @Test
    void logLinesOfAnAttemptCarryTheTraceAndAFailureItsCode() throws Exception {
        Path log = folder.resolve("worker.log");
        try (TraceReceiver collector = new TraceReceiver()) {
            String[] on = {"--octavo.tracing.enabled=true", "--octavo.tracing.endpoint=" + collector.endpoint()};
            try (var api = start(
                            ApiApplication.class,
                            WebApplicationType.SERVLET,
                            "octavo-api",
                            on[0],
                            on[1],
                            // The first application in a process sets logging up for all of them.
                            "--logging.file.name=" + log,
                            "--logging.pattern.file=%X{jobId:-} %X{traceId:-}%n",
                            "--logging.level.org.springframework.orm.jpa.JpaTransactionManager=DEBUG");
                    var _ = start(
                            WorkerApplication.class,
                            WebApplicationType.NONE,
                            "octavo-worker",
                            on[0],
                            on[1],
                            "--octavo.storage.bucket=another",
                            "--octavo.queue.max-attempts=1")) {
                push(baseOf(api));
                submit(baseOf(api), "FP8_DYNAMIC", "traceparent", "00-" + TRACE + "-" + CLIENT_SPAN + "-01");
                Awaitility.await()
                        .atMost(Duration.ofSeconds(100))
                        .until(() -> collector.spans().stream()
                                .anyMatch(span -> span.name().equals("attempt quantize")));
                ReceivedSpan attempt = collector.spans().stream()
                        .filter(span -> span.name().equals("attempt quantize"))
                        .findFirst()
                        .orElseThrow();
                assertThat(attempt.trace()).isEqualTo(TRACE);
                assertThat(attempt.attributes())
                        .containsEntry("octavo.outcome", "failed")
                        .containsEntry("error.type", "object-not-found");
                assertThat(attempt.status()).isEqualTo(2);
            }
        }
        // All work of an attempt logs its transactions.
        assertThat(Files.readAllLines(log).stream()
                        .filter(line -> !line.startsWith(" "))
                        .map(line -> line.substring(line.indexOf(' ') + 1)))
                .isNotEmpty()
                .containsOnly(TRACE);
    }

    @Test
    void nothingIsTracedUnlessItIsAskedFor() throws Exception {
        try (TraceReceiver collector = new TraceReceiver()) {
            String off = "--octavo.tracing.endpoint=" + collector.endpoint();
            try (var api = start(ApiApplication.class, WebApplicationType.SERVLET, "octavo-api", off);
                    var _ = start(WorkerApplication.class, WebApplicationType.NONE, "octavo-worker", off)) {
                push(baseOf(api));
                awaitSuccess(
                        baseOf(api),
                        submit(baseOf(api), "FP8_DYNAMIC", "traceparent", "00-" + TRACE + "-" + CLIENT_SPAN + "-01"));
            }
            assertThat(collector.spans()).isEmpty();
        }
    }
}
