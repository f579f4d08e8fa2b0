package io.octavo.jobs.blob;

import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import org.hibernate.annotations.Immutable;

/** A blob that is known to be stored whole. */
@Entity
@Immutable
@Table(name = "blob")
class Blob {

    @Id
    private String sha256;

    private long size;

    @SuppressWarnings("NullAway.Init") // for Hibernate, which fills the fields
    protected Blob() {}

    BlobId id() {
        return new BlobId(sha256, size);
    }
}
