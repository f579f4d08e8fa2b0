package io.octavo.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Calls a service as the holder of one key, or of none. */
record TestApi(int port, @Nullable String key) {

    private static final HttpClient CLIENT = HttpClient.newHttpClient();
    private static final JsonMapper JSON = JsonMapper.builder().build();

    HttpRequest.Builder to(String path) {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
                .timeout(Duration.ofSeconds(60));
        return key == null ? request : request.header("Authorization", "Bearer " + key);
    }

    HttpResponse<String> send(HttpRequest.Builder request) throws Exception {
        return CLIENT.send(request.build(), BodyHandlers.ofString());
    }

    HttpResponse<String> send(String method, String path, String body, String... headers) throws Exception {
        HttpRequest.Builder request =
                to(path).method(method, body.isEmpty() ? BodyPublishers.noBody() : BodyPublishers.ofString(body));
        if (!body.isEmpty()) {
            request.header("Content-Type", "application/json");
        }
        return send(headers.length == 0 ? request : request.headers(headers));
    }

    HttpResponse<String> get(String path) throws Exception {
        return send("GET", path, "");
    }

    HttpResponse<String> post(String path, String body) throws Exception {
        return send("POST", path, body);
    }

    HttpResponse<String> put(String path, byte[] body) throws Exception {
        return send(to(path).PUT(BodyPublishers.ofByteArray(body)));
    }

    /** A key of this caller's tenant, or, for an operator, of another one. */
    TestApi withNewKey(String scope, @Nullable String tenant) throws Exception {
        HttpResponse<String> answer = post(
                "/api/v1/keys",
                "{\"name\":\"test\",\"scope\":\"" + scope + "\""
                        + (tenant == null ? "" : ",\"tenant\":\"" + tenant + "\"") + "}");
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(201);
        return new TestApi(port, read(answer).get("key").stringValue());
    }

    /** An administrator of a new tenant. */
    TestApi withNewTenant(String name) throws Exception {
        HttpResponse<String> answer = post("/api/v1/tenants", "{\"name\":\"" + name + "\"}");
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(201);
        return withNewKey("admin", read(answer).get("id").stringValue());
    }

    /** A checkpoint of one Linear. */
    void commitModel(String repository) throws Exception {
        commit(
                repository,
                Map.of("config.json", bytes(TinyModel.CONFIG), "model.safetensors", TinyModel.weights("BF16")));
    }

    /** One that can be served, as far as headers tell. */
    void commitRunnableModel(String repository) throws Exception {
        commit(
                repository,
                Map.of(
                        "config.json",
                        bytes(TinyModel.RUNNABLE),
                        "model.safetensors",
                        TinyModel.weights("BF16"),
                        "tokenizer.json",
                        bytes("{}")));
    }

    /** @param files by path */
    void commit(String repository, Map<String, byte[]> files) throws Exception {
        String path = "/api/v1/repositories/" + repository;
        List<String> stored = new ArrayList<>();
        for (var file : files.entrySet()) {
            stored.add(put(path + "/files/" + file.getKey(), file.getValue()).body());
        }
        HttpResponse<String> answer = post(path + "/revisions", "{\"files\":" + stored + "}");
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(201);
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static JsonNode read(HttpResponse<String> answer) {
        return JSON.readTree(answer.body());
    }

    /** Of what a call that succeeded made or found. */
    static String id(HttpResponse<String> answer) {
        assertThat(answer.statusCode()).as(answer.body()).isLessThan(300);
        return read(answer).get("id").stringValue();
    }

    static void assertProblem(HttpResponse<String> answer, int status, String code) {
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
        assertThat(answer.headers().firstValue("Content-Type")).hasValue("application/problem+json");
        JsonNode problem = read(answer);
        assertThat(problem.path("code").asString()).as(answer.body()).isEqualTo(code);
        assertThat(problem.path("type").asString()).isEqualTo("urn:octavo:problem:" + code);
        assertThat(problem.path("status").intValue()).isEqualTo(status);
        assertThat(problem.path("detail").asString()).isNotBlank();
        assertThat(answer.body()).doesNotContain("Exception", "io.octavo", "\"trace\"");
    }
}
