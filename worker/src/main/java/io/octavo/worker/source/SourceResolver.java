package io.octavo.worker.source;

import io.octavo.engine.request.HashedFile;
import io.octavo.engine.request.JobMonitor;
import io.octavo.jobs.blob.BlobId;
import io.octavo.jobs.identity.TenantId;
import io.octavo.jobs.repository.RepositoryPath;
import io.octavo.jobs.source.SourceCatalog;
import io.octavo.jobs.source.SourceFile;
import io.octavo.jobs.source.SourceListing;
import io.octavo.jobs.spec.DatasetReference;
import io.octavo.jobs.spec.SourceUri;
import io.octavo.jobs.worker.WorkerDisk;
import io.octavo.worker.transfer.Transfers;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.springframework.stereotype.Component;

/** Brings sources and datasets to local disk, verified. */
@Component
public class SourceResolver {

    private final SourceCatalog catalog;
    private final InputCache cache;
    private final Transfers transfers;

    SourceResolver(SourceCatalog catalog, InputCache cache, Transfers transfers) {
        this.catalog = catalog;
        this.cache = cache;
        this.transfers = transfers;
    }

    /** What the source holds now; nothing is fetched. */
    public SourceListing list(TenantId tenant, SourceUri source) {
        return catalog.list(tenant, source);
    }

    /** The disk that sources come to, without what is kept of earlier ones. */
    public WorkerDisk disk() {
        return cache.disk();
    }

    /**
     * Refuses early what has no room on this worker's disk.
     *
     * @param outputBytes that the job writes beside the source
     */
    public void requireRoom(SourceListing listing, long outputBytes) {
        cache.requireRoom(listing.files(), outputBytes);
    }

    /**
     * Puts all files of a source into a folder.
     *
     * @param folder exists and is empty
     */
    public ResolvedSource checkpoint(TenantId tenant, SourceUri source, Path folder, JobMonitor monitor) {
        return checkpoint(list(tenant, source), folder, monitor);
    }

    /**
     * Puts all files of a source into a folder.
     *
     * @param folder exists and is empty
     */
    public ResolvedSource checkpoint(SourceListing listing, Path folder, JobMonitor monitor) {
        List<SourceFile> listed = listing.files();
        List<BlobId> held = transfers.each(
                listed,
                SourceFile::size,
                monitor,
                (file, passage) ->
                        cache.materialize(file, folder.resolve(file.path().value()), passage));
        var manifest = new Manifest();
        var files = new ArrayList<HashedFile>();
        for (int i = 0; i < listed.size(); i++) {
            RepositoryPath path = listed.get(i).path();
            BlobId id = held.get(i);
            manifest.add(path, id);
            files.add(new HashedFile(path.value(), id.size(), id.sha256()));
        }
        String contents = manifest.sha256();
        return new ResolvedSource(
                folder, listing.uri(), listing.revision().orElse("sha256:" + contents), contents, files);
    }

    /** What {@link ResolvedSource#contents} will be, where the source tells its hashes without being fetched. */
    public Optional<String> contents(SourceListing listing) {
        var manifest = new Manifest();
        for (SourceFile file : listing.files()) {
            if (file.known().isEmpty()) {
                return Optional.empty();
            }
            manifest.add(file.path(), file.known().get());
        }
        return Optional.of(manifest.sha256());
    }

    /** Puts one file of data into a folder. */
    public ResolvedDataset dataset(TenantId tenant, DatasetReference reference, Path folder, JobMonitor monitor) {
        SourceFile file = catalog.dataset(tenant, reference);
        Path target = folder.resolve(file.path().value());
        BlobId held = transfers
                .each(
                        List.of(file),
                        SourceFile::size,
                        monitor,
                        (one, passage) -> cache.materialize(one, target, passage))
                .getFirst();
        return new ResolvedDataset(target, held.sha256());
    }

    /** Puts the files of data into a folder, each where it lies below its source. */
    public void dataFolder(TenantId tenant, DatasetReference reference, Path folder, JobMonitor monitor) {
        transfers.each(
                catalog.files(tenant, reference),
                SourceFile::size,
                monitor,
                (file, passage) ->
                        cache.materialize(file, folder.resolve(file.path().value()), passage));
    }

    /** What {@link ResolvedDataset#contents} will be, where the source tells its hash without being fetched. */
    public Optional<String> contents(TenantId tenant, DatasetReference reference) {
        return catalog.dataset(tenant, reference).known().map(BlobId::sha256);
    }
}
