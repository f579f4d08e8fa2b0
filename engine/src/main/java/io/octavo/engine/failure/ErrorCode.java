package io.octavo.engine.failure;

/** Stable names of what can go wrong in the engine; documented in docs/errors.md, never renamed. */
public enum ErrorCode {
    SAFETENSORS_TRUNCATED("safetensors-truncated", ErrorKind.USER),
    SAFETENSORS_HEADER_TOO_LARGE("safetensors-header-too-large", ErrorKind.USER),
    SAFETENSORS_HEADER_INVALID("safetensors-header-invalid", ErrorKind.USER),
    SAFETENSORS_DUPLICATE_NAME("safetensors-duplicate-name", ErrorKind.USER),
    SAFETENSORS_UNKNOWN_DTYPE("safetensors-unknown-dtype", ErrorKind.USER),
    SAFETENSORS_SHAPE_INVALID("safetensors-shape-invalid", ErrorKind.USER),
    SAFETENSORS_OFFSETS_INVALID("safetensors-offsets-invalid", ErrorKind.USER),
    SAFETENSORS_OFFSETS_OVERLAP("safetensors-offsets-overlap", ErrorKind.USER),
    SAFETENSORS_OFFSETS_GAP("safetensors-offsets-gap", ErrorKind.USER),
    SAFETENSORS_SIZE_MISMATCH("safetensors-size-mismatch", ErrorKind.USER),
    SAFETENSORS_TRAILING_DATA("safetensors-trailing-data", ErrorKind.USER),
    SAFETENSORS_METADATA_INVALID("safetensors-metadata-invalid", ErrorKind.USER),
    GIT_LFS_POINTER("git-lfs-pointer", ErrorKind.USER),
    CHECKPOINT_NOT_FOUND("checkpoint-not-found", ErrorKind.USER),
    CHECKPOINT_INDEX_INVALID("checkpoint-index-invalid", ErrorKind.USER),
    CHECKPOINT_SHARD_MISSING("checkpoint-shard-missing", ErrorKind.USER),
    CHECKPOINT_FILE_UNSAFE("checkpoint-file-unsafe", ErrorKind.USER),
    CHECKPOINT_TENSOR_MISSING("checkpoint-tensor-missing", ErrorKind.USER),
    CHECKPOINT_SHAPE_MISMATCH("checkpoint-shape-mismatch", ErrorKind.USER),
    CONFIG_INVALID("config-invalid", ErrorKind.USER),
    ARCHITECTURE_MISSING("architecture-missing", ErrorKind.USER),
    ARCHITECTURE_UNSUPPORTED("architecture-unsupported", ErrorKind.USER),
    ALREADY_QUANTIZED("already-quantized", ErrorKind.USER),
    QUANTIZATION_UNSUPPORTED("quantization-unsupported", ErrorKind.USER),
    SCHEME_UNKNOWN("scheme-unknown", ErrorKind.USER),
    LAYOUT_UNKNOWN("layout-unknown", ErrorKind.USER),
    LAYOUT_UNSUITABLE("layout-unsuitable", ErrorKind.USER),
    TAG_UNKNOWN("tag-unknown", ErrorKind.USER),
    SCALING_FACTORS_INVALID("scaling-factors-invalid", ErrorKind.USER),
    SCHEME_UNSUITABLE("scheme-unsuitable", ErrorKind.USER),
    CALIBRATION_MISSING("calibration-missing", ErrorKind.USER),
    MODIFIER_UNSUITABLE("modifier-unsuitable", ErrorKind.USER),
    IGNORE_INVALID("ignore-invalid", ErrorKind.USER),
    TARGET_NOT_EMPTY("target-not-empty", ErrorKind.USER),
    NOTHING_TO_QUANTIZE("nothing-to-quantize", ErrorKind.USER),
    TENSOR_NOT_FINITE("tensor-not-finite", ErrorKind.USER),
    TENSOR_DTYPE_UNSUPPORTED("tensor-dtype-unsupported", ErrorKind.USER),
    TOKENIZER_MISSING("tokenizer-missing", ErrorKind.USER),
    TOKENIZER_INVALID("tokenizer-invalid", ErrorKind.USER),
    CHAT_TEMPLATE_MISSING("chat-template-missing", ErrorKind.USER),
    CHAT_TEMPLATE_FAILED("chat-template-failed", ErrorKind.USER),
    CHAT_TEMPLATE_UNAVAILABLE("chat-template-unavailable", ErrorKind.USER),
    CHAT_TEMPLATE_EXCEEDED("chat-template-exceeded", ErrorKind.USER),
    DATASET_NOT_FOUND("dataset-not-found", ErrorKind.USER),
    DATASET_INVALID("dataset-invalid", ErrorKind.USER),
    BASELINE_INCOMPATIBLE("baseline-incompatible", ErrorKind.USER),
    PROMPT_TOO_LONG("prompt-too-long", ErrorKind.USER),
    BACKEND_UNAVAILABLE("backend-unavailable", ErrorKind.USER),
    QUEUE_FULL("queue-full", ErrorKind.RESOURCE),
    DISK_FULL("disk-full", ErrorKind.RESOURCE),
    OUT_OF_MEMORY("out-of-memory", ErrorKind.RESOURCE),
    IO_FAILED("io-failed", ErrorKind.TRANSIENT),
    DEVICE_FAULT("device-fault", ErrorKind.TRANSIENT),
    SERVING_STOPPED("serving-stopped", ErrorKind.TRANSIENT),
    SERVING_FAILED("serving-failed", ErrorKind.INTERNAL),
    VERIFICATION_FAILED("verification-failed", ErrorKind.INTERNAL);

    private final String slug;
    private final ErrorKind kind;

    ErrorCode(String slug, ErrorKind kind) {
        this.slug = slug;
        this.kind = kind;
    }

    public String slug() {
        return slug;
    }

    public ErrorKind kind() {
        return kind;
    }
}
