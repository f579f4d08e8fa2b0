package io.octavo.worker.serve;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A fake model behind a real server, and a client of it. */
final class TestServer implements AutoCloseable {

    static final String NAME = "octavo/tiny";
    static final Duration PATIENCE = Duration.ofMillis(500);

    private static final JsonMapper JSON = new JsonMapper();

    final FakeModel model = new FakeModel();
    final List<String> log = new CopyOnWriteArrayList<>();
    private final HttpClient client = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(Duration.ofSeconds(10))
            .build();
    private final ModelServer server;

    TestServer(@Nullable String key) throws IOException {
        this(key, settings -> settings);
    }

    TestServer(@Nullable String key, UnaryOperator<ServeSettings> changed) throws IOException {
        server = ModelServer.start(
                model, changed.apply(new ServeSettings(NAME, "127.0.0.1", 0, key, PATIENCE, log::add)));
    }

    int port() {
        return server.uri().getPort();
    }

    HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create(server.uri() + path)).timeout(Duration.ofSeconds(30));
    }

    HttpResponse<String> get(String path) throws IOException, InterruptedException {
        return send(request(path).build());
    }

    HttpResponse<String> post(String path, byte[] body) throws IOException, InterruptedException {
        return send(request(path)
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofByteArray(body))
                .build());
    }

    /** @param body JSON with ' in place of " */
    HttpResponse<String> post(String path, String body) throws IOException, InterruptedException {
        return send(request(path)
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString(body.replace('\'', '"')))
                .build());
    }

    /** The answer of a call that is done. */
    JsonNode answer(String path, String body) throws IOException, InterruptedException {
        HttpResponse<String> response = post(path, body);
        if (response.statusCode() != 200) {
            throw new AssertionError(response.statusCode() + " " + response.body());
        }
        return JSON.readTree(response.body());
    }

    /** The parts of a stream, which must end as streams do. */
    List<JsonNode> parts(String path, String body) throws IOException, InterruptedException {
        String text = post(path, body).body();
        if (!text.endsWith("data: [DONE]\n\n")) {
            throw new AssertionError(text);
        }
        return events(text).stream().map(JSON::readTree).toList();
    }

    /** The data of a stream's events but the last one. */
    static List<String> events(String stream) {
        return stream.lines()
                .filter(line -> line.startsWith("data: ") && !line.equals("data: [DONE]"))
                .map(line -> line.substring("data: ".length()))
                .toList();
    }

    static JsonNode json(HttpResponse<String> response) {
        return JSON.readTree(response.body());
    }

    HttpResponse<String> send(HttpRequest request) throws IOException, InterruptedException {
        return client.send(request, BodyHandlers.ofString());
    }

    @Override
    public void close() {
        server.close();
        client.close();
    }
}
