package io.octavo.engine.request;

/** How a checkpoint says that the KV cache may be stored in 8 bits: by scales that come from calibration. */
public enum KvCacheQuantization {
    /** 8-bit floats: one scale for all keys of a layer, one for all its values. */
    FP8_PER_TENSOR,
    /** 8-bit floats, one scale for each key-value head. */
    FP8_PER_HEAD,
    /** 8-bit integers, which vLLM does not take: one scale for all keys of a layer, one for all its values. */
    INT8_PER_TENSOR,
    /** 8-bit integers, one scale for each key-value head. */
    INT8_PER_HEAD
}
