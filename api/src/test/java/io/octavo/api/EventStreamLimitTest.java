package io.octavo.api;

import static io.octavo.api.TestApi.assertProblem;
import static io.octavo.api.TestApi.read;
import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.jobs.worker.WorkerRegistry;
import java.io.InputStream;
import java.net.http.HttpClient;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.ArrayList;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.web.server.LocalServerPort;
import org.springframework.test.context.TestPropertySource;

/** Streams of events cost the service questions as long as they are open, so that no tenant has any number of them. */
@Timeout(120)
@ServiceTest
@TestPropertySource(
        properties = {
            "octavo.api.streams-per-tenant=3",
            "octavo.api.stream-poll=50ms",
            "octavo.api.stream-keep-alive=100ms"
        })
class EventStreamLimitTest {

    @LocalServerPort
    int port;

    @Autowired
    WorkerRegistry workers;

    private HttpResponse<InputStream> open(TestApi api, String job) throws Exception {
        return HttpClient.newHttpClient()
                .send(
                        api.to("/api/v1/jobs/" + job + "/events")
                                .header("Accept", "text/event-stream")
                                .build(),
                        BodyHandlers.ofInputStream());
    }

    private String submit(TestApi api, String namespace) throws Exception {
        api.commitModel(namespace + "/model");
        return read(api.post("/api/v1/jobs", """
                {"type":"quantize","source":"hub:%1$s/model","scheme":"FP8_DYNAMIC","target":"%1$s/out"}""".formatted(namespace)))
                .get("id")
                .stringValue();
    }

    @Test
    void aTenantHasOnlySoManyOpenAtOnce() throws Exception {
        TestWorker.register(workers);
        TestApi operator = new TestApi(port, ApiTest.KEY);
        TestApi other = operator.withNewTenant("streams");
        String job = submit(operator, "flood");
        String otherJob = submit(other, "streams");
        List<HttpResponse<InputStream>> streams = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            streams.add(open(operator, job));
            assertThat(streams.getLast().statusCode()).isEqualTo(200);
        }
        String[] stream = {"Accept", "text/event-stream, application/problem+json"};
        assertProblem(operator.send("GET", "/api/v1/jobs/" + job + "/events", "", stream), 429, "rate-limited");
        assertThat(operator.get("/api/v1/jobs/" + job + "/events").statusCode()).isEqualTo(200);
        try (InputStream others = open(other, otherJob).body()) {
            assertThat(others.read()).isNotNegative();
        }

        streams.getFirst().body().close();
        Awaitility.await().until(() -> {
            HttpResponse<InputStream> next = open(operator, job);
            next.body().close();
            return next.statusCode() == 200;
        });
    }
}
