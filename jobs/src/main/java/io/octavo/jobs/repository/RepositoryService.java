package io.octavo.jobs.repository;

import io.octavo.hub.NameClash;
import io.octavo.hub.RepositoryName;
import io.octavo.hub.upload.Operation;
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
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.data.domain.Limit;
import org.springframework.stereotype.Service;
import org.springframework.transaction.annotation.Transactional;

/** Repositories and their revisions. */
@Service
@Transactional
public class RepositoryService {

    /** The branch that every repository has. */
    public static final String MAIN = "main";

    private static final Pattern ID = Pattern.compile("[0-9a-f]{40}");

    private static final int MAX_MESSAGE = 4096;

    private final ModelRepositoryRepository repositories;
    private final RevisionRepository revisions;
    private final RevisionFiles files;
    private final RevisionHistory history;
    private final RefTable refs;
    private final BlobStore blobs;
    private final Namespaces namespaces;

    RepositoryService(
            ModelRepositoryRepository repositories,
            RevisionRepository revisions,
            RevisionFiles files,
            RevisionHistory history,
            RefTable refs,
            BlobStore blobs,
            Namespaces namespaces) {
        this.repositories = repositories;
        this.revisions = revisions;
        this.files = files;
        this.history = history;
        this.refs = refs;
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
        FileList list = FileList.of(entries);
        requireStored(tenant, list);
        make(tenant, name);
        return append(lock(tenant, name), MAIN, message, list);
    }

    /**
     * Makes a repository whose {@code main} is a revision without files.
     *
     * @return false where there is one already
     * @throws ProblemException {@code repository-not-found} where the namespace is somebody else's
     */
    public boolean create(TenantId tenant, RepositoryName name) {
        boolean made = make(tenant, name);
        if (made) {
            append(lock(tenant, name), MAIN, "initial commit", FileList.orEmpty(List.of()));
        }
        return made;
    }

    private boolean make(TenantId tenant, RepositoryName name) {
        requireOwn(tenant, name);
        namespaces.takeIfFree(tenant, name.namespace());
        requireOwn(tenant, name); // somebody else may just have been granted it
        return repositories.insertIfAbsent(UUID.randomUUID(), tenant.value(), name.namespace(), name.name()) == 1;
    }

    /**
     * Changes some files of a branch.
     *
     * @param parent the revision, or how its id begins, that the branch must stand at; null for whichever it stands at
     * @throws ProblemException {@code invalid-request}, {@code blobs-missing}, {@code repository-not-found}, {@code
     *     revision-not-found} where there is no such branch, or {@code precondition-failed} where it stands elsewhere,
     *     unless by just this change
     */
    public CommitResult change(
            TenantId tenant,
            RepositoryName name,
            String branch,
            @Nullable String parent,
            String message,
            List<Operation<RepositoryFile>> operations) {
        requireMessage(message);
        // Before any lock, since it may wait for who collects; what the branch has already is named, and stays.
        requireStored(tenant, FileList.orEmpty(added(operations)));
        ModelRepository repository = lock(tenant, name);
        Optional<Revision> head = head(repository, branch);
        if (head.isEmpty() && !branch.equals(MAIN)) {
            throw new ProblemException(
                    ProblemCode.REVISION_NOT_FOUND, "repository " + name + " has no branch " + branch);
        }
        String at = head.map(Revision::id).orElse("");
        if (parent != null && !at.startsWith(parent)) {
            if (head.isPresent() && isDone(repository, head.get(), parent, message, operations)) {
                return new CommitResult(view(head.get()), false);
            }
            throw new ProblemException(
                    ProblemCode.PRECONDITION_FAILED,
                    "branch " + branch + " stands at " + at + ", not at " + parent + "; refresh and commit again");
        }
        FileList after = changed(head.map(Revision::files).orElse(List.of()), operations);
        requireDistinct(after);
        return append(repository, branch, message, after);
    }

    private static void requireDistinct(FileList files) {
        NameClash.among(files.entries().stream().map(RepositoryFile::path).toList())
                .ifPresent(clash -> {
                    throw new ProblemException(ProblemCode.INVALID_REQUEST, "path: " + clash);
                });
    }

    private static List<RepositoryFile> added(List<Operation<RepositoryFile>> operations) {
        Map<String, RepositoryFile> added = new LinkedHashMap<>();
        for (Operation<RepositoryFile> operation : operations) {
            if (operation instanceof Operation.Put<RepositoryFile>(String path, RepositoryFile file)) {
                added.put(path, file);
            }
        }
        return List.copyOf(added.values());
    }

    /** A commit whose answer was lost is sent again. */
    private boolean isDone(
            ModelRepository repository,
            Revision head,
            String parent,
            String message,
            List<Operation<RepositoryFile>> operations) {
        return Optional.ofNullable(head.parent())
                .filter(before -> before.startsWith(parent) && head.message().equals(message))
                .flatMap(before -> revisions.findByRepositoryIdAndId(repository.id(), before))
                .filter(before -> changed(before.files(), operations).entries().equals(head.files()))
                .isPresent();
    }

