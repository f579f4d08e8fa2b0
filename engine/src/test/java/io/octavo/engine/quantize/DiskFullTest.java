package io.octavo.engine.quantize;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.octavo.engine.TestModels;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.layout.compressed.CompressedTensors;
import io.octavo.engine.request.QuantizationRequest;
import io.octavo.engine.request.Recipe;
import io.octavo.engine.safetensors.DiskFailure;
import io.octavo.kernels.Backends;
import io.octavo.kernels.backend.Backend;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DiskFullTest {

    @TempDir
    Path folder;

    /** The disk has room when the job starts and fills up while it writes. */
    @Test
    void failsCleanlyWhenTheDiskFillsUp() throws IOException, InterruptedException {
        Path disk = Files.createDirectory(folder.resolve("disk"));
        Assumptions.assumeTrue(
                run("mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", disk.toString()) == 0,
                "needs the right to mount a tmpfs");
        try (Backend backend = Backends.cpu(2)) {
            var request = new QuantizationRequest(
                    TestModels.books5m(),
                    disk.resolve("out"),
                    new Recipe("FP8_DYNAMIC", CompressedTensors.NAME, List.of()));
            var monitor = RecordingMonitor.onPhase(phase -> {
                if (phase.equals("quantize")) {
                    fill(disk.resolve("filler"), 28 << 20);
                }
            });
            var quantizer = new Quantizer(backend, 2);
            assertThat(catchThrowableOfType(QuantizationException.class, () -> quantizer.quantize(request, monitor))
                            .code())
                    .isEqualTo(ErrorCode.DISK_FULL);
            try (Stream<Path> left = Files.list(disk)) {
                assertThat(left).containsExactly(disk.resolve("filler"));
            }
        } finally {
            run("umount", disk.toString());
        }
    }

    @Test
    void tellsAFullDiskFromOtherFailures() throws IOException {
        Path full = Path.of("/dev/full");
        Assumptions.assumeTrue(Files.exists(full), "needs /dev/full");
        try (FileChannel channel = FileChannel.open(full, StandardOpenOption.WRITE)) {
            IOException failure = catchThrowableOfType(IOException.class, () -> channel.write(ByteBuffer.allocate(1)));
            Path file = folder.resolve("model.safetensors");
            assertThat(DiskFailure.writing(file, failure).code()).isEqualTo(ErrorCode.DISK_FULL);
            assertThat(DiskFailure.writing(file, new IOException("Input/output error"))
                            .code())
                    .isEqualTo(ErrorCode.IO_FAILED);
        }
    }

    private static void fill(Path file, int bytes) {
        try {
            Files.write(file, new byte[bytes]);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static int run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        assertThat(process.waitFor(10, TimeUnit.SECONDS)).isTrue();
        return process.exitValue();
    }
}
