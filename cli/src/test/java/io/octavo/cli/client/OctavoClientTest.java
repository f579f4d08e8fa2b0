package io.octavo.cli.client;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.hub.RepositoryName;
import io.octavo.wire.JobStatus;
import io.octavo.wire.JobView;
import io.octavo.wire.Page;
import io.octavo.wire.RepositoryFile;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

class OctavoClientTest {

    private static final ObjectNode SPEC = JsonNodeFactory.instance.objectNode().put("type", "quantize");

    private final FakeService service;
    private final OctavoClient client;

    OctavoClientTest() throws IOException {
        service = new FakeService();
        client = service.client();
    }

    @AfterEach
    void close() {
        client.close();
        service.close();
    }

    @Test
    void repeatsWhatABusyServerRefused() throws Exception {
        service.once("GET", "/schemes", exchange -> {
            FakeService.problem(exchange, 503, "unavailable", "starting");
        });

        assertThat(client.get(CallPath.of("schemes")).path("items").size()).isEqualTo(2);
        assertThat(service.requests).hasSize(2);
    }

    @Test
    void repeatsASubmissionUnderOneIdempotencyKey() throws Exception {
        List<String> keys = new ArrayList<>();
        service.once("POST", "/jobs", exchange -> {
            keys.add(exchange.getRequestHeaders().getFirst("Idempotency-Key"));
            exchange.close();
        });

        client.submit(SPEC, Optional.empty());

        assertThat(service.lastHeaders.get("Idempotency-key")).isEqualTo(keys.getFirst());
    }

    @Test
    void tellsAProblemsCodeAndFields() {
        service.once("POST", "/jobs", exchange -> {
            FakeService.answer(
                    exchange,
                    400,
                    "{\"code\":\"invalid-request\",\"detail\":\"scheme is missing (and 1 more)\",\"errors\":["
                            + "{\"field\":\"scheme\",\"message\":\"is missing\"},{\"field\":\"target\",\"message\":\"is missing\"}]}");
        });

        assertThatThrownBy(() -> client.submit(SPEC, Optional.empty()))
                .isInstanceOf(ProblemException.class)
                .hasMessage("scheme is missing; target is missing [invalid-request]");
        assertThat(service.requests).hasSize(1);
    }

    @Test
    void tellsWhatAnotherServerSaysInPlainText() {
        service.once("GET", "/schemes", exchange -> FakeService.answer(exchange, 400, "Bad\nthis port requires TLS"));

        assertThatThrownBy(client::schemes)
                .isInstanceOf(ProblemException.class)
                .hasMessage("the server answered HTTP 400: Bad this port requires TLS [http-400]");
    }

    @Test
    void tellsAProblemThatIsNotJsonByItsStatus() {
        service.once("GET", "/schemes", exchange -> {
            FakeService.answer(exchange, 403, "<html>a proxy's page</html>");
        });

        assertThatThrownBy(client::schemes).isInstanceOf(ProblemException.class).hasMessageContaining("HTTP 403");
    }

    @Test
    void tellsAnAnswerOfAnotherService() {
        service.once("GET", "/schemes", exchange -> {
            FakeService.answer(exchange, 200, "<html>welcome</html>");
        });

        assertThatThrownBy(client::schemes).isInstanceOf(UnexpectedAnswerException.class);
    }

