package io.octavo.standalone;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.octavo.jobs.testing.SmallDisk;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

/** A service whose PostgreSQL has a file system of its own, which is full while a job runs. */
@Timeout(300)
@ExtendWith(OutputCaptureExtension.class)
class DatabaseDiskFullTest {

    private static final int DISK_BYTES = 192 << 20;
    private static final Path MODEL = Path.of("../examples/models/books-5m");
    private static final Path TEXT = Path.of("../examples/data/books-heldout.txt");
    private static final Duration LONG = Duration.ofMinutes(2);

    /** Far below the pauses of a client that tries again. */
    private static final Duration AT_ONCE = Duration.ofSeconds(10);

    private static final String EVALUATE = """
            {"type":"evaluate","source":"hub:full/model","tasks":[{"type":"perplexity","dataset":"hub:full/data"}]}""";

    @TempDir
    private Path folder;

    private final HttpClient client = HttpClient.newHttpClient();
    private SmallDisk disk;
    private Standalone service;

    /** The server's data lie on the small disk, its programs do not. */
    @BeforeEach
    void start() throws Exception {
        Path postgres = Files.createDirectories(folder.resolve("home/postgres"));
        disk = new SmallDisk(postgres.resolve("data"), DISK_BYTES);
        disk.require();
        Files.writeString(postgres.resolve("initialized"), "");
        service = Standalone.start(new StandaloneOptions(folder.resolve("home"), 0, List.of()));
        push("full/model", List.of("config.json", "model.safetensors", "tokenizer.json"));
        commit("full/data", List.of(stored("full/data", "text.txt", Files.readAllBytes(TEXT))));
    }

    @AfterEach
    void stop() {
        if (service != null) {
            service.close();
        }
        client.close();
        disk.close();
    }

    private HttpResponse<String> send(String method, String path, byte[] body) throws Exception {
        return client.send(
                HttpRequest.newBuilder(URI.create(service.baseUrl() + path))
                        .header("Authorization", "Bearer " + service.apiKey())
                        .header("Content-Type", "application/json")
                        .timeout(Duration.ofSeconds(60))
                        .method(method, BodyPublishers.ofByteArray(body))
                        .build(),
                BodyHandlers.ofString());
    }

    private String read(String path) throws Exception {
        HttpResponse<String> answer = send("GET", path, new byte[0]);
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        return answer.body();
    }

    private void push(String repository, List<String> names) throws Exception {
        List<String> files = new ArrayList<>();
        for (String name : names) {
            files.add(stored(repository, name, Files.readAllBytes(MODEL.resolve(name))));
        }
        commit(repository, files);
    }

    private String stored(String repository, String name, byte[] content) throws Exception {
        HttpResponse<String> answer = send("PUT", "/api/v1/repositories/" + repository + "/files/" + name, content);
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        return answer.body();
    }

    private void commit(String repository, List<String> files) throws Exception {
        String body = "{\"files\":[" + String.join(",", files) + "]}";
        HttpResponse<String> answer = send(
                "POST", "/api/v1/repositories/" + repository + "/revisions", body.getBytes(StandardCharsets.UTF_8));
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(201);
    }

    private HttpResponse<String> submit(String job) throws Exception {
        return send("POST", "/api/v1/jobs", job.getBytes(StandardCharsets.UTF_8));
    }

    /** Of a worker that is not there, with labels that take room. */
    private static String large() {
        StringBuilder labels = new StringBuilder();
        for (int i = 0; i < 16; i++) {
            labels.append(i == 0 ? "" : ",").append("\"l%d\":\"%s\"".formatted(i, UUID.randomUUID()));
        }
        return EVALUATE.substring(0, EVALUATE.length() - 1) + ",\"requirements\":{\"labels\":{\"pool\":\"nobody\"}}"
                + ",\"labels\":{" + labels + "}}";
    }

