package io.octavo.jobs.blob;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.octavo.jobs.problem.ProblemCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FolderObjectStoreTest extends AbstractObjectStoreTest {

    @TempDir
    Path folder;

    private ObjectStore objects;

    @BeforeEach
    void start() {
        objects = new FolderObjectStore(folder, 0);
        objects.ensureBucketSoon("bucket");
    }

    @Override
    ObjectStore objects() {
        return objects;
    }

    @ParameterizedTest
    @ValueSource(strings = {"../outside", "a/../../outside", "/etc/passwd", "", ".", "a/./b", "nul\0"})
    void noKeyLeadsOutOfItsBucket(String key) throws IOException {
        Files.writeString(folder.resolve("outside"), "secret");
        assertThatExceptionOfType(StorageException.MissingObject.class)
                .isThrownBy(() -> objects.open("bucket", key, 0, 1));
        assertThatExceptionOfType(StorageException.MissingObject.class)
                .isThrownBy(() -> objects.put("bucket", key, stream(), content.length));
        assertThat(folder.resolve("outside")).hasContent("secret");
        assertThatExceptionOfType(StorageException.MissingBucket.class).isThrownBy(() -> objects.stat("..", "outside"));
        assertThat(objects.list("bucket", "../", 10)).isEmpty();
    }

    @Test
    void whatAnUploadThatFailedLeftIsGone() throws IOException {
        BlobId other = new BlobId("0".repeat(64), content.length);
        assertThatExceptionOfType(RuntimeException.class)
                .isThrownBy(() -> objects.put("bucket", "key", new Sha256Stream(stream(), other), content.length));
        assertThat(folder.resolve(".incoming")).isEmptyDirectory();
        Files.writeString(folder.resolve(".incoming/of-a-process-that-was-killed"), "half");
        new FolderObjectStore(folder, 0).close();
        assertThat(folder.resolve(".incoming")).isEmptyDirectory();
    }

    /** Refused before a byte is read. */
    @Test
    void aDiskWithoutRoomIsToldAtOnce() throws IOException {
        long free = Files.getFileStore(folder).getUsableSpace();
        ObjectStore full = new FolderObjectStore(folder, Long.MAX_VALUE);
        assertThat(full.isFull()).isTrue();
        assertThatExceptionOfType(StorageException.Full.class)
                .isThrownBy(() -> full.put("bucket", "key", stream(), 1))
                .satisfies(problem -> assertThat(problem.code()).isEqualTo(ProblemCode.STORAGE_FULL));
        assertThatExceptionOfType(StorageException.Full.class)
                .isThrownBy(() -> objects.put("bucket", "key", stream(), free * 2));
        assertThat(objects.list("bucket", "", 10)).isEmpty();
    }
}
