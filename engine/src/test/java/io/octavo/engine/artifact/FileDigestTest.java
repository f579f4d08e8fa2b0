package io.octavo.engine.artifact;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.request.HashedFile;
import io.octavo.engine.safetensors.SafetensorsWriter;
import io.octavo.engine.safetensors.TensorSpec;
import io.octavo.kernels.number.DType;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(30)
public final class FileDigestTest {

    private static final Path NAME = Path.of("a", "file");

    private static final List<TensorSpec> TENSOR = List.of(new TensorSpec("x", DType.U8, 1_000_000));

    @TempDir
    Path folder;

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 262_143, 262_144, 262_145, 3_000_000, (1 << 26) + 1})
    void isTheDigestOfAllBytes(int size) throws Exception {
        byte[] bytes = new byte[size];
        new Random(size).nextBytes(bytes);
        Path file = Files.write(folder.resolve("file"), bytes);
        assertThat(FileDigest.of(file, NAME)).isEqualTo(new HashedFile("a/file", size, sha256(bytes)));
    }

    @Test
    void endsBetweenWindowsWhenItIsInterrupted() throws Exception {
        Path file = Files.write(folder.resolve("file"), new byte[100]);
        Thread.currentThread().interrupt();
        assertThatThrownBy(() -> FileDigest.of(file, NAME)).hasRootCauseInstanceOf(ClosedByInterruptException.class);
        assertThat(Thread.interrupted()).isTrue();
    }

    @Test
    void followsWhatIsWrittenInAnyOrder() throws Exception {
        Path file = folder.resolve("model.safetensors");
        var tensors = List.of(new TensorSpec("x", DType.U8, 1_000_000), new TensorSpec("y", DType.U8, 300_000));
        try (SafetensorsWriter writer = SafetensorsWriter.create(file, tensors)) {
            var digest = new FutureTask<>(() -> follow(file, writer));
            Thread.ofPlatform().daemon().start(digest);
            writer.write("y", 0, ByteBuffer.allocate(300_000));
            writer.write("x", 500_000, ByteBuffer.allocate(500_000));
            assertThat(digest.isDone()).isFalse();
            writer.write("x", 0, ByteBuffer.wrap(new byte[] {1, 2, 3}));
            writer.write("x", 3, ByteBuffer.allocate(499_997));
            writer.seal();
            assertThat(digest.get().sha256()).isEqualTo(sha256(Files.readAllBytes(file)));
        }
    }

    @Test
    void saysThatAFileHasShrunk() throws Exception {
        Path file = folder.resolve("model.safetensors");
        try (SafetensorsWriter writer = SafetensorsWriter.create(file, TENSOR)) {
            writer.write("x", 0, ByteBuffer.allocate(1_000_000));
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
                channel.truncate(500_000);
            }
            assertThatThrownBy(() -> follow(file, writer))
                    .isInstanceOfSatisfying(
                            QuantizationException.class,
                            e -> assertThat(e.code()).isEqualTo(ErrorCode.IO_FAILED))
                    .hasMessageContaining("a/file cannot be read: it has fewer than");
        }
    }

    @Test
    void endsWhenItIsInterrupted() throws Exception {
        Path file = folder.resolve("model.safetensors");
        try (SafetensorsWriter writer = SafetensorsWriter.create(file, TENSOR)) {
            var digest = new FutureTask<>(() -> follow(file, writer));
            Thread thread = Thread.ofPlatform().daemon().start(digest);
            thread.interrupt();
            assertThatThrownBy(digest::get)
                    .hasCauseInstanceOf(QuantizationException.class)
                    .hasRootCauseInstanceOf(ClosedByInterruptException.class);
        }
    }

    private static HashedFile follow(Path file, SafetensorsWriter writer) {
        return FileDigest.following(file, writer.header().fileBytes(), writer.written(), NAME);
    }

    private static String sha256(byte[] bytes) throws Exception {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    }
}
