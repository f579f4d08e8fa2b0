package io.octavo.jobs.artifact;

import io.octavo.hub.RepositoryName;
import io.octavo.jobs.blob.BlobId;
import io.octavo.jobs.blob.BlobStore;
import io.octavo.jobs.identity.TenantId;
import io.octavo.jobs.page.PageLimit;
import io.octavo.jobs.page.SearchText;
import io.octavo.jobs.page.TimeCursor;
import io.octavo.jobs.problem.Failure;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import io.octavo.jobs.queue.JobQueue;
import io.octavo.jobs.queue.Lease;
import io.octavo.jobs.repository.RepositoryPath;
import io.octavo.jobs.repository.RepositoryService;
import io.octavo.jobs.spec.SourceUri;
import io.octavo.wire.Page;
import io.octavo.wire.RepositoryFile;
import io.octavo.wire.RevisionView;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Collectors;
import org.springframework.data.domain.Limit;
import org.springframework.stereotype.Service;
import org.springframework.transaction.annotation.Transactional;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Artifacts and evaluations. */
@Service
@Transactional
public class ArtifactService {

    private static final String OTHER_SHAPE = "lmEval";
    private static final int MOST_COMPARED = 100;

    private final ArtifactRepository artifacts;
    private final EvaluationRepository evaluations;
    private final RepositoryService repositories;
    private final BlobStore blobs;
    private final JobQueue queue;
    private final JsonMapper json;

    ArtifactService(
            ArtifactRepository artifacts,
            EvaluationRepository evaluations,
            RepositoryService repositories,
            BlobStore blobs,
            JobQueue queue,
            JsonMapper json) {
        this.artifacts = artifacts;
        this.evaluations = evaluations;
        this.repositories = repositories;
        this.blobs = blobs;
        this.queue = queue;
        this.json = json;
    }

    /**
     * Makes a revision, an artifact and a completed job at once, or none of them.
     *
     * @throws io.octavo.jobs.queue.LeaseLostException if another attempt has the job by now
     */
    public ArtifactRecord commit(Lease lease, ArtifactCommit commit) {
        TenantId tenant = queue.requireHeld(lease);
        RevisionView revision = repositories
                .commit(tenant, commit.repository(), commit.message(), commit.files())
                .revision();
        Artifact artifact =
                artifacts.saveAndFlush(new Artifact(tenant, lease.jobId(), commit, revision, artifacts.now()));
        ObjectNode result =
                json.createObjectNode().put("artifactId", artifact.id().toString());
        result.setAll(commit.facts());
        result.put("repository", artifact.repository().toString())
                .put("revision", revision.id())
                .put("uri", artifact.uri());
        queue.complete(lease, result);
        return artifact.toRecord(List.of());
    }

    /**
     * The newest artifact of this tenant with the same content key; what others made is never found.
     *
     * @param contentKey see {@link ArtifactCommit}
     */
    @Transactional(readOnly = true)
    public Optional<ArtifactRecord> reusable(TenantId tenant, String contentKey) {
        return artifacts.withContent(tenant.value(), contentKey, Limit.of(1)).stream()
                .map(artifact -> artifact.toRecord(List.of()))
                .findFirst();
    }

    /**
     * Completes a job with an artifact that was made before. Its files become the newest revision of the job's target, if
     * they are not that already.
     *
     * @throws io.octavo.jobs.queue.LeaseLostException if another attempt has the job by now
     */
    public void commitReuse(Lease lease, UUID artifactId, RepositoryName target, String message) {
        TenantId tenant = queue.requireHeld(lease);
        Artifact artifact = require(tenant, artifactId);
        RevisionView revision =
                repositories.commit(tenant, target, message, artifact.files()).revision();
        ObjectNode result = queue.resultOf(artifact.jobId());
        result.remove(List.of("seconds", "peakRssBytes")); // of the work that is not done again
        result.put("artifactId", artifactId.toString())
                .put("repository", target.toString())
                .put("revision", revision.id())
                .put("uri", new SourceUri.Hub(target, revision.id()).toString())
                .put("reused", true)
                .put("reusedJobId", artifact.jobId().toString());
        queue.complete(lease, result);
    }

