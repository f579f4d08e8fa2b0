package io.octavo.jobs.blob;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import java.io.ByteArrayInputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.time.Instant;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What every object store does, on real bytes. */
abstract class AbstractObjectStoreTest {

    static final int PART = 5 << 20;

    final byte[] content = new byte[3 * PART + 1];

    /** With an empty bucket of the name {@code bucket}. */
    abstract ObjectStore objects();

    @BeforeEach
    void draw() {
        new Random(5).nextBytes(content);
    }

    InputStream stream() {
        return new ByteArrayInputStream(content);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, PART - 1, PART, PART + 1, 3 * PART + 1})
    void keepsBytesOfEverySizeWhetherItIsKnownOrNot(int size) throws IOException {
        byte[] bytes = Arrays.copyOf(content, size);
        objects().put("bucket", "known", new ByteArrayInputStream(bytes), size);
        objects().put("bucket", "unknown", new ByteArrayInputStream(bytes), ObjectStore.UNKNOWN_SIZE);
        objects().copy("bucket", "unknown", "copied", size);
        for (String key : new String[] {"known", "unknown", "copied"}) {
            assertThat(objects().stat("bucket", key)).isEqualTo(new ObjectInfo(key, size));
            assertThat(objects().open("bucket", key, 0, size).readAllBytes()).isEqualTo(bytes);
        }
    }

    @Test
    void readsRanges() throws IOException {
        objects().put("bucket", "key", stream(), content.length);
        assertThat(objects().open("bucket", "key", PART - 2, 5).readAllBytes())
                .isEqualTo(Arrays.copyOfRange(content, PART - 2, PART + 3));
    }

    @Test
    void tellsWhatIsMissing() {
        ObjectStore objects = objects();
        assertThatExceptionOfType(StorageException.MissingBucket.class)
                .isThrownBy(() -> objects.stat("no-such-bucket", "key"));
        assertThatExceptionOfType(StorageException.MissingBucket.class)
                .isThrownBy(() -> objects.list("no-such-bucket", "", 10));
        assertThatExceptionOfType(StorageException.MissingBucket.class)
                .isThrownBy(() -> objects.put("no-such-bucket", "key", stream(), content.length));
        assertThatExceptionOfType(StorageException.MissingObject.class).isThrownBy(() -> objects.stat("bucket", "key"));
        assertThatExceptionOfType(StorageException.MissingObject.class)
                .isThrownBy(() -> objects.open("bucket", "key", 0, 1));
        assertThatExceptionOfType(StorageException.MissingObject.class)
                .isThrownBy(() -> objects.copy("bucket", "key", "other", 1));
    }

    @Test
    void listsByPrefixAndAgeAndDeletesTwice() {
        ObjectStore objects = objects();
        for (String key : new String[] {"a/b/2", "a/b/1", "a/bc", "b"}) {
            objects.put("bucket", key, new ByteArrayInputStream(content, 0, 3), 3);
        }
        assertThat(objects.list("bucket", "a/b", 10))
                .containsExactly(new ObjectInfo("a/b/1", 3), new ObjectInfo("a/b/2", 3), new ObjectInfo("a/bc", 3));
        assertThat(objects.list("bucket", "a/b/", 1)).containsExactly(new ObjectInfo("a/b/1", 3));
        assertThat(objects.listOlder("bucket", "a/", Instant.now().plusSeconds(60)))
                .hasSize(3);
        assertThat(objects.listOlder("bucket", "a/", Instant.now().minusSeconds(60)))
                .isEmpty();
        objects.delete("bucket", "b");
        objects.delete("bucket", "b");
        assertThat(objects.list("bucket", "", 10)).hasSize(3);
        assertThat(objects.isFull()).isFalse();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, PART, 3 * PART + 1})
    void contentThatIsNotWhatWasAnnouncedNeverAppears(int size) {
        BlobId other = new BlobId("0".repeat(64), size);
        InputStream wrong = new Sha256Stream(new ByteArrayInputStream(content, 0, size), other);
        assertThatExceptionOfType(ProblemException.class)
                .isThrownBy(() -> objects().put("bucket", "key", wrong, size))
                .satisfies(problem -> assertThat(problem.code()).isEqualTo(ProblemCode.CONTENT_HASH_MISMATCH));
        assertThat(objects().list("bucket", "", 10)).isEmpty();
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
                .isThrownBy(() -> objects().put("bucket", "key", breaking, content.length))
                .isSameAs(reason);
    }
}
