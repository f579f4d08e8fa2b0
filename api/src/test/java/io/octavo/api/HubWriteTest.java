package io.octavo.api;

import static io.octavo.api.TestApi.assertProblem;
import static io.octavo.api.TestApi.bytes;
import static io.octavo.api.TestApi.read;
import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.test.web.server.LocalServerPort;
import tools.jackson.databind.JsonNode;

/** What the Hub's clients write, call by call. */
@Timeout(180)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@ServiceTest
class HubWriteTest {

    private static final String HEADER = "{\"key\":\"header\",\"value\":{\"summary\":\"s\",\"description\":\"\"}}\n";

    @LocalServerPort
    int port;

    private TestApi api;

    @BeforeAll
    void start() {
        api = new TestApi(port, ApiTest.KEY);
    }

    private String created(String name) throws Exception {
        HttpResponse<String> answer =
                api.post("/hub/api/repos/create", "{\"name\":\"" + name + "\",\"organization\":\"writer\"}");
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        return "/hub/api/models/writer/" + name;
    }

    /** Without what names the call. */
    private static String told(HttpResponse<String> problem) {
        return problem.body().replaceAll("\"(requestId|traceId|instance)\":\"[^\"]*\",?", "");
    }

    private HttpResponse<String> commit(String model, String lines) throws Exception {
        return commitTo(model, "main", lines);
    }

    private HttpResponse<String> commitTo(String model, String branch, String lines) throws Exception {
        return api.send(api.to(model + "/commit/" + branch)
                .header("Content-Type", "application/x-ndjson")
                .POST(BodyPublishers.ofString(lines)));
    }

    private static String file(String path, byte[] content) {
        return "{\"key\":\"file\",\"value\":{\"content\":\""
                + Base64.getEncoder().encodeToString(content) + "\",\"path\":\"" + path
                + "\",\"encoding\":\"base64\"}}\n";
    }

    private static String sha256(byte[] content) throws Exception {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
    }

    private String head(String model) throws Exception {
        return read(api.get(model)).get("sha").stringValue();
    }

    private List<String> paths(String model, String revision) throws Exception {
        List<String> paths = new ArrayList<>();
        read(api.get(model + "/revision/" + revision))
                .get("siblings")
                .forEach(file -> paths.add(file.get("rfilename").stringValue()));
        return paths;
    }

    private static String committed(HttpResponse<String> answer) {
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        return read(answer).get("commitOid").stringValue();
    }

    @Test
    void aNewRepositoryHasARevisionWithoutFiles() throws Exception {
        String model = created("new");
        assertThat(paths(model, "main")).isEmpty();
        assertThat(read(api.get(model + "/tree/main?recursive=true"))).isEmpty();
        HttpResponse<String> again =
                api.post("/hub/api/repos/create", "{\"name\":\"new\",\"organization\":\"writer\",\"sdk\":null}");
        assertThat(again.statusCode()).isEqualTo(409);
        assertThat(read(again).get("url").stringValue()).isEqualTo("http://127.0.0.1:" + port + "/hub/writer/new");
        assertThat(read(again).get("error").stringValue()).isNotBlank();
        assertProblem(
                api.post("/hub/api/repos/create", "{\"name\":\"d\",\"type\":\"dataset\"}"), 400, "invalid-request");
        assertProblem(api.post("/hub/api/repos/create", "{}"), 400, "invalid-request");
        assertThat(read(api.post("/hub/api/repos/create", "{\"name\":\"own\"}"))
                        .get("id")
                        .stringValue())
                .isEqualTo("default/own");
    }

    @Test
    void aDeletedRepositoryIsGoneAndComesBackEmpty() throws Exception {
        String model = created("deleted");
        committed(commit(model, HEADER + file("f", bytes("1"))));
        api.post(model + "/branch/b", "{}");
        String body = "{\"name\":\"deleted\",\"organization\":\"writer\",\"type\":\"model\"}";
        assertThat(api.send("DELETE", "/hub/api/repos/delete", body).statusCode())
                .isEqualTo(200);
        assertProblem(api.get(model), 404, "repository-not-found");
        assertProblem(api.send("DELETE", "/hub/api/repos/delete", body), 404, "repository-not-found");
        created("deleted");
        assertThat(paths(model, "main")).isEmpty();
        assertProblem(api.get(model + "/revision/b"), 404, "revision-not-found");
        assertThat(api.post(model + "/branch/b", "{}").statusCode()).isEqualTo(200);
        assertThat(paths(model, "b")).isEmpty();
    }

