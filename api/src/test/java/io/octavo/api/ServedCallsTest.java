package io.octavo.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.jobs.queue.Lease;
import io.octavo.wire.DeploymentHealth;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** Calls of {@code /serve/v1} on their way to a worker and back, whatever becomes of client or worker meanwhile. */
@Timeout(120)
class ServedCallsTest extends ServedBooks {

    private static final String COMPLETIONS = "/serve/v1/completions";
    private static final String CHATS = "/serve/v1/chat/completions";
    private static final String BODY = "{\"model\":\"books\",\"prompt\":\"Once,\\n\\\"upon\\\" ä time\"}";
    private static final String SECRET = "what the attempt drew";

    ServedCallsTest() throws IOException {}

    private Lease ready() {
        return ready(SECRET);
    }

    private static void assertError(HttpResponse<String> answer, int status, String code) {
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
        assertThat(answer.headers().firstValue("Content-Type").orElse("")).startsWith("application/json");
        JsonNode error = TestApi.read(answer).path("error");
        assertThat(error.path("code").asString()).as(answer.body()).isEqualTo(code);
        assertThat(error.path("message").asString()).isNotBlank();
        assertThat(error.path("type").asString()).isNotBlank();
        assertThat(error.has("param")).isTrue();
    }

    @Test
    void aCallReachesItsWorkerWithNothingOfTheClientsButItsBody() throws Exception {
        ready();
        worker.answer = out -> FakeWorker.whole(out, 200, "{\"id\":\"cmpl-1\"}");
        HttpResponse<String> answer = api.send(
                "POST",
                COMPLETIONS,
                BODY,
                "X-Octavo-Client",
                "somebody else",
                "X-Forwarded-For",
                "1.2.3.4",
                "Cookie",
                "a=b");
        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(answer.body()).isEqualTo("{\"id\":\"cmpl-1\"}");
        assertThat(answer.headers().firstValue("x-request-id")).hasValue("r1");
        assertThat(answer.headers().firstValue("Set-Cookie")).isEmpty();

        FakeWorker.Request request = worker.requests.getFirst();
        assertThat(request.body()).isEqualTo(BODY);
        assertThat(request.head().lines().map(line -> line.replaceFirst("(?<=[A-Za-z-]{1,30}): .*", "")))
                .filteredOn(line -> !line.isEmpty())
                .containsExactlyInAnyOrder(
                        "POST /v1/completions HTTP/1.1",
                        "Content-Length",
                        "Host",
                        "User-Agent",
                        "Authorization",
                        "Content-Type",
                        "X-Octavo-Client");
        assertThat(request.head())
                .contains("Authorization: Bearer " + SECRET)
                .doesNotContain(ApiTest.KEY, "somebody else", "1.2.3.4");

        worker.answer = out -> FakeWorker.whole(out, 400, "{\"error\":{\"code\":\"context_length_exceeded\"}}");
        HttpResponse<String> refused = api.post(CHATS, BODY.replace("books", "octavo/books"));
        assertThat(refused.statusCode()).isEqualTo(400);
        assertThat(refused.body()).contains("context_length_exceeded");
        assertThat(worker.requests.getLast().head()).startsWith("POST /v1/chat/completions HTTP/1.1");
    }

    @Test
    void aStreamComesPieceByPiece() throws Exception {
        ready();
        var read = new CountDownLatch(1);
        worker.answer = out -> {
            FakeWorker.streamHead(out);
            FakeWorker.chunk(out, "data: {\"n\":1}\n\n");
            assertThat(read.await(20, TimeUnit.SECONDS)).isTrue();
            FakeWorker.chunk(out, "data: [DONE]\n\n");
            FakeWorker.send(out, "0\r\n\r\n");
        };
        try (Socket client = call(BODY)) {
            readUntil(client, "{\"n\":1}");
            read.countDown();
            assertThat(readUntil(client, "\r\n0\r\n\r\n")).contains("data: [DONE]");
        }
    }

