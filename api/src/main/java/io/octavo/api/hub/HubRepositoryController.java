package io.octavo.api.hub;

import io.octavo.api.identity.Caller;
import io.octavo.api.problem.Problems;
import io.octavo.hub.RefName;
import io.octavo.hub.RepositoryName;
import io.octavo.hub.upload.NewRepository;
import io.octavo.jobs.deletion.Deletions;
import io.octavo.jobs.identity.Tenants;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import io.octavo.jobs.repository.RefType;
import io.octavo.jobs.repository.RepositoryRefs;
import io.octavo.jobs.repository.RepositoryService;
import jakarta.servlet.http.HttpServletRequest;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

/** Makes and deletes repositories, and what names their revisions. */
@RestController
@RequestMapping("/hub/api")
class HubRepositoryController {

    private static final String MODEL = "model";

    private final RepositoryService repositories;
    private final RepositoryRefs refs;
    private final Deletions deletions;
    private final Tenants tenants;

    HubRepositoryController(RepositoryService repositories, RepositoryRefs refs, Deletions deletions, Tenants tenants) {
        this.repositories = repositories;
        this.refs = refs;
        this.deletions = deletions;
        this.tenants = tenants;
    }

    /** Clients read the URL also where it is refused since there is one already. */
    @PostMapping("/repos/create")
    ResponseEntity<NewRepository.Answer> create(
            Caller caller, @RequestBody NewRepository wanted, HttpServletRequest request) {
        RepositoryName name = name(caller, wanted);
        boolean made = repositories.create(caller.tenant(), name);
        String url = HubPaths.base(request) + "/" + name;
        return ResponseEntity.status(made ? HttpStatus.OK : HttpStatus.CONFLICT)
                .body(new NewRepository.Answer(
                        url, name.toString(), name.toString(), made ? null : "You already created this model repo"));
    }

    @DeleteMapping("/repos/delete")
    void delete(Caller caller, @RequestBody NewRepository named) {
        deletions.repository(caller.tenant(), name(caller, named));
    }

    private RepositoryName name(Caller caller, NewRepository wanted) {
        if (wanted.type() != null && !wanted.type().equals(MODEL)) {
            throw new ProblemException(
                    ProblemCode.INVALID_REQUEST, "type: every repository is of type model, whatever it holds");
        }
        String organization = wanted.organization();
        return HubPaths.repository(
                organization == null ? tenants.require(caller.tenant()).name() : organization,
                Objects.requireNonNullElse(wanted.name(), ""));
    }

    @PostMapping("/models/{namespace}/{name}/branch/{branch}")
    void branch(
            Caller caller,
            @PathVariable String namespace,
            @PathVariable String name,
            @PathVariable String branch,
            @RequestBody(required = false) @Nullable NewBranch wanted) {
        String start = wanted == null ? null : wanted.startingPoint();
        refs.create(
                caller.tenant(),
                HubPaths.repository(namespace, name),
                RefType.BRANCH,
                ref(branch),
                start == null ? RepositoryService.MAIN : start,
                null);
    }

    @DeleteMapping("/models/{namespace}/{name}/branch/{branch}")
    void deleteBranch(
            Caller caller, @PathVariable String namespace, @PathVariable String name, @PathVariable String branch) {
        refs.delete(caller.tenant(), HubPaths.repository(namespace, name), RefType.BRANCH, ref(branch));
    }

    @PostMapping("/models/{namespace}/{name}/tag/{revision}")
    void tag(
            Caller caller,
            @PathVariable String namespace,
            @PathVariable String name,
            @PathVariable String revision,
            @RequestBody NewTag wanted) {
        refs.create(
                caller.tenant(),
                HubPaths.repository(namespace, name),
                RefType.TAG,
                ref(wanted.tag()),
                revision,
                wanted.message());
    }

    @DeleteMapping("/models/{namespace}/{name}/tag/{tag}")
    void deleteTag(Caller caller, @PathVariable String namespace, @PathVariable String name, @PathVariable String tag) {
        refs.delete(caller.tenant(), HubPaths.repository(namespace, name), RefType.TAG, ref(tag));
    }

    private static RefName ref(@Nullable String name) {
        return Problems.read("name", () -> new RefName(Objects.requireNonNullElse(name, "")));
    }

    record NewBranch(@Nullable String startingPoint) {}

    record NewTag(@Nullable String tag, @Nullable String message) {}
}
