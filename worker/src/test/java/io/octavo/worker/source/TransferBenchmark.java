package io.octavo.worker.source;

import io.octavo.engine.request.JobMonitor;
import io.octavo.jobs.repository.RepositoryPath;
import io.octavo.jobs.source.SourceFile;
import io.octavo.worker.attempt.TestWorkDirectory;
import io.octavo.worker.attempt.WorkDirectory;
import io.octavo.worker.attempt.WorkDirectoryProperties;
import io.octavo.worker.transfer.TransferProperties;
import io.octavo.worker.transfer.Transfers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import org.springframework.util.FileSystemUtils;
import org.springframework.util.unit.DataSize;

/**
 * Brings eight files of 512 MB from a folder into an empty cache: {@code TransferBenchmark DIR AT_ONCE...}. Prints gigabytes a
 * second, hashed and stored, for each number of files at once, three times.
 */
final class TransferBenchmark {

    private static final int FILES = 8;
    private static final int FILE_BYTES = 1 << 29;

    private TransferBenchmark() {}

    public static void main(String[] arguments) throws IOException {
        Path folder = Path.of(arguments[0]);
        Path source = Files.createDirectories(folder.resolve("source"));
        byte[] bytes = new byte[FILE_BYTES];
        new Random(1).nextBytes(bytes);
        for (int i = 0; i < FILES; i++) {
            bytes[0] = (byte) i;
            Files.write(source.resolve("f" + i), bytes);
        }
        for (int round = 0; round < 3; round++) {
            for (int argument = 1; argument < arguments.length; argument++) {
                measure(folder, source, Integer.parseInt(arguments[argument]));
            }
        }
        FileSystemUtils.deleteRecursively(folder);
    }

    private static void measure(Path folder, Path source, int atOnce) throws IOException {
        Path work = folder.resolve("worker");
        var properties = new WorkDirectoryProperties(work, DataSize.ofBytes(Long.MAX_VALUE));
        List<SourceFile> files = IntStream.range(0, FILES)
                .mapToObj(i -> new SourceFile(
                        new RepositoryPath("f" + i),
                        FILE_BYTES,
                        Optional.empty(),
                        (offset, length) -> Files.newInputStream(source.resolve("f" + i))))
                .toList();
        try (WorkDirectory directory = TestWorkDirectory.open(properties)) {
            var cache = new InputCache(directory, properties);
            long begun = System.nanoTime();
            new Transfers(new TransferProperties(atOnce))
                    .each(
                            files,
                            SourceFile::size,
                            JobMonitor.none(),
                            (file, passage) -> cache.materialize(
                                    file,
                                    work.resolve("jobs").resolve(file.path().value()),
                                    passage));
            double seconds = (System.nanoTime() - begun) / 1e9;
            System.out.printf(
                    "%d at once: %.2f s = %.2f GB/s%n", atOnce, seconds, (double) FILES * FILE_BYTES / 1e9 / seconds);
        }
        FileSystemUtils.deleteRecursively(work);
    }
}
