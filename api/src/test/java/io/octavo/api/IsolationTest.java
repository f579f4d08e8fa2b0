package io.octavo.api;

import static io.octavo.api.TestApi.assertProblem;
import static io.octavo.api.TestApi.id;
import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.jobs.artifact.ArtifactService;
import io.octavo.jobs.blob.BlobStore;
import io.octavo.jobs.identity.TenantId;
import io.octavo.jobs.queue.Claim;
import io.octavo.jobs.queue.WorkerIdentity;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.test.context.TestPropertySource;
import org.springframework.web.servlet.mvc.method.RequestMappingInfo;
import org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerMapping;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;

/** Alice has one of everything; Bob, an administrator of another tenant, finds nothing of it by any call. */
@Timeout(120)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@ServiceTest
@TestPropertySource(properties = "spring.application.name=isolation") // so that it has a database of its own
class IsolationTest extends RunningService {

    private static final WorkerIdentity WORKER = new WorkerIdentity(UUID.randomUUID(), "worker");
    private static final String SPEC = """
            {"type":"quantize","source":"hub:alice/model","scheme":"FP8_DYNAMIC","target":"alice/out"}""";
    private static final String PIPELINE = """
            {"type":"pipeline","labels":{"team":"search"},"steps":[{"name":"q","job":{"type":"quantize",
            "source":"hub:alice/model","scheme":"FP8_DYNAMIC","target":"alice/out","requirements":{"labels":{"a":"b"}}}}]}
            """;
    private static final String SECRET_BYTES = "what only alice has";

    @Autowired
    ArtifactService artifacts;

    @Autowired
    BlobStore blobs;

    @Autowired
    @Qualifier("requestMappingHandlerMapping") RequestMappingHandlerMapping mapping;

    private TestApi operator;
    private TestApi alice;
    private TestApi bob;
    private final Map<String, Check> checks = new LinkedHashMap<>();
    private final Set<String> markers = new TreeSet<>();

    /** What one endpoint must hold. */
    private interface Check {
        void run() throws Exception;
    }

