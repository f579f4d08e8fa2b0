package io.octavo.api;

import static io.octavo.api.TestApi.assertProblem;
import static io.octavo.api.TestApi.id;
import static io.octavo.api.TestApi.read;
import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.jobs.artifact.ArtifactService;
import io.octavo.jobs.blob.BlobStore;
import io.octavo.jobs.queue.Claim;
import io.octavo.jobs.queue.WorkerIdentity;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;

/** Conditions of changes by RFC 9110, section 13: what does not hold is not done, and of two only one is let through. */
@Timeout(180)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@ServiceTest
class ConditionsTest extends RunningService {

    private static final WorkerIdentity WORKER = new WorkerIdentity(UUID.randomUUID(), "conditions");
    private static final String DEPLOYMENT = "{\"source\":\"hub:held/runnable\",\"name\":\"runnable\"}";
    private static final String JOB = """
            {"type":"quantize","source":"hub:held/model","scheme":"FP8_DYNAMIC","target":"held/out"}""";
    private static final String NEVER = "Thu, 01 Jan 1970 00:00:00 GMT";
    private static final int ROUNDS = 20;

    @Autowired
    ArtifactService artifacts;

    @Autowired
    BlobStore blobs;

    private TestApi api = new TestApi(0, null);

    /** Changes of what is there, by the document's names for them: path and body. */
    private final Map<String, List<String>> changes = new LinkedHashMap<>();

    private final List<String> shown = new ArrayList<>();

    @BeforeAll
    void makeOneOfEverything() throws Exception {
        api = operator();
        TestWorker.register(workers, WORKER);
        api.commitModel("held/model");
        String job = "/api/v1/jobs/" + id(api.post("/api/v1/jobs", JOB));
        Claim claim = queue.claim(WORKER, Set.of("quantize")).orElseThrow();
        String artifact =
                "/api/v1/artifacts/" + TestWorker.commitArtifact(artifacts, blobs, claim, "held", new byte[] {1});
        String model = "/api/v1/repositories/held/model";
        String revision = model + "/revisions/" + id(api.get(model + "/revisions/main"));
        String key = "/api/v1/keys/" + id(api.post("/api/v1/keys", "{\"name\":\"k\",\"scope\":\"read\"}"));
        String hook = "/api/v1/webhooks/" + id(api.post("/api/v1/webhooks", "{\"url\":\"http://127.0.0.1:1/x\"}"));
        String tenant = "/api/v1/tenants/" + id(api.post("/api/v1/tenants", "{\"name\":\"held\"}"));
        api.commitRunnableModel("held/runnable");
        String deployment = "/api/v1/deployments/" + id(api.post("/api/v1/deployments", DEPLOYMENT));
        shown.addAll(List.of(job, artifact, model, revision, hook, tenant, tenant + "/namespaces", deployment));
        change("submitJob", "/api/v1/jobs", JOB);
        change("cancelJob", job + "/cancel", "");
        change("retryJob", job + "/retry", "");
        change("deleteJob", job, "");
        change("deleteArtifact", artifact, "");
        change("restoreArtifact", artifact + "/restore", "");
        change("uploadFile", model + "/files/config.json", "{}");
        change("commitRevision", model + "/revisions", "{\"files\":[]}");
        change("setRepositoryRetention", model + "/retention", "{\"maxAgeDays\":1}");
        change("deleteRevision", revision, "");
        change("restoreRevision", revision + "/restore", "");
        change("deleteRepository", model, "");
        change("restoreRepository", model + "/restore", "");
        change("createKey", "/api/v1/keys", "{\"name\":\"k2\",\"scope\":\"read\"}");
        change("revokeKey", key, "");
        change("createWebhook", "/api/v1/webhooks", "{\"url\":\"http://127.0.0.1:1/y\"}");
        change("deleteWebhook", hook, "");
        change("replayWebhookDelivery", hook + "/deliveries/" + new UUID(1, 1) + "/replay", "");
        change("createDeployment", "/api/v1/deployments", "{}");
        change("deleteDeployment", deployment, "");
        change("createTenant", "/api/v1/tenants", "{\"name\":\"held2\"}");
        change("deleteTenant", tenant, "");
        change("setTenantQuota", tenant + "/quota", "{\"maxBytes\":1}");
        change("grantNamespace", tenant + "/namespaces/held-more", "");
        change("revokeNamespace", tenant + "/namespaces/held-more", "");
    }

    private void change(String operation, String path, String body) {
        changes.put(operation, List.of(path, body));
    }

