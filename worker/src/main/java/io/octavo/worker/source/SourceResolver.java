package io.octavo.worker.source;

import io.octavo.engine.JobMonitor;
import io.octavo.jobs.blob.BlobId;
import io.octavo.jobs.identity.TenantId;
import io.octavo.jobs.source.SourceCatalog;
import io.octavo.jobs.source.SourceFile;
import io.octavo.jobs.source.SourceListing;
import io.octavo.jobs.spec.DatasetReference;
import io.octavo.jobs.spec.SourceUri;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import org.springframework.stereotype.Component;

/** Brings sources and datasets to local disk, verified. */
@Component
public class SourceResolver {

    private final SourceCatalog catalog;
    private final InputCache cache;

    SourceResolver(SourceCatalog catalog, InputCache cache) {
        this.catalog = catalog;
        this.cache = cache;
    }

    /** What the source holds now; nothing is fetched. */
    public SourceListing list(TenantId tenant, SourceUri source) {
        return catalog.list(tenant, source);
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
        MessageDigest manifest = sha256();
        long total = Math.max(1, listing.bytes());
        long done = 0;
        for (SourceFile file : listing.files()) {
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
    public Path dataset(TenantId tenant, DatasetReference reference, Path folder, JobMonitor monitor) {
        SourceFile file = catalog.dataset(tenant, reference);
        Path target = folder.resolve(file.path().value());
        cache.materialize(file, target, monitor);
        return target;
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
