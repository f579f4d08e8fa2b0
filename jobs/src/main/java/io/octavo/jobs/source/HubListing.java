package io.octavo.jobs.source;

import io.octavo.jobs.blob.BlobId;
import io.octavo.jobs.blob.BlobStore;
import io.octavo.jobs.identity.TenantId;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import io.octavo.jobs.repository.RepositoryPath;
import io.octavo.jobs.repository.RepositoryService;
import io.octavo.jobs.spec.SourceUri;
import io.octavo.wire.RepositoryFile;
import io.octavo.wire.RevisionView;
import java.util.Optional;
import org.springframework.stereotype.Component;

/** Lists repositories of this service. */
@Component
class HubListing {

    private final RepositoryService repositories;
    private final BlobStore blobs;

    HubListing(RepositoryService repositories, BlobStore blobs) {
        this.repositories = repositories;
        this.blobs = blobs;
    }

    SourceListing list(TenantId tenant, SourceUri.Hub source) {
        RevisionView revision = revision(tenant, source);
        return new SourceListing(
                new SourceUri.Hub(source.repository(), revision.id()).toString(),
                Optional.of(revision.id()),
                revision.files().stream().map(this::file).toList());
    }

    private RevisionView revision(TenantId tenant, SourceUri.Hub source) {
        try {
            return repositories.revision(tenant, source.repository(), source.revision());
        } catch (ProblemException e) {
            throw new ProblemException(ProblemCode.SOURCE_NOT_FOUND, "source " + source + ": " + e.detail(), e);
        }
    }

    private SourceFile file(RepositoryFile file) {
        return new SourceFile(
                new RepositoryPath(file.path()),
                file.size(),
                Optional.of(BlobId.of(file)),
                (offset, length) -> blobs.open(BlobId.of(file), offset, length));
    }
}
