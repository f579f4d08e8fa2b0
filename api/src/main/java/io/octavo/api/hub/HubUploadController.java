package io.octavo.api.hub;

import io.octavo.api.audit.ChangesNothing;
import io.octavo.api.identity.Caller;
import io.octavo.api.problem.Problems;
import io.octavo.hub.RepositoryName;
import io.octavo.hub.git.TreeEntry;
import io.octavo.hub.upload.LfsBatch;
import io.octavo.hub.upload.Preupload;
import io.octavo.jobs.blob.BlobId;
import io.octavo.jobs.blob.BlobStore;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import io.octavo.jobs.repository.RepositoryService;
import io.octavo.jobs.upload.UploadTicket;
import io.octavo.jobs.upload.UploadTickets;
import io.octavo.wire.RepositoryFile;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/** What comes before a commit: how files are to be sent, and the large ones. */
@RestController
class HubUploadController {

    /** Clients send 256 at once. */
    private static final int MOST_FILES = 1000;

    private static final String UPLOAD = "upload";

    private final RepositoryService repositories;
    private final ShownFiles files;
    private final BlobStore blobs;
    private final UploadTickets tickets;

    HubUploadController(RepositoryService repositories, ShownFiles files, BlobStore blobs, UploadTickets tickets) {
        this.repositories = repositories;
        this.files = files;
        this.blobs = blobs;
        this.tickets = tickets;
    }

    @ChangesNothing
    @PostMapping("/hub/api/models/{namespace}/{name}/preupload/{revision}")
    Preupload.Answer modes(
            Caller caller,
            @PathVariable String namespace,
            @PathVariable String name,
            @PathVariable String revision,
            @RequestParam(name = "create_pr", required = false) @Nullable String proposal,
            @RequestBody Preupload wanted) {
        refuseProposals(proposal);
        List<Preupload.File> asked = few(wanted.files());
        Set<@Nullable String> paths = asked.stream().map(Preupload.File::path).collect(Collectors.toSet());
        List<RepositoryFile> there =
                repositories.revision(caller.tenant(), HubPaths.repository(namespace, name), revision).files().stream()
                        .filter(file -> paths.contains(file.path()))
                        .toList();
        Map<String, TreeEntry> shown =
                files.of(there).stream().collect(Collectors.toMap(TreeEntry::path, Function.identity()));
        return new Preupload.Answer(asked.stream()
                .map(file -> Preupload.Mode.of(file, shown.get(file.path())))
                .toList());
    }

    static void refuseProposals(@Nullable String proposal) {
        if (HubPaths.isSet(proposal)) {
            throw new ProblemException(
                    ProblemCode.INVALID_REQUEST, "create_pr: there are no pull requests here; commit to a branch");
        }
    }

    private static <T> List<T> few(@Nullable List<T> files) {
        List<T> known = Objects.requireNonNullElse(files, List.of());
        if (known.size() > MOST_FILES) {
            throw new ProblemException(
                    ProblemCode.BODY_TOO_LARGE, known.size() + " files are more than " + MOST_FILES + " at once");
        }
        return known.stream().filter(Objects::nonNull).toList();
    }

    /** What the tenant has shown to have need not be sent again; what others have tells nobody anything. */
    @PostMapping("/hub/{namespace}/{name}.git/info/lfs/objects/batch")
    LfsBatch.Answer batch(
            Caller caller,
            @PathVariable String namespace,
            @PathVariable String name,
            @RequestBody LfsBatch batch,
            HttpServletRequest request) {
        if (!UPLOAD.equals(batch.operation())) {
            throw new ProblemException(
                    ProblemCode.INVALID_REQUEST, "operation: must be upload; files are downloaded by their paths");
        }
        List<LfsBatch.Wanted> asked = few(batch.objects());
        RepositoryName repository = HubPaths.repository(namespace, name);
        repositories.requireThere(caller.tenant(), repository);
        List<BlobId> wanted = Problems.read(
                "objects",
                () -> asked.stream()
                        .map(object -> new BlobId(Objects.requireNonNullElse(object.oid(), ""), object.size()))
                        .toList());
        Set<BlobId> missing = wanted.isEmpty() ? Set.of() : Set.copyOf(blobs.missing(caller.tenant(), wanted));
        return new LfsBatch.Answer(wanted.stream()
                .map(blob -> new LfsBatch.Told(
                        blob.sha256(), blob.size(), missing.contains(blob) ? upload(caller, blob, request) : null))
                .toList());
    }

    private LfsBatch.Actions upload(Caller caller, BlobId blob, HttpServletRequest request) {
        String ticket = tickets.issue(new UploadTicket(caller.tenant(), caller.getName(), blob));
        return new LfsBatch.Actions(new LfsBatch.Action(
                HubPaths.base(request) + "/uploads/" + blob.sha256() + "?ticket=" + ticket,
                UploadTickets.LIFE.toSeconds()));
    }

    /** The caller is whoever has the ticket. */
    @PutMapping("/hub/uploads/{sha256}")
    void upload(Caller caller, @PathVariable String sha256, @RequestParam String ticket, HttpServletRequest request)
            throws IOException {
        BlobId blob = tickets.find(ticket)
                .map(UploadTicket::blob)
                .filter(known -> known.sha256().equals(sha256))
                .orElseThrow(() -> new ProblemException(
                        ProblemCode.SCOPE_MISSING, "the ticket is not for these bytes, or has just expired"));
        blobs.put(caller.tenant(), blob, request.getInputStream());
    }
}
