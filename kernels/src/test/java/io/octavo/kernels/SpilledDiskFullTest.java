package io.octavo.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.DeviceBuffer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Buffers in files on a disk with too little room. */
class SpilledDiskFullTest {

    private static final int DISK = 4 << 20;

    @TempDir
    Path folder;

    /** Before anything is written to the buffer: then a page without room would end the process. */
    @Test
    void isToldWhenABufferIsMade() throws IOException, InterruptedException {
        Path disk = Files.createDirectory(folder.resolve("disk"));
        Assumptions.assumeTrue(
                run("mount", "-t", "tmpfs", "-o", "size=" + DISK, "tmpfs", disk.toString()) == 0,
                "needs the right to mount a tmpfs");
        try (Backend backend = Backends.cpu(1)) {
            Backend spilling = backend.spilling(disk, 1);
            assertThatThrownBy(() -> spilling.allocate("moments", DISK + 1))
                    .isInstanceOf(UncheckedIOException.class)
                    .hasMessageContaining(
                            "moments: " + (DISK + 1) + " bytes cannot be spilled: No space left on device");
            // What was written until then was given back.
            try (DeviceBuffer buffer = spilling.allocate("moments", DISK - (64 << 10))) {
                assertThat(buffer.bytes()).isEqualTo(DISK - (64 << 10));
            }
        } finally {
            run("umount", disk.toString());
        }
    }

    private static int run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        assertThat(process.waitFor(10, TimeUnit.SECONDS)).isTrue();
        return process.exitValue();
    }
}
