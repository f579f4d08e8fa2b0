package io.octavo.cli.transfer;

import io.octavo.cli.client.OctavoClient;
import io.octavo.cli.client.RetryPolicy;
import io.octavo.hub.RepositoryName;
import io.octavo.wire.RepositoryFile;
import io.octavo.wire.RevisionView;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A revision becomes a folder. Files that are there already with the right contents stay, others are replaced only where
 * that is asked for; one that was cut off goes on from its {@code .part} file. A file appears under its name only once its
 * hash is right.
 */
public final class RepositoryPull {

    /** What becomes of files that are there with other contents. */
    public enum Existing {
        KEEP,
        REPLACE
    }

    private static final int DOWNLOAD_WIDTH = 2;
    private static final int LONGEST_PART_NAME = 56;

    private final OctavoClient client;
    private final RetryPolicy retries;
    private final TransferMonitor monitor;

    public RepositoryPull(OctavoClient client, RetryPolicy retries, TransferMonitor monitor) {
        this.client = client;
        this.retries = retries;
        this.monitor = monitor;
    }

    /**
     * @param revision a revision's id, or {@code main}
     * @param existing with {@code KEEP}, nothing is written where one of them is in the way
     * @return the revision that the folder now holds; files that it does not name are left as they are
     * @throws TransferException if a path is refused or taken, or contents do not match their hash
     */
    public RevisionView pull(RepositoryName repository, String revision, Path folder, Existing existing)
            throws IOException, InterruptedException {
        RevisionView wanted = client.revision(repository, revision);
        var local = new LocalFolder(folder);
        local.requireSafe(wanted.files());
        monitor.stage(
                "downloading",
                wanted.files().stream().mapToLong(RepositoryFile::size).sum());
        List<Boolean> there = Parallel.map(wanted.files(), DOWNLOAD_WIDTH, file -> local.holds(file, monitor));
        List<RepositoryFile> missing = IntStream.range(0, there.size())
                .filter(file -> !there.get(file))
                .mapToObj(wanted.files()::get)
                .toList();
        local.requireFree(missing, existing == Existing.REPLACE);
        Parallel.map(missing, DOWNLOAD_WIDTH, file -> fetch(repository, wanted.id(), file, local));
        return wanted;
    }

    private Path fetch(RepositoryName repository, String revision, RepositoryFile file, LocalFolder local)
            throws IOException, InterruptedException {
        Path target = local.resolve(file.path());
        Path part = target.resolveSibling(partName(file));
        Files.createDirectories(part.resolveSibling("."));
        boolean resumed = Files.exists(part, LinkOption.NOFOLLOW_LINKS);
        var download = new PartialDownload(client, repository, revision, file, part, monitor);

        String sha256 = download.complete(retries);
        if (resumed && !sha256.equals(file.sha256())) {
            download.discard();
            sha256 = download.complete(retries);
        }
        if (!sha256.equals(file.sha256())) {
            download.discard();
            throw new TransferException(
                    file.path() + ": expected sha256 " + file.sha256() + ", received " + sha256 + "; nothing was kept");
        }
        return Files.move(part, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    /** The hash keeps the leftover of another revision from being continued; the name is cut to what file systems take. */
    private static String partName(RepositoryFile file) {
        String name = file.path().substring(file.path().lastIndexOf('/') + 1);
        String start = name.substring(0, Math.min(name.length(), LONGEST_PART_NAME));
        return start + "." + file.sha256().substring(0, 12) + LocalFolder.PART_SUFFIX;
    }
}
