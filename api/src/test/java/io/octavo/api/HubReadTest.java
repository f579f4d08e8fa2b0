package io.octavo.api;

import static io.octavo.api.TestApi.assertProblem;
import static io.octavo.api.TestApi.bytes;
import static io.octavo.api.TestApi.read;
import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpClient;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.test.web.server.LocalServerPort;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What the Hub's clients read of a repository, call by call, as docs/hub-protocol.md says that they do. */
@Timeout(120)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@ServiceTest
class HubReadTest {

    private static final String API = "/hub/api/models/acme/tiny";
    private static final String RESOLVE = "/hub/acme/tiny/resolve/";

    /** What git calls a file of the four bytes "text". */
    private static final String GIT_ID_OF_TEXT = "f3a34851d44d6b97c90fbb99dd3d18c261b9a237";

    @LocalServerPort
    int port;

    private TestApi api;
    private byte[] large;
    private String sha;

    @BeforeAll
    void commitFiles() throws Exception {
        api = new TestApi(port, ApiTest.KEY);
        large = new byte[10_000_001];
        new Random(1).nextBytes(large);
        Map<String, byte[]> files = new LinkedHashMap<>();
        files.put("README.md", bytes("text"));
        files.put("onnx/model.bin", large);
        files.put("onnx/deep/a%20b.txt", bytes("more"));
        api.commit("acme/tiny", files);
        sha = read(api.get("/api/v1/repositories/acme/tiny/revisions/main"))
                .get("id")
                .stringValue();
    }

    private static String sha256(byte[] content) throws Exception {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
    }

    private static List<String> values(JsonNode list, String member) {
        List<String> values = new ArrayList<>();
        list.forEach(item -> values.add(item.get(member).stringValue()));
        return values;
    }

    private static String header(HttpResponse<?> answer, String name) {
        return answer.headers().firstValue(name).orElse("");
    }

    private HttpResponse<String> head(String path) throws Exception {
        return api.send("HEAD", path, "");
    }

    @Test
    void saysWhoCalls() throws Exception {
        TestApi caller = api.withNewTenant("hub-user");
        JsonNode account = read(caller.get("/hub/api/whoami-v2"));
        assertThat(account.get("name").stringValue()).isEqualTo("hub-user");
        assertThat(account.get("type").stringValue()).isEqualTo("user");
        assertThat(account.get("orgs")).isEmpty();
        assertThat(account.at("/auth/type").stringValue()).isEqualTo("access_token");
        assertThat(account.at("/auth/accessToken/role").stringValue()).isEqualTo("write");
        JsonNode reader = read(caller.withNewKey("read", null).get("/hub/api/whoami-v2"));
        assertThat(reader.at("/auth/accessToken/role").stringValue()).isEqualTo("read");
    }

    @Test
    void showsAModelAtARevision() throws Exception {
        for (String path : List.of(API, API + "/revision/main", API + "/revision/" + sha)) {
            JsonNode model = read(api.get(path));
            assertThat(model.get("id").stringValue()).isEqualTo("acme/tiny");
            assertThat(model.get("sha").stringValue()).isEqualTo(sha);
            assertThat(model.get("private").booleanValue()).isTrue();
            assertThat(model.get("gated").booleanValue()).isFalse();
            assertThat(model.get("usedStorage").longValue()).isEqualTo(large.length + 8);
            assertThat(model.get("createdAt").stringValue()).endsWith("Z");
            assertThat(model.has("isPrivate")).isFalse();
            assertThat(values(model.get("siblings"), "rfilename"))
                    .containsExactly("README.md", "onnx/deep/a b.txt", "onnx/model.bin");
            assertThat(model.at("/siblings/0").propertyNames()).containsExactly("rfilename");
        }
    }

    @Test
    void showsSizesAndIdsOfFilesWhereAsked() throws Exception {
        for (String yes : List.of("true", "True", "1")) {
            JsonNode siblings = read(api.get(API + "?blobs=" + yes)).get("siblings");
            assertThat(siblings.at("/0/size").intValue()).isEqualTo(4);
            assertThat(siblings.at("/0/blobId").stringValue()).isEqualTo(GIT_ID_OF_TEXT);
            assertThat(siblings.get(0).has("lfs")).isFalse();
            assertThat(siblings.at("/2/lfs/sha256").stringValue()).isEqualTo(sha256(large));
            assertThat(siblings.at("/2/lfs/size").intValue()).isEqualTo(large.length);
            assertThat(siblings.at("/2/lfs/pointerSize").intValue()).isEqualTo(133);
        }
    }

