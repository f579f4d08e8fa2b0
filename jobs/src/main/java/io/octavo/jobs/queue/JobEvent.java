package io.octavo.jobs.queue;

import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.time.Instant;
import java.util.UUID;
import org.hibernate.annotations.Immutable;
import org.hibernate.annotations.JdbcTypeCode;
import org.hibernate.type.SqlTypes;

/** One row of the append-only log of a job. */
@Entity
@Immutable
@Table(name = "job_event")
@SuppressWarnings("UnusedVariable") // some columns are read by SQL only
class JobEvent {

    @Id
    private long id;

    private UUID jobId;

    private int attempt;

    private Instant at;

    private String type;

    @JdbcTypeCode(SqlTypes.JSON)
    private String data;

    @SuppressWarnings("NullAway.Init") // for Hibernate, which fills the fields
    protected JobEvent() {}

    long id() {
        return id;
    }

    Instant at() {
        return at;
    }

    String type() {
        return type;
    }

    String data() {
        return data;
    }
}