    @BeforeAll
    void aliceHasOneOfEverything() throws Exception {
        operator = operator();
        alice = operator.withNewTenant("alice");
        bob = operator.withNewTenant("bob");
        TestWorker.register(workers, WORKER);
        alice.commitModel("alice/model");
        String revision = id(alice.get("/api/v1/repositories/alice/model/revisions/main"));
        String done = id(alice.post("/api/v1/jobs", SPEC));
        Claim claim = queue.claim(WORKER, Set.of("quantize")).orElseThrow();
        String artifact = TestWorker.commitArtifact(artifacts, blobs, claim, "alice", TestApi.bytes(SECRET_BYTES));
        String job = id(alice.post("/api/v1/jobs", SPEC));
        String key = id(alice.post("/api/v1/keys", "{\"name\":\"k\",\"scope\":\"read\"}"));
        markers.addAll(List.of(done, job, artifact, key, revision, "alice/"));

        String jobs = "/api/v1/jobs";
        hidden("GET /api/v1/jobs/{id}", jobs + "/" + job, "", "job-not-found");
        hidden("GET /api/v1/jobs/{id}/events", jobs + "/" + job + "/events", "", "job-not-found");
        hidden(
                "GET /api/v1/jobs/{id}/events text/event-stream",
                jobs + "/" + done + "/events",
                "",
                "job-not-found",
                "Accept",
                "text/event-stream, application/json");
        hidden("POST /api/v1/jobs/{id}/cancel", jobs + "/" + job + "/cancel", "", "job-not-found");
        hidden("POST /api/v1/jobs/{id}/retry", jobs + "/" + job + "/retry", "", "job-not-found");
        checks.put("POST /api/v1/jobs", () -> {
            assertProblem(bob.post(jobs, SPEC), 404, "repository-not-found");
            assertProblem(bob.post(jobs, SPEC.replace("alice/out", "bob/out")), 422, "source-not-found");
            assertProblem(bob.post(jobs, PIPELINE), 404, "repository-not-found");
            assertProblem(bob.post(jobs, PIPELINE.replace("alice/out", "bob/out")), 422, "source-not-found");
        });
        checks.put("POST /api/v1/jobs dryRun=true", () -> {
            assertProblem(bob.post(jobs + "?dryRun=true", SPEC), 404, "repository-not-found");
            assertProblem(
                    bob.post(jobs + "?dryRun=true", SPEC.replace("alice/out", "bob/out")), 422, "source-not-found");
        });
        String pipeline = id(alice.post(jobs, PIPELINE));
        String step = TestApi.read(alice.get(jobs + "/" + pipeline))
                .at("/steps/0/jobId")
                .stringValue();
        markers.addAll(List.of(pipeline, step));
        checks.put("GET /api/v1/jobs", () -> {
            for (String filter : List.of("", "?label=team:search", "?parent=" + pipeline)) {
                HttpResponse<String> answer = bob.get(jobs + filter);
                assertThat(answer.statusCode()).isEqualTo(200);
                assertThat(answer.body()).doesNotContain(markers);
                assertThat(TestApi.read(alice.get(jobs + filter)).get("items")).isNotEmpty();
            }
            assertProblem(bob.get(jobs + "/" + step), 404, "job-not-found");
            assertProblem(bob.post(jobs + "/" + step + "/cancel", ""), 404, "job-not-found");
        });

        alice.commitRunnableModel("alice/runnable");
        String deployments = "/api/v1/deployments";
        String served = id(alice.post(deployments, "{\"source\":\"hub:alice/runnable\"}"));
        markers.add(served);
        hidden("GET /api/v1/deployments/{id}", deployments + "/" + served, "", "deployment-not-found");
        foreign("DELETE /api/v1/deployments/{id}", deployments + "/" + served, "", "deployment-not-found");
        listing("GET /api/v1/deployments", deployments);
        checks.put(
                "POST /api/v1/deployments",
                () -> assertProblem(
                        bob.post(deployments, "{\"source\":\"hub:alice/runnable\"}"), 422, "source-not-found"));

        hidden("GET /api/v1/artifacts/{id}", "/api/v1/artifacts/" + artifact, "", "artifact-not-found");
        hidden(
                "GET /api/v1/artifacts/{id}/files/{*path}",
                "/api/v1/artifacts/" + artifact + "/files/a.bin",
                "",
                "artifact-not-found");
        hidden(
                "GET /api/v1/artifacts/{id}/report",
                "/api/v1/artifacts/" + artifact + "/report",
                "",
                "artifact-not-found");
        hidden(
                "GET /api/v1/artifacts/{id}/report text/html",
                "/api/v1/artifacts/" + artifact + "/report",
                "",
                "artifact-not-found",
                "Accept",
                "text/html, application/json");
        hidden(
                "GET /api/v1/artifacts/{id}/card text/markdown",
                "/api/v1/artifacts/" + artifact + "/card",
                "",
                "artifact-not-found");
        listing("GET /api/v1/artifacts", "/api/v1/artifacts");
        checks.put("GET /api/v1/artifacts/comparison", () -> {
            String path = "/api/v1/artifacts/comparison?source=hub:alice/model";
            assertThat(TestApi.read(alice.get(path)).get("artifacts")).isNotEmpty();
            assertThat(TestApi.read(bob.get(path)).get("artifacts")).isEmpty();
        });
        // What these name is Alice's; that they work for her is RepositoriesTest's to show.
        foreign("DELETE /api/v1/jobs/{id}", jobs + "/" + job, "", "job-not-found");
        foreign("DELETE /api/v1/artifacts/{id}", "/api/v1/artifacts/" + artifact, "", "artifact-not-found");
        foreign(
                "POST /api/v1/artifacts/{id}/restore",
                "/api/v1/artifacts/" + artifact + "/restore",
                "",
                "artifact-not-found");

        String repository = "/api/v1/repositories/alice/model";
        String of = " /api/v1/repositories/{namespace}/{name}";
        listing("GET /api/v1/repositories", "/api/v1/repositories");
        hidden("GET" + of, repository, "", "repository-not-found");
        hidden("PUT" + of + "/retention", repository + "/retention", "{\"maxAgeDays\":null}", "repository-not-found");
        foreign("DELETE" + of, repository, "", "repository-not-found");
        foreign("POST" + of + "/restore", repository + "/restore", "", "repository-not-found");
        foreign(
                "POST" + of + "/revisions/{revision}/restore",
                repository + "/revisions/" + revision + "/restore",
                "",
                "repository-not-found");
        foreign(
                "DELETE" + of + "/revisions/{revision}",
                repository + "/revisions/" + revision,
                "",
                "repository-not-found");
        hidden("GET" + of + "/revisions", repository + "/revisions", "", "repository-not-found");
        hidden("GET" + of + "/revisions/{revision}", repository + "/revisions/" + revision, "", "repository-not-found");
        hidden("GET" + of + "/files/{*path}", repository + "/files/config.json", "", "repository-not-found");
        checks.put("PUT" + of + "/files/{*path}", () -> {
            assertProblem(bob.put(repository + "/files/config.json", new byte[] {1}), 404, "repository-not-found");
            assertProblem(
                    bob.put("/api/v1/repositories/alice/new/files/a", new byte[] {1}), 404, "repository-not-found");
        });
        checks.put("POST" + of + "/revisions", () -> {
            String file = bob.put("/api/v1/repositories/bob/new/files/a", new byte[] {1})
                    .body();
            String files = "{\"files\":[" + file + "]}";
            assertProblem(bob.post(repository + "/revisions", files), 404, "repository-not-found");
            assertProblem(bob.post("/api/v1/repositories/alice/new/revisions", files), 404, "repository-not-found");
        });

        listing("GET /api/v1/keys", "/api/v1/keys");
        hidden("DELETE /api/v1/keys/{id}", "/api/v1/keys/" + key, "", "key-not-found");
        checks.put(
                "POST /api/v1/keys",
                () -> assertProblem(
                        bob.post(
                                "/api/v1/keys",
                                "{\"name\":\"k\",\"scope\":\"read\",\"tenant\":\"" + tenantOf(alice) + "\"}"),
                        404,
                        "tenant-not-found"));
        checks.put(
                "GET /api/v1/audit",
                () -> assertThat(actors(bob)).isNotEmpty().doesNotContainAnyElementsOf(actors(alice)));
        String webhook = id(alice.post("/api/v1/webhooks", "{\"url\":\"http://127.0.0.1:9/hook\"}"));
        markers.add(webhook);
        queue.complete(
                queue.claim(WORKER, Set.of("quantize")).orElseThrow().lease(), JsonNodeFactory.instance.objectNode());
        String deliveries = "/api/v1/webhooks/" + webhook + "/deliveries";
        String delivery = TestApi.read(alice.get(deliveries)).at("/items/0/id").stringValue();
        markers.add(delivery);
        listing("GET /api/v1/webhooks", "/api/v1/webhooks");
        hidden("GET /api/v1/webhooks/{id}", "/api/v1/webhooks/" + webhook, "", "webhook-not-found");
        hidden("GET /api/v1/webhooks/{id}/deliveries", deliveries, "", "webhook-not-found");
        hidden(
                "POST /api/v1/webhooks/{id}/deliveries/{delivery}/replay",
                deliveries + "/" + delivery + "/replay",
                "",
                "webhook-not-found");
        checks.put("POST /api/v1/webhooks", () -> {
            String url = "{\"url\":\"http://127.0.0.1:9/his\"}";
            String his = id(bob.post("/api/v1/webhooks", url));
            assertProblem(
                    bob.post("/api/v1/webhooks/" + his + "/deliveries/" + delivery + "/replay", ""),
                    404,
                    "delivery-not-found");
            queue.claim(WORKER, Set.of("quantize"));
            assertThat(TestApi.read(bob.get("/api/v1/webhooks/" + his + "/deliveries"))
                            .get("items"))
                    .isEmpty();
        });
        hidden("DELETE /api/v1/webhooks/{id}", "/api/v1/webhooks/" + webhook, "", "webhook-not-found");
        operatorOnly("GET /api/v1/tenants", "/api/v1/tenants", "");
        operatorOnly("POST /api/v1/tenants", "/api/v1/tenants", "{\"name\":\"carol\"}");
        String another = id(operator.post("/api/v1/tenants", "{\"name\":\"dave\"}"));
        operatorOnly("GET /api/v1/tenants/{id}", "/api/v1/tenants/" + tenantOf(alice), "");
        operatorOnly("PUT /api/v1/tenants/{id}/quota", "/api/v1/tenants/" + another + "/quota", "{\"maxBytes\":1}");
        String namespaces = "/api/v1/tenants/" + another + "/namespaces";
        operatorOnly("GET /api/v1/tenants/{id}/namespaces", namespaces, "");
        operatorOnly("PUT /api/v1/tenants/{id}/namespaces/{namespace}", namespaces + "/daves", "");
        operatorOnly("DELETE /api/v1/tenants/{id}/namespaces/{namespace}", namespaces + "/daves", "");
        operatorOnly("DELETE /api/v1/tenants/{id}", "/api/v1/tenants/" + another, "");
        hub(revision);
        common("GET /api/v1/schemes", "/api/v1/schemes");
        listing("GET /api/v1/workers", "/api/v1/workers");
        common("GET /v3/api-docs", "/v3/api-docs");
        checks.put("ANY /error", () -> assertProblem(bob.get("/error"), 404, "not-found"));
    }

