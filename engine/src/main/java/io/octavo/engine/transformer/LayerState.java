package io.octavo.engine.transformer;

import io.octavo.kernels.attention.KvCacheLayout;
import io.octavo.kernels.attention.KvCacheTensor;

/** What the mixer of one layer keeps of the sequences of a cache. */
sealed interface LayerState {

    /** Keys and values of every token, in pages. */
    record KeysAndValues(KvCacheLayout layout, KvCacheTensor keys, KvCacheTensor values) implements LayerState {}
}
