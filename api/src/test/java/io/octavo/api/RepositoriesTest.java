package io.octavo.api;

import static io.octavo.api.TestApi.assertProblem;
import static io.octavo.api.TestApi.id;
import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.jobs.queue.Claim;
import io.octavo.jobs.queue.WorkerIdentity;
import io.octavo.jobs.testing.EmbeddedServices;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;

/** What is there can be found and deleted, and a tenant stores no more than it may. */
@Timeout(120)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@ServiceTest
class RepositoriesTest extends RunningService {

    private static final WorkerIdentity WORKER = new WorkerIdentity(UUID.randomUUID(), "worker");
    private static final String REPOSITORIES = "/api/v1/repositories";

    @DynamicPropertySource
    static void services(DynamicPropertyRegistry registry) {
        EmbeddedServices.register(registry);
    }

    private TestApi operator;

    @BeforeAll
    void start() {
        operator = operator();
        TestWorker.register(workers, WORKER);
    }

    private static HttpResponse<String> commit(TestApi caller, String repository, String text) throws Exception {
        String path = REPOSITORIES + "/" + repository;
        String file = caller.put(path + "/files/f", text.getBytes(StandardCharsets.UTF_8))
                .body();
        return caller.post(path + "/revisions", "{\"message\":\"" + text + "\",\"files\":[" + file + "]}");
    }

    private static HttpResponse<String> putAnnounced(TestApi caller, String path, String text) throws Exception {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        String sha256 =
                HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        return caller.send(caller.to(path).header("X-Content-SHA256", sha256).PUT(BodyPublishers.ofByteArray(bytes)));
    }

    private static List<String> names(HttpResponse<String> answer) {
        List<String> names = new ArrayList<>();
        TestApi.read(answer)
                .get("items")
                .forEach(item -> names.add(item.get("name").stringValue()));
        return names;
    }

    @Test
    void listsAndFindsRepositoriesPageByPage() throws Exception {
        TestApi lister = operator.withNewTenant("lister");
        for (String name : List.of("lister/b", "lister/a", "lister/Other")) {
            commit(lister, name, "some text of " + name);
        }
        assertThat(names(lister.get(REPOSITORIES))).containsExactlyInAnyOrder("lister/Other", "lister/a", "lister/b");
        assertThat(names(lister.get(REPOSITORIES + "?search=oth"))).containsExactly("lister/Other");
        assertThat(names(lister.get(REPOSITORIES + "?search=nothing"))).isEmpty();
        List<String> paged = new ArrayList<>();
        String cursor = "";
        do {
            HttpResponse<String> page = lister.get(REPOSITORIES + "?limit=1" + cursor);
            paged.addAll(names(page));
            cursor = TestApi.read(page).path("nextCursor").asString("");
            cursor = cursor.isEmpty() ? "" : "&cursor=" + cursor;
        } while (!cursor.isEmpty());
        assertThat(paged).containsExactlyElementsOf(names(lister.get(REPOSITORIES)));
        assertThat(TestApi.read(lister.get(REPOSITORIES + "/lister/a"))
                        .get("sizeBytes")
                        .longValue())
                .isEqualTo("some text of lister/a".length());
        assertProblem(lister.get(REPOSITORIES + "?cursor=nonsense"), 400, "invalid-request");
        assertProblem(lister.get(REPOSITORIES + "?search=%00"), 400, "invalid-request");
    }

    @Test
    void aDeletedRevisionIsGoneAndMainMovesBack() throws Exception {
        String first = id(commit(operator, "moving/back", "first text"));
        String second = id(commit(operator, "moving/back", "second text"));
        String path = REPOSITORIES + "/moving/back";
        assertThat(TestApi.read(operator.get(path + "/revisions?search=SECOND")).get("items"))
                .hasSize(1);
        assertThat(operator.send("DELETE", path + "/revisions/" + second, "").statusCode())
                .isEqualTo(204);
        assertProblem(operator.get(path + "/revisions/" + second), 404, "revision-not-found");
        assertProblem(operator.send("DELETE", path + "/revisions/" + second, ""), 404, "revision-not-found");
        assertThat(id(operator.get(path + "/revisions/main"))).isEqualTo(first);
        assertThat(operator.get(path + "/files/f").body()).isEqualTo("first text");

        assertThat(operator.send("DELETE", path, "").statusCode()).isEqualTo(204);
        assertProblem(operator.get(path), 404, "repository-not-found");
        assertProblem(operator.get(path + "/files/f"), 404, "repository-not-found");
        assertProblem(operator.send("DELETE", path, ""), 404, "repository-not-found");
        assertThat(names(operator.get(REPOSITORIES))).doesNotContain("moving/back");
        assertThat(commit(operator, "moving/back", "third text").statusCode()).isEqualTo(201);
        assertThat(TestApi.read(operator.get(path + "/revisions")).get("items")).hasSize(1);
    }