    @Test
    void aClientThatLeavesWhileItWaitsIsNoWorkForTheWorker() throws Exception {
        ready();
        worker.answer = out -> {};
        try (Socket _ = call(BODY)) {
            Awaitility.await().until(() -> worker.requests.size() == 1);
            assertThat(worker.closed.getCount()).isEqualTo(1);
        }
        assertThat(worker.isClosedSoon()).isTrue();
    }

    @Test
    void aClientThatLeavesItsStreamIsNoWorkForTheWorker() throws Exception {
        ready();
        worker.answer = out -> {
            FakeWorker.streamHead(out);
            FakeWorker.chunk(out, "data: {\"n\":1}\n\n");
        };
        try (Socket client = call(BODY)) {
            readUntil(client, "{\"n\":1}");
            assertThat(worker.closed.getCount()).isEqualTo(1);
        }
        assertThat(worker.isClosedSoon()).isTrue();
    }

    @Test
    void aClientThatReadsNothingSlowsItsWorkerDown() throws Exception {
        ready();
        var written = new AtomicLong();
        String event = "data: " + "x".repeat(65_000) + "\n\n";
        worker.answer = out -> {
            FakeWorker.streamHead(out);
            for (int i = 0; i < 4_000; i++) { // 260 MB
                FakeWorker.chunk(out, event);
                written.addAndGet(event.length());
            }
        };
        try (Socket client = call(BODY)) {
            readUntil(client, "data: x");
            Awaitility.await()
                    .during(Duration.ofSeconds(1))
                    .atMost(Duration.ofSeconds(30))
                    .until(written::get, new Unchanged()::test);
            assertThat(written.get()).isLessThan(32_000_000);
        }
        assertThat(worker.isClosedSoon()).isTrue();
    }

    /** Whether a number is what it was before. */
    private static final class Unchanged {
        private long last = -1;

        boolean test(long now) {
            boolean same = now == last;
            last = now;
            return same;
        }
    }

    @Test
    void aStreamWhoseWorkerIsLostEndsWithAnErrorThatItsClientReads() throws Exception {
        ready();
        var read = new CountDownLatch(1);
        worker.answer = lostAfter("data: {\"n\":1}\n\n", read);
        try (Socket client = call(BODY)) {
            readUntil(client, "{\"n\":1}");
            read.countDown();
            assertThat(readUntil(client, "data: [DONE]")).contains("\"error\"", "model_unavailable", "server_error");
        }
    }

    /** As when a process is killed, once the client has seen what came before. */
    private static FakeWorker.Answer lostAfter(String part, CountDownLatch read) {
        return out -> {
            FakeWorker.streamHead(out);
            FakeWorker.chunk(out, part);
            assertThat(read.await(20, TimeUnit.SECONDS)).isTrue();
            out.close();
        };
    }

    @Test
    void whatBreaksOffInTheMiddleOfAnEventIsCutOff() throws Exception {
        ready();
        var read = new CountDownLatch(1);
        worker.answer = lostAfter("data: {\"n\":", read);
        try (Socket client = call(BODY)) {
            readUntil(client, "{\"n\":");
            read.countDown();
            assertThat(rest(client)).doesNotContain("\r\n0\r\n\r\n", "error");
        }
    }

    @Test
    void anAnswerThatIsNoStreamIsWholeOrCutOff() throws Exception {
        ready();
        var read = new CountDownLatch(1);
        worker.answer = out -> {
            FakeWorker.send(
                    out,
                    "HTTP/1.1 200 Told\r\nContent-Type: application/json\r\nContent-Length: 99999\r\n\r\n"
                            + "x".repeat(50_000));
            assertThat(read.await(20, TimeUnit.SECONDS)).isTrue();
            out.close();
        };
        try (Socket client = call(BODY)) {
            readUntil(client, "xxx");
            read.countDown();
            assertThat(rest(client)).doesNotContain("error");
        }
    }

