package io.octavo.jobs.artifact;

import io.octavo.jobs.identity.TenantId;
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
@SuppressWarnings("UnusedVariable") // some columns are read by SQL only
class Evaluation {

    @Id
    @GeneratedValue
    @UuidGenerator(style = UuidGenerator.Style.VERSION_7)
    private @Nullable UUID id;

    private UUID tenant;

    private UUID jobId;

    private String source;

    @JdbcTypeCode(SqlTypes.JSON)
    private String result;

    private Instant createdAt;

    @SuppressWarnings("NullAway.Init") // for Hibernate, which fills the fields
    protected Evaluation() {}

    Evaluation(TenantId tenant, UUID jobId, String source, String result, Instant now) {
        this.tenant = tenant.value();
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
