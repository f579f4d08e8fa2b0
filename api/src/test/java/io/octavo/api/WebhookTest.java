package io.octavo.api;

import static io.octavo.api.TestApi.assertProblem;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.web.server.LocalServerPort;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.test.context.TestPropertySource;
import tools.jackson.databind.JsonNode;

/** Deliveries to a receiver that answers as it likes. */
@Timeout(120)
@ServiceTest
@TestPropertySource(
        properties = {"octavo.webhooks.poll=20ms", "octavo.webhooks.backoff=1ms", "octavo.webhooks.max-backoff=2ms"})
class WebhookTest {

    private static final String JOB = """
            {"type":"quantize","source":"hub:hooks/model","scheme":"FP8_DYNAMIC","target":"hooks/out"}""";

    @LocalServerPort
    int port;

    @Autowired
    JdbcClient sql;

    private final List<Received> received = new CopyOnWriteArrayList<>();
    private volatile int answer = 204;
    private HttpServer receiver;
    private TestApi api;

    private record Received(String id, String timestamp, String signature, String body) {}

    @BeforeEach
    void start() throws Exception {
        sql.sql("truncate webhook cascade").update();
        receiver = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        receiver.createContext("/", this::receive);
        receiver.start();
        api = new TestApi(port, ApiTest.KEY);
        if (api.get("/api/v1/repositories/hooks/model/revisions").statusCode() == 404) {
            api.commitModel("hooks/model");
        }
    }

    @AfterEach
    void stop() {
        receiver.stop(0);
    }

    private void receive(HttpExchange exchange) throws IOException {
        String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
        var headers = exchange.getRequestHeaders();
        received.add(new Received(
                headers.getFirst("webhook-id"),
                headers.getFirst("webhook-timestamp"),
                headers.getFirst("webhook-signature"),
                body));
        exchange.getResponseHeaders().add("Location", "/elsewhere");
        exchange.sendResponseHeaders(answer, -1);
        exchange.close();
    }

    private JsonNode subscribe() throws Exception {
        HttpResponse<String> answer = api.post(
                "/api/v1/webhooks",
                "{\"url\":\"http://127.0.0.1:" + receiver.getAddress().getPort()
                        + "/hook\",\"events\":[\"job.cancelled\"]}");
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(201);
        return TestApi.read(answer);
    }

    private String cancelAJob() throws Exception {
        String job = TestApi.read(api.post("/api/v1/jobs", JOB)).get("id").stringValue();
        api.post("/api/v1/jobs/" + job + "/cancel", "");
        return job;
    }

    private String deliveries(JsonNode webhook) {
        return "/api/v1/webhooks/" + webhook.get("id").stringValue() + "/deliveries";
    }

