package io.octavo.jobs.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;

/** A file system of few bytes, which the kernel itself says is full. Only root can mount one; without the right there is none. */
public final class SmallDisk implements AutoCloseable {

    private final Path folder;
    private final int bytes;
    private final boolean mounted;

    /** @param folder made for it; outlives it */
    public SmallDisk(Path folder, int bytes) {
        this.folder = folder;
        this.bytes = bytes;
        try {
            Files.createDirectories(folder);
            mounted = run("mount", "-t", "tmpfs", "-o", "size=" + bytes, "tmpfs", folder.toString()) == 0;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Skips the test without one. */
    public void require() {
        Assumptions.assumeTrue(mounted, "needs the right to mount a tmpfs");
    }

    public Path folder() {
        return folder;
    }

    public long free() {
        try {
            return Files.getFileStore(folder).getUsableSpace();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Until the kernel refuses. */
    public void fill() {
        assertThatIOException()
                .isThrownBy(() -> Files.write(filler(), new byte[bytes]))
                .withMessageContaining("No space left");
        assertThat(free()).isZero();
    }

    /** Makes room again, if it is filled. */
    public void empty() {
        try {
            Files.deleteIfExists(filler());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Path filler() {
        return folder.resolve("filler");
    }

    /** Whatever still reads from it goes on reading. */
    @Override
    public void close() {
        if (mounted) {
            assertThat(run("umount", "--lazy", folder.toString())).isZero();
        }
    }

    private static int run(String... command) {
        try {
            Process process =
                    new ProcessBuilder(command).redirectErrorStream(true).start();
            assertThat(process.waitFor(10, TimeUnit.SECONDS)).isTrue();
            return process.exitValue();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }
}
