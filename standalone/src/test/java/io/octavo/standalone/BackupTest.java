package io.octavo.standalone;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** What docs/operations.md says of backing up a home. */
@EnabledOnOs(OS.LINUX)
@Timeout(400)
class BackupTest {

    private static final String FILE = "/repositories/octavo/model/files/config.json";

    private final HttpClient client = HttpClient.newHttpClient();

    @Test
    void aCopyOfAHomeServesTheSame(@TempDir Path folder) throws Exception {
        Path home = folder.resolve("home");
        Path copy = folder.resolve("copy");
        String key;
        try (Standalone service = Standalone.start(new StandaloneOptions(home, 0, List.of()))) {
            key = service.apiKey();
            String stored = call(service, key, "PUT", FILE, "{\"a\": 1}");
            call(service, key, "POST", "/repositories/octavo/model/revisions", "{\"files\":[" + stored + "]}");
        }
        Process copying = new ProcessBuilder("cp", "-a", home.toString(), copy.toString())
                .inheritIO()
                .start();
        assertThat(copying.waitFor(100, TimeUnit.SECONDS)).isTrue();
        assertThat(copying.exitValue()).isZero();

        try (Standalone restored = Standalone.start(new StandaloneOptions(copy, 0, List.of()))) {
            assertThat(restored.apiKey()).isEqualTo(key);
            assertThat(call(restored, key, "GET", FILE, "")).isEqualTo("{\"a\": 1}");
        }
    }

    private String call(Standalone service, String key, String method, String path, String body) throws Exception {
        HttpResponse<String> answer = client.send(
                HttpRequest.newBuilder(URI.create(service.baseUrl() + "/api/v1" + path))
                        .header("Authorization", "Bearer " + key)
                        .header("Content-Type", "application/json")
                        .method(method, BodyPublishers.ofString(body))
                        .build(),
                BodyHandlers.ofString());
        assertThat(answer.statusCode()).as(answer.body()).isLessThan(300);
        return answer.body();
    }
}