    @Test
    void aWorkerThatIsGoneIsToldAsOneThatComesBack() throws Exception {
        Lease lease = ready();
        worker.answer = OutputStream::close;
        HttpResponse<String> broken = api.post(COMPLETIONS, BODY);
        assertError(broken, 503, "model_unavailable");
        assertThat(broken.headers().firstValue("Retry-After")).isPresent();

        worker.answer = out -> FakeWorker.whole(out, 401, "{\"error\":{\"code\":\"invalid_api_key\"}}");
        assertError(api.post(COMPLETIONS, BODY), 503, "model_unavailable"); // the client's key is not to blame

        worker.close();
        assertError(api.post(COMPLETIONS, BODY), 503, "model_unavailable");

        sql.sql("update job set lease_expires_at = now() - interval '1 second' where id = ?")
                .param(lease.jobId())
                .update();
        assertError(api.post(COMPLETIONS, BODY), 503, "model_not_ready");
    }

    @Test
    void onlyWhatIsReadyAnswers() throws Exception {
        assertError(api.post(COMPLETIONS, BODY), 503, "model_not_ready");
        assertThat(TestApi.read(api.get("/serve/v1/models")).path("data")).isEmpty();
        assertError(api.post(COMPLETIONS, BODY.replace("books", "poems")), 404, "model_not_found");
        assertError(api.get("/serve/v1/models/poems"), 404, "model_not_found");
        Lease lease = ready();
        work.report(lease, new DeploymentHealth(1, 0, 3, 4, 5, 0, 7, 0, 0), Duration.ZERO);
        JsonNode model = TestApi.read(api.get("/serve/v1/models")).at("/data/0");
        assertThat(model.path("id").asString()).isEqualTo("books");
        assertThat(model.path("max_model_len").asInt()).isEqualTo(512);
        assertThat(model.path("root").asString()).startsWith("hub:octavo/books@");
        assertThat(TestApi.read(api.get("/serve/v1/models/octavo/books"))).isEqualTo(model);
        assertThat(TestApi.read(api.get("/serve/v1/models/octavo%2Fbooks"))).isEqualTo(model);
        JsonNode shown = TestApi.read(api.get("/api/v1/deployments?name=books")).at("/items/0");
        assertThat(shown.path("state").asString()).isEqualTo("READY");
        assertThat(shown.at("/health/running").asInt()).isEqualTo(1);
        assertThat(shown.toString()).doesNotContain(SECRET, worker.url());

        String id = shown.path("id").asString();
        assertThat(api.send("DELETE", "/api/v1/deployments/" + id, "").statusCode())
                .isEqualTo(204);
        assertError(api.post(COMPLETIONS, BODY), 404, "model_not_found");
        assertThat(worker.requests).isEmpty();
    }

    @Test
    void isTheTenantsOwnAndOpenToAKeyThatMayOnlyRead() throws Exception {
        ready();
        TestApi reader = api.withNewKey("read", null);
        assertThat(reader.post(COMPLETIONS, BODY).statusCode()).isEqualTo(200);
        TestApi.assertProblem(
                reader.post("/api/v1/deployments", "{\"source\":\"hub:octavo/books\"}"), 403, "scope-missing");
        TestApi other = api.withNewTenant("served-other");
        assertError(other.post(COMPLETIONS, BODY), 404, "model_not_found");
        assertError(other.post(COMPLETIONS, BODY.replace("books", "octavo/books")), 404, "model_not_found");
        assertThat(TestApi.read(other.get("/serve/v1/models")).path("data")).isEmpty();
        assertThat(worker.requests).hasSize(1);
    }