    private String tag(String path) throws Exception {
        HttpResponse<String> answer = api.get(path);
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        return answer.headers().firstValue("ETag").orElseThrow();
    }

    private Map<String, String> tags() throws Exception {
        Map<String, String> tags = new LinkedHashMap<>();
        for (String path : shown) {
            tags.put(path, tag(path));
        }
        return tags;
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "If-Match; '\"wrong\"'",
                "If-Match; W/TAG",
                "If-Match; ''",
                "If-Match; x*",
                "If-Match; '\"wrong\", *'",
                "If-None-Match; *",
                "If-Unmodified-Since; " + NEVER
            })
    void noChangeOfTheDocumentIsMadeWhereItsConditionDoesNotHold(String header, String value) throws Exception {
        Map<String, String> before = tags();
        Set<String> documented = new TreeSet<>();
        for (var item : read(api.get("/v3/api-docs")).get("paths")) {
            for (String method : item.propertyNames()) {
                if (!method.equals("get")) {
                    String operation = item.get(method).get("operationId").stringValue();
                    documented.add(operation);
                    List<String> call = Objects.requireNonNull(changes.get(operation), operation);
                    String held = before.getOrDefault(call.getFirst(), "\"x\"");
                    HttpResponse<String> answer = api.send(
                            method.toUpperCase(java.util.Locale.ROOT),
                            call.getFirst(),
                            call.getLast(),
                            header,
                            value.replace("TAG", held));
                    assertThat(answer.statusCode())
                            .as(operation + answer.body())
                            .isEqualTo(412);
                    assertProblem(answer, 412, "precondition-failed");
                    assertThat(item.get(method).get("responses").propertyNames())
                            .as(operation)
                            .contains("412");
                }
            }
        }
        assertThat(documented).isEqualTo(changes.keySet());
        assertThat(tags()).isEqualTo(before);
    }

    @Test
    void aDeploymentIsStoppedByItsTag() throws Exception {
        String path = "/api/v1/deployments/"
                + id(api.post("/api/v1/deployments", DEPLOYMENT.replace("\"runnable\"", "\"stopped\"")));
        String tag = tag(path);
        assertThat(api.send("GET", path, "", "If-None-Match", tag).statusCode()).isEqualTo(304);
        assertThat(api.send("DELETE", path, "", "If-Match", tag).statusCode()).isEqualTo(204);
    }

    @Test
    void whatIsShownHasATagThatChangesWithItAndIsNotSentTwice() throws Exception {
        String path = "/api/v1/repositories/held/tagged";
        api.commit("held/tagged", Map.of("f", TestApi.bytes("one")));
        String tag = tag(path);
        assertThat(tag(path)).isEqualTo(tag);
        assertThat(api.send("GET", path, "", "If-None-Match", "W/" + tag).statusCode())
                .isEqualTo(304);
        assertThat(api.send("GET", path, "", "If-None-Match", "W/" + tag).body())
                .isEmpty();
        assertThat(api.send("HEAD", path, "", "If-None-Match", tag).statusCode())
                .isEqualTo(304);
        assertThat(api.send("GET", path, "", "If-Match", tag).statusCode()).isEqualTo(200);
        api.commit("held/tagged", Map.of("f", TestApi.bytes("two")));
        assertThat(tag(path)).isNotEqualTo(tag);
        assertThat(api.send("GET", path, "", "If-None-Match", tag).statusCode()).isEqualTo(200);
        assertProblem(api.send("GET", path, "", "If-Match", tag), 412, "precondition-failed");
    }

    @Test
    void aChangeIsMadeWhereItsConditionHoldsAndThenHoldsNoMore() throws Exception {
        String path = "/api/v1/repositories/held/changed";
        api.commit("held/changed", Map.of("f", TestApi.bytes("one")));
        String first = tag(path);
        HttpResponse<String> kept = api.send("PUT", path + "/retention", "{\"maxAgeDays\":5}", "If-Match", first);
        assertThat(kept.statusCode()).as(kept.body()).isEqualTo(200);
        assertProblem(
                api.send("PUT", path + "/retention", "{\"maxAgeDays\":6}", "If-Match", first),
                412,
                "precondition-failed");
        String second = tag(path);
        String stored = api.put(path + "/files/f", TestApi.bytes("two")).body();
        String revision = "{\"files\":[" + stored + "]}";
        assertProblem(api.send("POST", path + "/revisions", revision, "If-Match", first), 412, "precondition-failed");
        assertThat(api.send("POST", path + "/revisions", revision, "If-Match", first + ", " + second)
                        .statusCode())
                .isEqualTo(201);
        assertProblem(api.send("DELETE", path, "", "If-Match", second), 412, "precondition-failed");
        String third = tag(path);
        assertThat(api.send("DELETE", path, "", "If-Match", third).statusCode()).isEqualTo(204);
        assertProblem(api.send("DELETE", path, "", "If-Match", third), 404, "repository-not-found");
        assertProblem(api.send("POST", path + "/restore", "", "If-Match", "*"), 412, "precondition-failed");
        assertThat(api.send("POST", path + "/restore", "", "If-None-Match", "*").statusCode())
                .isEqualTo(204);
        assertThat(tag(path)).isEqualTo(third);
        assertThat(api.send("DELETE", path, "", "If-Match", "*").statusCode()).isEqualTo(204);
    }

    @ParameterizedTest
    @ValueSource(strings = {"webhooks", "jobs", "tenants"})
    void whatEndsWithItsTagEndsOnce(String kind) throws Exception {
        String path = "/api/v1/" + kind + "/"
                + switch (kind) {
                    case "webhooks" -> id(api.post("/api/v1/webhooks", "{\"url\":\"http://127.0.0.1:1/z\"}"));
                    case "tenants" -> id(api.post("/api/v1/tenants", "{\"name\":\"held-end\"}"));
                    default -> id(api.post("/api/v1/jobs", JOB.replace("held/out", "held/out2")));
                };
        if (kind.equals("jobs")) {
            assertThat(api.send("POST", path + "/cancel", "", "If-Match", tag(path))
                            .statusCode())
                    .isEqualTo(200);
        }
        assertThat(api.send("DELETE", path, "", "If-Match", tag(path)).statusCode())
                .isEqualTo(204);
        assertThat(api.get(path).statusCode()).isEqualTo(404);
    }

    /** @param change which two make at once, both having seen the same */
    @ParameterizedTest
    @ValueSource(strings = {"retention", "revisions", "delete", "quota", "namespaces", "create"})
    void ofTwoWhoSawTheSameOnlyOneChangesIt(String change) throws Exception {
        String tenant = "/api/v1/tenants/" + id(api.post("/api/v1/tenants", "{\"name\":\"race-" + change + "\"}"));
        for (int round = 0; round < ROUNDS; round++) {
            String name = "held/race-" + change + round;
            String path = "/api/v1/repositories/" + name;
            String seen = "If-Match";
            String tag = "*";
            switch (change) {
                case "quota" -> tag = tag(tenant);
                case "namespaces" -> tag = tag(tenant + "/namespaces");
                case "create" -> seen = "If-None-Match";
                default -> {
                    api.commit(name, Map.of("f", TestApi.bytes("one")));
                    tag = tag(path);
                }
            }
            int of = round;
            String header = seen;
            String condition = tag;
            List<Integer> answers = atOnce(who -> switch (change) {
                case "quota" ->
                    api.send(
                            "PUT", tenant + "/quota", "{\"maxBytes\":" + (100 * of + who + 1) + "}", header, condition);
                case "namespaces" ->
                    api.send("PUT", tenant + "/namespaces/race-" + of + "-" + who, "", header, condition);
                case "delete" -> api.send("DELETE", path, "", header, condition);
                case "retention" ->
                    api.send("PUT", path + "/retention", "{\"maxAgeDays\":" + (who + 1) + "}", header, condition);
                default -> {
                    String stored = api.put(path + "/files/f", TestApi.bytes("by " + who))
                            .body();
                    yield api.send("POST", path + "/revisions", "{\"files\":[" + stored + "]}", header, condition);
                }
            });
            assertThat(answers.stream().filter(status -> status < 300))
                    .as("%s", answers)
                    .hasSize(1);
            assertThat(answers).allMatch(status -> status < 300 || status == 412 || status == 404);
        }
    }

    /** One of those who call. */
    private interface Caller {
        HttpResponse<String> call(int who) throws Exception;
    }

    private static List<Integer> atOnce(Caller caller) throws Exception {
        int callers = 3;
        var start = new CyclicBarrier(callers);
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Stream<Future<Integer>> answers = IntStream.range(0, callers)
                    .mapToObj(who -> threads.submit(() -> {
                        start.await();
                        return caller.call(who).statusCode();
                    }));
            List<Future<Integer>> running = answers.toList();
            List<Integer> statuses = new ArrayList<>();
            for (Future<Integer> answer : running) {
                statuses.add(answer.get());
            }
            return statuses;
        }
    }
}
