package io.octavo.api.repository;

import io.octavo.api.condition.Tagged;
import io.octavo.api.identity.Caller;
import io.octavo.api.problem.Problems;
import io.octavo.hub.RepositoryName;
import io.octavo.jobs.deletion.DeletedListing;
import io.octavo.jobs.deletion.Deletions;
import io.octavo.jobs.deletion.Restorations;
import io.octavo.jobs.page.PageLimit;
import io.octavo.jobs.page.SearchText;
import io.octavo.jobs.repository.RepositoryListing;
import io.octavo.jobs.spec.StatedNumber;
import io.octavo.wire.Page;
import io.octavo.wire.RepositorySummary;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.Valid;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;
import tools.jackson.databind.annotation.JsonDeserialize;

/** Repositories as wholes: finding, deleting, and how long they keep what is old. */
@RestController
@RequestMapping("/api/v1/repositories")
class RepositoriesController {

    private final RepositoryListing repositories;
    private final DeletedListing gone;
    private final Deletions deletions;
    private final Restorations restorations;

    RepositoriesController(
            RepositoryListing repositories, DeletedListing gone, Deletions deletions, Restorations restorations) {
        this.repositories = repositories;
        this.gone = gone;
        this.deletions = deletions;
        this.restorations = restorations;
    }

    @Operation(operationId = "listRepositories", summary = "Lists repositories by name, or those that can be restored")
    @GetMapping
    Page<RepositorySummary> list(
            Caller caller,
            @Parameter(schema = @Schema(type = "boolean")) @RequestParam(required = false) @Nullable String deleted,
            @RequestParam(required = false) @Nullable String search,
            @RequestParam(required = false) @Nullable Integer limit,
            @RequestParam(required = false) @Nullable String cursor) {
        return Problems.isTrue("deleted", deleted)
                ? gone.repositories(caller.tenant(), SearchText.of(search), PageLimit.of(limit), cursor)
                : repositories.list(caller.tenant(), null, SearchText.of(search), PageLimit.of(limit), cursor);
    }

    @Operation(operationId = "getRepository", summary = "Shows a repository")
    @Tagged
    @GetMapping("/{namespace}/{name}")
    RepositorySummary get(Caller caller, @PathVariable String namespace, @PathVariable String name) {
        return repositories.get(caller.tenant(), repository(namespace, name));
    }

    @Operation(
            operationId = "setRepositoryRetention",
            summary = "Says after how many days revisions but the newest are deleted")
    @PutMapping("/{namespace}/{name}/retention")
    RepositorySummary retain(
            Caller caller,
            @PathVariable String namespace,
            @PathVariable String name,
            @Valid @RequestBody Retention retention) {
        return repositories.retain(caller.tenant(), repository(namespace, name), retention.days());
    }

    @Operation(operationId = "deleteRepository", summary = "Deletes a repository with its revisions")
    @DeleteMapping("/{namespace}/{name}")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    void delete(Caller caller, @PathVariable String namespace, @PathVariable String name) {
        deletions.repository(caller.tenant(), repository(namespace, name));
    }

    @Operation(operationId = "deleteRevision", summary = "Deletes a revision")
    @DeleteMapping("/{namespace}/{name}/revisions/{revision}")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    void deleteRevision(
            Caller caller, @PathVariable String namespace, @PathVariable String name, @PathVariable String revision) {
        deletions.revision(caller.tenant(), repository(namespace, name), revision);
    }

    @Operation(
            operationId = "restoreRepository",
            summary = "Restores a deleted repository with the revisions that were deleted with it")
    @PostMapping("/{namespace}/{name}/restore")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    void restore(Caller caller, @PathVariable String namespace, @PathVariable String name) {
        restorations.repository(caller.tenant(), repository(namespace, name));
    }

    @Operation(operationId = "restoreRevision", summary = "Restores a deleted revision")
    @PostMapping("/{namespace}/{name}/revisions/{revision}/restore")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    void restoreRevision(
            Caller caller, @PathVariable String namespace, @PathVariable String name, @PathVariable String revision) {
        restorations.revision(caller.tenant(), repository(namespace, name), revision);
    }

    private static RepositoryName repository(String namespace, String name) {
        return RepositoryController.repository(namespace, name);
    }

    /** @param maxAgeDays after which revisions but the newest are deleted; null to keep them */
    record Retention(
            @JsonDeserialize(using = StatedNumber.class) @Nullable @Min(1) @Max(36_500) Long maxAgeDays) {

        @Nullable Integer days() {
            return maxAgeDays == null ? null : Integer.valueOf(Math.toIntExact(maxAgeDays));
        }
    }
}
