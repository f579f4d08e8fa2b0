package io.octavo.api.hub;

import io.octavo.api.audit.ChangesNothing;
import io.octavo.api.identity.Caller;
import io.octavo.api.problem.Problems;
import io.octavo.hub.git.FileTree;
import io.octavo.hub.git.TreeEntry;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import io.octavo.jobs.repository.RepositoryService;
import io.octavo.wire.RevisionView;
import jakarta.servlet.http.HttpServletRequest;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/** Lists what a revision holds. */
@RestController
@RequestMapping("/hub/api/models/{namespace}/{name}")
class HubTreeController {

    /** As many as a commit may name. */
    private static final int MOST_PATHS = 1000;

    private static final int PAGE = 1000;

    private final RepositoryService repositories;
    private final ShownFiles files;

    HubTreeController(RepositoryService repositories, ShownFiles files) {
        this.repositories = repositories;
        this.files = files;
    }

    /** @param folder with a slash before it, or empty for the root */
    @GetMapping("/tree/{revision}/{*folder}")
    ResponseEntity<List<TreeEntry>> folder(
            Caller caller,
            @PathVariable String namespace,
            @PathVariable String name,
            @PathVariable String revision,
            @PathVariable String folder,
            @RequestParam(required = false) @Nullable String recursive,
            @RequestParam(required = false) @Nullable String limit,
            @RequestParam(defaultValue = "") String cursor,
            HttpServletRequest request) {
        FileTree tree = tree(caller, namespace, name, revision);
        String path = folder.length() <= 1 ? "" : Problems.path(folder).value();
        if (!tree.hasFolder(path)) {
            throw new ProblemException(ProblemCode.FILE_NOT_FOUND, "there is no folder " + path);
        }
        int most = HubPaths.limit(limit, PAGE);
        List<TreeEntry> found = tree.list(path, HubPaths.isSet(recursive), cursor, most + 1);
        List<TreeEntry> page = found.subList(0, Math.min(most, found.size()));
        Map<String, String> asked = new LinkedHashMap<>();
        asked.put("recursive", Boolean.toString(HubPaths.isSet(recursive)));
        asked.put("limit", Integer.toString(most));
        return ResponseEntity.ok()
                .headers(HubPaths.next(
                        request, asked, found.size() > most ? page.getLast().path() : null))
                .body(page);
    }

    /** What the older and newer Python clients send. */
    @ChangesNothing
    @PostMapping(path = "/paths-info/{revision}", consumes = MediaType.APPLICATION_FORM_URLENCODED_VALUE)
    List<TreeEntry> paths(
            Caller caller,
            @PathVariable String namespace,
            @PathVariable String name,
            @PathVariable String revision,
            HttpServletRequest request) {
        return info(caller, namespace, name, revision, paths(request));
    }

    private static List<String> paths(HttpServletRequest request) {
        String[] paths = request.getParameterValues("paths");
        return paths == null ? List.of() : List.of(paths);
    }

    /** What JavaScript's client sends. */
    @ChangesNothing
    @PostMapping("/paths-info/{revision}")
    List<TreeEntry> paths(
            Caller caller,
            @PathVariable String namespace,
            @PathVariable String name,
            @PathVariable String revision,
            @RequestBody PathsRequest request) {
        return info(caller, namespace, name, revision, Objects.requireNonNullElse(request.paths(), List.of()));
    }

    private List<TreeEntry> info(Caller caller, String namespace, String name, String revision, List<String> paths) {
        if (paths.size() > MOST_PATHS) {
            throw new ProblemException(
                    ProblemCode.BODY_TOO_LARGE, paths.size() + " paths are more than " + MOST_PATHS + " at once");
        }
        FileTree tree = tree(caller, namespace, name, revision);
        return paths.stream()
                .filter(Objects::nonNull)
                .map(tree::find)
                .flatMap(Optional::stream)
                .toList();
    }

    private FileTree tree(Caller caller, String namespace, String name, String revision) {
        RevisionView at = repositories.revision(caller.tenant(), HubPaths.repository(namespace, name), revision);
        return FileTree.of(files.of(at.files()));
    }

    record PathsRequest(@Nullable List<String> paths) {}
}
