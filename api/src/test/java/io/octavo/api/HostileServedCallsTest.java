package io.octavo.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import tools.jackson.databind.JsonNode;

/**
 * Requests to {@code /serve/v1} that mean no good, in front of a worker that refuses each: every one is answered 4xx in
 * OpenAI's shape, by the service or the worker, and calls go on. {@code -Doctavo.hostile.requests=10000} sends more, {@code
 * -Doctavo.hostile.seed=7} others. What the worker itself refuses, its own test of this kind shows.
 */
@Timeout(1200)
class HostileServedCallsTest extends ServedBooks {

    private static final int REQUESTS = Integer.getInteger("octavo.hostile.requests", 400);
    private static final long SEED = Long.getLong("octavo.hostile.seed", 1);
    private static final String VALID = "{\"model\":\"books\",\"prompt\":\"Hello\",\"max_tokens\":3}";
    private static final String REFUSED =
            "{\"error\":{\"message\":\"no\",\"type\":\"invalid_request_error\",\"param\":null,\"code\":\"invalid_value\"}}";

    private static final List<String> PATHS = List.of(
            "/completions",
            "/chat/completions",
            "/chat/completions/",
            "/completions/..",
            "/models/x",
            "/models/%2e%2e%2fadmin",
            "//completions",
            "/completions;a=b",
            "/embeddings",
            "/models/" + "x".repeat(3_000),
            "/v1/completions",
            "");

    private static final List<String> METHODS = List.of("POST", "POST", "POST", "PUT", "DELETE", "PATCH", "GET");

    private static final List<String> TYPES = List.of(
            "application/json",
            "application/json",
            "application/json; charset=utf-16",
            "text/plain",
            "multipart/form-data",
            "application/x-www-form-urlencoded",
            "\"",
            "application/json, text/html");

    private static final List<String> NAMES = List.of(
            "5",
            "[]",
            "{}",
            "true",
            "1e400",
            "\"\"",
            "\"poems\"",
            "\"../books\"",
            "\"books\\u0000\"",
            "\"\\ud800\"",
            "\"BOOKS\"",
            "\"books \"",
            "\"' or true --\"",
            "\"" + "books".repeat(20_000) + "\"");

    private final RandomGenerator random =
            RandomGeneratorFactory.of("L64X128MixRandom").create(SEED);

    HostileServedCallsTest() throws IOException {}

    @BeforeEach
    void refuseEach() {
        ready("secret");
        worker.answer = out -> FakeWorker.whole(out, 400, REFUSED);
    }

    @Test
    void eachIsRefusedAndCallsGoOn() throws Exception {
        for (int i = 0; i < REQUESTS; i++) {
            byte[] body = body();
            boolean plain = random.nextInt(3) > 0;
            String path = plain ? "/completions" : PATHS.get(random.nextInt(PATHS.size()));
            String method = plain ? "POST" : METHODS.get(random.nextInt(METHODS.size()));
            String type = plain ? "application/json" : TYPES.get(random.nextInt(TYPES.size()));
            String told =
                    "seed " + SEED + ", request " + i + ": " + method + " " + path + " " + type + " " + start(body);
            HttpResponse<String> answer = api.send(api.to("/serve/v1" + path)
                    .method(method, BodyPublishers.ofByteArray(body))
                    .header("Content-Type", type));
            assertThat(answer.statusCode()).as("%s -> %s", told, answer.body()).isBetween(400, 499);
            JsonNode error = TestApi.read(answer).path("error");
            assertThat(error.path("message").asString("")).as(told).isNotBlank();
            assertThat(error.path("code").asString("")).as(told).isNotBlank();
        }
        worker.answer = out -> FakeWorker.whole(out, 200, "{}");
        assertThat(api.post("/serve/v1/completions", VALID).statusCode()).isEqualTo(200);
        assertThat(api.get("/actuator/health").statusCode()).isEqualTo(200);
    }

    private byte[] body() {
        byte[] valid = VALID.getBytes(StandardCharsets.UTF_8);
        return switch (random.nextInt(8)) {
            case 0 -> Arrays.copyOf(valid, random.nextInt(valid.length));
            case 1 -> {
                valid[random.nextInt(valid.length)] = (byte) random.nextInt();
                yield valid;
            }
            case 2 -> bytes("{\"a\":".repeat(random.nextInt(1, 5_000)));
            case 3 -> bytes(VALID + VALID);
            case 4 -> bytes(VALID.replaceFirst("\\{", "{\"model\":\"x\","));
            case 5 -> VALID.getBytes(random.nextBoolean() ? StandardCharsets.UTF_16 : StandardCharsets.UTF_16LE);
            case 6 -> {
                byte[] noise = new byte[random.nextInt(200)];
                random.nextBytes(noise);
                yield noise;
            }
            default -> bytes(VALID.replace("\"books\"", NAMES.get(random.nextInt(NAMES.size()))));
        };
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String start(byte[] body) {
        String text = new String(body, StandardCharsets.ISO_8859_1);
        return text.length() > 200 ? text.substring(0, 200) + "..." : text;
    }
}