    @Test
    void listsRepositoriesPageByPage() throws Exception {
        api.commit("hub-list/one", Map.of("f", bytes("1")));
        api.commit("hub-list/two", Map.of("f", bytes("2")));
        api.commit("other-hub-list/three", Map.of("f", bytes("3")));
        assertThat(values(read(api.get("/hub/api/models?author=hub-list")), "id"))
                .containsExactly("hub-list/one", "hub-list/two");
        assertThat(values(read(api.get("/hub/api/models?search=list/T&limit=100000")), "id"))
                .containsExactly("hub-list/two", "other-hub-list/three");
        assertThat(read(api.get("/hub/api/models?filter=gguf"))).isEmpty();
        assertThat(values(all("/hub/api/models?author=hub-list&limit=1", 2), "id"))
                .containsExactly("hub-list/one", "hub-list/two");
        assertProblem(api.get("/hub/api/models?limit=x"), 400, "invalid-request");
    }

    /** Follows links as clients do. */
    private JsonNode all(String first, int pages) throws Exception {
        List<String> items = new ArrayList<>();
        String path = first;
        int count = 0;
        while (!path.isEmpty()) {
            HttpResponse<String> page = api.get(path);
            read(page).forEach(item -> items.add(item.toString()));
            String link = header(page, "Link");
            assertThat(link).matches("|<http://127\\.0\\.0\\.1:" + port + "/hub/.*>; rel=\"next\"");
            path = link.replaceAll("<http://[^/]*|>.*", "");
            count++;
        }
        assertThat(count).isEqualTo(pages);
        return JsonMapper.shared().readTree(items.toString());
    }

    @Test
    void listsATree() throws Exception {
        JsonNode root = read(api.get(API + "/tree/main"));
        assertThat(values(root, "path")).containsExactly("README.md", "onnx");
        assertThat(values(root, "type")).containsExactly("file", "directory");
        assertThat(root.at("/0/oid").stringValue()).isEqualTo(GIT_ID_OF_TEXT);
        assertThat(root.at("/0/size").intValue()).isEqualTo(4);
        assertThat(root.at("/1/oid").stringValue()).matches("[0-9a-f]{40}");
        JsonNode whole = read(api.get(API + "/tree/" + sha + "?recursive=true&expand=false"));
        assertThat(values(whole, "path"))
                .containsExactly("README.md", "onnx", "onnx/deep", "onnx/deep/a b.txt", "onnx/model.bin");
        assertThat(whole.at("/4/lfs/oid").stringValue()).isEqualTo(sha256(large));
        assertThat(whole.at("/4/lfs/pointerSize").intValue()).isEqualTo(133);
        assertThat(values(read(api.get(API + "/tree/main/onnx")), "path"))
                .containsExactly("onnx/deep", "onnx/model.bin");
        assertThat(values(read(api.get(API + "/tree/main/onnx%2Fdeep?recursive=True")), "path"))
                .containsExactly("onnx/deep/a b.txt");
        assertThat(values(all(API + "/tree/main?recursive=true&limit=2", 3), "path"))
                .isEqualTo(values(whole, "path"));
    }

    @Test
    void showsThePathsAskedForAndNoOthers() throws Exception {
        String form = "paths=README.md&paths=onnx&paths=gone&paths=onnx%2Fdeep%2Fa+b.txt&expand=False";
        HttpResponse<String> answer = api.send(api.to(API + "/paths-info/main")
                .header("Content-Type", "application/x-www-form-urlencoded")
                .POST(BodyPublishers.ofString(form)));
        assertThat(values(read(answer), "path")).containsExactly("README.md", "onnx", "onnx/deep/a b.txt");
        String json = "{\"paths\":[\"onnx/model.bin\",\"gone\"],\"expand\":true}";
        JsonNode found = read(api.post(API + "/paths-info/" + sha, json));
        assertThat(found).hasSize(1);
        assertThat(found.at("/0/lfs/oid").stringValue()).isEqualTo(sha256(large));
        HttpResponse<String> tooMany =
                api.post(API + "/paths-info/main", "{\"paths\":[" + "\"x\",".repeat(1000) + "\"x\"]}");
        assertProblem(tooMany, 413, "body-too-large");
        HttpResponse<String> tooLong = api.send(api.to(API + "/paths-info/main")
                .header("Content-Type", "application/x-www-form-urlencoded")
                .POST(BodyPublishers.ofString("paths=" + "x".repeat(3_000_000))));
        assertProblem(tooLong, 400, "invalid-request");
    }