    /**
     * Stores an evaluation and ends its job at once.
     *
     * @param source resolved URI of what was evaluated
     * @param result of the job; the artifact does not repeat {@value #OTHER_SHAPE}, which says the same in another shape
     * @param failure why the job fails though it has a result
     */
    public void commitEvaluation(Lease lease, String source, ObjectNode result, Optional<Failure> failure) {
        TenantId tenant = queue.requireHeld(lease);
        evaluations.deleteByJobId(lease.jobId()); // of a run before this one, whose gates it did not pass
        ObjectNode scores = result.deepCopy();
        scores.remove(OTHER_SHAPE);
        evaluations.insert(tenant.value(), lease.jobId(), source, scores.toString());
        if (failure.isPresent()) {
            queue.fail(lease, failure.get(), result);
        } else {
            queue.complete(lease, result);
        }
    }

    /**
     * Newest first.
     *
     * @param search in their repositories, labels and schemes
     */
    @Transactional(readOnly = true)
    public Page<ArtifactRecord> list(TenantId tenant, SearchText search, PageLimit limit, TimeCursor cursor) {
        Page<Artifact> page = Page.of(
                artifacts.page(tenant.value(), cursor.at(), cursor.id(), search.value(), Limit.of(limit.probe())),
                limit.value(),
                artifact -> new TimeCursor(artifact.createdAt(), artifact.id()).toString());
        Map<String, List<EvaluationRecord>> scores =
                evaluationsOf(tenant, page.items().stream().map(Artifact::uri).toList());
        return page.map(artifact -> artifact.toRecord(scores.getOrDefault(artifact.uri(), List.of())));
    }

    /**
     * The newest hundred artifacts that were made of a source.
     *
     * @param source without a revision, of any
     */
    @Transactional(readOnly = true)
    public ArtifactComparison comparison(TenantId tenant, SourceUri source) {
        List<Artifact> made = artifacts.madeOf(tenant.value(), source.toString(), Limit.of(MOST_COMPARED));
        Map<String, List<EvaluationRecord>> scores =
                evaluationsOf(tenant, made.stream().map(Artifact::uri).toList());
        return new ArtifactComparison(
                source.toString(),
                made.stream()
                        .map(artifact -> artifact.toRecord(scores.getOrDefault(artifact.uri(), List.of())))
                        .map(ArtifactComparison.Entry::of)
                        .sorted(Comparator.comparingLong(ArtifactComparison.Entry::sizeBytes))
                        .toList());
    }

    @Transactional(readOnly = true, noRollbackFor = ProblemException.class)
    public ArtifactRecord get(TenantId tenant, UUID id) {
        Artifact artifact = require(tenant, id);
        return artifact.toRecord(
                evaluationsOf(tenant, List.of(artifact.uri())).getOrDefault(artifact.uri(), List.of()));
    }

    @Transactional(readOnly = true)
    public RepositoryFile file(TenantId tenant, UUID id, RepositoryPath path) {
        return require(tenant, id).files().stream()
                .filter(file -> file.path().equals(path.value()))
                .findFirst()
                .orElseThrow(() ->
                        new ProblemException(ProblemCode.FILE_NOT_FOUND, "artifact " + id + " has no file " + path));
    }

    /** The verification report, as JSON. */
    @Transactional(readOnly = true)
    public BlobId report(TenantId tenant, UUID id) {
        return blobs.find(require(tenant, id).reportSha256()).orElseThrow();
    }

    private Artifact require(TenantId tenant, UUID id) {
        return artifacts
                .findByTenantAndId(tenant.value(), id)
                .orElseThrow(() ->
                        new ProblemException(ProblemCode.ARTIFACT_NOT_FOUND, "artifact " + id + " does not exist"));
    }

    private Map<String, List<EvaluationRecord>> evaluationsOf(TenantId tenant, List<String> uris) {
        return evaluations.of(tenant.value(), uris).stream()
                .collect(Collectors.groupingBy(
                        EvaluationRepository.Evaluation::source,
                        Collectors.mapping(this::toRecord, Collectors.toList())));
    }

    private EvaluationRecord toRecord(EvaluationRepository.Evaluation evaluation) {
        return new EvaluationRecord(
                evaluation.id(), evaluation.jobId(), evaluation.createdAt(), json.readTree(evaluation.result()));
    }
}