    @Test
    void aCommitAddsReplacesAndRemoves() throws Exception {
        String model = created("changes");
        String first = committed(commit(
                model,
                HEADER
                        + file("a", bytes("1"))
                        + file("d/b", bytes("2"))
                        + file("d/c", bytes("3"))
                        + file("d0", bytes("4"))));
        assertThat(head(model)).isEqualTo(first);
        committed(commit(
                model,
                HEADER + file("a", bytes("5")) + "{\"key\":\"deletedFolder\",\"value\":{\"path\":\"d/\"}}\n"
                        + "{\"key\":\"file\",\"value\":{\"path\":\"utf\",\"content\":\"\u00e4\",\"encoding\":\"utf-8\"}}\n"
                        + "{\"key\":\"deletedFile\",\"value\":{\"path\":\"gone\"}}"));
        assertThat(paths(model, "main")).containsExactly("a", "d0", "utf");
        assertThat(api.get("/hub/writer/changes/resolve/main/a").body()).isEqualTo("5");
        assertThat(api.get("/hub/writer/changes/resolve/main/utf").body()).isEqualTo("\u00e4");
        assertThat(paths(model, first)).containsExactly("a", "d/b", "d/c", "d0");
        committed(commit(
                model,
                HEADER
                        + "{\"key\":\"deletedFile\",\"value\":{\"path\":\"a\"}}\n{\"key\":\"deletedFile\",\"value\":{\"path\":\"d0\"}}\n"
                        + "{\"key\":\"deletedFile\",\"value\":{\"path\":\"utf\"}}\n"));
        assertThat(paths(model, "main")).isEmpty();
    }

    @Test
    void aCommitOnAnotherParentIsRefusedAndTheSameOneSentTwiceIsOne() throws Exception {
        String model = created("parents");
        String start = head(model);
        String header = "{\"key\":\"header\",\"value\":{\"summary\":\"s\",\"parentCommit\":\"PARENT\"}}\n";
        String lines = header.replace("PARENT", start) + file("f", bytes("1"));
        String first = committed(commit(model, lines));
        assertThat(committed(commit(model, lines))).isEqualTo(first);
        HttpResponse<String> late = commit(model, header.replace("PARENT", start) + file("f", bytes("2")));
        assertProblem(late, 412, "precondition-failed");
        assertThat(head(model)).isEqualTo(first);
        committed(commit(model, header.replace("PARENT", first.substring(0, 7)) + file("f", bytes("2"))));
        assertProblem(commit(model, header.replace("PARENT", "main") + file("f", bytes("2"))), 400, "invalid-request");
        assertThat(read(api.get(model + "/commits/main"))).hasSize(3);
    }

    @Test
    void branchesGoTheirOwnWay() throws Exception {
        String model = created("branches");
        String first = committed(commit(model, HEADER + file("f", bytes("1"))));
        assertThat(api.post(model + "/branch/feature%2Fx", "{}").statusCode()).isEqualTo(200);
        assertProblem(api.post(model + "/branch/feature%2Fx", "{}"), 409, "ref-exists");
        assertProblem(api.post(model + "/branch/main", "{}"), 409, "ref-exists");
        assertProblem(api.post(model + "/branch/no..name", "{}"), 400, "invalid-request");
        assertProblem(api.post(model + "/branch/late", "{\"startingPoint\":\"gone\"}"), 404, "revision-not-found");
        String second = committed(commitTo(model, "feature%2Fx", HEADER + file("g", bytes("2"))));
        assertThat(paths(model, "main")).containsExactly("f");
        assertThat(paths(model, "feature%2Fx")).containsExactly("f", "g");
        assertThat(api.get("/hub/writer/branches/resolve/feature%2Fx/g").body()).isEqualTo("2");
        assertThat(read(api.get("/api/v1/repositories/writer/branches/revisions"))
                        .get("items"))
                .hasSize(2);
        assertProblem(commitTo(model, "gone", HEADER + file("g", bytes("2"))), 404, "revision-not-found");
        assertProblem(commitTo(model, first, HEADER + file("g", bytes("2"))), 404, "revision-not-found");
        String main = committed(commit(model, HEADER + file("g", bytes("2"))));
        assertThat(main).isNotEqualTo(second);
        api.post(model + "/tag/" + second, "{\"tag\":\"v1\",\"message\":\"m\"}");
        assertProblem(api.post(model + "/tag/main", "{\"tag\":\"v1\"}"), 409, "ref-exists");
        assertProblem(commitTo(model, "v1", HEADER + file("h", bytes("3"))), 404, "revision-not-found");
        assertThat(api.send("DELETE", model + "/branch/feature%2Fx", "").statusCode())
                .isEqualTo(200);
        assertThat(paths(model, "v1")).containsExactly("f", "g");
        assertProblem(api.send("DELETE", model + "/branch/main", ""), 400, "invalid-request");
        assertThat(api.send("DELETE", model + "/tag/v1", "").statusCode()).isEqualTo(200);
        assertProblem(api.get(model + "/revision/" + second), 404, "revision-not-found");
        assertProblem(api.send("DELETE", model + "/tag/v1", ""), 404, "revision-not-found");
        assertThat(head(model)).isEqualTo(main);
    }