    @Test
    void tellsRefsAndHistory() throws Exception {
        api.commit("acme/grown", Map.of("f", bytes("1")));
        String file =
                api.put("/api/v1/repositories/acme/grown/files/f", bytes("2")).body();
        api.post(
                "/api/v1/repositories/acme/grown/revisions",
                "{\"message\":\"second\\n\\nmore\",\"files\":[" + file + "]}");
        JsonNode refs = read(api.get("/hub/api/models/acme/grown/refs?include_prs=1"));
        assertThat(refs.at("/branches/0/ref").stringValue()).isEqualTo("refs/heads/main");
        assertThat(refs.get("tags")).isEmpty();
        assertThat(refs.get("converts")).isEmpty();
        assertThat(refs.get("pullRequests")).isEmpty();
        JsonNode commits = all("/hub/api/models/acme/grown/commits/main?limit=1", 2);
        assertThat(commits.at("/0/id")).isEqualTo(refs.at("/branches/0/targetCommit"));
        assertThat(commits.at("/0/title").stringValue()).isEqualTo("second");
        assertThat(commits.at("/0/message").stringValue()).isEqualTo("more");
        assertThat(commits.at("/0/authors")).isEmpty();
        assertThat(commits.at("/0/date").stringValue()).endsWith("Z");
        String first = commits.at("/1/id").stringValue();
        assertThat(read(api.get("/hub/api/models/acme/grown/commits/" + first))).hasSize(1);
    }

    @Test
    void aFileTellsItsRevisionItsIdAndItsSizeBeforeItComes() throws Exception {
        HttpResponse<String> small = head(RESOLVE + "main/README.md");
        assertThat(small.statusCode()).isEqualTo(200);
        assertThat(header(small, "X-Repo-Commit")).isEqualTo(sha);
        assertThat(header(small, "ETag")).isEqualTo('"' + GIT_ID_OF_TEXT + '"');
        assertThat(header(small, "Content-Length")).isEqualTo("4");
        assertThat(header(small, "Accept-Ranges")).isEqualTo("bytes");
        assertThat(small.headers().firstValue("X-Xet-Hash")).isEmpty();
        HttpResponse<String> big = head(RESOLVE + sha + "/onnx/model.bin");
        assertThat(header(big, "X-Linked-ETag")).isEqualTo('"' + sha256(large) + '"');
        assertThat(header(big, "X-Linked-Size")).isEqualTo(Integer.toString(large.length));
        assertThat(api.get(RESOLVE + "main/README.md").body()).isEqualTo("text");
        assertThat(api.get(RESOLVE + "main/onnx%2Fdeep%2Fa%20b.txt").body()).isEqualTo("more");
        assertThat(api.send("GET", RESOLVE + "main/README.md", "", "If-None-Match", '"' + GIT_ID_OF_TEXT + '"')
                        .statusCode())
                .isEqualTo(304);
    }

    @Test
    void aDownloadGoesOnWhereItWasCut() throws Exception {
        var request = api.to(RESOLVE + "main/onnx/model.bin").header("Range", "bytes=10000000-");
        HttpResponse<byte[]> rest = HttpClient.newHttpClient().send(request.build(), BodyHandlers.ofByteArray());
        assertThat(rest.statusCode()).isEqualTo(206);
        assertThat(header(rest, "Content-Range")).isEqualTo("bytes 10000000-10000000/10000001");
        assertThat(rest.body()).isEqualTo(Arrays.copyOfRange(large, 10_000_000, large.length));
        HttpResponse<String> first = api.send("GET", RESOLVE + "main/README.md", "", "Range", "bytes=0-0");
        assertThat(header(first, "Content-Range")).isEqualTo("bytes 0-0/4");
        assertThat(api.send("GET", RESOLVE + "main/README.md", "", "Range", "bytes=4-")
                        .statusCode())
                .isEqualTo(416);
    }