    @Test
    void noTenantHasMoreCallsOnTheirWayThanItMay() throws Exception {
        ready();
        worker.answer = out -> {};
        List<Socket> open = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            open.add(call(BODY));
        }
        Awaitility.await().until(() -> worker.requests.size() == 4);
        assertError(api.post(COMPLETIONS, BODY), 429, "rate_limit_exceeded");
        for (Socket socket : open) {
            socket.close();
        }
        worker.answer = out -> FakeWorker.whole(out, 200, "{}");
        Awaitility.await().until(() -> api.post(COMPLETIONS, BODY).statusCode() == 200);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "POST | /completions | application/json | {\"model\":\"books\" | 400 | invalid_json",
                "POST | /completions | application/json | [] | 400 | invalid_json",
                "POST | /completions | application/json | {\"model\":\"books\"} {} | 400 | invalid_json",
                "POST | /completions | application/json | {\"model\":\"a\",\"model\":\"books\"} | 400 | invalid_json",
                "POST | /completions | application/json | {\"model\":5} | 400 | invalid_type",
                "POST | /completions | application/json | {\"model\":null} | 400 | missing_required_parameter",
                "POST | /completions | application/json | {} | 400 | missing_required_parameter",
                "POST | /completions | text/plain | {\"model\":\"books\"} | 415 | unsupported_media_type",
                "GET | /completions | application/json | `` | 405 | method_not_allowed",
                "PUT | /models | application/json | {} | 405 | method_not_allowed",
                "POST | /images | application/json | {\"model\":\"books\"} | 404 | unknown_url",
                "GET | / | application/json | `` | 404 | unknown_url"
            })
    void whatIsWrongIsToldInOpenAisShape(String method, String path, String type, String body, int status, String code)
            throws Exception {
        var request = api.to("/serve/v1" + path)
                .method(method, body.isEmpty() ? BodyPublishers.noBody() : BodyPublishers.ofString(body));
        assertError(api.send(request.header("Content-Type", type)), status, code);
        assertThat(worker.requests).isEmpty();
    }

    @Test
    void soIsWhatIsRefusedBeforeACallIsLookedAt() throws Exception {
        assertError(new TestApi(port, null).post(COMPLETIONS, BODY), 401, "invalid_api_key");
        assertError(new TestApi(port, "octv_000000000000_nobody").get("/serve/v1/models"), 401, "invalid_api_key");
        assertError(
                api.post(COMPLETIONS, "{\"model\":\"books\",\"prompt\":\"" + "x".repeat(9_000_000) + "\"}"),
                413,
                "request_too_large");
        assertThat(api.send("OPTIONS", COMPLETIONS, "").headers().firstValue("Allow"))
                .hasValue("POST, OPTIONS");
        try (Socket client = connect()) {
            client.getOutputStream()
                    .write("GET /serve/v1/%00 HTTP/1.1\r\nHost: a\r\n\r\n".getBytes(StandardCharsets.UTF_8));
            assertThat(readUntil(client, "}}")).contains("HTTP/1.1 400", "\"error\"");
        }
    }

    @Test
    void promptsOfManyTokensAndTextsOfManyCommasPass() throws Exception {
        ready();
        String many = "{\"model\":\"books\",\"prompt\":[" + "1,".repeat(200_000) + "1]}";
        assertThat(api.post(COMPLETIONS, many).statusCode()).isEqualTo(200);
        assertThat(worker.requests.getFirst().body()).isEqualTo(many);
    }

    private Socket connect() throws IOException {
        var client = new Socket(InetAddress.getLoopbackAddress(), port);
        client.setSoTimeout(20_000);
        return client;
    }

    private Socket call(String body) throws IOException {
        Socket client = connect();
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        client.getOutputStream()
                .write(("POST " + COMPLETIONS + " HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + ApiTest.KEY
                                + "\r\nContent-Type: application/json\r\nContent-Length: " + bytes.length + "\r\n\r\n")
                        .getBytes(StandardCharsets.UTF_8));
        client.getOutputStream().write(bytes);
        return client;
    }

    private static String readUntil(Socket client, String end) throws IOException {
        var read = new StringBuilder();
        InputStream in = client.getInputStream();
        while (read.indexOf(end) < 0) {
            int next = in.read();
            assertThat(next).as(read.toString()).isNotNegative();
            read.append((char) next);
        }
        return read.toString();
    }

    /** Until the connection is closed. */
    private static String rest(Socket client) throws IOException {
        var read = new StringBuilder();
        var in = new BufferedReader(new InputStreamReader(client.getInputStream(), StandardCharsets.UTF_8));
        try {
            for (int next = in.read(); next >= 0; next = in.read()) {
                read.append((char) next);
            }
        } catch (SocketException e) {
            // Reset is as good.
        }
        return read.toString();
    }
}