    @Test
    void whatIsDeletedCanBeRestored() throws Exception {
        String first = id(commit(operator, "coming/back", "first text"));
        String second = id(commit(operator, "coming/back", "second text"));
        String path = REPOSITORIES + "/coming/back";
        String revision = path + "/revisions/" + second;
        assertProblem(operator.post(revision + "/restore", ""), 404, "revision-not-found");
        operator.send("DELETE", revision, "");
        assertThat(operator.post(revision + "/restore", "").statusCode()).isEqualTo(204);
        assertThat(id(operator.get(path + "/revisions/main"))).isEqualTo(second);

        operator.send("DELETE", path + "/revisions/" + first, "");
        assertProblem(operator.post(path + "/restore", ""), 404, "repository-not-found");
        operator.send("DELETE", path, "");
        assertProblem(operator.post(revision + "/restore", ""), 404, "repository-not-found");
        TestApi other = operator.withNewTenant("coming");
        assertProblem(other.post(path + "/restore", ""), 404, "repository-not-found");
        assertThat(operator.post(path + "/restore", "").statusCode()).isEqualTo(204);
        assertThat(operator.get(path + "/files/f").body()).isEqualTo("second text");
        assertThat(TestApi.read(operator.get(path + "/revisions")).get("items"))
                .as("what was deleted before stays so")
                .hasSize(1);
    }

    private static List<String> ids(HttpResponse<String> answer) {
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        return TestApi.read(answer)
                .get("items")
                .valueStream()
                .map(item -> item.get("id").stringValue())
                .toList();
    }

    /** However often it was deleted and pushed again, nothing is out of reach before its grace is over. */
    @Test
    void whatWasPushedAfterADeletionTakesNothingOfWhatCanBeRestored() throws Exception {
        String path = REPOSITORIES + "/again/pushed";
        String first = id(commit(operator, "again/pushed", "first text"));
        String second = id(commit(operator, "again/pushed", "second text"));
        assertThat(names(operator.get(REPOSITORIES + "?deleted=true"))).doesNotContain("again/pushed");
        operator.send("DELETE", path, "");
        JsonNode listed = TestApi.read(operator.get(REPOSITORIES + "?deleted=true&search=again/"))
                .at("/items/0");
        assertThat(listed.get("name").stringValue()).isEqualTo("again/pushed");
        assertThat(listed.get("revision").stringValue()).isEqualTo(second);
        assertThat(listed.get("sizeBytes").intValue()).isEqualTo("second text".length());
        assertThat(Instant.parse(listed.at("/deletion/restorableUntil").stringValue()))
                .isEqualTo(Instant.parse(listed.at("/deletion/deletedAt").stringValue())
                        .plus(Duration.ofHours(24)));

        String third = id(commit(operator, "again/pushed", "third text"));
        assertThat(ids(operator.get(path + "/revisions"))).containsExactly(third);
        assertThat(ids(operator.get(path + "/revisions?deleted=true"))).containsExactly(second, first);
        assertThat(ids(operator.get(path + "/revisions?deleted=true&limit=1"))).containsExactly(second);
        assertThat(ids(operator.get(path + "/revisions?deleted=true&cursor=" + second)))
                .containsExactly(first);
        assertThat(names(operator.get(REPOSITORIES + "?deleted=true"))).contains("again/pushed");
        operator.send("DELETE", path, "");
        String fourth = id(commit(operator, "again/pushed", "fourth text"));

        assertThat(operator.post(path + "/restore", "").statusCode()).isEqualTo(204);
        assertThat(ids(operator.get(path + "/revisions"))).containsExactly(fourth, third);
        assertThat(id(operator.get(path + "/revisions/main"))).isEqualTo(fourth);
        assertThat(operator.post(path + "/restore", "").statusCode()).isEqualTo(204);
        assertThat(ids(operator.get(path + "/revisions"))).containsExactly(fourth, third, second, first);
        assertProblem(operator.post(path + "/restore", ""), 404, "repository-not-found");
        assertThat(operator.get(path + "/files/f?revision=" + second).body()).isEqualTo("second text");
        assertThat(names(operator.get(REPOSITORIES + "?deleted=true"))).doesNotContain("again/pushed");
    }

