package io.octavo.jobs.repository;

import io.octavo.hub.RepositoryName;
import io.octavo.jobs.blob.BlobId;
import io.octavo.jobs.blob.BlobStore;
import io.octavo.jobs.identity.Namespaces;
import io.octavo.jobs.identity.TenantId;
import io.octavo.jobs.page.PageLimit;
import io.octavo.jobs.page.SearchText;
import io.octavo.jobs.problem.FieldError;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import io.octavo.wire.Page;
import io.octavo.wire.RepositoryFile;
import io.octavo.wire.RevisionSummary;
import io.octavo.wire.RevisionView;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.springframework.data.domain.Limit;
import org.springframework.stereotype.Service;
import org.springframework.transaction.annotation.Transactional;

/** Repositories and their revisions. */
@Service
@Transactional
public class RepositoryService {

    /** The only branch. */
    public static final String MAIN = "main";

    private static final int MAX_MESSAGE = 4096;

    private final ModelRepositoryRepository repositories;
    private final RevisionRepository revisions;
    private final BlobStore blobs;
    private final Namespaces namespaces;

    RepositoryService(
            ModelRepositoryRepository repositories,
            RevisionRepository revisions,
            BlobStore blobs,
            Namespaces namespaces) {
        this.repositories = repositories;
        this.revisions = revisions;
        this.blobs = blobs;
        this.namespaces = namespaces;
    }

    /**
     * Makes a revision of stored blobs and moves {@code main} to it; creates the repository if there is none.
     *
     * @throws ProblemException {@code invalid-request}, {@code blobs-missing} with the hashes to upload first, or {@code
     *     repository-not-found} where the namespace is somebody else's
     */
    public CommitResult commit(TenantId tenant, RepositoryName name, String message, List<RepositoryFile> entries) {
        requireMessage(message);
        FileList files = FileList.of(entries);
        requireStored(tenant, files);
        requireOwn(tenant, name);
        namespaces.takeIfFree(tenant, name.namespace());
        requireOwn(tenant, name); // somebody else may just have been granted it
        repositories.insertIfAbsent(UUID.randomUUID(), tenant.value(), name.namespace(), name.name());
        ModelRepository repository =
                repositories.lock(tenant.value(), name.namespace(), name.name()).orElseThrow();
        Optional<Revision> head = head(repository);
        if (head.isPresent() && head.get().files().equals(files.entries())) {
            return new CommitResult(view(head.get()), false);
        }
        String id = RevisionId.of(repository, message, files);
        Revision revision = revisions.restore(repository.id(), id) == 1
                ? revisions.findByRepositoryIdAndId(repository.id(), id).orElseThrow()
                : revisions.saveAndFlush(new Revision(repository, id, message, files, repositories.now()));
        repository.moveHead(revision);
        return new CommitResult(view(revision), true);
    }

    /**
     * Refuses names in namespaces that are not granted to the tenant, whether or not somebody else has them.
     *
     * @throws ProblemException {@code repository-not-found}
     */
    @Transactional(readOnly = true)
    public void requireOwn(TenantId tenant, RepositoryName name) {
        if (!namespaces.isOf(tenant, name.namespace())) {
            throw new ProblemException(
                    ProblemCode.REPOSITORY_NOT_FOUND,
                    "repository " + name + " does not exist, and its namespace is not yours to make it in");
        }
    }

    private static void requireMessage(String message) {
        if (message.length() > MAX_MESSAGE || message.indexOf('\0') >= 0) {
            String wrong = "must have at most " + MAX_MESSAGE + " characters and no NUL";
            throw new ProblemException(
                    ProblemCode.INVALID_REQUEST,
                    "message " + wrong,
                    Map.of("errors", List.of(new FieldError("message", wrong))));
        }
    }

    private void requireStored(TenantId tenant, FileList files) {
        List<String> missing = blobs
                .missing(tenant, files.entries().stream().map(BlobId::of).toList())
                .stream()
                .map(BlobId::sha256)
                .toList();
        if (!missing.isEmpty()) {
            throw new ProblemException(
                    ProblemCode.BLOBS_MISSING,
                    missing.size() + " of " + files.entries().size()
                            + " files are not stored yet with the size given; upload them first",
                    Map.of("missing", missing));
        }
    }

    private Optional<Revision> head(ModelRepository repository) {
        return Optional.ofNullable(repository.head())
                .flatMap(head -> revisions.findByRepositoryIdAndId(repository.id(), head));
    }

    /**
     * @param revision {@code main} or an id
     * @throws ProblemException {@code repository-not-found} or {@code revision-not-found}
     */
    @Transactional(readOnly = true, noRollbackFor = ProblemException.class)
    public RevisionView revision(TenantId tenant, RepositoryName name, String revision) {
        ModelRepository repository = require(tenant, name);
        Optional<Revision> found =
                revision.equals(MAIN) ? head(repository) : revisions.findByRepositoryIdAndId(repository.id(), revision);
        return view(found.orElseThrow(() ->
                new ProblemException(ProblemCode.REVISION_NOT_FOUND, "repository " + name + " has no such revision")));
    }

    /** @throws ProblemException {@code file-not-found} beside those of {@link #revision} */
    @Transactional(readOnly = true)
    public RepositoryFile file(TenantId tenant, RepositoryName name, String revision, RepositoryPath path) {
        return revision(tenant, name, revision).files().stream()
                .filter(file -> file.path().equals(path.value()))
                .findFirst()
                .orElseThrow(() -> new ProblemException(
                        ProblemCode.FILE_NOT_FOUND, "repository " + name + " has no file " + path + " there"));
    }

    /** What {@code main} has at the path. */
    @Transactional(readOnly = true)
    public Optional<BlobId> current(TenantId tenant, RepositoryName name, RepositoryPath path) {
        return repositories
                .findByTenantAndNamespaceAndName(tenant.value(), name.namespace(), name.name())
                .flatMap(this::head)
                .flatMap(head -> head.files().stream()
                        .filter(file -> file.path().equals(path.value()))
                        .findFirst())
                .map(BlobId::of);
    }

    /**
     * Newest first.
     *
     * @param search in their messages
     * @param cursor id of the last revision already seen
     */
    @Transactional(readOnly = true)
    public Page<RevisionSummary> revisions(
            TenantId tenant, RepositoryName name, SearchText search, PageLimit limit, @Nullable String cursor) {
        ModelRepository repository = require(tenant, name);
        long before = cursor == null
                ? Long.MAX_VALUE
                : revisions
                        .sequenceOf(repository.id(), cursor)
                        .orElseThrow(() -> RepositoryListing.Position.unknown(null));
        List<Revision> found = revisions.page(repository.id(), before, search.value(), Limit.of(limit.probe()));
        return Page.of(found, limit.value(), Revision::id)
                .map(revision -> new RevisionSummary(revision.id(), revision.createdAt(), revision.message(), null));
    }

    private ModelRepository require(TenantId tenant, RepositoryName name) {
        return repositories
                .findByTenantAndNamespaceAndName(tenant.value(), name.namespace(), name.name())
                .orElseThrow(() -> RepositoryListing.missing(name));
    }

    private static RevisionView view(Revision revision) {
        return new RevisionView(revision.id(), revision.createdAt(), revision.message(), revision.files());
    }
}