    /** The same repositories by the Hub's calls. */
    private void hub(String revision) {
        String model = "/hub/api/models/alice/model";
        String of = " /hub/api/models/{namespace}/{name}";
        for (String call : List.of("", "/refs", "/auth-check", "/auth-check/write")) {
            hidden("GET" + of + call, model + call, "", "repository-not-found");
        }
        hidden("GET" + of + "/revision/{revision}", model + "/revision/" + revision, "", "repository-not-found");
        hidden("GET" + of + "/commits/{revision}", model + "/commits/" + revision, "", "repository-not-found");
        hidden("GET" + of + "/tree/{revision}/{*folder}", model + "/tree/" + revision, "", "repository-not-found");
        hidden(
                "POST" + of + "/paths-info/{revision}",
                model + "/paths-info/main",
                "{\"paths\":[\"config.json\"]}",
                "repository-not-found");
        hidden(
                "GET /hub/{namespace}/{name}/resolve/{revision}/{*path}",
                "/hub/alice/model/resolve/" + revision + "/config.json",
                "",
                "repository-not-found");
        hidden("POST" + of + "/preupload/{revision}", model + "/preupload/main", "{}", "repository-not-found");
        hidden("POST" + of + "/tag/{revision}", model + "/tag/main", "{\"tag\":\"v1\"}", "repository-not-found");
        foreign("DELETE" + of + "/tag/{tag}", model + "/tag/v1", "", "repository-not-found");
        hidden("POST" + of + "/branch/{branch}", model + "/branch/b", "{}", "repository-not-found");
        foreign("DELETE" + of + "/branch/{branch}", model + "/branch/b", "", "repository-not-found");
        foreign("POST" + of + "/commit/{branch}", model + "/commit/main", "{}", "repository-not-found");
        hidden(
                "POST /hub/{namespace}/{name}.git/info/lfs/objects/batch",
                "/hub/alice/model.git/info/lfs/objects/batch",
                "{\"operation\":\"upload\",\"objects\":[]}",
                "repository-not-found");
        String named = "{\"organization\":\"alice\",\"name\":\"model\"}";
        foreign("DELETE /hub/api/repos/delete", "/hub/api/repos/delete", named, "repository-not-found");
        foreign("POST /hub/api/repos/create", "/hub/api/repos/create", named, "repository-not-found");
        checks.put(
                "PUT /hub/uploads/{sha256}",
                () -> assertProblem(
                        bob.put("/hub/uploads/" + "0".repeat(64) + "?ticket=x", new byte[0]), 401, "unauthenticated"));
        checks.put("GET /hub/api/models", () -> {
            assertThat(bob.get("/hub/api/models").body()).doesNotContain(markers);
            assertThat(bob.get("/hub/api/models?author=alice").body()).isEqualTo("[]");
            assertThat(TestApi.read(alice.get("/hub/api/models"))).isNotEmpty();
        });
        checks.put(
                "POST /hub/api/validate-yaml",
                () -> assertThat(bob.post("/hub/api/validate-yaml", "{\"content\":\"\"}")
                                .body())
                        .isEqualTo(alice.post("/hub/api/validate-yaml", "{\"content\":\"\"}")
                                .body()));
        checks.put("GET /hub/api/whoami-v2", () -> {
            assertThat(bob.get("/hub/api/whoami-v2").body()).doesNotContain("alice");
            assertThat(alice.get("/hub/api/whoami-v2").body()).contains("alice");
        });
    }