    @Test
    void aDeletedHeadMovesItsBranchBackAlone() throws Exception {
        String model = created("moving");
        committed(commit(model, HEADER + file("f", bytes("1"))));
        api.post(model + "/branch/b", "{}");
        String kept = committed(commitTo(model, "b", HEADER + file("g", bytes("2"))));
        String gone = committed(commitTo(model, "b", HEADER + file("h", bytes("3"))));
        String main = head(model);
        String revisions = "/api/v1/repositories/writer/moving/revisions/";
        assertThat(api.send("DELETE", revisions + gone, "").statusCode()).isEqualTo(204);
        assertThat(read(api.get(model + "/revision/b")).get("sha").stringValue())
                .isEqualTo(kept);
        assertThat(api.post(revisions + gone + "/restore", "").statusCode()).isEqualTo(204);
        assertThat(head(model)).isEqualTo(main);
        assertThat(api.send("DELETE", revisions + main, "").statusCode()).isEqualTo(204);
        assertThat(paths(model, "main")).isEmpty();
    }

    @Test
    void tellsHowFilesAreToComeAndWhatIsThere() throws Exception {
        String model = created("modes");
        committed(commit(model, HEADER + file("small", bytes("text"))));
        String request = """
                {"files":[{"path":"small","size":4,"sample":"dGV4dA=="},{"path":"big","size":10000001,"sample":""},
                {"path":"empty","size":0,"sample":""}],"gitAttributes":""}
                """;
        JsonNode modes = read(api.post(model + "/preupload/main", request)).get("files");
        assertThat(modes.at("/0/uploadMode").stringValue()).isEqualTo("regular");
        assertThat(modes.at("/0/oid").stringValue()).isEqualTo("f3a34851d44d6b97c90fbb99dd3d18c261b9a237");
        assertThat(modes.at("/0/shouldIgnore").booleanValue()).isFalse();
        assertThat(modes.at("/1/uploadMode").stringValue()).isEqualTo("lfs");
        assertThat(modes.get(1).has("oid")).isFalse();
        assertThat(modes.at("/2/uploadMode").stringValue()).isEqualTo("regular");
        assertProblem(api.post(model + "/preupload/main?create_pr=1", request), 400, "invalid-request");
        assertProblem(api.post(model + "/preupload/gone", request), 404, "revision-not-found");
        assertProblem(api.post("/hub/api/models/writer/no/preupload/main", request), 404, "repository-not-found");
    }

