package io.octavo.standalone;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.octavo.standalone.embedded.StandaloneException;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.DriverManager;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The whole service in one process, stopped and killed. */
@Timeout(240)
class StandaloneTest {

    private final HttpClient client = HttpClient.newHttpClient();

    private String send(HttpRequest.Builder request) throws IOException, InterruptedException {
        HttpResponse<String> response = client.send(request.build(), BodyHandlers.ofString());
        assertThat(response.statusCode()).as(response.body()).isLessThan(300);
        return response.body();
    }

    private static HttpRequest.Builder to(Path home, String base, String path) throws IOException {
        return HttpRequest.newBuilder(URI.create(base + "/api/v1" + path))
                .header("Authorization", "Bearer " + read(home.resolve("api-key")))
                .header("Content-Type", "application/json");
    }

    private void pushFile(Path home, String base) throws Exception {
        String stored = send(
                to(home, base, "/repositories/octavo/model/files/config.json").PUT(BodyPublishers.ofString("{}")));
        send(to(home, base, "/repositories/octavo/model/revisions")
                .POST(BodyPublishers.ofString("{\"files\":[" + stored + "]}")));
    }

    /** One whose headers are in order, and whose numbers are none. */
    private void pushBrokenModel(Path home, String base) throws Exception {
        byte[] weights = TinyCheckpoint.weights();
        Arrays.fill(weights, weights.length - 2, weights.length, (byte) 0xff);
        List<String> stored = new ArrayList<>();
        for (var file : Map.of("config.json", TinyCheckpoint.CONFIG, "model.safetensors", weights)
                .entrySet()) {
            stored.add(send(to(home, base, "/repositories/octavo/broken/files/" + file.getKey())
                    .PUT(BodyPublishers.ofByteArray(file.getValue()))));
        }
        send(to(home, base, "/repositories/octavo/broken/revisions")
                .POST(BodyPublishers.ofString("{\"files\":" + stored + "}")));
    }

    private String member(String json, String name) {
        Matcher matcher = Pattern.compile("\"" + name + "\":\"([^\"]*)\"").matcher(json);
        assertThat(matcher.find()).as(json).isTrue();
        return matcher.group(1);
    }

    @Test
    void keepsDataOverARestartAndRefusesASecondProcess(@TempDir Path folder) throws Exception {
        Path home = folder.resolve("home");
        StandaloneOptions options = new StandaloneOptions(home, 0, List.of());
        try (Standalone service = Standalone.start(options)) {
            pushFile(home, service.baseUrl());
            for (String secret : List.of("api-key", "secret-key", "postgres/password", "postgres/superuser-password")) {
                assertThat(Files.getPosixFilePermissions(home.resolve(secret)))
                        .isEqualTo(PosixFilePermissions.fromString("rw-------"));
            }
            assertThat(service.isApiKeyNew()).isTrue();
            assertThatExceptionOfType(StandaloneException.class)
                    .isThrownBy(() -> Standalone.start(options))
                    .withMessageContaining("in use by another octavo");
        }
        try (Standalone service = Standalone.start(options)) {
            assertThat(send(to(home, service.baseUrl(), "/repositories/octavo/model/files/config.json")))
                    .isEqualTo("{}");
            assertThat(send(to(home, service.baseUrl(), "/schemes"))).contains("FP8_DYNAMIC");
            assertThat(service.isApiKeyNew()).isFalse();
        }
        assertThat(home.resolve("logs/octavo.log"))
                .exists()
                .content()
                .doesNotContain(read(home.resolve("api-key")).substring("octv_0123456789ab_".length()));
    }

    @Test
    void aKilledProcessLosesNothingAndItsJobGoesOn(@TempDir Path folder) throws Exception {
        Path home = folder.resolve("home");
        OctavoProcess first = OctavoProcess.start(
                folder.resolve("output"),
                Killed.class,
                home.toString(),
                folder.resolve("first").toString());
        String base = Awaitility.await()
                .atMost(100, TimeUnit.SECONDS)
                .until(() -> read(folder.resolve("first")), text -> text.startsWith("http"));
        pushFile(home, base);
        pushBrokenModel(home, base);
        String id = member(
                send(to(home, base, "/jobs")
                        .POST(BodyPublishers.ofString("{\"type\":\"quantize\",\"source\":\"hub:octavo/broken\","
                                + "\"scheme\":\"FP8_DYNAMIC\",\"target\":\"octavo/out\"}"))),
                "id");
        Awaitility.await().until(() -> send(to(home, base, "/jobs/" + id)).contains("\"FAILED\""));
        first.process().destroyForcibly().waitFor();
        int port = Integer.parseInt(read(home.resolve("postgres/port")));
        // As if the kill had come while the job ran.
        try (var connection = DriverManager.getConnection(
                        "jdbc:postgresql://127.0.0.1:" + port + "/octavo",
                        "octavo",
                        read(home.resolve("postgres/password")));
                var statement = connection.createStatement()) {
            statement.execute("update job set status = 'RUNNING', finished_at = null, worker = 'local',"
                    + " lease_owner = gen_random_uuid(), lease_expires_at = now() + interval '1 hour'");
        }

        try (Standalone second = Standalone.start(new StandaloneOptions(home, 0, List.of()))) {
            assertThat(read(home.resolve("postgres/port"))).isEqualTo(Integer.toString(port));
            assertThat(send(to(home, second.baseUrl(), "/repositories/octavo/model/files/config.json")))
                    .isEqualTo("{}");
            Awaitility.await()
                    .atMost(30, TimeUnit.SECONDS)
                    .until(() -> send(to(home, second.baseUrl(), "/jobs/" + id)).contains("\"attempt\":2"));
            Awaitility.await()
                    .until(() -> send(to(home, second.baseUrl(), "/jobs/" + id)).contains("\"FAILED\""));
        }
    }

    private static String read(Path file) throws IOException {
        return Files.exists(file) ? Files.readString(file).strip() : "";
    }

    /** The process that gets killed: starts the service, writes its URL to a file, and waits. */
    static final class Killed {
        public static void main(String[] args) throws Exception {
            Standalone service = Standalone.start(new StandaloneOptions(Path.of(args[0]), 0, List.of()));
            Path partial = Path.of(args[1] + ".partial");
            Files.writeString(partial, service.baseUrl());
            Files.move(partial, Path.of(args[1]));
            Thread.currentThread().join();
        }
    }
}
