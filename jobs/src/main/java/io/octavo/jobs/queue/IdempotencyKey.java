package io.octavo.jobs.queue;

import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.util.UUID;
import org.hibernate.annotations.Immutable;

/** Which job a client's key stands for. */
@Entity
@Immutable
@Table(name = "idempotency")
@SuppressWarnings("UnusedVariable") // some columns are read by SQL only
class IdempotencyKey {

    @Id
    private String key;

    private String requestSha256;

    private UUID jobId;

    @SuppressWarnings("NullAway.Init") // for Hibernate, which fills the fields
    protected IdempotencyKey() {}

    String requestSha256() {
        return requestSha256;
    }

    UUID jobId() {
        return jobId;
    }
}
