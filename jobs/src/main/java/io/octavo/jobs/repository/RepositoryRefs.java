package io.octavo.jobs.repository;

import io.octavo.hub.RefName;
import io.octavo.hub.RepositoryName;
import io.octavo.jobs.identity.TenantId;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Service;
import org.springframework.transaction.annotation.Transactional;

/** Branches and tags. */
@Service
@Transactional
public class RepositoryRefs {

    /** Of one repository. */
    private static final int MOST = 1000;

    private static final int LONGEST_MESSAGE = 4096;

    private final RepositoryService repositories;
    private final RefTable refs;

    RepositoryRefs(RepositoryService repositories, RefTable refs) {
        this.repositories = repositories;
        this.refs = refs;
    }

    /**
     * Revisions by name, {@code main} among the branches if anything was committed to it.
     *
     * @throws ProblemException {@code repository-not-found}
     */
    @Transactional(readOnly = true)
    public Map<String, String> list(TenantId tenant, RepositoryName name, RefType type) {
        ModelRepository repository = repositories.require(tenant, name);
        Map<String, String> found = new TreeMap<>(refs.list(repository.id(), type));
        String head = repository.head();
        if (type == RefType.BRANCH && head != null) {
            found.put(RepositoryService.MAIN, head);
        }
        return found;
    }

    /**
     * @param at names a revision: an id, a branch or a tag
     * @throws ProblemException {@code repository-not-found}, {@code revision-not-found} or {@code ref-exists}
     */
    public void create(
            TenantId tenant, RepositoryName name, RefType type, RefName ref, String at, @Nullable String message) {
        ModelRepository repository = repositories.lock(tenant, name);
        String revision = repositories.named(repository, at).id();
        if (message != null && (message.length() > LONGEST_MESSAGE || message.indexOf('\0') >= 0)) {
            throw new ProblemException(
                    ProblemCode.INVALID_REQUEST,
                    "message must have at most " + LONGEST_MESSAGE + " characters and no NUL");
        }
        if (isMain(type, ref) || refs.find(repository.id(), type, ref.value()).isPresent()) {
            throw new ProblemException(ProblemCode.REF_EXISTS, type.slug() + " " + ref + " exists already");
        }
        if (refs.count(repository.id()) >= MOST) {
            throw new ProblemException(
                    ProblemCode.INVALID_REQUEST, "a repository has at most " + MOST + " branches and tags");
        }
        refs.create(repository.id(), type, ref.value(), revision, message);
    }

    /**
     * What was committed to a branch alone goes with it.
     *
     * @throws ProblemException {@code repository-not-found}, {@code revision-not-found}, or {@code invalid-request} for
     *     {@code main}, which is the repository itself
     */
    public void delete(TenantId tenant, RepositoryName name, RefType type, RefName ref) {
        ModelRepository repository = repositories.lock(tenant, name);
        if (isMain(type, ref)) {
            throw new ProblemException(ProblemCode.INVALID_REQUEST, "branch main is deleted with its repository alone");
        }
        if (!refs.delete(repository.id(), type, ref.value())) {
            throw new ProblemException(
                    ProblemCode.REVISION_NOT_FOUND, "repository " + name + " has no " + type.slug() + " " + ref);
        }
        refs.deleteUnreached(repository.id());
    }

    private static boolean isMain(RefType type, RefName ref) {
        return type == RefType.BRANCH && ref.value().equals(RepositoryService.MAIN);
    }
}
