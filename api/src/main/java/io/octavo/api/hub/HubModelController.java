package io.octavo.api.hub;

import io.octavo.api.identity.Caller;
import io.octavo.hub.RepositoryName;
import io.octavo.hub.model.CommitEntry;
import io.octavo.hub.model.ModelInfo;
import io.octavo.hub.model.Refs;
import io.octavo.jobs.page.SearchText;
import io.octavo.jobs.repository.RefType;
import io.octavo.jobs.repository.RepositoryListing;
import io.octavo.jobs.repository.RepositoryRefs;
import io.octavo.jobs.repository.RepositoryService;
import io.octavo.wire.Page;
import io.octavo.wire.RepositoryFile;
import io.octavo.wire.RepositorySummary;
import io.octavo.wire.RevisionSummary;
import io.octavo.wire.RevisionView;
import jakarta.servlet.http.HttpServletRequest;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/** Repositories as wholes. Nobody but their tenant sees them, so that all of them are private. */
@RestController
@RequestMapping("/hub/api/models")
class HubModelController {

    private final RepositoryListing listing;
    private final RepositoryService repositories;
    private final RepositoryRefs refs;
    private final ShownFiles files;

    HubModelController(
            RepositoryListing listing, RepositoryService repositories, RepositoryRefs refs, ShownFiles files) {
        this.listing = listing;
        this.repositories = repositories;
        this.refs = refs;
        this.files = files;
    }

    /** By name, whatever {@code sort} asks for. No repository has tags, so that a {@code filter} by them leaves none. */
    @GetMapping
    ResponseEntity<List<ModelInfo>> list(
            Caller caller,
            @RequestParam(required = false) @Nullable String author,
            @RequestParam(required = false) @Nullable String search,
            @RequestParam(required = false) @Nullable String filter,
            @RequestParam(required = false) @Nullable String limit,
            @RequestParam(required = false) @Nullable String cursor,
            HttpServletRequest request) {
        if (filter != null) {
            return ResponseEntity.ok(List.of());
        }
        Page<RepositorySummary> page = listing.list(
                caller.tenant(),
                HubPaths.plain("author", author),
                SearchText.of(search),
                HubPaths.pageLimit(limit),
                HubPaths.plain("cursor", cursor));
        Map<String, String> asked = new LinkedHashMap<>();
        put(asked, "author", author);
        put(asked, "search", search);
        put(asked, "limit", limit);
        return ResponseEntity.ok()
                .headers(HubPaths.next(request, asked, page.nextCursor()))
                .body(page.items().stream().map(HubModelController::listed).toList());
    }

    private static void put(Map<String, String> asked, String name, @Nullable String value) {
        if (value != null) {
            asked.put(name, value);
        }
    }

    private static ModelInfo listed(RepositorySummary found) {
        return info(found, found.revision(), null, null, found.sizeBytes());
    }

    @GetMapping("/{namespace}/{name}")
    ModelInfo model(
            Caller caller,
            @PathVariable String namespace,
            @PathVariable String name,
            @RequestParam(required = false) @Nullable String blobs) {
        return at(caller, namespace, name, RepositoryService.MAIN, blobs);
    }

    @GetMapping("/{namespace}/{name}/revision/{revision}")
    ModelInfo at(
            Caller caller,
            @PathVariable String namespace,
            @PathVariable String name,
            @PathVariable String revision,
            @RequestParam(required = false) @Nullable String blobs) {
        RepositoryName repository = HubPaths.repository(namespace, name);
        RepositorySummary found = listing.get(caller.tenant(), repository);
        RevisionView at = repositories.revision(caller.tenant(), repository, revision);
        long bytes = at.files().stream().mapToLong(RepositoryFile::size).sum();
        return info(found, at.id(), at, files.siblings(at.files(), HubPaths.isSet(blobs)), bytes);
    }

    private static ModelInfo info(
            RepositorySummary repository,
            @Nullable String sha,
            @Nullable RevisionView at,
            @Nullable List<ModelInfo.Sibling> siblings,
            long bytes) {
        return new ModelInfo(
                repository.name(),
                repository.name(),
                RepositoryName.parse(repository.name()).namespace(),
                sha,
                at == null ? null : at.createdAt(),
                repository.createdAt(),
                true,
                false,
                false,
                0,
                0,
                List.of(),
                siblings,
                bytes);
    }

    @GetMapping("/{namespace}/{name}/refs")
    Refs refs(Caller caller, @PathVariable String namespace, @PathVariable String name) {
        RepositoryName repository = HubPaths.repository(namespace, name);
        return new Refs(
                shown(refs.list(caller.tenant(), repository, RefType.BRANCH), Refs.Ref::branch),
                shown(refs.list(caller.tenant(), repository, RefType.TAG), Refs.Ref::tag));
    }

    private static List<Refs.Ref> shown(Map<String, String> found, BiFunction<String, String, Refs.Ref> ref) {
        return found.entrySet().stream()
                .map(named -> ref.apply(named.getKey(), named.getValue()))
                .toList();
    }

    @GetMapping("/{namespace}/{name}/commits/{revision}")
    ResponseEntity<List<CommitEntry>> commits(
            Caller caller,
            @PathVariable String namespace,
            @PathVariable String name,
            @PathVariable String revision,
            @RequestParam(required = false) @Nullable String limit,
            @RequestParam(required = false) @Nullable String cursor,
            HttpServletRequest request) {
        RepositoryName repository = HubPaths.repository(namespace, name);
        RevisionSummary newest = repositories.summary(caller.tenant(), repository, revision);
        Page<RevisionSummary> page = repositories.history(
                caller.tenant(), repository, newest.id(), HubPaths.pageLimit(limit), HubPaths.plain("cursor", cursor));
        return ResponseEntity.ok()
                .headers(HubPaths.next(request, limit == null ? Map.of() : Map.of("limit", limit), page.nextCursor()))
                .body(page.items().stream()
                        .map(commit -> CommitEntry.of(commit.id(), commit.message(), commit.createdAt()))
                        .toList());
    }

    /** Whether the caller may read it, before work begins that needs to. */
    @GetMapping("/{namespace}/{name}/auth-check")
    Map<String, Boolean> mayRead(Caller caller, @PathVariable String namespace, @PathVariable String name) {
        listing.get(caller.tenant(), HubPaths.repository(namespace, name));
        return Map.of("authorized", true);
    }

    /** Nobody but who may gets here. */
    @GetMapping("/{namespace}/{name}/auth-check/write")
    Map<String, Boolean> mayWrite(Caller caller, @PathVariable String namespace, @PathVariable String name) {
        return mayRead(caller, namespace, name);
    }
}
