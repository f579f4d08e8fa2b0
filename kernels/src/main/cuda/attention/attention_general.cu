// Causal grouped-query attention over a paged cache in f32, for every head size and cache type: what the tensor-core
// kernel does not take, and what it is tested against. Online softmax over one page at a time.
//
// Twin: ScalarAttention.java.  Launch: grid = (tokens, heads), block = kThreads, dynamic shared memory = headDim floats.
// headDim <= kThreads * kMostDims. Rows of a sequence whose context or pages are impossible become NaN; rows that belong
// to no sequence stay as they are.
// Targets: all

#include "base/common.cuh"
#include "attention/sequences.cuh"

struct Parameters {
  const float* q;             // [tokens, heads, headDim]
  const void* keys;           // [pages, kvHeads, kPageTokens, headDim], F32, BF16, E4M3 or I8
  const void* values;         // like keys
  const int* queryStarts;     // [sequences + 1]
  const int* contextLengths;  // [sequences]
  const int* pageTable;       // [sequences, maxPages]
  float* out;                 // [tokens, heads, headDim]
  int sequences;
  int maxPages;
  int pages;
  int heads;
  int kvHeads;
  int headDim;
  int window;
  float scale;
  float softcap;              // 0 for none
  float* keyScales;           // see CacheScales
  float* valueScales;
  int keyHeadStride;
  int valueHeadStride;
  int tokenStride;
};
OCTAVO_PARAMETERS(
    attention_general, Parameters, q, keys, values, queryStarts, contextLengths, pageTable, out, sequences, maxPages,
    pages, heads, kvHeads, headDim, window, scale, softcap, keyScales, valueScales, keyHeadStride,
    valueHeadStride, tokenStride)

namespace {

constexpr int kThreads = 128;
constexpr int kMostDims = 4;               // output channels a thread
constexpr int kMostHeadDim = kThreads * kMostDims;
constexpr int kThreadsPerKey = kThreads / kPageTokens;

template <typename T>
__device__ __forceinline__ void attend(const Parameters& p) {
  extern __shared__ float query[];
  __shared__ float weights[kPageTokens];
  const int row = blockIdx.x;
  const int head = blockIdx.y;
  const int sequence = sequenceOf(row, p.queryStarts, p.sequences);
  if (sequence < 0) return;
  const int64_t at = (static_cast<int64_t>(row) * p.heads + head) * p.headDim;
  const int queries = p.queryStarts[sequence + 1] - p.queryStarts[sequence];
  const int context = p.contextLengths[sequence];
  const int position = context - (p.queryStarts[sequence + 1] - row);
  const int used = (context + kPageTokens - 1) / kPageTokens;
  bool possible = context >= queries && used <= p.maxPages;
  const int first = max(0, position - min(p.window - 1, position));

  for (int d = threadIdx.x; d < p.headDim; d += kThreads) query[d] = p.q[at + d];
  __syncthreads();

  const int key = threadIdx.x / kThreadsPerKey;
  const int part = threadIdx.x % kThreadsPerKey;
  const int kvHead = head / (p.heads / p.kvHeads);
  const CacheScales keyScales = {p.keyScales, p.keyHeadStride, p.tokenStride};
  const CacheScales valueScales = {p.valueScales, p.valueHeadStride, p.tokenStride};
  float sums[kMostDims] = {};
  float largest = -INFINITY;
  float total = 0.0f;
  for (int page = first / kPageTokens; possible && page <= position / kPageTokens; page++) {
    const int number = p.pageTable[static_cast<int64_t>(sequence) * p.maxPages + page];
    if (number < 0 || number >= p.pages) {
      possible = false;
      break;
    }
    const int64_t cacheRow = (static_cast<int64_t>(number) * p.kvHeads + kvHead) * kPageTokens;

    const int token = page * kPageTokens + key;
    const bool seen = token >= first && token <= position;
    float dot = 0.0f;
    if (seen) {
      for (int d = part; d < p.headDim; d += kThreadsPerKey) {
        dot = fmaf(query[d], toFloat(static_cast<const T*>(p.keys)[(cacheRow + key) * p.headDim + d]), dot);
      }
    }
#pragma unroll
    for (int offset = 1; offset < kThreadsPerKey; offset *= 2) dot += __shfl_xor_sync(kAllLanes, dot, offset);
    float score = seen ? dot * keyScales.of(cacheRow + key, kvHead) * p.scale : 0.0f;
    if (p.softcap != 0.0f) score = p.softcap * tanhf(score / p.softcap);
    if (!seen) score = -INFINITY;

    // The page holds at least one token that is seen, so the maximum is finite unless a score is not.
    const float pageLargest = fmaxf(largest, blockReduce(score, Max(), -INFINITY));
    const float kept = largest == -INFINITY ? 0.0f : expf(largest - pageLargest);
    const float weight = seen ? expf(score - pageLargest) : 0.0f;
    if (part == 0) weights[key] = seen ? weight * valueScales.of(cacheRow + key, kvHead) : 0.0f;
    total = total * kept + blockReduce(part == 0 ? weight : 0.0f, Sum(), 0.0f);
    largest = pageLargest;
#pragma unroll
    for (int i = 0; i < kMostDims; i++) {
      const int d = threadIdx.x + i * kThreads;
      if (d < p.headDim) {
        float sum = sums[i] * kept;
        const int from = max(first - page * kPageTokens, 0);
        const int to = min(position - page * kPageTokens, kPageTokens - 1);
        for (int k = from; k <= to; k++) {
          sum = fmaf(weights[k], toFloat(static_cast<const T*>(p.values)[(cacheRow + k) * p.headDim + d]), sum);
        }
        sums[i] = sum;
      }
    }
    __syncthreads();
  }
#pragma unroll
  for (int i = 0; i < kMostDims; i++) {
    const int d = threadIdx.x + i * kThreads;
    if (d < p.headDim) p.out[at + d] = possible ? sums[i] / total : nanf("");
  }
}

}  // namespace

OCTAVO_CONSTANTS(attention_general, kMostHeadDim)

#define GENERAL(name, type)                                                                                              \
  OCTAVO_LAUNCH(attention_general_##name, kThreads, kMostHeadDim * sizeof(float))                                        \
  extern "C" __global__ __launch_bounds__(kThreads) void attention_general_##name(const __grid_constant__ Parameters p) { \
    attend<type>(p);                                                                                                     \
  }

GENERAL(f32, float)
GENERAL(bf16, __nv_bfloat16)
GENERAL(f8_e4m3, E4M3)
GENERAL(i8, int8_t)
