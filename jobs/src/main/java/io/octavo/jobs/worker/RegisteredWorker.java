package io.octavo.jobs.worker;

import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.time.Instant;
import java.util.UUID;
import org.hibernate.annotations.Immutable;
import org.hibernate.annotations.JdbcTypeCode;
import org.hibernate.type.SqlTypes;

/** One life of a worker. Written by statements that use the database's clock; read here for what it can do. */
@Entity
@Immutable
@Table(name = "worker")
@SuppressWarnings("UnusedVariable") // some columns are read by SQL only
class RegisteredWorker {

    @Id
    private UUID id;

    @JdbcTypeCode(SqlTypes.JSON)
    private String schemes;

    @JdbcTypeCode(SqlTypes.JSON)
    private String layouts;

    private Instant lastSeenAt;

    @SuppressWarnings("NullAway.Init") // for Hibernate, which fills the fields
    protected RegisteredWorker() {}

    String schemes() {
        return schemes;
    }

    String layouts() {
        return layouts;
    }
}
