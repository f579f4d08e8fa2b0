package io.octavo.worker.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.octavo.engine.request.JobMonitor;
import io.octavo.jobs.blob.BlobId;
import io.octavo.jobs.problem.ProblemException;
import io.octavo.jobs.repository.RepositoryPath;
import io.octavo.jobs.source.SourceFile;
import io.octavo.worker.attempt.TestWorkDirectory;
import io.octavo.worker.attempt.WorkDirectory;
import io.octavo.worker.attempt.WorkDirectoryProperties;
import io.octavo.worker.transfer.TransferProperties;
import io.octavo.worker.transfer.Transfers;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.util.unit.DataSize;

@Timeout(60)
final class InputCacheTest {

    private static final int FILE_BYTES = 300_000;

    @TempDir
    Path folder;

    private final AtomicInteger opened = new AtomicInteger();
    private WorkDirectory directory;
    private Transfers transfers;
    private InputCache cache;

    /** Room for two files and a half. */
    @BeforeEach
    void open() {
        var properties = new WorkDirectoryProperties(folder.resolve("worker"), DataSize.ofBytes(FILE_BYTES * 5L / 2));
        directory = TestWorkDirectory.open(properties);
        transfers = new Transfers(new TransferProperties(8));
        cache = new InputCache(directory, properties);
    }

    @AfterEach
    void close() throws IOException {
        directory.close();
    }

    @Test
    void everyFileArrivesThoughFewHaveRoomInTheCache() throws IOException {
        List<SourceFile> files = IntStream.range(0, 24)
                .mapToObj(i -> file("f" + i, i % 9, i % 3 != 0))
                .toList();
        for (int round = 0; round < 3; round++) {
            Path job = folder.resolve("job-" + round);
            List<BlobId> held = bring(files, job);
            for (int i = 0; i < files.size(); i++) {
                assertThat(job.resolve("f" + i)).hasBinaryContent(content(i % 9));
                assertThat(held.get(i)).isEqualTo(id(i % 9));
            }
        }
        assertThat(bytesBelow(folder.resolve("worker/cache"))).isLessThanOrEqualTo(FILE_BYTES * 8L);
        assertThat(folder.resolve("worker/cache/incoming")).isEmptyDirectory();
    }

    @Test
    void whatIsHereIsNotFetchedAgain() {
        bring(List.of(file("a", 1, true)), folder.resolve("one"));
        bring(List.of(file("b", 1, true)), folder.resolve("two"));
        assertThat(opened).hasValue(1);
        assertThat(folder.resolve("two/b")).hasBinaryContent(content(1));
    }

    @Test
    void aWrongFileLeavesNothingBehind() {
        SourceFile wrong = new SourceFile(
                new RepositoryPath("wrong"),
                FILE_BYTES,
                Optional.of(id(2)),
                (offset, length) -> new ByteArrayInputStream(content(1)));
        assertThatThrownBy(() -> bring(List.of(file("a", 0, true), wrong, file("c", 3, true)), folder.resolve("job")))
                .isInstanceOf(ProblemException.class)
                .hasMessageContaining("wrong came with SHA-256");
        assertThat(folder.resolve("job/wrong")).doesNotExist();
        assertThat(folder.resolve("worker/cache/incoming")).isEmptyDirectory();
    }

    /** Other programs write to the disk too, hence the span. */
    @Test
    void whatIsKeptOfEarlierJobsIsRoomForTheNext() throws IOException {
        FileStore disk = Files.getFileStore(folder);
        bring(List.of(file("a", 1, true), file("b", 2, true)), folder.resolve("one"));
        long spare = 64L << 20;
        assertThat(cache.disk().totalBytes()).isEqualTo(disk.getTotalSpace() - spare);
        assertThat(cache.disk().freeBytes())
                .isCloseTo(disk.getUsableSpace() + 2 * FILE_BYTES - spare, within(FILE_BYTES / 2L));
    }

    private List<BlobId> bring(List<SourceFile> files, Path job) {
        return transfers.each(
                files,
                SourceFile::size,
                JobMonitor.none(),
                (file, passage) ->
                        cache.materialize(file, job.resolve(file.path().value()), passage));
    }

    private SourceFile file(String name, int seed, boolean isKnown) {
        return new SourceFile(
                new RepositoryPath(name),
                FILE_BYTES,
                isKnown ? Optional.of(id(seed)) : Optional.empty(),
                (offset, length) -> {
                    opened.incrementAndGet();
                    return new ByteArrayInputStream(
                            Arrays.copyOfRange(content(seed), (int) offset, (int) (offset + length)));
                });
    }

    private static byte[] content(int seed) {
        byte[] bytes = new byte[FILE_BYTES];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    private static BlobId id(int seed) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(content(seed));
            return new BlobId(HexFormat.of().formatHex(hash), FILE_BYTES);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private static long bytesBelow(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(Files::isRegularFile)
                    .mapToLong(file -> {
                        try {
                            return Files.size(file);
                        } catch (IOException e) {
                            throw new UncheckedIOException(e);
                        }
                    })
                    .sum();
        }
    }
}
