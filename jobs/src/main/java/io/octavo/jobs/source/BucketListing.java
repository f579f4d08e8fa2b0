package io.octavo.jobs.source;

import io.octavo.jobs.blob.ObjectInfo;
import io.octavo.jobs.blob.ObjectStore;
import io.octavo.jobs.blob.StorageProperties;
import io.octavo.jobs.identity.TenantId;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import io.octavo.jobs.repository.RepositoryPath;
import io.octavo.jobs.spec.SourceUri;
import java.util.List;
import java.util.Optional;
import org.springframework.stereotype.Component;

/** Lists what the operator allowed of the buckets that the service's credentials can read; never the service's own. */
@Component
class BucketListing {

    private static final int MAX_OBJECTS = 10_000;

    private final ObjectStore objects;
    private final StorageProperties properties;
    private final SourceProperties allowed;

    BucketListing(ObjectStore objects, StorageProperties properties, SourceProperties allowed) {
        this.objects = objects;
        this.properties = properties;
        this.allowed = allowed;
    }

    SourceListing list(TenantId tenant, SourceUri.S3 source) {
        requireAllowed(tenant, source);
        String prefix = source.key().isEmpty() ? "" : source.key() + "/";
        List<ObjectInfo> found = objects.list(source.bucket(), prefix, MAX_OBJECTS + 1);
        if (found.size() > MAX_OBJECTS) {
            throw new ProblemException(
                    ProblemCode.SOURCE_TOO_LARGE, "source " + source + " has more than " + MAX_OBJECTS + " objects");
        }
        List<SourceFile> files = found.stream()
                .filter(object -> !object.key().endsWith("/")) // markers of empty folders
                .map(object -> file(source, object, object.key().substring(prefix.length())))
                .toList();
        if (files.isEmpty()) {
            throw new ProblemException(
                    ProblemCode.OBJECT_NOT_FOUND, "source " + source + ": no object has this prefix");
        }
        return new SourceListing(source.toString(), Optional.empty(), files);
    }

    SourceFile object(TenantId tenant, SourceUri.S3 source) {
        requireAllowed(tenant, source);
        ObjectInfo object = objects.stat(source.bucket(), source.key());
        return file(source, object, source.key().substring(source.key().lastIndexOf('/') + 1));
    }

    void requireAllowed(TenantId tenant, SourceUri.S3 source) {
        if (source.bucket().equals(properties.bucket())) {
            throw new ProblemException(
                    ProblemCode.SOURCE_NOT_ALLOWED,
                    "source " + source + ": this service's own bucket cannot be a source; use hub:");
        }
        if (allowed.buckets().stream().noneMatch(bucket -> bucket.allows(tenant, source))) {
            throw new ProblemException(
                    ProblemCode.SOURCE_NOT_ALLOWED,
                    "source " + source + " is not inside a bucket or prefix that the operator allowed you");
        }
    }

    private SourceFile file(SourceUri.S3 source, ObjectInfo object, String path) {
        return new SourceFile(
                path(source, path),
                object.size(),
                Optional.empty(),
                (offset, length) -> objects.open(source.bucket(), object.key(), offset, length));
    }

    private static RepositoryPath path(SourceUri.S3 source, String path) {
        try {
            return new RepositoryPath(path);
        } catch (IllegalArgumentException e) {
            throw new ProblemException(
                    ProblemCode.SOURCE_NOT_ALLOWED,
                    "source " + source + " has an object whose path " + e.getMessage(),
                    e);
        }
    }
}
