package io.octavo.jobs.repository;

import io.octavo.wire.RepositoryFile;
import jakarta.persistence.CollectionTable;
import jakarta.persistence.ElementCollection;
import jakarta.persistence.Entity;
import jakarta.persistence.GeneratedValue;
import jakarta.persistence.GenerationType;
import jakarta.persistence.Id;
import jakarta.persistence.JoinColumn;
import jakarta.persistence.OrderBy;
import jakarta.persistence.Table;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.hibernate.annotations.Immutable;
import org.hibernate.annotations.SQLRestriction;
import org.jspecify.annotations.Nullable;

/** An immutable list of files. */
@Entity
@Immutable
@SQLRestriction("deleted_at is null")
@Table(name = "revision")
@SuppressWarnings("UnusedVariable") // some columns are read by SQL only
class Revision {

    @Id
    @GeneratedValue(strategy = GenerationType.IDENTITY)
    private @Nullable Long sequence;

    private UUID repositoryId;

    private String id;

    private @Nullable String parent;

    private String branch;

    private String message;

    private Instant createdAt;

    @ElementCollection
    @CollectionTable(name = "revision_file", joinColumns = @JoinColumn(name = "revision_sequence"))
    @OrderBy("path")
    private List<RepositoryFile> files;

    @SuppressWarnings("NullAway.Init") // for Hibernate, which fills the fields
    protected Revision() {}

    /** @param parent on which it was made; null for the first */
    Revision(
            ModelRepository repository,
            String branch,
            @Nullable String parent,
            String id,
            String message,
            FileList files,
            Instant now) {
        this.repositoryId = repository.id();
        this.id = id;
        this.branch = branch;
        this.parent = parent;
        this.message = message;
        this.createdAt = now;
        this.files = new ArrayList<>(files.entries());
    }

    String id() {
        return id;
    }

    UUID repositoryId() {
        return repositoryId;
    }

    @Nullable String parent() {
        return parent;
    }

    Instant createdAt() {
        return createdAt;
    }

    String message() {
        return message;
    }

    List<RepositoryFile> files() {
        return List.copyOf(files);
    }
}
