package io.octavo.standalone;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import io.octavo.api.ApiApplication;
import io.octavo.jobs.identity.KeyText;
import io.octavo.jobs.testing.EmbeddedS3;
import io.octavo.jobs.testing.EmbeddedServices;
import io.octavo.standalone.TraceReceiver.ReceivedSpan;
import io.octavo.worker.WorkerApplication;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;
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
    private final String database = EmbeddedServices.newDatabase();

    @TempDir
    Path folder;

    private ConfigurableApplicationContext start(
            Class<?> application, WebApplicationType type, String name, String... settings) {
        SpringApplication service = new SpringApplication(application);
        service.setWebApplicationType(type);
        return service.run(Stream.concat(
                        Stream.of(
                                "--spring.application.name=" + name,
                                "--server.port=0",
                                "--octavo.database.url=" + database,
                                "--octavo.storage.endpoint="
                                        + EmbeddedServices.s3().endpoint(),
                                "--octavo.storage.access-key=" + EmbeddedS3.ACCESS_KEY,
                                "--octavo.storage.secret-key=" + EmbeddedS3.SECRET_KEY,
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

    /** The contexts of lines about transactions, which all work of an attempt logs. */
    private static List<Map<String, String>> recordLog() {
        List<Map<String, String>> contexts = new CopyOnWriteArrayList<>();
        AppenderBase<ILoggingEvent> appender = new AppenderBase<>() {
            @Override
            protected void append(ILoggingEvent line) {
                contexts.add(line.getMDCPropertyMap());
            }
        };
        appender.start();
        Logger logger = (Logger) LoggerFactory.getLogger("org.springframework.orm.jpa.JpaTransactionManager");
        logger.setLevel(Level.DEBUG);
        logger.setAdditive(false);
        logger.addAppender(appender);
        return contexts;
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
                        .containsSubsequence("start", "resolve", "plan", "fetch", "engine", "upload", "commit");
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
        List<Map<String, String>> lines;
        try (TraceReceiver collector = new TraceReceiver()) {
            String[] on = {"--octavo.tracing.enabled=true", "--octavo.tracing.endpoint=" + collector.endpoint()};
            try (var api = start(ApiApplication.class, WebApplicationType.SERVLET, "octavo-api", on);
                    var _ = start(
                            WorkerApplication.class,
                            WebApplicationType.NONE,
                            "octavo-worker",
                            on[0],
                            on[1],
                            "--octavo.worker.cache-size=1B",
                            "--octavo.queue.max-attempts=1")) {
                push(baseOf(api));
                lines = recordLog();
                EmbeddedServices.s3().stop();
                try {
                    submit(baseOf(api), "FP8_DYNAMIC", "traceparent", "00-" + TRACE + "-" + CLIENT_SPAN + "-01");
                    Awaitility.await()
                            .atMost(Duration.ofSeconds(100))
                            .until(() -> collector.spans().stream()
                                    .anyMatch(span -> span.name().equals("attempt quantize")));
                } finally {
                    EmbeddedServices.s3().start();
                }
                ReceivedSpan attempt = collector.spans().stream()
                        .filter(span -> span.name().equals("attempt quantize"))
                        .findFirst()
                        .orElseThrow();
                assertThat(attempt.trace()).isEqualTo(TRACE);
                assertThat(attempt.attributes())
                        .containsEntry("octavo.outcome", "failed")
                        .containsEntry("error.type", "storage-unavailable");
                assertThat(attempt.status()).isEqualTo(2);
            }
        }
        assertThat(lines.stream()
                        .filter(line -> line.containsKey("jobId"))
                        .map(line -> line.getOrDefault("traceId", "")))
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
