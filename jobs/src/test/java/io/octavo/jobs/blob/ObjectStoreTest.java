package io.octavo.jobs.blob;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import io.octavo.jobs.testing.EmbeddedS3;
import java.io.ByteArrayInputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.util.unit.DataSize;

/** The client on a real S3 server, which goes down and lies at the worst moments. */
class ObjectStoreTest {

    private static final int PART = 5 << 20;

    @TempDir
    Path folder;

    private EmbeddedS3 server;
    private ObjectStore objects;
    private final byte[] content = new byte[3 * PART + 1];

    @BeforeEach
    void start() {
        server = new EmbeddedS3(folder);
        server.start();
        objects = client(EmbeddedS3.SECRET_KEY);
        objects.ensureBucket("bucket");
        new Random(5).nextBytes(content);
    }

    @AfterEach
    void stop() {
        objects.close();
        server.stop();
    }

    private ObjectStore client(String secretKey) {
        return new ObjectStore(
                new StorageProperties(
                        server.endpoint(),
                        "us-east-1",
                        "bucket",
                        EmbeddedS3.ACCESS_KEY,
                        secretKey,
                        DataSize.ofBytes(PART),
                        Duration.ofSeconds(2),
                        Duration.ofSeconds(10)),
                (bucket, key) -> {});
    }

    private InputStream stream() {
        return new ByteArrayInputStream(content);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, PART - 1, PART, PART + 1, 3 * PART + 1})
    void keepsBytesOfEverySizeWhetherItIsKnownOrNot(int size) throws IOException {
        byte[] bytes = Arrays.copyOf(content, size);
        objects.put("bucket", "known", new ByteArrayInputStream(bytes), size);
        objects.put("bucket", "unknown", new ByteArrayInputStream(bytes), ObjectStore.UNKNOWN_SIZE);
        objects.copy("bucket", "unknown", "copied", size);
        for (String key : new String[] {"known", "unknown", "copied"}) {
            assertThat(objects.stat("bucket", key)).isEqualTo(new ObjectInfo(key, size));
            assertThat(objects.open("bucket", key, 0, size).readAllBytes()).isEqualTo(bytes);
        }
    }

    @Test
    void readsRanges() throws IOException {
        objects.put("bucket", "key", stream(), content.length);
        assertThat(objects.open("bucket", "key", PART - 2, 5).readAllBytes())
                .isEqualTo(Arrays.copyOfRange(content, PART - 2, PART + 3));
    }

    @Test
    void tellsFailuresApart() {
        assertThatExceptionOfType(StorageException.MissingBucket.class)
                .isThrownBy(() -> objects.stat("no-such-bucket", "key"));
        assertThatExceptionOfType(StorageException.MissingBucket.class)
                .isThrownBy(() -> objects.list("no-such-bucket", "", 10));
        assertThatExceptionOfType(StorageException.MissingBucket.class)
                .isThrownBy(() -> objects.put("no-such-bucket", "key", stream(), content.length));
        assertThatExceptionOfType(StorageException.MissingObject.class).isThrownBy(() -> objects.stat("bucket", "key"));
        assertThatExceptionOfType(StorageException.MissingObject.class)
                .isThrownBy(() -> objects.open("bucket", "key", 0, 1));
        try (ObjectStore stranger = client("wrong-secret")) {
            assertThatExceptionOfType(StorageException.AccessDenied.class)
                    .isThrownBy(() -> stranger.list("bucket", "", 10));
        }
        server.stop();
        assertThatExceptionOfType(StorageException.Unavailable.class).isThrownBy(() -> objects.stat("bucket", "key"));
    }

    @Test
    void aServerThatGoesDownInTheMiddleOfAnUploadLeavesNoObject() {
        InputStream killing = new FilterInputStream(stream()) {
            private int count;

            @Override
            public int read(byte[] buffer, int offset, int length) throws IOException {
                int read = super.read(buffer, offset, length);
                count += read;
                if (count > 2 * PART) {
                    server.stop();
                }
                return read;
            }
        };
        assertThatExceptionOfType(StorageException.Unavailable.class)
                .isThrownBy(() -> objects.put("bucket", "key", killing, content.length));

        server.start();
        assertThat(objects.list("bucket", "", 10)).isEmpty();
        objects.put("bucket", "key", stream(), content.length);
        assertThat(objects.stat("bucket", "key").size()).isEqualTo(content.length);
    }

    @Test
    void contentThatIsNotWhatWasAnnouncedNeverAppears() {
        BlobId other = new BlobId("0".repeat(64), content.length);
        assertThatExceptionOfType(ProblemException.class)
                .isThrownBy(() -> objects.put("bucket", "key", new Sha256Stream(stream(), other), content.length))
                .satisfies(problem -> assertThat(problem.code()).isEqualTo(ProblemCode.CONTENT_HASH_MISMATCH));
        assertThat(objects.list("bucket", "", 10)).isEmpty();
    }

    @Test
    void aSourceThatBreaksComesThroughAsItIs() {
        IllegalStateException reason = new IllegalStateException("stop");
        InputStream breaking = new FilterInputStream(stream()) {
            @Override
            public int read(byte[] buffer, int offset, int length) {
                throw reason;
            }
        };
        assertThatExceptionOfType(IllegalStateException.class)
                .isThrownBy(() -> objects.put("bucket", "key", breaking, content.length))
                .isSameAs(reason);
    }
}
