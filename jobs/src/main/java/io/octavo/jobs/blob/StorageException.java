package io.octavo.jobs.blob;

import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import org.jspecify.annotations.Nullable;

/** What S3 answered, told apart by what the caller can do about it. */
public sealed class StorageException extends ProblemException {

    private static final long serialVersionUID = 1L;

    private StorageException(ProblemCode code, String detail, @Nullable Throwable cause) {
        super(code, detail, cause);
    }

    /** The bucket does not exist. */
    public static final class MissingBucket extends StorageException {
        private static final long serialVersionUID = 1L;

        MissingBucket(String bucket, @Nullable Throwable cause) {
            super(ProblemCode.BUCKET_NOT_FOUND, "bucket " + bucket + " does not exist", cause);
        }
    }

    /** The bucket has no such object. */
    public static final class MissingObject extends StorageException {
        private static final long serialVersionUID = 1L;

        MissingObject(String bucket, String key, @Nullable Throwable cause) {
            super(ProblemCode.OBJECT_NOT_FOUND, "bucket " + bucket + " has no object " + key, cause);
        }
    }

    /** The credentials do not allow it. */
    public static final class AccessDenied extends StorageException {
        private static final long serialVersionUID = 1L;

        AccessDenied(String bucket, @Nullable Throwable cause) {
            super(ProblemCode.STORAGE_ACCESS_DENIED, "access to bucket " + bucket + " was denied", cause);
        }
    }

    /** It could not be reached or failed on its side: worth another try. */
    public static final class Unavailable extends StorageException {
        private static final long serialVersionUID = 1L;

        Unavailable(String doing, @Nullable Throwable cause) {
            super(ProblemCode.STORAGE_UNAVAILABLE, "object storage failed while " + doing, cause);
        }
    }

    /** It has no room. */
    public static final class Full extends StorageException {
        private static final long serialVersionUID = 1L;

        Full(@Nullable Throwable cause) {
            super(ProblemCode.STORAGE_FULL, "the object store has no room for more", cause);
        }
    }
}
