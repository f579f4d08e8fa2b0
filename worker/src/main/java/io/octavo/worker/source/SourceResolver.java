package io.octavo.worker.source;

import io.octavo.engine.JobMonitor;
import io.octavo.jobs.blob.BlobId;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import io.octavo.jobs.spec.DatasetReference;
import io.octavo.jobs.spec.SourceUri;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import org.springframework.stereotype.Component;

/** Brings sources and datasets to local disk, verified. */
@Component
public class SourceResolver {

    private final HubListing hub;
    private final BucketListing buckets;
    private final FolderListing folders;
    private final InputCache cache;

    SourceResolver(HubListing hub, BucketListing buckets, FolderListing folders, InputCache cache) {
        this.hub = hub;
        this.buckets = buckets;
        this.folders = folders;
        this.cache = cache;
    }

    /**
     * Puts all files of a source into a folder.
     *
     * @param folder exists and is empty
     */
    public ResolvedSource checkpoint(SourceUri source, Path folder, JobMonitor monitor) {
        Listing listing = list(source);
        MessageDigest manifest = sha256();
        long total =
                Math.max(1, listing.files().stream().mapToLong(RemoteFile::size).sum());
        long done = 0;
        for (RemoteFile file : listing.files()) {
            monitor.checkpoint();
            BlobId id = cache.materialize(file, folder.resolve(file.path().value()), monitor);
            manifest.update(
                    (file.path() + "\0" + id.size() + "\0" + id.sha256() + "\n").getBytes(StandardCharsets.UTF_8));
            done += file.size();
            monitor.progress((double) done / total);
        }
        String revision =
                listing.revision().orElseGet(() -> "sha256:" + HexFormat.of().formatHex(manifest.digest()));
        return new ResolvedSource(folder, listing.uri(), revision);
    }

    /** Puts one file of data into a folder and returns its place. */
    public Path dataset(DatasetReference reference, Path folder, JobMonitor monitor) {
        RemoteFile file = switch (reference.source()) {
            case SourceUri.Hub source -> hubFile(source, reference);
            case SourceUri.S3 source -> buckets.object(source);
            case SourceUri.LocalFile source -> folders.file(source);
        };
        Path target = folder.resolve(file.path().value());
        cache.materialize(file, target, monitor);
        return target;
    }

    private Listing list(SourceUri source) {
        return switch (source) {
            case SourceUri.Hub repository -> hub.list(repository);
            case SourceUri.S3 prefix -> buckets.list(prefix);
            case SourceUri.LocalFile folder -> folders.list(folder);
        };
    }

    private RemoteFile hubFile(SourceUri.Hub source, DatasetReference reference) {
        List<RemoteFile> files = hub.list(source).files();
        List<RemoteFile> candidates = files.stream()
                .filter(file -> reference.path() == null
                        ? isData(file.path().value())
                        : file.path().equals(reference.path()))
                .toList();
        if (candidates.size() == 1) {
            return candidates.getFirst();
        }
        if (reference.path() != null) {
            throw new ProblemException(
                    ProblemCode.SOURCE_NOT_FOUND, "dataset " + reference + ": the repository has no such file");
        }
        throw new ProblemException(
                ProblemCode.SOURCE_AMBIGUOUS,
                "dataset " + reference + ": the repository has " + candidates.size()
                        + " .txt and .jsonl files; name one with #path");
    }

    private static boolean isData(String path) {
        return path.endsWith(".txt") || path.endsWith(".jsonl");
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