    @Test
    void aLargeFileIsSentByATicketForItsBytesAlone() throws Exception {
        String model = created("large");
        byte[] large = new byte[10_000_001];
        new Random(3).nextBytes(large);
        String oid = sha256(large);
        JsonNode told = batch("large", oid, large.length);
        String href = told.at("/objects/0/actions/upload/href").stringValue();
        assertThat(told.get("transfer").stringValue()).isEqualTo("basic");
        assertThat(told.at("/objects/0/actions/upload/expires_in").intValue()).isEqualTo(43_200);
        assertThat(href).startsWith("http://127.0.0.1:" + port + "/hub/uploads/" + oid + "?ticket=");
        String line = "{\"key\":\"lfsFile\",\"value\":{\"path\":\"m.bin\",\"algo\":\"sha256\",\"oid\":\"" + oid
                + "\",\"size\":" + large.length + "}}\n";
        assertProblem(commit(model, HEADER + line), 422, "blobs-missing");

        TestApi nobody = new TestApi(port, null);
        String path = href.replaceFirst("http://[^/]*", "");
        byte[] wrong = large.clone();
        wrong[5_000_000]++;
        assertProblem(nobody.put(path, wrong), 422, "content-hash-mismatch");
        assertProblem(nobody.put(path.replace("ticket=", "ticket=x"), large), 401, "unauthenticated");
        assertProblem(nobody.put(path.replaceFirst("\\?.*", ""), large), 401, "unauthenticated");
        assertProblem(api.put(path.replaceFirst("\\?.*", ""), large), 401, "unauthenticated");
        assertProblem(nobody.put(path.replace(oid, "0".repeat(64)), large), 403, "scope-missing");
        String ticket = path.replaceFirst(".*=", "");
        assertProblem(new TestApi(port, ticket).get(model), 401, "unauthenticated");
        assertProblem(nobody.get(model + "?ticket=" + ticket), 401, "unauthenticated");
        assertThat(nobody.put(path, large).statusCode()).isEqualTo(200);

        assertThat(batch("large", oid, large.length).at("/objects/0").has("actions"))
                .isFalse();
        committed(commit(model, HEADER + line));
        HttpResponse<String> head = api.send("HEAD", "/hub/writer/large/resolve/main/m.bin", "");
        assertThat(head.headers().firstValue("X-Linked-ETag")).hasValue('"' + oid + '"');
        String copy =
                "{\"key\":\"lfsFile\",\"value\":{\"path\":\"copy.bin\",\"algo\":\"sha256\",\"oid\":\"" + oid + "\"}}";
        committed(commit(model, HEADER + copy));
        assertThat(paths(model, "main")).containsExactly("copy.bin", "m.bin");

        TestApi other = api.withNewTenant("hub-thief");
        other.post("/hub/api/repos/create", "{\"name\":\"stolen\"}");
        HttpResponse<String> stolen = other.send(
                other.to("/hub/api/models/hub-thief/stolen/commit/main").POST(BodyPublishers.ofString(HEADER + copy)));
        assertProblem(stolen, 422, "blobs-missing");
        String unknown = "0".repeat(64);
        HttpResponse<String> guessed = other.send(other.to("/hub/api/models/hub-thief/stolen/commit/main")
                .POST(BodyPublishers.ofString(HEADER + copy.replace(oid, unknown))));
        assertThat(told(stolen).replace(oid, unknown))
                .as("what another tenant stores is not told")
                .isEqualTo(told(guessed));
    }

    @Test
    void aCardIsCheckedBeforeItComes() throws Exception {
        String card = "/hub/api/validate-yaml";
        String good = "{\"content\":\"---\\nlicense: mit\\n---\\n# x\",\"repoType\":\"model\"}";
        assertThat(api.post(card, good).body()).isEqualTo("{\"errors\":[],\"warnings\":[]}");
        JsonNode bare = read(api.post(card, "{\"content\":\"# x\"}"));
        assertThat(bare.at("/warnings/0/message").stringValue()).contains("missing yaml metadata");
        for (String wrong : List.of("a: [", "- a", "a: !!java.net.URL [\\\"http://x\\\"]", "a: &a [*a, *a]\\nb: *b")) {
            HttpResponse<String> answer = api.post(card, "{\"content\":\"---\\n" + wrong + "\\n---\\n\"}");
            assertThat(answer.statusCode()).as(wrong).isEqualTo(400);
            assertThat(read(answer).at("/errors/0/message").stringValue()).startsWith("metadata");
        }
    }

    private JsonNode batch(String name, String oid, long size) throws Exception {
        HttpResponse<String> answer = api.send(api.to("/hub/writer/" + name + ".git/info/lfs/objects/batch")
                .header("Content-Type", "application/vnd.git-lfs+json")
                .header("Accept", "application/vnd.git-lfs+json")
                .POST(BodyPublishers.ofString(
                        "{\"operation\":\"upload\",\"transfers\":[\"basic\",\"multipart\"],\"hash_algo\":"
                                + "\"sha256\",\"ref\":{\"name\":\"main\"},\"objects\":[{\"oid\":\"" + oid
                                + "\",\"size\":" + size + "}]}")));
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        return read(answer);
    }

