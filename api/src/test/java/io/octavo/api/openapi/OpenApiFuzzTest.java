package io.octavo.api.openapi;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.api.TinyModel;
import io.octavo.jobs.identity.IssuedKey;
import java.io.InputStream;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.test.context.TestPropertySource;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * Sends requests made from the service's own document, valid ones and spoiled ones, and holds every answer against the
 * document: no 5xx, no status, type or shape that it does not tell. {@code -Doctavo.fuzz.rounds=2000} runs long, {@code
 * -Doctavo.fuzz.seed=7} runs other requests.
 */
@Timeout(3600)
@TestPropertySource(properties = "octavo.api.max-json-body=64KB")
@SuppressWarnings("NullAway.Init") // what is drawn with is made anew for each call
class OpenApiFuzzTest extends DocumentedService {

    private static final int ROUNDS = Integer.getInteger("octavo.fuzz.rounds", 40);
    private static final long SEED = Long.getLong("octavo.fuzz.seed", 5);
    private static final int MAX_KNOWN = 200;
    private static final Set<String> BODIES = Set.of("post", "put");

    private final HttpClient client = HttpClient.newHttpClient();
    private final List<String> known = new ArrayList<>(List.of(
            "FP8_DYNAMIC",
            "compressed-tensors",
            "a",
            "main",
            "a/b",
            "hub:a/b",
            "job.failed",
            "read",
            "admin",
            "https://10.0.0.1/x",
            "config.json",
            "1",
            "QUEUED",
            "quantize"));
    private final Map<String, Integer> statuses = new TreeMap<>();
    private final List<String> faults = new ArrayList<>();
    private final Set<String> seen = new HashSet<>();
    private RandomGenerator random;
    private RandomGenerator seldom;

    private Schemas schemas;

    private String key = "";
    private String ownKeyId = "";

    @Test
    void everyAnswerIsAsTheDocumentSays() throws Exception {
        IssuedKey issued = newKey("fuzz");
        key = issued.text().reveal();
        ownKeyId = issued.key().id().toString();
        commitModel();
        JsonNode document = json.readTree(
                client.send(HttpRequest.newBuilder(uri("/v3/api-docs")).build(), BodyHandlers.ofString())
                        .body());
        for (int round = 0; round < ROUNDS; round++) {
            for (String path : document.get("paths").propertyNames()) {
                JsonNode item = document.get("paths").get(path);
                for (String method : item.propertyNames()) {
                    long seed = SEED * 1_000_003 + 31L * round + (path + method).hashCode();
                    random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
                    seldom = RandomGeneratorFactory.of("L64X128MixRandom").create(seed + 1);
                    schemas = new Schemas(document, random, known);
                    call(path, method, item.get(method), seed);
                }
            }
        }
        System.out.println("answers by status: " + statuses + ", " + ROUNDS + " rounds, seed " + SEED);
        assertThat(faults).as("seed %d", SEED).isEmpty();
        assertThat(statuses.keySet()).as("valid requests get through").contains("200", "201", "202", "204");
    }

