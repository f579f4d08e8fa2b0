package io.octavo.jobs.artifact;

import jakarta.persistence.Entity;
import jakarta.persistence.GeneratedValue;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.time.Instant;
import java.util.UUID;
import org.hibernate.annotations.Immutable;
import org.hibernate.annotations.JdbcTypeCode;
import org.hibernate.annotations.UuidGenerator;
import org.hibernate.type.SqlTypes;
import org.jspecify.annotations.Nullable;

/** The outcome of an evaluate job; it never changes. */
@Entity
@Immutable
@Table(name = "evaluation")
class Evaluation {

    @Id
    @GeneratedValue
    @UuidGenerator(style = UuidGenerator.Style.VERSION_7)
    private @Nullable UUID id;

    private UUID jobId;

    private String source;

    @JdbcTypeCode(SqlTypes.JSON)
    private String result;

    private Instant createdAt;

    @SuppressWarnings("NullAway.Init") // for Hibernate, which fills the fields
    protected Evaluation() {}

    Evaluation(UUID jobId, String source, String result, Instant now) {
        this.jobId = jobId;
        this.source = source;
        this.result = result;
        this.createdAt = now;
    }

    UUID id() {
        if (id == null) {
            throw new IllegalStateException("the evaluation is not stored yet");
        }
        return id;
    }

    UUID jobId() {
        return jobId;
    }

    String source() {
        return source;
    }

    String result() {
        return result;
    }

    Instant createdAt() {
        return createdAt;
    }
}
