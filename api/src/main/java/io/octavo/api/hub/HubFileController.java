package io.octavo.api.hub;

import io.octavo.api.file.BlobDownload;
import io.octavo.api.identity.Caller;
import io.octavo.api.problem.Problems;
import io.octavo.hub.RepositoryName;
import io.octavo.hub.git.TreeEntry;
import io.octavo.jobs.blob.BlobId;
import io.octavo.jobs.repository.RepositoryPath;
import io.octavo.jobs.repository.RepositoryService;
import io.octavo.wire.RepositoryFile;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import org.springframework.core.io.Resource;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RestController;

/** Files' bytes. */
@RestController
class HubFileController {

    private final RepositoryService repositories;
    private final ShownFiles files;
    private final BlobDownload downloads;

    HubFileController(RepositoryService repositories, ShownFiles files, BlobDownload downloads) {
        this.repositories = repositories;
        this.files = files;
        this.downloads = downloads;
    }

    /** Clients ask by HEAD first; whether a file is there at a revision is worth knowing, too, so both tell the revision. */
    @GetMapping("/hub/{namespace}/{name}/resolve/{revision}/{*path}")
    ResponseEntity<Resource> file(
            Caller caller,
            @PathVariable String namespace,
            @PathVariable String name,
            @PathVariable String revision,
            @PathVariable String path,
            HttpServletRequest request,
            HttpServletResponse response) {
        RepositoryName repository = HubPaths.repository(namespace, name);
        RepositoryPath wanted = Problems.path(path);
        String id = repositories.summary(caller.tenant(), repository, revision).id();
        response.setHeader("X-Repo-Commit", id);
        RepositoryFile file = repositories.file(caller.tenant(), repository, id, wanted);
        TreeEntry shown = files.of(file);
        String etag = '"' + shown.contentId() + '"';
        response.setHeader("X-Linked-Size", Long.toString(shown.size()));
        response.setHeader("X-Linked-ETag", etag);
        return downloads.answer(
                BlobId.of(file), etag, file.path(), MediaType.APPLICATION_OCTET_STREAM, request, response);
    }
}
