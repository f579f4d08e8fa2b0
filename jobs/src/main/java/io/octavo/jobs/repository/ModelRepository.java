package io.octavo.jobs.repository;

import io.octavo.hub.RepositoryName;
import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.util.UUID;
import org.hibernate.annotations.SQLRestriction;
import org.jspecify.annotations.Nullable;

/** The aggregate behind a repository: a name and where its branch {@code main} stands. */
@Entity
@SQLRestriction("deleted_at is null")
@Table(name = "repository")
@SuppressWarnings("UnusedVariable") // some columns are read by SQL only
class ModelRepository {

    @Id
    private UUID id;

    @Column(updatable = false)
    private UUID tenant;

    @Column(updatable = false)
    private String namespace;

    @Column(updatable = false)
    private String name;

    private @Nullable String head;

    @SuppressWarnings("NullAway.Init") // for Hibernate, which fills the fields
    protected ModelRepository() {}

    void moveHead(Revision revision) {
        head = revision.id();
    }

    UUID id() {
        return id;
    }

    RepositoryName name() {
        return new RepositoryName(namespace, name);
    }

    @Nullable String head() {
        return head;
    }
}
