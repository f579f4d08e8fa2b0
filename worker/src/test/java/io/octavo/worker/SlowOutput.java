package io.octavo.worker;

import io.octavo.engine.request.HashedFile;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.concurrent.CountDownLatch;

/**
 * An output whose second half comes when a test says so: a pipe that stands where an upload expects a file, so that
 * things can happen while the upload is under way.
 */
final class SlowOutput implements AutoCloseable {

    private static final String NAME = "model.safetensors";

    private final Path pipe;
    private final byte[] content;
    private final CountDownLatch firstHalf = new CountDownLatch(1);
    private final CountDownLatch go = new CountDownLatch(1);
    private final Thread writer;

    SlowOutput(Path pipe, byte[] content) throws IOException, InterruptedException {
        this.pipe = pipe;
        this.content = content.clone();
        Files.deleteIfExists(pipe);
        int made = new ProcessBuilder("mkfifo", pipe.toString())
                .inheritIO()
                .start()
                .waitFor();
        if (made != 0) {
            throw new IOException("mkfifo ended with " + made);
        }
        this.writer = Thread.ofPlatform().daemon().name("slow-output").start(this::write);
    }

    private void write() {
        try (OutputStream out = Files.newOutputStream(pipe)) {
            // More than a part, so that the first is on its way to the store; what is read is no longer in the pipe.
            int half = content.length * 3 / 4;
            out.write(content, 0, half);
            firstHalf.countDown();
            go.await();
            out.write(content, half, content.length - half);
        } catch (IOException e) {
            // The reader is gone: its upload failed.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Puts the pipe into an engine's target folder. */
    HashedFile file(Path target) {
        try {
            Files.createDirectories(target);
            Files.createSymbolicLink(target.resolve(NAME), pipe);
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(content);
            return new HashedFile(NAME, content.length, HexFormat.of().formatHex(hash));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Returns when an upload has read most of the content. */
    void awaitFirstHalf() throws InterruptedException {
        firstHalf.await();
    }

    void finish() {
        go.countDown();
    }

    @Override
    public void close() {
        finish();
        try {
            writer.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