    private JsonNode awaitStatus(JsonNode webhook, String status) {
        await().untilAsserted(() -> assertThat(TestApi.read(api.get(deliveries(webhook) + "?status=" + status))
                        .get("items"))
                .hasSize(1));
        try {
            return TestApi.read(api.get(deliveries(webhook))).at("/items/0");
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void signsWhatItSends() throws Exception {
        JsonNode webhook = subscribe();
        String job = cancelAJob();

        JsonNode delivery = awaitStatus(webhook, "DELIVERED");

        assertThat(received).hasSize(1);
        Received message = received.getFirst();
        assertThat(message.id()).isEqualTo(delivery.get("id").stringValue());
        assertThat(message.body()).contains("\"type\":\"job.cancelled\"", job);
        byte[] key =
                Base64.getDecoder().decode(webhook.get("secret").stringValue().substring("whsec_".length()));
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(key, "HmacSHA256"));
        byte[] sum = mac.doFinal(
                (message.id() + "." + message.timestamp() + "." + message.body()).getBytes(StandardCharsets.UTF_8));
        assertThat(message.signature()).isEqualTo("v1," + Base64.getEncoder().encodeToString(sum));
        assertThat(api.get("/api/v1/webhooks").body()).doesNotContain("whsec_", "secret");
        String stored =
                sql.sql("select secret from webhook").query(String.class).single();
        assertThat(stored)
                .startsWith("1.a.")
                .doesNotContain(webhook.get("secret").stringValue());
    }

    @Test
    void triesAgainUntilItGivesUpAndReplaysOnDemand() throws Exception {
        answer = 302; // never followed, so it counts as a failure
        JsonNode webhook = subscribe();
        cancelAJob();

        JsonNode dead = awaitStatus(webhook, "DEAD");

        assertThat(dead.get("attempt").intValue()).isEqualTo(8);
        assertThat(dead.get("answerStatus").intValue()).isEqualTo(302);
        assertThat(received)
                .hasSize(8)
                .extracting(Received::id)
                .containsOnly(dead.get("id").stringValue());
        answer = 200;
        HttpResponse<String> replayed =
                api.post(deliveries(webhook) + "/" + dead.get("id").stringValue() + "/replay", "");
        assertThat(replayed.statusCode()).isEqualTo(202);
        assertThat(awaitStatus(webhook, "DELIVERED").get("attempt").intValue()).isEqualTo(9);
    }

    @Test
    void aReceiverThatIsGoneGetsNothingMore() throws Exception {
        answer = 410;
        JsonNode webhook = subscribe();
        cancelAJob();
        awaitStatus(webhook, "DEAD");
        assertThat(TestApi.read(api.get("/api/v1/webhooks/" + webhook.get("id").stringValue()))
                        .get("enabled")
                        .booleanValue())
                .isFalse();
        cancelAJob();
        assertThat(received).hasSize(1);
    }

    @Test
    void aRefusedConnectionIsAFailureLikeOthers() throws Exception {
        JsonNode webhook = subscribe();
        receiver.stop(0);
        cancelAJob();
        JsonNode dead = awaitStatus(webhook, "DEAD");
        assertThat(dead.get("answerStatus").isNull()).isTrue();
        assertThat(dead.get("failure").stringValue()).isNotBlank();
    }

    @Test
    void refusesWhatItWouldNotCall() throws Exception {
        assertProblem(api.post("/api/v1/webhooks", "{\"url\":\"https://10.0.0.1/\"}"), 422, "address-not-allowed");
        assertProblem(api.post("/api/v1/webhooks", "{\"url\":\"gopher://x\"}"), 422, "address-not-allowed");
        assertProblem(
                api.post("/api/v1/webhooks", "{\"url\":\"http://127.0.0.1/\",\"events\":[\"job.lost\"]}"),
                400,
                "invalid-request");
        assertProblem(api.post("/api/v1/webhooks", "{}"), 400, "invalid-request");
    }

    @Test
    void noMoreThanMayAreMadeByCallsThatComeAtOnce() throws Exception {
        String body = "{\"url\":\"http://127.0.0.1:1/\"}";
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Callable<Integer> call = () -> api.post("/api/v1/webhooks", body).statusCode();
            List<Integer> statuses = new ArrayList<>();
            for (Future<Integer> made : threads.invokeAll(Collections.nCopies(50, call))) {
                statuses.add(made.get());
            }
            assertThat(statuses)
                    .containsOnly(201, 409)
                    .filteredOn(status -> status == 201)
                    .hasSize(20);
        }
        assertProblem(api.post("/api/v1/webhooks", body), 409, "webhook-limit");
    }

    /** Each of his calls lasts as long as a call may; without turns the other's message would be the last of all. */
    @Test
    void aTenantWhoseReceiversAreSlowKeepsNobodyElseWaiting() throws Exception {
        TestApi other = api.withNewTenant("hooked");
        other.commitModel("hooked/model");
        try (var silent = new ServerSocket(0, 1000, InetAddress.getLoopbackAddress())) {
            api.post("/api/v1/webhooks", "{\"url\":\"http://127.0.0.1:" + silent.getLocalPort() + "/\"}");
            sql.sql("""
                            insert into webhook_delivery (id, tenant, webhook_id, event, payload, attempt_limit)
                            select gen_random_uuid(), tenant, id, 'job.cancelled', '{}', 1
                            from webhook, generate_series(1, 300)
                            """).update();
            await().until(() -> sql.sql("select count(*) from webhook_delivery where attempt = 1")
                            .query(Integer.class)
                            .single()
                    >= 32);
            api = other;
            JsonNode webhook = subscribe();
            String job = TestApi.read(other.post("/api/v1/jobs", JOB.replace("hooks/", "hooked/")))
                    .get("id")
                    .stringValue();
            other.post("/api/v1/jobs/" + job + "/cancel", "");
            await().atMost(Duration.ofSeconds(40)).until(() -> received.size() == 1);
            assertThat(received.getFirst().body()).contains(job);
            assertThat(sql.sql("select count(*) from webhook_delivery where attempt = 0")
                            .query(Integer.class)
                            .single())
                    .as("still waiting")
                    .isPositive();
            assertThat(webhook.get("enabled").booleanValue()).isTrue();
        }
    }
}