    private static FileList changed(List<RepositoryFile> before, List<Operation<RepositoryFile>> operations) {
        NavigableMap<String, RepositoryFile> files = new TreeMap<>();
        before.forEach(file -> files.put(file.path(), file));
        operations.forEach(operation -> operation.apply(files));
        return FileList.orEmpty(List.copyOf(files.values()));
    }

    private CommitResult append(ModelRepository repository, String branch, String message, FileList list) {
        Optional<Revision> head = head(repository, branch);
        if (head.isPresent() && head.get().files().equals(list.entries())) {
            return new CommitResult(view(head.get()), false);
        }
        String parent =
                branch.equals(MAIN) ? repository.head() : head.map(Revision::id).orElse(null);
        String id = RevisionId.of(repository, branch, parent, message, list);
        Revision revision = revisions.restore(repository.id(), id) == 1
                ? revisions.findByRepositoryIdAndId(repository.id(), id).orElseThrow()
                : revisions.saveAndFlush(
                        new Revision(repository, branch, parent, id, message, list, repositories.now()));
        if (branch.equals(MAIN)) {
            repository.moveHead(revision);
        } else {
            refs.moveBranch(repository.id(), branch, id);
        }
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

    /** @throws ProblemException {@code repository-not-found} */
    @Transactional(readOnly = true, noRollbackFor = ProblemException.class)
    public void requireThere(TenantId tenant, RepositoryName name) {
        require(tenant, name);
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
        if (files.entries().isEmpty()) {
            return;
        }
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
        return head(repository, MAIN);
    }

    private Optional<Revision> head(ModelRepository repository, String branch) {
        Optional<String> head = branch.equals(MAIN)
                ? Optional.ofNullable(repository.head())
                : refs.find(repository.id(), RefType.BRANCH, branch);
        return head.flatMap(id -> revisions.findByRepositoryIdAndId(repository.id(), id));
    }

    /**
     * @param revision a branch, a tag or an id
     * @throws ProblemException {@code repository-not-found} or {@code revision-not-found}
     */
    @Transactional(readOnly = true, noRollbackFor = ProblemException.class)
    public RevisionView revision(TenantId tenant, RepositoryName name, String revision) {
        return view(named(require(tenant, name), revision));
    }

    /** As {@link #revision}, without its files. */
    @Transactional(readOnly = true, noRollbackFor = ProblemException.class)
    public RevisionSummary summary(TenantId tenant, RepositoryName name, String revision) {
        return summary(named(require(tenant, name), revision));
    }

    /** By an id, a branch or a tag; no branch and no tag is called as an id is. */
    Revision named(ModelRepository repository, String revision) {
        Optional<Revision> found = ID.matcher(revision).matches()
                ? revisions.findByRepositoryIdAndId(repository.id(), revision)
                : head(repository, revision)
                        .or(() -> refs.find(repository.id(), RefType.TAG, revision)
                                .flatMap(id -> revisions.findByRepositoryIdAndId(repository.id(), id)));
        return found.orElseThrow(() -> new ProblemException(
                ProblemCode.REVISION_NOT_FOUND, "repository " + repository.name() + " has no such revision"));
    }

    /** @throws ProblemException {@code file-not-found} beside those of {@link #revision} */
    @Transactional(readOnly = true)
    public RepositoryFile file(TenantId tenant, RepositoryName name, String revision, RepositoryPath path) {
        return files.find(named(require(tenant, name), revision), path)
                .orElseThrow(() -> new ProblemException(
                        ProblemCode.FILE_NOT_FOUND, "repository " + name + " has no file " + path + " there"));
    }

    /** What {@code main} has at the path. */
    @Transactional(readOnly = true)
    public Optional<BlobId> current(TenantId tenant, RepositoryName name, RepositoryPath path) {
        return repositories
                .findByTenantAndNamespaceAndName(tenant.value(), name.namespace(), name.name())
                .flatMap(this::head)
                .flatMap(head -> files.find(head, path))
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
        return Page.of(found, limit.value(), Revision::id).map(RepositoryService::summary);
    }

    /**
     * What led to a revision and itself, newest first.
     *
     * @param cursor id of the last one already seen
     */
    @Transactional(readOnly = true, noRollbackFor = ProblemException.class)
    public Page<RevisionSummary> history(
            TenantId tenant, RepositoryName name, String revision, PageLimit limit, @Nullable String cursor) {
        ModelRepository repository = require(tenant, name);
        return Page.of(
                history.page(repository.id(), named(repository, revision).id(), String.valueOf(cursor), limit),
                limit.value(),
                RevisionSummary::id);
    }

    ModelRepository lock(TenantId tenant, RepositoryName name) {
        return repositories
                .lock(tenant.value(), name.namespace(), name.name())
                .orElseThrow(() -> RepositoryListing.missing(name));
    }

    ModelRepository require(TenantId tenant, RepositoryName name) {
        return repositories
                .findByTenantAndNamespaceAndName(tenant.value(), name.namespace(), name.name())
                .orElseThrow(() -> RepositoryListing.missing(name));
    }

    private static RevisionSummary summary(Revision revision) {
        return new RevisionSummary(revision.id(), revision.createdAt(), revision.message(), null);
    }

    private static RevisionView view(Revision revision) {
        return new RevisionView(revision.id(), revision.createdAt(), revision.message(), revision.files());
    }
}