    private static Set<String> actors(TestApi caller) throws Exception {
        Set<String> actors = new TreeSet<>();
        TestApi.read(caller.get("/api/v1/audit?limit=500"))
                .get("items")
                .forEach(event -> actors.add(event.get("actor").stringValue()));
        return actors;
    }

    private static String tenantOf(TestApi caller) throws Exception {
        return TestApi.read(caller.get("/api/v1/keys")).at("/items/0/tenant").stringValue();
    }

    /** What is Alice's is not there for Bob, and there for Alice. */
    private void hidden(String endpoint, String path, String body, String code, String... headers) {
        String method = endpoint.substring(0, endpoint.indexOf(' '));
        checks.put(endpoint, () -> {
            assertProblem(bob.send(method, path, body, headers), 404, code);
            assertProblem(operator.send(method, path, body, headers), 404, code);
            assertThat(alice.send(method, path, body, headers).statusCode()).isNotIn(401, 403, 404);
        });
    }

    /** What is Alice's is not there for Bob. */
    private void foreign(String endpoint, String path, String body, String code) {
        String method = endpoint.substring(0, endpoint.indexOf(' '));
        checks.put(endpoint, () -> {
            assertProblem(bob.send(method, path, body), 404, code);
            assertProblem(operator.send(method, path, body), 404, code);
        });
    }