    @Test
    void whatIsDeletedShowsToItsTenantAlone() throws Exception {
        TestApi owner = operator.withNewTenant("shown");
        commit(owner, "shown/gone", "text");
        owner.send("DELETE", REPOSITORIES + "/shown/gone", "");
        assertThat(names(owner.get(REPOSITORIES + "?deleted=true"))).containsExactly("shown/gone");
        assertThat(names(operator.get(REPOSITORIES + "?deleted=true"))).doesNotContain("shown/gone");
        assertProblem(operator.get(REPOSITORIES + "/shown/gone/revisions?deleted=true"), 404, "repository-not-found");
        assertProblem(owner.get(REPOSITORIES + "?deleted=yes"), 400, "invalid-request");
    }

    @Test
    void deletingIsARightOfItsOwn() throws Exception {
        commit(operator, "guarded/one", "text");
        String path = REPOSITORIES + "/guarded/one";
        TestApi submitter = operator.withNewKey("submit", null);
        TestApi remover = operator.withNewKey("delete", null);
        for (String call : List.of(
                path,
                path + "/revisions/main",
                "/api/v1/artifacts/" + new UUID(1, 1),
                "/api/v1/jobs/" + new UUID(1, 1))) {
            assertProblem(submitter.send("DELETE", call, ""), 403, "scope-missing");
        }
        assertProblem(submitter.send("PUT", path + "/retention", "{\"maxAgeDays\":1}"), 403, "scope-missing");
        for (String call : List.of(path, path + "/revisions/main", "/api/v1/artifacts/" + new UUID(1, 1))) {
            assertProblem(submitter.post(call + "/restore", ""), 403, "scope-missing");
        }
        assertProblem(remover.get("/api/v1/keys"), 403, "scope-missing");
        assertThat(remover.send("DELETE", path, "").statusCode()).isEqualTo(204);
        assertThat(remover.post(path + "/restore", "").statusCode()).isEqualTo(204);
    }

    @Test
    void aRepositoryKeepsOldRevisionsAsLongAsItIsTold() throws Exception {
        commit(operator, "kept/here", "text");
        String path = REPOSITORIES + "/kept/here";
        HttpResponse<String> kept = operator.send("PUT", path + "/retention", "{\"maxAgeDays\":30}");
        assertThat(TestApi.read(kept).get("retentionDays").intValue()).isEqualTo(30);
        assertProblem(operator.send("PUT", path + "/retention", "{\"maxAgeDays\":0}"), 400, "invalid-request");
        assertProblem(operator.send("PUT", path + "/retention", "{}"), 400, "invalid-request");
        assertThat(TestApi.read(operator.get(path)).path("retentionDays").intValue())
                .isEqualTo(30);
        operator.send("PUT", path + "/retention", "{\"maxAgeDays\":null}");
        assertThat(TestApi.read(operator.get(path)).path("retentionDays").isNumber())
                .isFalse();
    }

    @Test
    void aJobIsDeletedOnceItHasEnded() throws Exception {
        operator.commitModel("jobs/model");
        String spec =
                "{\"type\":\"quantize\",\"source\":\"hub:jobs/model\",\"scheme\":\"FP8_DYNAMIC\",\"target\":\"jobs/out\"}";
        String job = id(operator.post("/api/v1/jobs", spec));
        String path = "/api/v1/jobs/" + job;
        assertProblem(operator.send("DELETE", path, ""), 409, "job-not-deletable");
        Claim claim = queue.claim(WORKER, Set.of("quantize")).orElseThrow();
        queue.complete(claim.lease(), JsonNodeFactory.instance.objectNode());
        assertThat(operator.send("DELETE", path, "").statusCode()).isEqualTo(204);
        assertProblem(operator.get(path), 404, "job-not-found");
        assertProblem(operator.get(path + "/events"), 404, "job-not-found");
        assertProblem(operator.post(path + "/retry", ""), 404, "job-not-found");
        assertThat(operator.get("/api/v1/jobs").body()).doesNotContain(job);

        String pipeline = id(operator.post(
                "/api/v1/jobs", "{\"type\":\"pipeline\",\"steps\":[{\"name\":\"q\",\"job\":" + spec + "}]}"));
        String step = TestApi.read(operator.get("/api/v1/jobs/" + pipeline))
                .at("/steps/0/jobId")
                .stringValue();
        operator.post("/api/v1/jobs/" + pipeline + "/cancel", "");
        assertProblem(operator.send("DELETE", "/api/v1/jobs/" + step, ""), 409, "job-not-deletable");
        assertThat(operator.send("DELETE", "/api/v1/jobs/" + pipeline, "").statusCode())
                .isEqualTo(204);
        assertProblem(operator.get("/api/v1/jobs/" + step), 404, "job-not-found");
    }

