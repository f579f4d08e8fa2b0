package io.octavo.jobs.source;

import io.octavo.engine.request.EvaluationTask.ChoiceFormat.MmluCsv;
import io.octavo.jobs.identity.TenantId;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import io.octavo.jobs.spec.DatasetReference;
import io.octavo.jobs.spec.SourceUri;
import java.util.List;
import org.springframework.stereotype.Service;

/** Finds what a URI names, for the tenant that named it. */
@Service
public class SourceCatalog {

    private final HubListing hub;
    private final BucketListing buckets;
    private final FolderListing folders;

    SourceCatalog(HubListing hub, BucketListing buckets, FolderListing folders) {
        this.hub = hub;
        this.buckets = buckets;
        this.folders = folders;
    }

    /** Whether this process was told of folders, so that what it says of {@code file:} sources counts. */
    public boolean readsFolders() {
        return folders.areAllowed();
    }

    /**
     * Asks nobody, so that a caller who waits can be told at once.
     *
     * @throws ProblemException {@code source-not-allowed}
     */
    public void requireAllowed(TenantId tenant, SourceUri source) {
        switch (source) {
            case SourceUri.S3 prefix -> buckets.requireAllowed(tenant, prefix);
            case SourceUri.LocalFile folder -> FolderListing.requireOperator(tenant, folder);
            case SourceUri.Hub repository -> {}
            case SourceUri.Step step -> {}
        }
    }

    /** What is said of a folder that nobody may read. */
    public static ProblemException notAllowed(SourceUri.LocalFile folder) {
        return FolderListing.notAllowed(folder, null);
    }

    /** @throws ProblemException if it is not there, or may not be read */
    public SourceListing list(TenantId tenant, SourceUri source) {
        return switch (source) {
            case SourceUri.Hub repository -> hub.list(tenant, repository);
            case SourceUri.S3 prefix -> buckets.list(tenant, prefix);
            case SourceUri.LocalFile folder -> folders.list(tenant, folder);
            case SourceUri.Step step -> throw unresolved(step);
        };
    }

    /**
     * What a dataset is read from: one file, or those of a folder.
     *
     * @throws ProblemException if it is not there, or may not be read
     */
    public List<SourceFile> files(TenantId tenant, DatasetReference reference) {
        if (!reference.folder()) {
            return List.of(dataset(tenant, reference));
        }
        String below = reference.path() == null ? "" : reference.path().value() + "/";
        List<SourceFile> files = list(tenant, reference.source()).files().stream()
                .filter(file -> file.path().value().startsWith(below)
                        && MmluCsv.reads(file.path().value()))
                .toList();
        if (files.isEmpty()) {
            throw new ProblemException(
                    ProblemCode.SOURCE_NOT_FOUND,
                    "dataset " + reference + ": there is no file that ends in " + MmluCsv.TEST);
        }
        return files;
    }

    /** @throws ProblemException if it is not there, or may not be read */
    public SourceFile dataset(TenantId tenant, DatasetReference reference) {
        return switch (reference.source()) {
            case SourceUri.Hub source -> hubFile(tenant, source, reference);
            case SourceUri.S3 source -> buckets.object(tenant, source);
            case SourceUri.LocalFile source -> folders.file(tenant, source);
            case SourceUri.Step step -> throw unresolved(step);
        };
    }

    private SourceFile hubFile(TenantId tenant, SourceUri.Hub source, DatasetReference reference) {
        List<SourceFile> files = hub.list(tenant, source).files();
        List<SourceFile> candidates = files.stream()
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

    private static IllegalStateException unresolved(SourceUri.Step step) {
        return new IllegalStateException("the queue puts an artifact in place of " + step + " before the job runs");
    }

    private static boolean isData(String path) {
        return path.endsWith(".txt") || path.endsWith(".jsonl");
    }
}