    /** Alice finds something of hers, Bob nothing of it. */
    private void listing(String endpoint, String path) {
        checks.put(endpoint, () -> {
            HttpResponse<String> answer = bob.get(path);
            assertThat(answer.statusCode()).isEqualTo(200);
            assertThat(answer.body()).doesNotContain(markers);
            assertThat(TestApi.read(alice.get(path)).get("items")).isNotEmpty();
        });
    }

    /** The same for everybody, without a trace of a tenant. */
    private void common(String endpoint, String path) {
        checks.put(endpoint, () -> {
            HttpResponse<String> answer = bob.get(path);
            assertThat(answer.statusCode()).isEqualTo(200);
            assertThat(answer.body())
                    .doesNotContain(markers)
                    .isEqualTo(alice.get(path).body());
        });
    }

    private void operatorOnly(String endpoint, String path, String body) {
        String method = endpoint.substring(0, endpoint.indexOf(' '));
        checks.put(endpoint, () -> {
            assertProblem(bob.send(method, path, body), 403, "scope-missing");
            assertThat(operator.send(method, path, body).statusCode()).isLessThan(300);
        });
    }

    private Set<String> endpoints() {
        Set<String> endpoints = new TreeSet<>();
        for (RequestMappingInfo info : mapping.getHandlerMethods().keySet()) {
            Set<String> methods = new TreeSet<>();
            info.getMethodsCondition().getMethods().forEach(method -> methods.add(method.name()));
            String details = Stream.concat(
                            info.getParamsCondition().getExpressions().stream().map(Object::toString),
                            info.getProducesCondition().getProducibleMediaTypes().stream()
                                    .map(Object::toString)
                                    .filter(type -> type.startsWith("text/")))
                    .reduce("", (all, detail) -> all + " " + detail);
            for (String method : methods.isEmpty() ? Set.of("ANY") : methods) {
                info.getPatternValues().forEach(pattern -> endpoints.add(method + " " + pattern + details));
            }
        }
        return endpoints;
    }

    @Test
    void everyEndpointHasACase() {
        assertThat(checks.keySet())
                .as("an endpoint without a case here could show a tenant what is another's")
                .containsExactlyInAnyOrderElementsOf(endpoints());
    }

    @TestFactory
    Stream<DynamicTest> tenantsSeeNothingOfEachOther() {
        return checks.entrySet().stream()
                .map(check -> DynamicTest.dynamicTest(
                        check.getKey(), () -> check.getValue().run()));
    }

