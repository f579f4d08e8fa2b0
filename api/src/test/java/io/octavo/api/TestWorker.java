package io.octavo.api;

import io.octavo.hub.RepositoryName;
import io.octavo.jobs.artifact.ArtifactCommit;
import io.octavo.jobs.artifact.ArtifactLabel;
import io.octavo.jobs.artifact.ArtifactService;
import io.octavo.jobs.artifact.Lineage;
import io.octavo.jobs.blob.BlobId;
import io.octavo.jobs.blob.BlobStore;
import io.octavo.jobs.queue.Claim;
import io.octavo.jobs.queue.WorkerIdentity;
import io.octavo.jobs.spec.SchemeInfo;
import io.octavo.jobs.worker.WorkerDescription;
import io.octavo.jobs.worker.WorkerRegistry;
import io.octavo.wire.RepositoryFile;
import java.io.ByteArrayInputStream;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import tools.jackson.databind.node.JsonNodeFactory;

/** A worker that the service knows of, and that does no work. */
public final class TestWorker {

    private static final WorkerDescription DESCRIPTION = new WorkerDescription(
            "host",
            "cpu",
            "1",
            List.of(new SchemeInfo("FP8_DYNAMIC", "eight bits")),
            List.of("compressed-tensors", "awq", "gptq", "gptq_v2", "modelopt", "fp8"));

    /** Of what {@link #commitArtifact} makes. */
    static final String CONTENT_KEY = "c".repeat(64);

    private TestWorker() {}

    /** One that nothing was known of. */
    public static void register(WorkerRegistry workers) {
        register(workers, new WorkerIdentity(UUID.randomUUID(), "worker"));
    }

    public static void register(WorkerRegistry workers, WorkerIdentity worker) {
        workers.register(worker, DESCRIPTION, false);
    }

    /**
     * Ends a job in the repository {@code out} of a namespace.
     *
     * @param content of its one file, {@code a.bin}
     * @return the artifact's id
     */
    static String commitArtifact(
            ArtifactService artifacts, BlobStore blobs, Claim claim, String namespace, byte[] content) {
        BlobId blob = blobs.put(claim.tenant(), new ByteArrayInputStream(content), content.length, null);
        BlobId report = blobs.put(claim.tenant(), new ByteArrayInputStream(new byte[] {'{', '}'}), 2, null);
        return artifacts
                .commit(
                        claim.lease(),
                        new ArtifactCommit(
                                new RepositoryName(namespace, "out"),
                                "m",
                                new ArtifactLabel("W8A8", 8, List.of(), List.of()),
                                List.of(new RepositoryFile("a.bin", blob.size(), blob.sha256())),
                                new Lineage(
                                        "hub:" + namespace + "/model",
                                        "main",
                                        "FP8_DYNAMIC",
                                        "compressed-tensors",
                                        "1"),
                                report,
                                Optional.of(CONTENT_KEY),
                                JsonNodeFactory.instance.objectNode()))
                .id()
                .toString();
    }
}
