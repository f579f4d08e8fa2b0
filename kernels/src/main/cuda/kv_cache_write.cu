// Stores fresh keys or values in their cache slots; see KvCacheLayout.java for where those lie.
//
// Twin: ScalarKvCacheWrite.java.  Launch: grid = tokens, block = any.  Slots below 0 or past the last page are skipped.

#include "common.cuh"

struct Parameters {
  const float* x;    // [tokens, kvHeads * headDim]
  const int* slots;  // [tokens]
  void* cache;       // [pages, kvHeads, kPageTokens, headDim], F32 or BF16
  int64_t pages;
  int kvHeads;
  int headDim;
  int cacheType;     // Number
};
OCTAVO_PARAMETERS(kv_cache_write, Parameters, x, slots, cache, pages, kvHeads, headDim, cacheType)

namespace {
constexpr int kPageTokens = 64;
}

extern "C" __global__ void kv_cache_write(const __grid_constant__ Parameters p) {
  const int slot = p.slots[blockIdx.x];
  if (slot < 0 || slot >= p.pages * kPageTokens) return;
  const int columns = p.kvHeads * p.headDim;
  const float* row = p.x + blockIdx.x * static_cast<int64_t>(columns);
  const int64_t page = slot / kPageTokens;
  for (int c = threadIdx.x; c < columns; c += blockDim.x) {
    const int head = c / p.headDim;
    const int64_t cacheRow = (page * p.kvHeads + head) * kPageTokens + slot % kPageTokens;
    const int64_t at = cacheRow * p.headDim + c % p.headDim;
    if (p.cacheType == kF32) {
      static_cast<float*>(p.cache)[at] = row[c];
    } else {
      static_cast<__nv_bfloat16*>(p.cache)[at] = __float2bfloat16_rn(row[c]);
    }
  }
}
