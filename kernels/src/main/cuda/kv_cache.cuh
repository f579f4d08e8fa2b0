// The key-value cache as kernels see it: pages of tokens, number types and their scales; see KvCacheTensor.java.
#pragma once

#include "common.cuh"
#include "quantization.cuh"

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

// What a cache of one kind is made of.
struct Cache {
  void* numbers;  // [pages, kvHeads, kPageTokens, headDim], F32, BF16, E4M3 or I8
  int type;       // Number
  CacheScales scales;
  float divisor;  // of the largest magnitude, where every row has a scale of its own
};

// A warp stores one head of a token in its row of the cache. Codes of 8 bits are x / scale, rounded to nearest, saturated;
// scales of rows are absmax / divisor, machine epsilon in place of zero.
__device__ __forceinline__ void writeHead(const Cache& cache, const float* x, int64_t row, int kvHead, int headDim) {
  const int lane = threadIdx.x % kWarp;
  if (cache.scales.tokenStride != 0) {
    uint32_t largest = 0;
    for (int d = lane; d < headDim; d += kWarp) largest = max(largest, magnitudeBits(x[d]));
    const float absmax = __uint_as_float(warpReduce(largest, Max()));
    if (lane == 0) cache.scales.scales[row] = storableScale(__fdiv_rn(absmax, cache.divisor), kF32);
    __syncwarp();
  }
  const float scale = cache.scales.of(row, kvHead);
  for (int d = lane; d < headDim; d += kWarp) {
    const int64_t at = row * headDim + d;
    switch (cache.type) {
      case kF32:
        static_cast<float*>(cache.numbers)[at] = x[d];
        break;
      case kBF16:
        static_cast<__nv_bfloat16*>(cache.numbers)[at] = __float2bfloat16_rn(x[d]);
        break;
      case kE4M3:
        static_cast<uint8_t*>(cache.numbers)[at] = encodeE4m3(__fdiv_rn(x[d], scale), 0.0f) & 0xFF;
        break;
      default:
        static_cast<int8_t*>(cache.numbers)[at] = min(max(__float2int_rn(__fdiv_rn(x[d], scale)), -128), 127);
    }
  }
}

}  // namespace
