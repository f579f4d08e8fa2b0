// Stores fresh keys or values in their cache slots; see KvCacheLayout.java for where those lie. Codes of 8 bits are
// x / scale, rounded to nearest, saturated; scales of tokens are absmax / divisor, machine epsilon in place of zero.
//
// Twin: ScalarKvCacheWrite.java, bit for bit.  Launch: grid = tokens, block = a whole number of warps, which share out the
// heads.  Slots below 0 or past the last page are skipped.

#include "kv_cache.cuh"
#include "quantization.cuh"

struct Parameters {
  const float* x;    // [tokens, kvHeads * headDim]
  const int* slots;  // [tokens]
  void* cache;       // [pages, kvHeads, kPageTokens, headDim], F32, BF16, E4M3 or I8
  float* scales;     // see CacheScales; written where every row has its own
  int64_t pages;
  int kvHeads;
  int headDim;
  int cacheType;     // Number
  int headStride;
  int tokenStride;
  float divisor;
};
OCTAVO_OVERLAPPING_PARAMETERS(
    kv_cache_write, Parameters, x, slots, cache, scales, pages, kvHeads, headDim, cacheType, headStride, tokenStride,
    divisor)

extern "C" __global__ void kv_cache_write(const __grid_constant__ Parameters p) {
  enterStream();
  const int slot = p.slots[blockIdx.x];
  if (slot < 0 || slot >= p.pages * kPageTokens) return;
  const CacheScales scales = {p.scales, p.headStride, p.tokenStride};
  const int lane = threadIdx.x % kWarp;
  const int64_t page = slot / kPageTokens;
  for (int head = threadIdx.x / kWarp; head < p.kvHeads; head += blockDim.x / kWarp) {
    const float* x = p.x + (static_cast<int64_t>(blockIdx.x) * p.kvHeads + head) * p.headDim;
    const int64_t row = (page * p.kvHeads + head) * kPageTokens + slot % kPageTokens;
    if (p.tokenStride != 0) {
      uint32_t largest = 0;
      for (int d = lane; d < p.headDim; d += kWarp) largest = max(largest, magnitudeBits(x[d]));
      const float absmax = __uint_as_float(warpReduce(largest, Max()));
      if (lane == 0) p.scales[row] = storableScale(__fdiv_rn(absmax, p.divisor), kF32);
      __syncwarp();
    }
    const float scale = scales.of(row, head);
    for (int d = lane; d < p.headDim; d += kWarp) {
      const int64_t at = row * p.headDim + d;
      switch (p.cacheType) {
        case kF32:
          static_cast<float*>(p.cache)[at] = x[d];
          break;
        case kBF16:
          static_cast<__nv_bfloat16*>(p.cache)[at] = __float2bfloat16_rn(x[d]);
          break;
        case kE4M3:
          static_cast<uint8_t*>(p.cache)[at] = encodeE4m3(__fdiv_rn(x[d], scale), 0.0f) & 0xFF;
          break;
        default:
          static_cast<int8_t*>(p.cache)[at] = min(max(__float2int_rn(__fdiv_rn(x[d], scale)), -128), 127);
      }
    }
  }
}
