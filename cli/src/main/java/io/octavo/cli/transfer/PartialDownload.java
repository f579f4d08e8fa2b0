package io.octavo.cli.transfer;

import io.octavo.cli.client.OctavoClient;
import io.octavo.cli.client.OctavoClient.Download;
import io.octavo.cli.client.RetryPolicy;
import io.octavo.hub.RepositoryName;
import io.octavo.wire.RepositoryFile;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;

/** One file on its way in. What has arrived stays in a part file, from which a later try goes on. */
final class PartialDownload {

    private static final int BUFFER_BYTES = 1 << 18;

    private final OctavoClient client;
    private final RepositoryName repository;
    private final String revision;
    private final RepositoryFile file;
    private final Path part;
    private final TransferMonitor monitor;
    private long reportedBytes;

    PartialDownload(
            OctavoClient client,
            RepositoryName repository,
            String revision,
            RepositoryFile file,
            Path part,
            TransferMonitor monitor) {
        this.client = client;
        this.repository = repository;
        this.revision = revision;
        this.file = file;
        this.part = part;
        this.monitor = monitor;
    }

    /**
     * Completes the part file over as many connections as the policy allows.
     *
     * @return the sha256 of what has arrived, which may still be wrong
     */
    String complete(RetryPolicy retries) throws InterruptedException {
        for (int failures = 1; ; failures++) {
            try {
                return continueOnce();
            } catch (IOException e) {
                if (failures >= retries.attempts()) {
                    throw new TransferException(
                            file.path() + ": " + e.getMessage() + "; run the same command again to go on");
                }
                Thread.sleep(retries.pauseAfter(failures));
            }
        }
    }

    void discard() throws IOException {
        Files.deleteIfExists(part);
        report(0);
    }

    private String continueOnce() throws IOException, InterruptedException {
        if (!Files.exists(part, LinkOption.NOFOLLOW_LINKS)) {
            Files.createFile(part);
        }
        if (!Files.isRegularFile(part, LinkOption.NOFOLLOW_LINKS)) {
            throw new TransferException(part + " is in the way: it is not a plain file");
        }
        if (Files.size(part) > file.size()) {
            truncate();
        }
        MessageDigest digest = FileHash.newDigest();
        report(0);
        long have = FileHash.update(digest, part, count -> report(reportedBytes + count));
        return have == file.size() ? FileHash.hex(digest) : receive(have, digest);
    }

    private String receive(long have, MessageDigest digest) throws IOException, InterruptedException {
        try (Download download = client.open(repository, revision, file, have)) {
            long start = download.start();
            if (start != 0 && start != have) {
                throw new TransferException(file.path() + ": asked for the bytes from " + have
                        + " on, the server sent those from " + start);
            }
            if (start != have) {
                truncate();
                digest.reset();
            }
            append(download.body(), start, digest);
            return FileHash.hex(digest);
        }
    }

    private void append(InputStream body, long start, MessageDigest digest) throws IOException {
        byte[] buffer = new byte[BUFFER_BYTES];
        long total = start;
        try (OutputStream out = Files.newOutputStream(part, StandardOpenOption.APPEND, LinkOption.NOFOLLOW_LINKS)) {
            for (int count = body.read(buffer); count >= 0; count = body.read(buffer)) {
                total += count;
                if (total > file.size()) {
                    throw new TransferException(
                            file.path() + ": the server sends more than the announced " + file.size() + " bytes");
                }
                out.write(buffer, 0, count);
                digest.update(buffer, 0, count);
                report(total);
            }
        }
        if (total < file.size()) {
            throw new EOFException("the connection ended after " + total + " of " + file.size() + " bytes");
        }
    }

    private void truncate() throws IOException {
        Files.newByteChannel(part, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING)
                .close();
        report(0);
    }

    private void report(long totalBytes) {
        monitor.advance(totalBytes - reportedBytes);
        reportedBytes = totalBytes;
    }
}
