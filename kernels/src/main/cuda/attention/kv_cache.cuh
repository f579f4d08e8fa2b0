// The key-value cache as kernels see it: pages of tokens, number types and their scales; see KvCacheTensor.java.
#pragma once

#include "base/common.cuh"
#include "quantization/quantization.cuh"

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

// What a number becomes where codes are x / scale, rounded to nearest, saturated.
__device__ __forceinline__ uint32_t cacheCode(float x, float scale, int type) {
  const float quotient = __fdiv_rn(x, scale);
  return type == kE4M3 ? encodeE4m3(quotient, 0.0f) & 0xFF : min(max(__float2int_rn(quotient), -128), 127) & 0xFF;
}

__device__ __forceinline__ void writeNumber(const Cache& cache, float x, int64_t at, float scale) {
  switch (cache.type) {
    case kF32:
      static_cast<float*>(cache.numbers)[at] = x;
      break;
    case kBF16:
      static_cast<__nv_bfloat16*>(cache.numbers)[at] = __float2bfloat16_rn(x);
      break;
    default:
      static_cast<uint8_t*>(cache.numbers)[at] = cacheCode(x, scale, cache.type);
  }
}

// at: a multiple of 4.
__device__ __forceinline__ void writeFour(const Cache& cache, const float4& x, int64_t at, float scale) {
  switch (cache.type) {
    case kF32:
      reinterpret_cast<float4*>(cache.numbers)[at / 4] = x;
      break;
    case kBF16: {
      const __nv_bfloat162 low = __floats2bfloat162_rn(x.x, x.y);
      const __nv_bfloat162 high = __floats2bfloat162_rn(x.z, x.w);
      reinterpret_cast<uint2*>(cache.numbers)[at / 4] =
          make_uint2(reinterpret_cast<const uint32_t&>(low), reinterpret_cast<const uint32_t&>(high));
      break;
    }
    default:
      reinterpret_cast<uint32_t*>(cache.numbers)[at / 4] =
          cacheCode(x.x, scale, cache.type) | cacheCode(x.y, scale, cache.type) << 8 |
          cacheCode(x.z, scale, cache.type) << 16 | cacheCode(x.w, scale, cache.type) << 24;
  }
}

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
  if (headDim % 4 == 0 && isAligned(x, 0, sizeof(float4)) && isAligned(cache.numbers, 0, sizeof(float4))) {
    for (int d = 4 * lane; d < headDim; d += 4 * kWarp) {
      writeFour(cache, *reinterpret_cast<const float4*>(x + d), row * headDim + d, scale);
    }
    return;
  }
  for (int d = lane; d < headDim; d += kWarp) writeNumber(cache, x[d], row * headDim + d, scale);
}

}  // namespace