    @TestFactory
    Stream<DynamicTest> everyEndpointNeedsAKeyWithItsScope() throws Exception {
        TestApi nobody = new TestApi(port, null);
        TestApi stranger = new TestApi(port, ApiTest.KEY.substring(0, ApiTest.KEY.length() - 1) + "1");
        TestApi reader = alice.withNewKey("read", null);
        TestApi submitter = alice.withNewKey("submit", null);
        TestApi remover = alice.withNewKey("delete", null);
        return endpoints().stream()
                .filter(endpoint -> endpoint.matches("\\w+ /(api|hub)/.*"))
                .filter(endpoint -> !endpoint.contains("/hub/uploads/")) // which take a ticket; HubWriteTest
                .map(endpoint -> DynamicTest.dynamicTest(endpoint, () -> {
                    String method = endpoint.substring(0, endpoint.indexOf(' '));
                    String path = endpoint.split(" ", -1)[1]
                            .replace("{id}", UUID.randomUUID().toString())
                            .replaceAll("\\{[^}]*}", "x");
                    assertProblem(nobody.send(method, path, ""), 401, "unauthenticated");
                    assertProblem(stranger.send(method, path, ""), 401, "unauthenticated");
                    boolean administration = path.matches("/api/v1/(keys|audit|webhooks|tenants).*");
                    boolean reading = (method.equals("GET") && !path.endsWith("/auth-check/write"))
                            || path.matches(".*/(paths-info/.*|validate-yaml)");
                    if (administration || !reading) {
                        assertProblem(reader.send(method, path, ""), 403, "scope-missing");
                    } else {
                        assertThat(reader.send(method, path, "").statusCode()).isNotIn(401, 403);
                    }
                    boolean stop = path.startsWith("/api/v1/deployments/"); // as jobs are cancelled
                    boolean removal = (method.equals("DELETE") && !stop) || path.matches(".*/(restore|retention)");
                    if (administration || removal) {
                        assertProblem(submitter.send(method, path, ""), 403, "scope-missing");
                    } else {
                        assertThat(submitter.send(method, path, "").statusCode())
                                .isNotIn(401, 403);
                    }
                    if (administration) {
                        assertProblem(remover.send(method, path, ""), 403, "scope-missing");
                    } else {
                        assertThat(remover.send(method, path, "").statusCode()).isNotIn(401, 403);
                    }
                }));
    }

    @Test
    void knowingAHashIsNotHavingTheBytes() throws Exception {
        byte[] bytes = SECRET_BYTES.getBytes(StandardCharsets.UTF_8);
        String sha256 =
                HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        String revision = "{\"files\":[{\"path\":\"s\",\"sha256\":\"" + sha256 + "\",\"size\":" + bytes.length + "}]}";
        HttpResponse<String> refused = bob.post("/api/v1/repositories/bob/stolen/revisions", revision);
        assertProblem(refused, 422, "blobs-missing");
        assertThat(TestApi.read(refused).at("/missing/0").stringValue()).isEqualTo(sha256);

        bob.put("/api/v1/repositories/bob/stolen/files/s", bytes);
        assertThat(bob.post("/api/v1/repositories/bob/stolen/revisions", revision)
                        .statusCode())
                .isEqualTo(201);
    }

    @Test
    void anArtifactIsReusedByItsTenantAlone() throws Exception {
        assertThat(artifacts.reusable(new TenantId(UUID.fromString(tenantOf(alice))), TestWorker.CONTENT_KEY))
                .isPresent();
        assertThat(artifacts.reusable(new TenantId(UUID.fromString(tenantOf(bob))), TestWorker.CONTENT_KEY))
                .isEmpty();
    }

    @Test
    void idempotencyKeysOfTenantsDoNotMeet() throws Exception {
        bob.commitModel("bob/model");
        String[] key = {"Idempotency-Key", "same"};
        String hers = id(alice.send("POST", "/api/v1/jobs", SPEC, key));
        String his = id(bob.send("POST", "/api/v1/jobs", SPEC.replace("alice/", "bob/"), key));
        assertThat(his).isNotEqualTo(hers);
    }

    @Test
    void sourcesOutsideAreTheOperatorsToAllow() throws Exception {
        for (String source : List.of("file:/etc", "s3://octavo/blobs", "s3://elsewhere/model")) {
            HttpResponse<String> answer = bob.post(
                    "/api/v1/jobs", SPEC.replace("alice/out", "bob/out").replace("hub:alice/model", source));
            assertProblem(answer, 403, "source-not-allowed");
        }
    }