    @Test
    void aTenantStoresNoMoreThanItsQuota() throws Exception {
        TestApi limited = operator.withNewTenant("limited");
        String tenant =
                TestApi.read(limited.get("/api/v1/keys")).at("/items/0/tenant").stringValue();
        commit(limited, "limited/a", "0123456789");
        HttpResponse<String> answer = operator.send("PUT", "/api/v1/tenants/" + tenant + "/quota", "{\"maxBytes\":25}");
        assertThat(TestApi.read(answer).get("usedBytes").longValue()).isEqualTo(10);
        assertThat(TestApi.read(answer).get("maxBytes").longValue()).isEqualTo(25);
        assertThat(commit(limited, "limited/a", "abcdefghijklmno").statusCode()).isEqualTo(201);
        String file = REPOSITORIES + "/limited/a/files/g";
        assertProblem(limited.put(file, new byte[] {1}), 403, "quota-exceeded");
        assertProblem(putAnnounced(limited, file, "xy"), 403, "quota-exceeded");
        // What the tenant has already costs nothing, where it says beforehand what it sends.
        assertThat(putAnnounced(limited, file, "0123456789").statusCode()).isEqualTo(200);
        operator.send("PUT", "/api/v1/tenants/" + tenant + "/quota", "{\"maxBytes\":null}");
        assertThat(limited.put(file, new byte[] {1}).statusCode()).isEqualTo(200);
    }

    @Test
    void aDeletedTenantIsGoneWithAllItHad() throws Exception {
        TestApi leaving = operator.withNewTenant("leaving");
        String tenant =
                TestApi.read(leaving.get("/api/v1/keys")).at("/items/0/tenant").stringValue();
        leaving.commitModel("leaving/model");
        leaving.post(
                "/api/v1/jobs",
                "{\"type\":\"quantize\",\"source\":\"hub:leaving/model\",\"scheme\":\"FP8_DYNAMIC\",\"target\":\"leaving/out\"}");
        assertThat(names(operator.get("/api/v1/tenants?search=leav"))).containsExactly("leaving");
        assertThat(operator.send("DELETE", "/api/v1/tenants/" + tenant, "").statusCode())
                .isEqualTo(204);
        assertProblem(leaving.get("/api/v1/jobs"), 401, "unauthenticated");
        assertThat(queue.claim(WORKER, Set.of("quantize"))).isEmpty();
        assertThat(names(operator.get("/api/v1/tenants?limit=500"))).doesNotContain("leaving");
        assertProblem(operator.get("/api/v1/tenants/" + tenant), 404, "tenant-not-found");
        assertProblem(operator.send("DELETE", "/api/v1/tenants/" + tenant, ""), 404, "tenant-not-found");
        assertProblem(operator.send("DELETE", "/api/v1/tenants/" + new UUID(0, 0), ""), 409, "tenant-not-deletable");
        operator.withNewTenant("leaving");
    }

    /** A namespace that somebody has and one that nobody has look the same to who has neither. */
    @Test
    void namespacesAreGrantedAndTellNobodyElseThatTheyExist() throws Exception {
        TestApi owner = operator.withNewTenant("owner");
        TestApi other = operator.withNewTenant("other");
        commit(owner, "owner/model", "text");
        for (String call : List.of("/files/f", "/revisions")) {
            HttpResponse<String> taken = call(other, "owner/new", call);
            HttpResponse<String> free = call(other, "nobody/new", call);
            assertProblem(taken, 404, "repository-not-found");
            assertThat(free.body()).isEqualTo(taken.body().replace("owner", "nobody"));
        }
        String tenant =
                TestApi.read(other.get("/api/v1/keys")).at("/items/0/tenant").stringValue();
        String namespaces = "/api/v1/tenants/" + tenant + "/namespaces/";
        assertProblem(operator.send("PUT", namespaces + "owner", ""), 409, "namespace-taken");
        assertProblem(operator.send("PUT", namespaces + "a..b", ""), 400, "invalid-request");
        assertThat(operator.send("PUT", namespaces + "granted", "").statusCode())
                .isEqualTo(204);
        assertThat(commit(other, "granted/new", "text").statusCode()).isEqualTo(201);
        assertProblem(call(operator, "granted/new", "/files/f"), 404, "repository-not-found");
        assertProblem(operator.send("DELETE", namespaces + "granted", ""), 409, "namespace-taken");
        commit(operator, "operators/model", "text");
        assertProblem(operator.send("PUT", namespaces + "operators", ""), 409, "namespace-taken");
    }

    private static HttpResponse<String> call(TestApi caller, String repository, String call) throws Exception {
        String path = REPOSITORIES + "/" + repository + call;
        if (call.startsWith("/files")) {
            return caller.put(path, new byte[] {1});
        }
        HttpResponse<String> stored = caller.put(REPOSITORIES + "/other/any/files/f", new byte[] {1});
        return caller.post(path, "{\"files\":[" + stored.body() + "]}");
    }
}
