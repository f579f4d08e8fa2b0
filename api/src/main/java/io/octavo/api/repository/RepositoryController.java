package io.octavo.api.repository;

import io.octavo.api.condition.Conditions;
import io.octavo.api.condition.OwnConditions;
import io.octavo.api.condition.Tagged;
import io.octavo.api.file.BlobDownload;
import io.octavo.api.identity.Caller;
import io.octavo.api.problem.Problems;
import io.octavo.hub.RepositoryName;
import io.octavo.jobs.blob.BlobId;
import io.octavo.jobs.blob.BlobStore;
import io.octavo.jobs.deletion.DeletedListing;
import io.octavo.jobs.identity.TenantId;
import io.octavo.jobs.page.PageLimit;
import io.octavo.jobs.page.SearchText;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import io.octavo.jobs.repository.CommitResult;
import io.octavo.jobs.repository.RepositoryPath;
import io.octavo.jobs.repository.RepositoryService;
import io.octavo.jobs.spec.PlainText;
import io.octavo.wire.Page;
import io.octavo.wire.RepositoryFile;
import io.octavo.wire.RevisionSummary;
import io.octavo.wire.RevisionView;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.validation.Valid;
import java.io.IOException;
import java.net.URI;
import org.jspecify.annotations.Nullable;
import org.springframework.core.io.Resource;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

@RestController
@RequestMapping("/api/v1/repositories/{namespace}/{name}")
class RepositoryController {

    private final RepositoryService repositories;
    private final DeletedListing gone;
    private final BlobStore blobs;
    private final BlobDownload downloads;

    RepositoryController(RepositoryService repositories, DeletedListing gone, BlobStore blobs, BlobDownload downloads) {
        this.repositories = repositories;
        this.gone = gone;
        this.blobs = blobs;
        this.downloads = downloads;
    }

    /** The bytes stream through to storage; the file shows in the repository once a revision names it. */
    @Operation(operationId = "uploadFile", summary = "Uploads the contents of a file, which a revision may name then")
    @OwnConditions
    @PutMapping("/files/{*path}")
    RepositoryFile upload(
            Caller caller,
            @PathVariable String namespace,
            @PathVariable String name,
            @PathVariable String path,
            @RequestHeader(name = "X-Content-SHA256", required = false) @Nullable String sha256,
            HttpServletRequest request)
            throws IOException {
        PlainText.Validator.fault(path, false).ifPresent(fault -> {
            throw new ProblemException(ProblemCode.INVALID_REQUEST, "path: " + fault);
        });
        RepositoryPath file = Problems.path(path);
        RepositoryName repository = repository(namespace, name);
        repositories.requireOwn(caller.tenant(), repository);
        Conditions.isKnown(
                request, repositories.current(caller.tenant(), repository, file).map(BlobDownload::tag));
        BlobId stored = store(caller.tenant(), request, sha256);
        return new RepositoryFile(file.value(), stored.size(), stored.sha256());
    }

    private BlobId store(TenantId owner, HttpServletRequest request, @Nullable String sha256) throws IOException {
        long size = request.getContentLengthLong();
        if (sha256 == null) {
            return blobs.put(owner, request.getInputStream(), size, null);
        }
        BlobId announced = Problems.read("X-Content-SHA256", () -> new BlobId(sha256, Math.max(0, size)));
        if (size < 0) {
            return blobs.put(owner, request.getInputStream(), size, sha256);
        }
        blobs.put(owner, announced, request.getInputStream());
        return announced;
    }

    @Operation(operationId = "commitRevision", summary = "Commits a list of files as a new revision")
    @PostMapping("/revisions")
    ResponseEntity<RevisionView> commit(
            Caller caller,
            @PathVariable String namespace,
            @PathVariable String name,
            @Valid @RequestBody RevisionRequest request) {
        RepositoryName repository = repository(namespace, name);
        // Before the call's transaction, which a refusal undoes: what is there is kept until the rest is uploaded.
        blobs.keep(request.entries().stream().map(RepositoryFile::sha256).toList());
        CommitResult result =
                repositories.commit(caller.tenant(), repository, request.messageOrEmpty(), request.entries());
        RevisionView view = result.revision();
        return result.created()
                ? ResponseEntity.created(URI.create("/api/v1/repositories/" + repository + "/revisions/" + view.id()))
                        .body(view)
                : ResponseEntity.ok(view);
    }

    @Operation(
            operationId = "listRevisions",
            summary = "Lists a repository's revisions, or those that can be restored, the newest first")
    @GetMapping("/revisions")
    Page<RevisionSummary> revisions(
            Caller caller,
            @PathVariable String namespace,
            @PathVariable String name,
            @Parameter(schema = @Schema(type = "boolean")) @RequestParam(required = false) @Nullable String deleted,
            @RequestParam(required = false) @Nullable String search,
            @RequestParam(required = false) @Nullable Integer limit,
            @RequestParam(required = false) @Nullable String cursor) {
        RepositoryName repository = repository(namespace, name);
        return Problems.isTrue("deleted", deleted)
                ? gone.revisions(caller.tenant(), repository, SearchText.of(search), PageLimit.of(limit), cursor)
                : repositories.revisions(
                        caller.tenant(), repository, SearchText.of(search), PageLimit.of(limit), cursor);
    }

    @Operation(operationId = "getRevision", summary = "Shows a revision with its files")
    @Tagged
    @GetMapping("/revisions/{revision}")
    RevisionView revision(
            Caller caller, @PathVariable String namespace, @PathVariable String name, @PathVariable String revision) {
        return repositories.revision(caller.tenant(), repository(namespace, name), revision);
    }

    @Operation(operationId = "downloadFile", summary = "Downloads a file of a revision, whole or a range of it")
    @GetMapping("/files/{*path}")
    ResponseEntity<Resource> file(
            Caller caller,
            @PathVariable String namespace,
            @PathVariable String name,
            @PathVariable String path,
            @RequestParam(defaultValue = RepositoryService.MAIN) String revision,
            HttpServletRequest request,
            HttpServletResponse response) {
        RepositoryFile file =
                repositories.file(caller.tenant(), repository(namespace, name), revision, Problems.path(path));
        return downloads.answer(BlobId.of(file), file.path(), MediaType.APPLICATION_OCTET_STREAM, request, response);
    }

    static RepositoryName repository(String namespace, String name) {
        return Problems.read("repository", () -> new RepositoryName(namespace, name));
    }
}
