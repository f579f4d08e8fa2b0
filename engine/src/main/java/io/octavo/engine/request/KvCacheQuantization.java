package io.octavo.engine.request;

/** How a checkpoint says that the KV cache may be stored in 8-bit floats: by scales that come from calibration. */
public enum KvCacheQuantization {
    /** One scale for all keys of a layer, one for all its values. */
    FP8_PER_TENSOR,
    /** One scale for each key-value head. */
    FP8_PER_HEAD
}