    @Test
    void aTenantStoresNoMoreThanItMay() throws Exception {
        TestApi poor = api.withNewTenant("hub-poor");
        String tenant = read(poor.get("/hub/api/whoami-v2")).get("id").stringValue();
        api.send("PUT", "/api/v1/tenants/" + tenant + "/quota", "{\"maxBytes\":3}");
        poor.post("/hub/api/repos/create", "{\"name\":\"m\"}");
        HttpResponse<String> answer = poor.send(poor.to("/hub/api/models/hub-poor/m/commit/main")
                .POST(BodyPublishers.ofString(HEADER + file("f", bytes("text")))));
        assertProblem(answer, 403, "quota-exceeded");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "[]",
                "nonsense",
                "{\"key\":\"file\",\"value\":{\"path\":\"f\",\"content\":\"\"}}",
                "{\"key\":\"header\",\"value\":{\"summary\":\" \"}}",
                "{\"key\":\"header\"}",
                "HEADER{\"key\":\"file\",\"value\":{\"path\":\"../f\",\"content\":\"\"}}",
                "HEADER{\"key\":\"file\",\"value\":{\"path\":\"/f\",\"content\":\"\"}}",
                "HEADER{\"key\":\"file\",\"value\":{\"path\":\"a\\\\b\",\"content\":\"\"}}",
                "HEADER{\"key\":\"file\",\"value\":{\"path\":\".git/config\",\"content\":\"\"}}",
                "HEADER{\"key\":\"file\",\"value\":{\"path\":\"a\\u202eb\",\"content\":\"\"}}",
                "HEADER{\"key\":\"file\",\"value\":{\"path\":\"\\ud800\",\"content\":\"\"}}",
                "HEADER{\"key\":\"file\",\"value\":{\"content\":\"\"}}",
                "HEADER{\"key\":\"file\",\"value\":{\"path\":\"f\",\"content\":\"%\",\"encoding\":\"base64\"}}",
                "HEADER{\"key\":\"file\",\"value\":{\"path\":\"f\",\"content\":\"\",\"encoding\":\"utf-16\"}}",
                "HEADER{\"key\":\"link\",\"value\":{\"path\":\"f\"}}",
                "HEADER{\"key\":\"lfsFile\",\"value\":{\"path\":\"f\",\"oid\":\"x\",\"size\":1}}",
                "HEADER{\"key\":\"lfsFile\",\"value\":{\"path\":\"f\",\"oid\":\"x\",\"size\":99999999999999999999}}",
                "HEADER{\"key\":\"file\",\"value\":[[[[[[[[[[[]]]]]]]]]]]}",
                "HEADER{\"key\":\"file\",\"value\":{\"path\":\"f\",\"content\":\"",
                "HEADER{\"key\":\"file\",\"value\":{\"path\":\"f\",\"content\":\"\"}}\n{\"key\":\"file\",\"value\":{\"path\":\"f/g\",\"content\":\"\"}}",
                "HEADER{\"key\":\"file\",\"value\":{\"path\":\"F\",\"content\":\"\"}}\n{\"key\":\"file\",\"value\":{\"path\":\"f\",\"content\":\"\"}}"
            })
    void aHostileCommitIsRefusedAndChangesNothing(String lines) throws Exception {
        String model = "/hub/api/models/writer/hostile";
        api.post("/hub/api/repos/create", "{\"name\":\"hostile\",\"organization\":\"writer\"}");
        HttpResponse<String> answer = commit(model, lines.replace("HEADER", HEADER));
        assertThat(answer.statusCode()).as(answer.body()).isIn(400, 413);
        assertThat(paths(model, "main")).isEmpty();
    }

    @Test
    void aFileThatIsTooLargeForACommitIsRefused() throws Exception {
        String model = created("too-large");
        HttpResponse<String> answer = commit(model, HEADER + file("f", new byte[10_000_003]));
        assertProblem(answer, 413, "body-too-large");
        assertThat(committed(commit(model, HEADER + file("f", new byte[10_000_000]))))
                .hasSize(40);
    }

    @Test
    void whoMayOnlyReadWritesNothing() throws Exception {
        String model = created("readable");
        TestApi reader = api.withNewKey("read", null);
        TestApi writer = api.withNewKey("submit", null);
        HttpResponse<String> refused = reader.send(
                reader.to(model + "/commit/main").POST(BodyPublishers.ofString(HEADER + file("f", bytes("1")))));
        assertProblem(refused, 403, "scope-missing");
        assertProblem(reader.post(model + "/preupload/main", "{\"files\":[]}"), 403, "scope-missing");
        String body = "{\"name\":\"readable\",\"organization\":\"writer\"}";
        assertProblem(writer.send("DELETE", "/hub/api/repos/delete", body), 403, "scope-missing");
        assertThat(refused.headers().firstValue("X-Error-Message")).isPresent();
    }
}
