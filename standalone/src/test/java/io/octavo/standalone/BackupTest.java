package io.octavo.standalone;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.octavo.api.ApiApplication;
import io.octavo.jobs.identity.KeyText;
import io.octavo.standalone.embedded.EmbeddedParts;
import io.octavo.standalone.embedded.Home;
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
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.WebApplicationType;
import org.springframework.context.ConfigurableApplicationContext;

/** What docs/operations.md says of backing up and restoring, done. */
@EnabledOnOs(OS.LINUX)
@Timeout(400)
class BackupTest {

    private static final String FILE = "/repositories/octavo/model/files/config.json";

    private static final String JOB = """
            {"type":"quantize","source":"hub:octavo/tiny","scheme":"FP8_DYNAMIC","target":"octavo/out"}""";

    /** {@code aws s3 sync FROM TO}. */
    private static final String COPYING = """
            aws() {
              local from=$3 to=$4
              case $from in s3://*) from=$BUCKETS/${from#s3://} ;; esac
              case $to in s3://*) to=$NEW_BUCKETS/${to#s3://} ;; esac
              mkdir -p "$to"
              cp -a "$from/." "$to/"
            }
            """;

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

    /** The commands of the document, on a PostgreSQL that this machine has installed. */
    @Test
    void aDumpAndACopyOfTheBucketRestoreTheService(@TempDir Path folder) throws Exception {
        Optional<Path> tools = ExternalPostgres.installed();
        assumeTrue(tools.isPresent(), "no PostgreSQL server with pg_dump and pg_restore is installed");
        String key = KeyText.draw().reveal();
        try (Home home = Home.lock(folder.resolve("bucket"));
                EmbeddedParts bucket = new EmbeddedParts(home);
                Home newHome = Home.lock(folder.resolve("new-bucket"));
                EmbeddedParts newBucket = new EmbeddedParts(newHome);
                ExternalPostgres postgres =
                        ExternalPostgres.start(tools.get(), Files.createDirectory(folder.resolve("postgres")))) {
            bucket.start();
            newBucket.start();
            postgres.createDatabase("octavo");
            postgres.createDatabase("restored");
            String job;
            String audit;
            try (var service = start(postgres.jdbcUrl("octavo"), bucket, key)) {
                String stored = call(baseOf(service), key, "PUT", FILE, "{\"a\": 1}");
                call(
                        baseOf(service),
                        key,
                        "POST",
                        "/repositories/octavo/model/revisions",
                        "{\"files\":[" + stored + "]}");
                pushTiny(baseOf(service), key);
                job = call(baseOf(service), key, "POST", "/jobs", JOB);
                audit = call(baseOf(service), key, "GET", "/audit", "");
                String script = document("pg_dump") + document("pg_restore");
                assertThat(script)
                        .contains("aws s3 sync s3://octavo/blobs", "pg_dump --format", "pg_restore --no-owner");
                run(folder, script, postgres); // while the service runs
            }
            try (var restored = start(postgres.jdbcUrl("restored"), newBucket, key)) {
                assertThat(call(baseOf(restored), key, "GET", FILE, "")).isEqualTo("{\"a\": 1}");
                assertThat(call(baseOf(restored), key, "GET", "/audit", "")).isEqualTo(audit);
                assertThat(call(baseOf(restored), key, "GET", "/jobs", "")).contains(job.substring(0, 44));
                assertThat(call(baseOf(restored), key, "POST", "/jobs", JOB)).contains("QUEUED");
            }
        }
    }

    private static ConfigurableApplicationContext start(String database, EmbeddedParts bucket, String key) {
        SpringApplication service = new SpringApplication(ApiApplication.class);
        service.setWebApplicationType(WebApplicationType.SERVLET);
        service.setDefaultProperties(bucket.settings());
        return service.run(
                "--server.port=0",
                "--octavo.database.url=" + database,
                "--octavo.database.username=postgres",
                "--octavo.database.password=",
                "--octavo.identity.bootstrap-key=" + key);
    }

    private static String baseOf(ConfigurableApplicationContext service) {
        return "http://127.0.0.1:" + service.getEnvironment().getProperty("local.server.port");
    }

    /** The block of the document that has a command. */
    private static String document(String command) throws IOException {
        Matcher blocks = Pattern.compile("```sh\n(.*?)```", Pattern.DOTALL)
                .matcher(Files.readString(ProjectFolder.root().resolve("docs/operations.md")));
        while (blocks.find()) {
            if (blocks.group(1).contains(command)) {
                return blocks.group(1);
            }
        }
        throw new AssertionError("docs/operations.md has no block with " + command);
    }

    /** Where there is no {@code aws}, a function stands in for it that copies the folder behind the S3 server. */
    private static void run(Path folder, String script, ExternalPostgres postgres) throws Exception {
        Path file = folder.resolve("backup.sh");
        Files.writeString(file, "set -eu\n" + COPYING + script);
        ProcessBuilder shell = new ProcessBuilder("bash", file.toString())
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("backup.out").toFile());
        shell.environment().put("PATH", postgres.tools() + ":" + System.getenv("PATH"));
        shell.environment().put("DATABASE_URL", postgres.url("octavo"));
        shell.environment().put("NEW_DATABASE_URL", postgres.url("restored"));
        shell.environment().put("BUCKETS", folder.resolve("bucket/objects").toString());
        shell.environment()
                .put("NEW_BUCKETS", folder.resolve("new-bucket/objects").toString());
        Process process = shell.start();
        assertThat(process.waitFor(100, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue())
                .as(Files.readString(folder.resolve("backup.out")))
                .isZero();
    }

    private void pushTiny(String base, String key) throws Exception {
        String tiny = "/repositories/octavo/tiny";
        String config = call(base, key, "PUT", tiny + "/files/config.json", TinyCheckpoint.CONFIG);
        String weights = call(base, key, "PUT", tiny + "/files/model.safetensors", TinyCheckpoint.weights());
        call(base, key, "POST", tiny + "/revisions", "{\"files\":[" + config + "," + weights + "]}");
    }

    private String call(Standalone service, String key, String method, String path, String body) throws Exception {
        return call(service.baseUrl(), key, method, path, body);
    }

    private String call(String base, String key, String method, String path, String body) throws Exception {
        return call(base, key, method, path, body.getBytes(StandardCharsets.UTF_8));
    }

    private String call(String base, String key, String method, String path, byte[] body) throws Exception {
        HttpResponse<String> answer = client.send(
                HttpRequest.newBuilder(URI.create(base + "/api/v1" + path))
                        .header("Authorization", "Bearer " + key)
                        .header("Content-Type", "application/json")
                        .method(method, BodyPublishers.ofByteArray(body))
                        .build(),
                BodyHandlers.ofString());
        assertThat(answer.statusCode()).as(answer.body()).isLessThan(300);
        return answer.body();
    }
}