    @Test
    void givesUpWhereNobodyListens() throws Exception {
        int freePort;
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            freePort = socket.getLocalPort();
        }
        try (var lonely = new OctavoClient(
                URI.create("http://127.0.0.1:" + freePort),
                Optional.empty(),
                FakeService.FAST,
                Duration.ofSeconds(5))) {
            assertThatThrownBy(lonely::schemes)
                    .isInstanceOf(ServerUnreachableException.class)
                    .hasMessageContaining("cannot connect");
        }
    }

    /** A server that reads nothing of what it refuses and hangs up, so that who goes on sending loses the answer. */
    @Test
    void aRefusalBeforeALargeUploadIsToldAtOnceAndNothingIsSent(@TempDir Path folder) throws Exception {
        Path large = Files.write(folder.resolve("large"), new byte[16 << 20]);
        var calls = new AtomicInteger();
        try (var full = new ServerSocket(0, 5, InetAddress.getLoopbackAddress());
                var hasty = new OctavoClient(
                        URI.create("http://127.0.0.1:" + full.getLocalPort()),
                        Optional.empty(),
                        FakeService.FAST,
                        Duration.ofSeconds(5))) {
            Thread.ofVirtual().start(() -> refuseAll(full, calls));
            var file = new RepositoryFile("large", Files.size(large), "0".repeat(64));
            assertThatThrownBy(() -> hasty.upload(RepositoryName.parse("a/b"), file, large, sent -> {}))
                    .isInstanceOf(ProblemException.class)
                    .hasMessageContaining("storage-full");
        }
        assertThat(calls).hasValue(1);
    }

    private static void refuseAll(ServerSocket server, AtomicInteger calls) {
        String problem = "{\"code\":\"storage-full\",\"detail\":\"no room\"}";
        try {
            while (true) {
                try (Socket client = server.accept()) {
                    calls.incrementAndGet();
                    var headers = new BufferedReader(new InputStreamReader(client.getInputStream(), UTF_8), 1);
                    while (!headers.readLine().isEmpty()) {}
                    String answer = "HTTP/1.1 507 Full\r\nConnection: close\r\nContent-Length: " + problem.length()
                            + "\r\n\r\n" + problem;
                    client.getOutputStream().write(answer.getBytes(UTF_8));
                }
            }
        } catch (IOException e) {
            // The test has ended.
        }
    }

    @Test
    void sendsTheKeyAsABearerToken() throws Exception {
        try (var authorized =
                new OctavoClient(service.uri(), Optional.of("secret"), FakeService.FAST, Duration.ofSeconds(5))) {
            authorized.get(CallPath.of("schemes"));
        }

        assertThat(service.lastHeaders).containsEntry("Authorization", "Bearer secret");
    }

    @Test
    void followsAJobOverABrokenConnectionWithoutMissingOrRepeatingAnEvent() throws Exception {
        JobView job = client.submit(SPEC, Optional.empty());
        finish(job.id(), "SUCCEEDED");
        service.events.put(
                job.id(),
                List.of(
                        "phase {\"phase\":\"reading\"}",
                        "progress {\"progress\":0.5}",
                        "state {\"status\":\"SUCCEEDED\",\"attempt\":1}"));
        service.once("GET", "/events", exchange -> {
            byte[] start = "id: 1\nevent: phase\ndata: {\"phase\":\"reading\"}\n\nid: 2\nevent: pro".getBytes(UTF_8);
            exchange.sendResponseHeaders(200, start.length + 100);
            exchange.getResponseBody().write(start);
            exchange.close();
        });

        List<JobEvent.Detail> seen = new ArrayList<>();
        JobView ended = client.follow(job.id(), event -> seen.add(event.detail()));

        assertThat(ended.status()).isEqualTo(JobStatus.SUCCEEDED);
        assertThat(seen)
                .containsExactly(
                        new JobEvent.Phase("reading"),
                        new JobEvent.Progress(0.5),
                        new JobEvent.State(JobStatus.SUCCEEDED, 1));
    }

    @Test
    void followsPastTheEndOfAnEarlierAttempt() throws Exception {
        JobView job = client.submit(SPEC, Optional.empty());
        service.events.put(
                job.id(),
                List.of(
                        "state {\"status\":\"FAILED\",\"attempt\":1}",
                        "state {\"status\":\"SUCCEEDED\",\"attempt\":2}"));

        JobView ended = client.follow(job.id(), event -> {
            if (event.detail() instanceof JobEvent.State state && state.attempt() == 2) {
                finish(job.id(), "SUCCEEDED");
            }
        });

        assertThat(ended.status()).isEqualTo(JobStatus.SUCCEEDED);
    }

    @Test
    void takesUpAStreamThatHasGoneSilent() throws Exception {
        JobView job = client.submit(SPEC, Optional.empty());
        finish(job.id(), "CANCELLED");
        var tested = new CountDownLatch(1);
        service.once("GET", "/events", exchange -> {
            exchange.sendResponseHeaders(200, 0);
            exchange.getResponseBody().write(": hello\n\n".getBytes(UTF_8));
            exchange.getResponseBody().flush();
            await(tested);
        });

        try (var impatient =
                new OctavoClient(service.uri(), Optional.empty(), FakeService.FAST, Duration.ofMillis(200))) {
            assertThat(impatient.follow(job.id(), event -> {}).status()).isEqualTo(JobStatus.CANCELLED);
        } finally {
            tested.countDown();
        }
    }

    @Test
    void aListingGoesOverAsManyPagesAsItTakes() throws Exception {
        service.once("GET", "/audit", x -> FakeService.answer(x, 200, "{\"items\":[1,2],\"nextCursor\":\"a b\"}"));
        service.once("GET", "/audit", x -> FakeService.answer(x, 200, "{\"items\":[3],\"nextCursor\":\"c\"}"));

        Page<JsonNode> page = client.list(CallPath.of("audit"), 3);

        assertThat(page.items()).extracting(JsonNode::asInt).containsExactly(1, 2, 3);
        assertThat(page.nextCursor()).isEqualTo("c");
        assertThat(service.requests)
                .containsExactly("GET /api/v1/audit?limit=3", "GET /api/v1/audit?limit=1&cursor=a%20b");
    }

    @Test
    void ignoresEventsOfATypeItDoesNotKnow() throws Exception {
        JobView job = client.submit(SPEC, Optional.empty());
        finish(job.id(), "SUCCEEDED");
        service.events.put(
                job.id(), List.of("weather {\"sunny\":true}", "state {\"status\":\"SUCCEEDED\",\"attempt\":1}"));

        List<JobEvent> seen = new ArrayList<>();
        client.follow(job.id(), seen::add);

        assertThat(seen).hasSize(1);
    }

    private void finish(UUID id, String status) {
        service.jobs.getOrDefault(id, JsonNodeFactory.instance.objectNode()).put("status", status);
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
