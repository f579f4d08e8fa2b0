package io.octavo.jobs.problem;

/** Stable names of what can go wrong around jobs; never renamed. The engine's own codes pass through as they are. */
public enum ProblemCode {
    INVALID_REQUEST("invalid-request", ProblemCategory.INVALID),
    UNAUTHENTICATED("unauthenticated", ProblemCategory.UNAUTHENTICATED),
    SCOPE_MISSING("scope-missing", ProblemCategory.FORBIDDEN),
    RATE_LIMITED("rate-limited", ProblemCategory.RATE_LIMITED),
    SCHEME_UNKNOWN("scheme-unknown", ProblemCategory.INVALID),
    LAYOUT_UNKNOWN("layout-unknown", ProblemCategory.INVALID),
    PIPELINE_TOO_LARGE("pipeline-too-large", ProblemCategory.INVALID),
    PIPELINE_STEP_DUPLICATE("pipeline-step-duplicate", ProblemCategory.INVALID),
    PIPELINE_STEP_UNKNOWN("pipeline-step-unknown", ProblemCategory.INVALID),
    PIPELINE_SELF_NEED("pipeline-self-need", ProblemCategory.INVALID),
    PIPELINE_CYCLE("pipeline-cycle", ProblemCategory.INVALID),
    PIPELINE_NEED_MISSING("pipeline-need-missing", ProblemCategory.INVALID),
    PIPELINE_STEP_WITHOUT_ARTIFACT("pipeline-step-without-artifact", ProblemCategory.INVALID),
    BODY_TOO_LARGE("body-too-large", ProblemCategory.TOO_LARGE),
    RANGE_NOT_SATISFIABLE("range-not-satisfiable", ProblemCategory.RANGE_NOT_SATISFIABLE),
    JOB_NOT_FOUND("job-not-found", ProblemCategory.MISSING),
    ARTIFACT_NOT_FOUND("artifact-not-found", ProblemCategory.MISSING),
    REPOSITORY_NOT_FOUND("repository-not-found", ProblemCategory.MISSING),
    REVISION_NOT_FOUND("revision-not-found", ProblemCategory.MISSING),
    FILE_NOT_FOUND("file-not-found", ProblemCategory.MISSING),
    KEY_NOT_FOUND("key-not-found", ProblemCategory.MISSING),
    TENANT_NOT_FOUND("tenant-not-found", ProblemCategory.MISSING),
    WEBHOOK_NOT_FOUND("webhook-not-found", ProblemCategory.MISSING),
    DELIVERY_NOT_FOUND("delivery-not-found", ProblemCategory.MISSING),
    DEPLOYMENT_NOT_FOUND("deployment-not-found", ProblemCategory.MISSING),
    DEPLOYMENT_EXISTS("deployment-exists", ProblemCategory.CONFLICT),
    REF_EXISTS("ref-exists", ProblemCategory.CONFLICT),
    WEBHOOK_LIMIT("webhook-limit", ProblemCategory.CONFLICT),
    ADDRESS_NOT_ALLOWED("address-not-allowed", ProblemCategory.UNPROCESSABLE),
    SECRETS_NOT_CONFIGURED("secrets-not-configured", ProblemCategory.UNPROCESSABLE),
    TENANT_EXISTS("tenant-exists", ProblemCategory.CONFLICT),
    JOB_NOT_CANCELLABLE("job-not-cancellable", ProblemCategory.CONFLICT),
    JOB_NOT_DELETABLE("job-not-deletable", ProblemCategory.CONFLICT),
    TENANT_NOT_DELETABLE("tenant-not-deletable", ProblemCategory.CONFLICT),
    NAMESPACE_TAKEN("namespace-taken", ProblemCategory.CONFLICT),
    QUOTA_EXCEEDED("quota-exceeded", ProblemCategory.FORBIDDEN),
    JOB_NOT_RETRYABLE("job-not-retryable", ProblemCategory.CONFLICT),
    IDEMPOTENCY_KEY_REUSED("idempotency-key-reused", ProblemCategory.CONFLICT),
    IDEMPOTENCY_KEY_IN_USE("idempotency-key-in-use", ProblemCategory.CONFLICT),
    PRECONDITION_FAILED("precondition-failed", ProblemCategory.PRECONDITION),
    BLOBS_MISSING("blobs-missing", ProblemCategory.UNPROCESSABLE),
    CONTENT_HASH_MISMATCH("content-hash-mismatch", ProblemCategory.UNPROCESSABLE),
    SOURCE_NOT_FOUND("source-not-found", ProblemCategory.UNPROCESSABLE),
    SOURCE_NOT_ALLOWED("source-not-allowed", ProblemCategory.FORBIDDEN),
    SOURCE_AMBIGUOUS("source-ambiguous", ProblemCategory.UNPROCESSABLE),
    SOURCE_TOO_LARGE("source-too-large", ProblemCategory.UNPROCESSABLE),
    DISK_TOO_SMALL("disk-too-small", ProblemCategory.UNPROCESSABLE),
    TARGET_IS_SOURCE("target-is-source", ProblemCategory.UNPROCESSABLE),
    PIPELINE_TARGET_DUPLICATE("pipeline-target-duplicate", ProblemCategory.UNPROCESSABLE),
    BUCKET_NOT_FOUND("bucket-not-found", ProblemCategory.UNPROCESSABLE),
    OBJECT_NOT_FOUND("object-not-found", ProblemCategory.UNPROCESSABLE),
    STORAGE_ACCESS_DENIED("storage-access-denied", ProblemCategory.FORBIDDEN),
    STORAGE_UNAVAILABLE("storage-unavailable", ProblemCategory.UNAVAILABLE),
    STORAGE_FULL("storage-full", ProblemCategory.FULL),
    DATABASE_UNAVAILABLE("database-unavailable", ProblemCategory.UNAVAILABLE),
    DATABASE_FULL("database-full", ProblemCategory.FULL),
    IDENTITY_UNAVAILABLE("identity-unavailable", ProblemCategory.UNAVAILABLE),
    WORKER_LOST("worker-lost", ProblemCategory.UNAVAILABLE),
    SPEC_UNREADABLE("spec-unreadable", ProblemCategory.UNAVAILABLE),
    PHASE_TIMED_OUT("phase-timed-out", ProblemCategory.UNAVAILABLE),
    JOB_TIMED_OUT("job-timed-out", ProblemCategory.UNPROCESSABLE),
    STEP_FAILED("step-failed", ProblemCategory.UNPROCESSABLE),
    STEP_CANCELLED("step-cancelled", ProblemCategory.UNPROCESSABLE),
    NEED_FAILED("need-failed", ProblemCategory.UNPROCESSABLE),
    GATE_FAILED("gate-failed", ProblemCategory.UNPROCESSABLE),
    DISK_FULL("disk-full", ProblemCategory.EXHAUSTED),
    OUT_OF_MEMORY("out-of-memory", ProblemCategory.EXHAUSTED),
    BLOB_CORRUPT("blob-corrupt", ProblemCategory.BROKEN),
    INTERNAL("internal", ProblemCategory.BROKEN);

    private final String slug;
    private final ProblemCategory category;

    ProblemCode(String slug, ProblemCategory category) {
        this.slug = slug;
        this.category = category;
    }

    public String slug() {
        return slug;
    }

    public ProblemCategory category() {
        return category;
    }
}
