package io.octavo.jobs.blob;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.octavo.jobs.testing.EmbeddedS3;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.util.unit.DataSize;

/** The client on a real S3 server, which goes down and lies at the worst moments. */
class S3ObjectStoreTest extends AbstractObjectStoreTest {

    @TempDir
    Path folder;

    private EmbeddedS3 server;
    private ObjectStore objects;

    @BeforeEach
    void start() {
        server = new EmbeddedS3(folder);
        server.start();
        objects = client(EmbeddedS3.SECRET_KEY);
        objects.ensureBucketSoon("bucket");
    }

    @AfterEach
    void stop() {
        objects.close();
        server.stop();
    }

    private ObjectStore client(String secretKey) {
        return new StorageProperties(
                        server.endpoint(),
                        "us-east-1",
                        "bucket",
                        EmbeddedS3.ACCESS_KEY,
                        secretKey,
                        DataSize.ofBytes(PART),
                        Duration.ofSeconds(2),
                        Duration.ofSeconds(10),
                        DataSize.ofBytes(0))
                .open();
    }

    @Override
    ObjectStore objects() {
        return objects;
    }

    @Test
    void tellsFailuresApart() {
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
}
