package io.octavo.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.Stream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Large buffers of the processor's lie in files. */
class SpilledBuffersTest {

    /** More than one piece, and no whole number of them. */
    private static final int LARGE = (5 << 20) + 12;

    @TempDir
    Path folder;

    private final Backend backend = Backends.cpu(1);
    private final Stream stream = backend.newStream();

    @AfterEach
    void close() {
        stream.close();
        backend.close();
    }

    @Test
    void holdWhatIsWrittenAndLeaveNoName() throws IOException {
        byte[] written = new byte[LARGE];
        new Random(1).nextBytes(written);
        try (DeviceBuffer buffer = backend.spilling(folder, LARGE).allocate("test", LARGE)) {
            assertThat(buffer.bytes()).isEqualTo(LARGE);
            assertThat(read(buffer)).containsOnly(0);
            buffer.copyFrom(MemorySegment.ofArray(written), 0, stream);
            assertThat(read(buffer)).isEqualTo(written);
            assertThat(files()).isEmpty();
            assertThat(mappings()).hasSize(1);
        }
        assertThat(mappings()).isEmpty();
    }

    @Test
    void smallOnesLieInMemory() throws IOException {
        try (DeviceBuffer buffer = backend.spilling(folder, LARGE + 1).allocate("test", LARGE)) {
            assertThat(buffer.bytes()).isEqualTo(LARGE);
            assertThat(mappings()).isEmpty();
        }
        assertThatThrownBy(() -> backend.spilling(folder, 0)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void ofOtherOperationsSpillAsWell() throws IOException {
        try (DeviceBuffer buffer =
                backend.spilling(folder, LARGE).batchInvariant().allocate("test", LARGE)) {
            assertThat(buffer.bytes()).isEqualTo(LARGE);
            assertThat(mappings()).hasSize(1);
        }
    }

    @Test
    void aFolderThatCannotBeWrittenToIsTold() {
        Backend spilling = backend.spilling(folder.resolve("none"), LARGE);
        assertThatThrownBy(() -> spilling.allocate("moments", LARGE))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining("moments: " + LARGE + " bytes cannot be spilled");
    }

    private byte[] read(DeviceBuffer buffer) {
        byte[] found = new byte[LARGE];
        buffer.copyTo(MemorySegment.ofArray(found), 0, stream);
        assertThat(buffer.hostView().orElseThrow().get(ValueLayout.JAVA_BYTE, LARGE - 1))
                .isEqualTo(found[LARGE - 1]);
        return found;
    }

    private List<Path> files() throws IOException {
        try (var files = Files.list(folder)) {
            return files.toList();
        }
    }

    /** Of files in the folder, whether they have a name or not. */
    private List<String> mappings() throws IOException {
        try (var lines = Files.lines(Path.of("/proc/self/maps"))) {
            return lines.filter(line -> line.contains(folder.toString())).toList();
        }
    }
}