    @Test
    void aRevokedOrExpiredKeyOpensNothing() throws Exception {
        HttpResponse<String> issued = alice.post("/api/v1/keys", "{\"name\":\"short\",\"scope\":\"read\"}");
        JsonNode key = TestApi.read(issued);
        TestApi holder = new TestApi(port, key.get("key").stringValue());
        assertThat(holder.get("/api/v1/jobs").statusCode()).isEqualTo(200);
        assertThat(alice.send("DELETE", "/api/v1/keys/" + key.get("id").stringValue(), "")
                        .statusCode())
                .isEqualTo(204);
        HttpResponse<String> refused = holder.get("/api/v1/jobs");
        assertProblem(refused, 401, "unauthenticated");
        assertThat(refused.headers().firstValue("WWW-Authenticate").orElseThrow())
                .contains("invalid_token");

        HttpResponse<String> past = alice.post(
                "/api/v1/keys", "{\"name\":\"past\",\"scope\":\"read\",\"expiresAt\":\"2099-01-01T00:00:00Z\"}");
        TestApi late = new TestApi(port, TestApi.read(past).get("key").stringValue());
        assertThat(late.get("/api/v1/jobs").statusCode()).isEqualTo(200);
        sql.sql("update api_key set expires_at = '2020-01-01' where name = 'past'")
                .update();
        assertProblem(late.get("/api/v1/jobs"), 401, "unauthenticated");
    }

    /** A browser prefers the page; a client that does not say gets JSON. */
    @Test
    void aReportIsAPageForPeopleAndJsonForTheRest() throws Exception {
        String report = "/api/v1/artifacts/"
                + TestApi.read(alice.get("/api/v1/artifacts")).at("/items/0/id").stringValue() + "/report";
        HttpResponse<String> page =
                alice.send("GET", report, "", "Accept", "text/html,application/xhtml+xml,*/*;q=0.8");
        assertThat(page.headers().firstValue("Content-Type")).hasValue("text/html;charset=UTF-8");
        assertThat(page.headers().firstValue("Content-Security-Policy").orElseThrow())
                .startsWith("default-src 'none'; style-src 'sha256-")
                .endsWith("frame-ancestors 'none'");
        assertThat(page.headers().firstValue("X-Content-Type-Options")).hasValue("nosniff");
        assertThat(page.body()).contains("<h1>alice/out</h1>", "a.bin");
        HttpResponse<String> json = alice.get(report);
        assertThat(json.headers().firstValue("Content-Type")).hasValue("application/json");
        assertThat(TestApi.read(json).at("/artifact/label").stringValue()).isEqualTo("W8A8");
        assertThat(TestApi.read(json).has("verification")).isTrue();
    }

    @Test
    void aKeyIsShownOnceAndWhatItDidIsWrittenDown() throws Exception {
        HttpResponse<String> issued = alice.post("/api/v1/keys", "{\"name\":\"once\",\"scope\":\"submit\"}");
        String secret = TestApi.read(issued).get("key").stringValue();
        assertThat(issued.headers().firstValue("Cache-Control").orElseThrow()).contains("no-store");
        assertThat(alice.get("/api/v1/keys").body()).doesNotContain(secret.substring(18));

        TestApi holder = new TestApi(port, secret);
        String job = id(holder.post("/api/v1/jobs", SPEC));
        holder.post("/api/v1/jobs/" + job + "/cancel", "");
        holder.get("/api/v1/audit");
        JsonNode newest = TestApi.read(alice.get("/api/v1/audit?limit=3")).get("items");
        assertThat(newest.at("/0/action").stringValue()).isEqualTo("GET");
        assertThat(newest.at("/0/status").intValue()).isEqualTo(403);
        assertThat(newest.at("/1/action").stringValue()).isEqualTo("POST /api/v1/jobs/{id}/cancel");
        assertThat(newest.at("/1/target").stringValue()).contains(job);
        assertThat(newest.at("/1/actor").stringValue()).isEqualTo("key:" + secret.substring(0, 17));
        assertThat(newest.at("/1/outcome").stringValue()).isEqualTo("COMMITTED");
        assertThat(newest.at("/2/outcome").stringValue()).isEqualTo("COMMITTED");
    }
}