    private static String id(HttpResponse<String> answer) {
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(202);
        Matcher found = Pattern.compile("\"id\":\"([^\"]+)\"").matcher(answer.body());
        assertThat(found.find()).isTrue();
        return found.group(1);
    }

    private String running() throws Exception {
        String id = id(submit(EVALUATE));
        Awaitility.await().atMost(LONG).until(() -> read("/api/v1/jobs/" + id).contains("\"status\":\"RUNNING\""));
        return id;
    }

    private String ended(String id) {
        return Awaitility.await()
                .atMost(LONG)
                .until(
                        () -> read("/api/v1/jobs/" + id),
                        job -> Pattern.compile("\"status\":\"(SUCCEEDED|FAILED)\"")
                                .matcher(job)
                                .find());
    }

    private int health(String path) throws Exception {
        return send("GET", "/actuator/health" + path, new byte[0]).statusCode();
    }

    @Test
    void itSaysSoAtOnceAndTheJobThatRunsLosesNothing(CapturedOutput log) throws Exception {
        String running = running();
        disk.fill();
        List<String> accepted = new ArrayList<>();
        HttpResponse<String> answer;
        long started;
        do {
            started = System.nanoTime();
            answer = submit(large());
            if (answer.statusCode() == 202) {
                accepted.add(id(answer));
            }
        } while (answer.statusCode() == 202);
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(507);
        assertThat(answer.body()).contains("\"code\":\"database-full\"").doesNotContain("Exception", "SQL");
        assertThat(Duration.ofNanos(System.nanoTime() - started)).isLessThan(AT_ONCE);
        assertThat(health("")).isEqualTo(503);
        assertThat(health("/readiness")).isEqualTo(503);
        assertThat(health("/liveness")).isEqualTo(200);
        assertThat(read("/api/v1/jobs/" + running)).contains("\"attempt\":1");
        assertThat(read("/api/v1/jobs?limit=5")).contains("\"items\"");

        disk.empty();
        Awaitility.await().atMost(LONG).until(() -> health("/readiness") == 200 && health("") == 200);
        accepted.add(id(submit(large())));
        assertThat(ended(running)).contains("\"status\":\"SUCCEEDED\"", "\"attempt\":1,");
        for (String each : accepted) {
            assertThat(read("/api/v1/jobs/" + each)).contains("\"status\":\"QUEUED\"");
        }
        assertThat(log.getAll()).doesNotContain("\tat ");
    }

    /** Its log is what PostgreSQL cannot do without: it ends rather than forget. */
    @Test
    void aServerThatEndsForWantOfRoomIsStartedAgain() throws Exception {
        String running = running();
        disk.fill();
        assertThatExceptionOfType(SQLException.class).isThrownBy(this::writeLogForEver);
        Awaitility.await().atMost(LONG).until(() -> submit(large()).statusCode() == 503);
        HttpResponse<String> answer = submit(large());
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(503);
        assertThat(answer.body()).contains("\"code\":\"database-unavailable\"");
        assertThat(health("")).isEqualTo(503);

        disk.empty();
        Awaitility.await().atMost(LONG).until(() -> health("/readiness") == 200 && health("") == 200);
        id(submit(large()));
        assertThat(ended(running)).contains("\"status\":\"SUCCEEDED\"");
        assertThat(read("/api/v1/jobs?status=SUCCEEDED")).containsOnlyOnce("\"status\":\"SUCCEEDED\"");
    }

    private void writeLogForEver() throws SQLException, IOException {
        Path postgres = folder.resolve("home/postgres");
        String port = Files.readString(postgres.resolve("port")).strip();
        String password =
                Files.readString(postgres.resolve("superuser-password")).strip();
        try (Connection connection = DriverManager.getConnection(
                        "jdbc:postgresql://127.0.0.1:" + port + "/postgres", "postgres", password);
                Statement statement = connection.createStatement()) {
            while (true) {
                statement.execute("select pg_logical_emit_message(true, 'fill', repeat('x', 1000000))");
            }
        }
    }
}