    /** What the requests' hints name. */
    private void commitModel() throws Exception {
        String config = put("config.json", TinyModel.CONFIG.getBytes(StandardCharsets.UTF_8));
        String weights = put("model.safetensors", TinyModel.weights("BF16"));
        HttpRequest commit = HttpRequest.newBuilder(uri("/api/v1/repositories/a/b/revisions"))
                .header("Authorization", "Bearer " + key)
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString("{\"files\":[" + config + "," + weights + "]}"))
                .build();
        assertThat(client.send(commit, BodyHandlers.ofString()).statusCode()).isEqualTo(201);
    }

    private String put(String path, byte[] content) throws Exception {
        HttpRequest upload = HttpRequest.newBuilder(uri("/api/v1/repositories/a/b/files/" + path))
                .header("Authorization", "Bearer " + key)
                .PUT(BodyPublishers.ofByteArray(content))
                .build();
        return client.send(upload, BodyHandlers.ofString()).body();
    }

    private URI uri(String pathAndQuery) {
        return URI.create("http://127.0.0.1:" + port + pathAndQuery);
    }

    private void call(String path, String method, JsonNode operation, long seed) throws Exception {
        boolean spoiled = random.nextInt(3) == 0;
        HttpRequest request = request(path, method, operation, spoiled);
        HttpResponse<InputStream> response = client.send(request, BodyHandlers.ofInputStream());
        String type = response.headers().firstValue("Content-Type").orElse("");
        String body;
        try (InputStream content = response.body()) {
            // A stream of events has no end while its job has none.
            body = type.startsWith("text/event-stream")
                    ? ""
                    : new String(content.readNBytes(1 << 22), StandardCharsets.UTF_8);
        }
        statuses.merge(Integer.toString(response.statusCode()), 1, Integer::sum);
        judge(operation, response.statusCode(), type, body).forEach(fault -> {
            String where = method + " " + path + ": " + fault.replaceFirst(": .*", "");
            if (seen.add(where) && faults.size() < 50) {
                faults.add(method + " " + request.uri() + " (seed " + seed + "): " + fault);
            }
        });
        learn(type, body);
    }

    private HttpRequest request(String path, String method, JsonNode operation, boolean spoiled) {
        StringBuilder query = new StringBuilder();
        String place = path;
        HttpRequest.Builder request = HttpRequest.newBuilder().timeout(Duration.ofSeconds(60));
        for (JsonNode parameter : operation.path("parameters")) {
            String name = parameter.get("name").stringValue();
            if (name.startsWith("If-") && seldom.nextInt(20) != 0) {
                continue; // few conditions hold
            }
            String value = spoiled && random.nextInt(3) == 0
                    ? schemas.hostileText()
                    : schemas.draw(parameter.path("schema")).asString("x");
            switch (parameter.get("in").stringValue()) {
                case "path" -> place = place.replace("{" + name + "}", segment(name, value));
                case "query" -> {
                    if (random.nextInt(3) == 0) {
                        query.append(query.isEmpty() ? '?' : '&')
                                .append(name)
                                .append('=')
                                .append(encode(value));
                    }
                }
                default -> {
                    if (random.nextInt(3) == 0 && value.chars().allMatch(c -> c >= ' ' && c < 0x7f)) {
                        request.header(name, value);
                    }
                }
            }
        }
        request.uri(uri(place + query));
        if (!spoiled || random.nextInt(10) != 0) {
            request.header("Authorization", "Bearer " + (random.nextInt(40) == 0 ? "octv_x" : key));
        }
        if (random.nextInt(6) == 0) {
            request.header(
                    "Accept",
                    List.of("application/json", "text/event-stream", "text/html", "*/*", "image/png", "nonsense")
                            .get(random.nextInt(6)));
        }
        body(request, method, operation, spoiled);
        return request.build();
    }

    private void body(HttpRequest.Builder request, String method, JsonNode operation, boolean spoiled) {
        JsonNode content = operation.path("requestBody").path("content");
        if (!BODIES.contains(method)) {
            request.method(method.toUpperCase(java.util.Locale.ROOT), BodyPublishers.noBody());
            return;
        }
        String text = content.isMissingNode()
                ? ""
                : drawBody(schemas.resolve(content.path("application/json").path("schema")), spoiled);
        request.method(method.toUpperCase(java.util.Locale.ROOT), BodyPublishers.ofString(text));
        if (!content.isMissingNode()) {
            request.header("Content-Type", spoiled && random.nextInt(8) == 0 ? "text/plain" : "application/json");
        }
    }

    private String drawBody(JsonNode schema, boolean spoiled) {
        JsonNode value = schemas.draw(schema);
        if (!spoiled) {
            return value.toString();
        }
        String text = schemas.spoil(value).toString();
        return switch (random.nextInt(12)) {
            case 0 -> text.substring(0, random.nextInt(text.length() + 1));
            case 1 -> "[".repeat(5000);
            case 2 -> " ".repeat(70_000) + text;
            case 3 -> text + text;
            default -> text;
        };
    }

    private String segment(String name, String value) {
        String chosen = value.isEmpty() ? "x" : value;
        if (name.equals("id") || name.equals("delivery")) {
            List<String> ids =
                    known.stream().filter(text -> text.length() == 36).toList();
            chosen = ids.isEmpty() || random.nextInt(4) == 0 ? chosen : ids.get(random.nextInt(ids.size()));
        }
        if (chosen.equals(ownKeyId) || chosen.equals(".") || chosen.equals("..")) {
            chosen = "x";
        }
        return encode(chosen);
    }

    private static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }

    private List<String> judge(JsonNode operation, int status, String type, String body) {
        if (status >= 500) {
            return List.of("answered " + status + " " + body);
        }
        JsonNode documented = operation.path("responses").path(Integer.toString(status));
        if (documented.isMissingNode()) {
            return List.of("status " + status + " is not documented: " + body);
        }
        JsonNode content = documented.path("content");
        if (content.isMissingNode() || content.isEmpty()) {
            return body.isEmpty() ? List.of() : List.of("status " + status + " has a body: " + body);
        }
        String plain = type.split(";", 2)[0];
        if (!content.has(plain)) {
            return List.of("type " + type + " of status " + status + " is not documented: " + body);
        }
        if (!plain.endsWith("json")) {
            return List.of();
        }
        try {
            return schemas.problems(content.get(plain).path("schema"), json.readTree(body)).stream()
                    .map(problem -> "status " + status + " " + problem)
                    .toList();
        } catch (JacksonException e) {
            return List.of("not JSON: " + body);
        }
    }

    /** Ids and cursors of answers make later requests meet something. */
    private void learn(String type, String body) {
        if (!type.startsWith("application/json")) {
            return;
        }
        JsonNode answer = json.readTree(body);
        for (String name : List.of("id", "nextCursor", "sha256")) {
            for (JsonNode found : answer.findValues(name)) {
                if (found.isString() && !known.contains(found.stringValue()) && known.size() < MAX_KNOWN) {
                    known.add(found.stringValue());
                }
            }
        }
    }
}
