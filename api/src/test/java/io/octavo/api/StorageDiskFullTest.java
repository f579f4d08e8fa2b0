package io.octavo.api;

import static io.octavo.api.TestApi.assertProblem;
import static io.octavo.api.TestApi.read;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.octavo.jobs.testing.EmbeddedServices;
import io.octavo.jobs.testing.SmallDisk;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.boot.test.web.server.LocalServerPort;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;
import org.springframework.test.context.TestPropertySource;

/** A service whose blobs lie on a file system of 8 MB, which the kernel itself says is full. */
@Timeout(120)
@OnFreePort
@TestPropertySource(properties = {"octavo.collector.enabled=false", "octavo.storage.spare=64KB"})
@ExtendWith(OutputCaptureExtension.class)
class StorageDiskFullTest {

    private static final int DISK_BYTES = 8 << 20;
    private static final String FILES = "/api/v1/repositories/full/disk/files/";

    /** Far below the pauses of a client that tries again. */
    private static final Duration AT_ONCE = Duration.ofSeconds(5);

    @TempDir
    static Path folder;

    private static SmallDisk disk;

    @DynamicPropertySource
    static void services(DynamicPropertyRegistry registry) {
        String url = EmbeddedServices.newDatabase();
        registry.add("octavo.database.url", () -> url);
        registry.add(
                "octavo.storage.endpoint", () -> folder.resolve("disk").toUri().toString());
    }

    @BeforeAll
    static void mount() {
        disk = new SmallDisk(folder.resolve("disk"), DISK_BYTES);
    }

    @AfterAll
    static void unmount() {
        disk.close();
    }

    @LocalServerPort
    int port;

    private TestApi api;

    @BeforeEach
    void start() {
        disk.require();
        api = new TestApi(port, ApiTest.KEY);
        disk.empty();
    }

    private static byte[] content(int bytes, int seed) {
        byte[] content = new byte[bytes];
        Arrays.fill(content, (byte) seed);
        return content;
    }

    /** In chunks, so that its length shows only as it comes. */
    private HttpResponse<String> upload(String name, byte[] content) throws Exception {
        return api.send(
                api.to(FILES + name).PUT(BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(content))));
    }

    private void assertUpOrDown(int status) throws Exception {
        for (String call : List.of("/actuator/health", "/actuator/health/readiness")) {
            HttpResponse<String> health = api.get(call);
            assertThat(health.statusCode()).as(call + " " + health.body()).isEqualTo(status);
        }
        assertThat(api.get("/actuator/health/liveness").statusCode()).isEqualTo(200);
    }

    private static void assertNothingLeftOfUploads() {
        Awaitility.await().untilAsserted(() -> {
            assertThat(disk.folder().resolve(".incoming")).isEmptyDirectory();
            Path staging = disk.folder().resolve("octavo/staging/uploads");
            assertThat(Files.exists(staging) && !isEmpty(staging)).isFalse();
        });
    }

    private static boolean isEmpty(Path folder) throws IOException {
        try (var files = Files.list(folder)) {
            return files.findAny().isEmpty();
        }
    }

    @Test
    void anUploadThatFillsItIsAnsweredAtOnceAndLeavesNothing(CapturedOutput log) throws Exception {
        long before = disk.free();
        long started = System.nanoTime();
        assertProblem(upload("large", content(2 * DISK_BYTES, 1)), 507, "storage-full");
        assertThat(Duration.ofNanos(System.nanoTime() - started)).isLessThan(AT_ONCE);
        assertNothingLeftOfUploads();
        assertThat(disk.free()).isCloseTo(before, within(1L << 16));
        assertUpOrDown(200);
        assertThat(upload("small", content(1000, 2)).statusCode()).isEqualTo(200);
        assertThat(log.toString()).doesNotContain("\tat ");
    }

    @Test
    void whileItIsFullEverythingSaysSoAndOnceThereIsRoomAllIsWell(CapturedOutput log) throws Exception {
        byte[] kept = content(100_000, 3);
        String stored = api.put(FILES + "kept", kept).body();
        disk.fill();

        long started = System.nanoTime();
        assertProblem(api.put(FILES + "announced", content(1000, 4)), 507, "storage-full");
        assertProblem(upload("in-chunks", content(1000, 4)), 507, "storage-full");
        assertThat(Duration.ofNanos(System.nanoTime() - started)).isLessThan(AT_ONCE);
        assertUpOrDown(503);

        // What is there can be committed, read, listed and deleted.
        HttpResponse<String> committed =
                api.post("/api/v1/repositories/full/disk/revisions", "{\"files\":[" + stored + "]}");
        assertThat(committed.statusCode()).as(committed.body()).isEqualTo(201);
        assertThat(api.get(FILES + "kept").body()).hasSize(kept.length);
        assertThat(api.get("/api/v1/repositories").statusCode()).isEqualTo(200);
        assertNothingLeftOfUploads();

        disk.empty();
        assertUpOrDown(200);
        HttpResponse<String> again = api.put(FILES + "announced", content(1000, 4));
        assertThat(again.statusCode()).as(again.body()).isEqualTo(200);
        assertThat(read(again).get("size").intValue()).isEqualTo(1000);
        assertThat(log.toString()).doesNotContain("\tat ");
    }

    @Test
    void uploadsThatFillItTogetherAreStoredWholeOrNotAtAll() throws Exception {
        List<Callable<HttpResponse<String>>> uploads = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            int seed = 10 + i;
            uploads.add(() -> upload("together-" + seed, content(DISK_BYTES / 3, seed)));
        }
        List<String> stored = new ArrayList<>();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (Future<HttpResponse<String>> upload : threads.invokeAll(uploads)) {
                if (upload.get().statusCode() == 200) {
                    stored.add(upload.get().body());
                } else {
                    assertProblem(upload.get(), 507, "storage-full");
                }
            }
        }
        assertThat(stored).hasSizeLessThanOrEqualTo(3);
        assertNothingLeftOfUploads();
        for (String file : stored) {
            assertThat(disk.folder().resolve("octavo/blobs/sha256").resolve(place(file)))
                    .hasSize(DISK_BYTES / 3);
        }
    }

    private static String place(String file) {
        String hash = file.replaceAll(".*\"sha256\":\"([0-9a-f]+)\".*", "$1");
        return hash.substring(0, 2) + "/" + hash.substring(2, 4) + "/" + hash;
    }
}
