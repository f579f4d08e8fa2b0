package io.octavo.api.hub;

import io.octavo.api.identity.Caller;
import io.octavo.hub.RepositoryName;
import io.octavo.jobs.repository.CommitResult;
import io.octavo.jobs.repository.RepositoryService;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/** Makes revisions. */
@RestController
class HubCommitController {

    private final RepositoryService repositories;
    private final CommitBodies bodies;

    HubCommitController(RepositoryService repositories, CommitBodies bodies) {
        this.repositories = repositories;
        this.bodies = bodies;
    }

    /** Files in the body are stored as they come; nothing shows before all of it has come. */
    @PostMapping("/hub/api/models/{namespace}/{name}/commit/{branch}")
    Committed commit(
            Caller caller,
            @PathVariable String namespace,
            @PathVariable String name,
            @PathVariable String branch,
            @RequestParam(name = "create_pr", required = false) @Nullable String proposal,
            HttpServletRequest request)
            throws IOException {
        HubUploadController.refuseProposals(proposal);
        RepositoryName repository = HubPaths.repository(namespace, name);
        repositories.requireThere(caller.tenant(), repository);
        CommitBodies.Commit commit = bodies.read(caller.tenant(), request.getInputStream());
        CommitResult result = repositories.change(
                caller.tenant(), repository, branch, commit.parent(), commit.message(), commit.operations());
        String id = result.revision().id();
        return new Committed(true, id, HubPaths.base(request) + "/" + repository + "/commit/" + id, "");
    }

    record Committed(boolean success, String commitOid, String commitUrl, String hookOutput) {}
}