    @ParameterizedTest
    @CsvSource({
        "/hub/api/models/acme/gone,404,RepoNotFound",
        "/hub/api/models/acme/gone/tree/main,404,RepoNotFound",
        "/hub/api/models/acme/gone/refs,404,RepoNotFound",
        "/hub/api/models/gpt2,404,RepoNotFound",
        "/hub/api/models/gpt2/revision/main,404,RepoNotFound",
        "/hub/gpt2/resolve/main/config.json,404,RepoNotFound",
        "/hub/acme/gone/resolve/main/README.md,404,RepoNotFound",
        API + "/revision/gone,404,RevisionNotFound",
        API + "/tree/gone,404,RevisionNotFound",
        API + "/commits/gone,404,RevisionNotFound",
        RESOLVE + "gone/README.md,404,RevisionNotFound",
        RESOLVE + "feature%2Fx/README.md,404,RevisionNotFound",
        RESOLVE + "main/gone,404,EntryNotFound",
        API + "/tree/main/gone,404,EntryNotFound",
        API + "/tree/main/README.md,404,EntryNotFound",
        RESOLVE + "main/%2E%2E%2Fx,400,''",
        RESOLVE + "main,400,''",
        API + "/discussions,404,''"
    })
    void saysByAHeaderWhatIsNotThere(String path, int status, String code) throws Exception {
        HttpResponse<String> answer = api.get(path);
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
        assertThat(header(answer, "X-Error-Code")).isEqualTo(code);
        assertThat(read(answer).get("error").stringValue()).isEqualTo(header(answer, "X-Error-Message"));
        HttpResponse<String> head = head(path);
        assertThat(head.statusCode()).isEqualTo(status);
        assertThat(header(head, "X-Error-Code")).isEqualTo(code);
        assertThat(header(head, "X-Error-Message")).isNotBlank();
    }

    @Test
    void aFileThatIsNotThereTellsTheRevisionWithoutIt() throws Exception {
        assertThat(header(head(RESOLVE + "main/gone"), "X-Repo-Commit")).isEqualTo(sha);
    }

    @Test
    void aMessageInAHeaderIsOneLineOfPlainLetters() throws Exception {
        HttpResponse<String> answer = api.get(RESOLVE + "main/" + "%C3%A4".repeat(100));
        assertThat(header(answer, "X-Error-Message")).contains("?".repeat(100));
        assertThat(read(answer).get("error").stringValue()).contains("ä".repeat(100));
    }

    @Test
    void tellsABadTokenFromNone() throws Exception {
        HttpResponse<String> none = new TestApi(port, null).get(API);
        assertProblem(none, 401, "unauthenticated");
        assertThat(header(none, "X-Error-Code")).isEqualTo("RepoNotFound");
        HttpResponse<String> bad = new TestApi(port, "octv_unknown").get(API);
        assertProblem(bad, 401, "unauthenticated");
        assertThat(header(bad, "X-Error-Code")).isEmpty();
        assertThat(header(bad, "X-Error-Message")).isEqualTo("Invalid credentials in Authorization header");
    }

    @Test
    void tellsBeforehandWhatACallerMay() throws Exception {
        TestApi reader = api.withNewKey("read", null);
        assertThat(reader.get(API + "/auth-check").statusCode()).isEqualTo(200);
        assertProblem(reader.get(API + "/auth-check/write"), 403, "scope-missing");
        assertThat(api.get(API + "/auth-check/write").statusCode()).isEqualTo(200);
        assertProblem(api.get("/hub/api/models/acme/gone/auth-check/write"), 404, "repository-not-found");
    }

    @Test
    void lookingIsNotWrittenDown() throws Exception {
        String before = api.get("/api/v1/audit?limit=1").body();
        api.post(API + "/paths-info/main", "{\"paths\":[]}");
        assertThat(api.get("/api/v1/audit?limit=1").body()).isEqualTo(before);
    }
}
