package io.octavo.cli.transfer;

import io.octavo.cli.client.CommitOutcome;
import io.octavo.cli.client.OctavoClient;
import io.octavo.cli.client.ProblemException;
import io.octavo.hub.RepositoryName;
import io.octavo.wire.RepositoryFile;
import io.octavo.wire.RevisionView;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A folder becomes a revision. Only contents that the service does not have yet travel, so a push that was cut off goes
 * on where it stopped, and one of an unchanged folder sends nothing.
 */
public final class RepositoryPush {

    private static final int HASHING_WIDTH = Math.clamp(Runtime.getRuntime().availableProcessors(), 1, 4);
    private static final int UPLOAD_WIDTH = 2;
    private static final int COMMITS = 3;

    private final OctavoClient client;
    private final TransferMonitor monitor;

    public RepositoryPush(OctavoClient client, TransferMonitor monitor) {
        this.client = client;
        this.monitor = monitor;
    }

    /**
     * @throws TransferException if the folder is empty or holds what is no file or not the file that it stands for, or what
     *     the server stored is not what was sent
     */
    public RevisionView push(Path folder, RepositoryName repository, String message)
            throws IOException, InterruptedException {
        requireAccess(repository);
        Map<RepositoryFile, Path> files = hash(folder);
        List<RepositoryFile> list = List.copyOf(files.keySet());
        CommitOutcome outcome = client.commit(repository, message, list);
        for (int commit = 1; commit < COMMITS && outcome instanceof CommitOutcome.BlobsMissing missing; commit++) {
            upload(repository, files, missing.sha256());
            outcome = client.commit(repository, message, list);
        }
        return switch (outcome) {
            case CommitOutcome.Committed committed -> committed.revision();
            case CommitOutcome.BlobsMissing missing ->
                throw new TransferException("the server still misses "
                        + missing.sha256().size() + " of the files that it has acknowledged");
        };
    }

    /** A key that opens nothing, or a server that is away, shows before minutes of hashing. */
    private void requireAccess(RepositoryName repository) throws InterruptedException {
        try {
            client.revision(repository, "main");
        } catch (ProblemException e) {
            if (!e.problem().code().endsWith("-not-found")) {
                throw e;
            }
        }
    }

    private Map<RepositoryFile, Path> hash(Path folder) throws IOException, InterruptedException {
        List<String> paths = new LocalFolder(folder).files();
        if (paths.isEmpty()) {
            throw new TransferException(folder + " holds no files");
        }
        long bytes = 0;
        for (String path : paths) {
            LfsPointer.refuse(folder.resolve(path));
            bytes += Files.size(folder.resolve(path));
        }
        monitor.stage("hashing", bytes);
        List<RepositoryFile> hashed = Parallel.map(paths, HASHING_WIDTH, path -> {
            Path file = folder.resolve(path);
            return new RepositoryFile(path, Files.size(file), FileHash.sha256(file, monitor::advance));
        });
        Map<RepositoryFile, Path> files = new LinkedHashMap<>();
        hashed.forEach(file -> files.put(file, folder.resolve(file.path())));
        return files;
    }

    private void upload(RepositoryName repository, Map<RepositoryFile, Path> files, Set<String> missing)
            throws IOException, InterruptedException {
        Map<String, RepositoryFile> wanted = new LinkedHashMap<>();
        files.keySet().stream()
                .filter(file -> missing.contains(file.sha256()))
                .forEach(file -> wanted.putIfAbsent(file.sha256(), file));
        if (wanted.size() != missing.size()) {
            throw new TransferException("the server asks for contents that are not in the folder");
        }
        monitor.stage(
                "uploading",
                wanted.values().stream().mapToLong(RepositoryFile::size).sum());
        Parallel.map(List.copyOf(wanted.values()), UPLOAD_WIDTH, file -> {
            RepositoryFile stored =
                    client.upload(repository, file, files.getOrDefault(file, Path.of("")), monitor::advance);
            if (!stored.sha256().equals(file.sha256()) || stored.size() != file.size()) {
                throw new TransferException(
                        file.path() + ": sent " + file.size() + " bytes with sha256 " + file.sha256()
                                + ", but the server stored " + stored.size() + " bytes with " + stored.sha256());
            }
            return stored;
        });
    }
}
