// The key-value cache as kernels see it: pages of tokens, number types and their scales; see KvCacheTensor.java.
#pragma once

#include "common.cuh"

namespace {

constexpr int kPageTokens = 64;  // KvCacheLayout.PAGE_TOKENS

// What the numbers of a cache are multiplied by.
struct CacheScales {
  float* scales;    // null for 1
  int headStride;   // 1 for a scale of every head, 0 for one of the tensor
  int tokenStride;  // 1 for a scale of every row of the cache; then headStride is 0

  // row: of the cache, [pages, kvHeads, kPageTokens]
  __device__ __forceinline__ float of(int64_t row, int kvHead) const {
    return scales == nullptr ? 1.0f : scales[row * tokenStride + kvHead * headStride];
  }
};

}  // namespace
