// A cache of 8-bit codes as f16 numbers, for attention_hopper.cu: the pages that sequences see, one after the other.
//
// Codes are exact in f16. Where every token has a scale, it is multiplied in, brought near 1 by a power of 2 that all tokens
// of a sequence and head share: kv_cache_range finds it.
//
// Twin: KvCacheTensor.java says what numbers are worth.  Launch: expand: grid = (maxPages, kvHeads, sequences), block =
// kThreads; range: grid = (kvHeads, sequences), block = kRangeThreads.
// Targets: all

#include "attention/attention.cuh"

struct ExpandParameters {
  const void* keys;           // [pages, kvHeads, kPageTokens, headDim] E4M3 or I8
  const void* values;         // like keys
  const float* keyScales;     // [pages, kvHeads, kPageTokens] or null
  const float* valueScales;
  const int* contextLengths;  // [sequences]
  const int* pageTable;       // [sequences, maxPages]
  __half* expandedKeys;       // [sequences, maxPages, kvHeads, kPageTokens, headDim]
  __half* expandedValues;
  int* expandedTable;         // [sequences, maxPages]; -1 for a page that does not exist
  float* keyRanges;           // [sequences, kvHeads] powers of 2
  float* valueRanges;
  int maxPages;
  int pages;
  int kvHeads;
  int headDim;
};
OCTAVO_OVERLAPPING_PARAMETERS(
    kv_cache_expand, ExpandParameters, keys, values, keyScales, valueScales, contextLengths, pageTable, expandedKeys,
    expandedValues, expandedTable, keyRanges, valueRanges, maxPages, pages, kvHeads, headDim)

namespace {

constexpr int kRangeThreads = 256;

__device__ __forceinline__ bool exists(const ExpandParameters& p, int page) { return page >= 0 && page < p.pages; }

__device__ __forceinline__ uint32_t scaled(uint32_t halves, float scale) {
  const float2 pair = __half22float2(*reinterpret_cast<const __half2*>(&halves));
  return HalfProduct::round(pair.x * scale, pair.y * scale);
}

template <typename T>
__device__ __forceinline__ void expandPage(
    const ExpandParameters& p, const void* codes, const float* scales, float range, int64_t row, __half* target) {
  const int chunks = kPageTokens * p.headDim / 16;
  const uint4* from = reinterpret_cast<const uint4*>(static_cast<const uint8_t*>(codes) + row * p.headDim);
  uint4* to = reinterpret_cast<uint4*>(target);
#pragma unroll 4
  for (int i = threadIdx.x; i < chunks; i += kThreads) {
    const uint4 chunk = from[i];
    const float scale = scales == nullptr ? 1.0f : scales[row + i * 16 / p.headDim] / range;
    const uint32_t words[4] = {chunk.x, chunk.y, chunk.z, chunk.w};
    uint32_t halves[8];
#pragma unroll
    for (int w = 0; w < 4; w++) {
      Codes<T>::asHalves(words[w], halves[2 * w], halves[2 * w + 1]);
      if (scales != nullptr) {
        halves[2 * w] = scaled(halves[2 * w], scale);
        halves[2 * w + 1] = scaled(halves[2 * w + 1], scale);
      }
    }
    to[2 * i] = make_uint4(halves[0], halves[1], halves[2], halves[3]);
    to[2 * i + 1] = make_uint4(halves[4], halves[5], halves[6], halves[7]);
  }
}

template <typename T>
__device__ __forceinline__ void expand(const ExpandParameters& p) {
  enterStream();
  const int sequence = blockIdx.z;
  const int kvHead = blockIdx.y;
  if (static_cast<int>(blockIdx.x) * kPageTokens >= p.contextLengths[sequence]) return;
  const int64_t slot = static_cast<int64_t>(sequence) * p.maxPages + blockIdx.x;
  const int page = p.pageTable[slot];
  if (kvHead == 0 && threadIdx.x == 0) p.expandedTable[slot] = exists(p, page) ? static_cast<int>(slot) : -1;
  if (!exists(p, page)) return;
  const int64_t row = (static_cast<int64_t>(page) * p.kvHeads + kvHead) * kPageTokens;
  const int64_t to = (slot * p.kvHeads + kvHead) * kPageTokens * p.headDim;
  const int head = sequence * p.kvHeads + kvHead;
  const bool tokens = p.keyScales != nullptr;
  expandPage<T>(p, p.keys, p.keyScales, tokens ? p.keyRanges[head] : 1.0f, row, p.expandedKeys + to);
  expandPage<T>(p, p.values, p.valueScales, tokens ? p.valueRanges[head] : 1.0f, row, p.expandedValues + to);
}

}  // namespace

OCTAVO_LAUNCH(kv_cache_expand_f8_e4m3, kThreads, 0)
OCTAVO_LAUNCH(kv_cache_expand_i8, kThreads, 0)
OCTAVO_LAUNCH(kv_cache_range, kRangeThreads, 0)

extern "C" __global__ __launch_bounds__(kThreads) void kv_cache_expand_f8_e4m3(
    const __grid_constant__ ExpandParameters p) {
  expand<E4M3>(p);
}

extern "C" __global__ __launch_bounds__(kThreads) void kv_cache_expand_i8(const __grid_constant__ ExpandParameters p) {
  expand<int8_t>(p);
}

extern "C" __global__ __launch_bounds__(kRangeThreads) void kv_cache_range(const __grid_constant__ ExpandParameters p) {
  enterStream();
  const int kvHead = blockIdx.x;
  const int sequence = blockIdx.y;
  const int context = min(p.contextLengths[sequence], p.maxPages * kPageTokens);
  const int* pageTable = p.pageTable + static_cast<int64_t>(sequence) * p.maxPages;
  float keys = 0.0f;
  float values = 0.0f;
#pragma unroll 4
  for (int token = threadIdx.x; token < context; token += kRangeThreads) {
    const int page = pageTable[token / kPageTokens];
    if (!exists(p, page)) continue;
    const int64_t row = (static_cast<int64_t>(page) * p.kvHeads + kvHead) * kPageTokens + token % kPageTokens;
    keys = fmaxf(keys, p.keyScales[row]);
    values = fmaxf(values, p.valueScales[row]);
  }
  keys = blockReduce(keys, Max(), 0.0f);
  values = blockReduce(values, Max(), 0.0f);
  if (threadIdx.x != 0) return;
  p.keyRanges[sequence * p.kvHeads + kvHead] = powerOf(exponentOf(keys));
  p.valueRanges[sequence * p.kvHeads + kvHead] = powerOf(exponentOf(values));
}
