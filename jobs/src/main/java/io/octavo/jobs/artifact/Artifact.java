package io.octavo.jobs.artifact;

import io.octavo.engine.label.Execution;
import io.octavo.engine.request.EvaluationMetric;
import io.octavo.hub.RepositoryName;
import io.octavo.jobs.identity.TenantId;
import io.octavo.jobs.spec.SourceUri;
import io.octavo.jobs.spec.TaskSpec;
import io.octavo.wire.RepositoryFile;
import io.octavo.wire.RevisionView;
import jakarta.persistence.CollectionTable;
import jakarta.persistence.Column;
import jakarta.persistence.ElementCollection;
import jakarta.persistence.Embedded;
import jakarta.persistence.Entity;
import jakarta.persistence.GeneratedValue;
import jakarta.persistence.Id;
import jakarta.persistence.JoinColumn;
import jakarta.persistence.OrderBy;
import jakarta.persistence.Table;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.hibernate.annotations.Immutable;
import org.hibernate.annotations.JdbcTypeCode;
import org.hibernate.annotations.SQLRestriction;
import org.hibernate.annotations.UuidGenerator;
import org.hibernate.type.SqlTypes;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** The aggregate behind an artifact; it never changes. */
@Entity
@Immutable
@SQLRestriction("deleted_at is null")
@Table(name = "artifact")
@SuppressWarnings("UnusedVariable") // some columns are read by SQL only
class Artifact {

    @Id
    @GeneratedValue
    @UuidGenerator(style = UuidGenerator.Style.VERSION_7)
    private @Nullable UUID id;

    private UUID tenant;

    private UUID jobId;

    private String namespace;

    private String name;

    private String revision;

    private String label;

    private double weightBits;

    @JdbcTypeCode(SqlTypes.JSON)
    private List<Execution> executesAs;

    @JdbcTypeCode(SqlTypes.JSON)
    private List<String> warnings;

    private long sizeBytes;

    @Embedded
    private Lineage lineage;

    @Column(name = "report_sha256")
    private String reportSha256;

    private @Nullable String contentKey;

    private Instant createdAt;

    @ElementCollection
    @CollectionTable(name = "artifact_file", joinColumns = @JoinColumn(name = "artifact_id"))
    @OrderBy("path")
    private List<RepositoryFile> files;

    @SuppressWarnings("NullAway.Init") // for Hibernate, which fills the fields
    protected Artifact() {}

    Artifact(TenantId tenant, UUID jobId, ArtifactCommit commit, RevisionView revision, Instant now) {
        this.tenant = tenant.value();
        this.jobId = jobId;
        this.namespace = commit.repository().namespace();
        this.name = commit.repository().name();
        this.revision = revision.id();
        this.label = commit.label().text();
        this.weightBits = commit.label().weightBits();
        this.executesAs = commit.label().executesAs();
        this.warnings = commit.label().warnings();
        this.sizeBytes = commit.sizeBytes();
        this.lineage = commit.lineage();
        this.reportSha256 = commit.report().sha256();
        this.contentKey = commit.contentKey().orElse(null);
        this.createdAt = now;
        this.files = new ArrayList<>(revision.files());
    }

    ArtifactRecord toRecord(List<EvaluationRecord> evaluations) {
        return new ArtifactRecord(
                id(),
                jobId,
                repository().toString(),
                revision,
                uri(),
                label,
                weightBits,
                recovery(evaluations),
                smokePassed(evaluations),
                executesAs,
                warnings,
                sizeBytes,
                createdAt,
                files,
                lineage,
                evaluations);
    }

    /** @param evaluations the oldest first */
    private static @Nullable Double recovery(List<EvaluationRecord> evaluations) {
        return evaluations.reversed().stream()
                .map(evaluation -> evaluation.result().path(EvaluationMetric.RECOVERY))
                .filter(JsonNode::isNumber)
                .map(JsonNode::doubleValue)
                .findFirst()
                .orElse(null);
    }

    /** @param evaluations the oldest first */
    private static @Nullable Boolean smokePassed(List<EvaluationRecord> evaluations) {
        return evaluations.reversed().stream()
                .flatMap(evaluation -> evaluation.result().at("/source/tasks").valueStream())
                .filter(task -> task.path("type").asString("").equals(TaskSpec.Smoke.TYPE))
                .map(task -> task.path("passed").asBoolean(false))
                .findFirst()
                .orElse(null);
    }

    UUID id() {
        if (id == null) {
            throw new IllegalStateException("the artifact is not stored yet");
        }
        return id;
    }

    RepositoryName repository() {
        return new RepositoryName(namespace, name);
    }

    String uri() {
        return new SourceUri.Hub(repository(), revision).toString();
    }

    UUID jobId() {
        return jobId;
    }

    String reportSha256() {
        return reportSha256;
    }

    Instant createdAt() {
        return createdAt;
    }

    List<RepositoryFile> files() {
        return List.copyOf(files);
    }
}
