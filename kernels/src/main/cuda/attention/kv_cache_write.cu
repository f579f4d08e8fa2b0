// Stores fresh keys or values in their cache slots; see KvCacheLayout.java for where those lie.
//
// Twin: ScalarKvCacheWrite.java, bit for bit.  Launch: grid = tokens, block = a whole number of warps, which share out the
// heads.  Slots below 0 or past the last page are skipped.
// Targets: all

#include "attention/kv_cache.cuh"

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
  const Cache cache = {p.cache, p.cacheType, {p.scales, p.headStride, p.tokenStride}, p.divisor};
  const int64_t page = slot / kPageTokens;
  for (int head = threadIdx.x / kWarp; head < p.kvHeads; head += blockDim.x / kWarp) {
    const float* x = p.x + (static_cast<int64_t>(blockIdx.x) * p.kvHeads + head) * p.headDim;
    const int64_t row = (page * p.kvHeads + head) * kPageTokens + slot % kPageTokens;
    writeHead(cache, x, row, head, p.headDim);
  }
}
