// Causal grouped-query attention for few queries of a sequence over a paged cache, with online softmax.
//
// Memory is the limit here. A tile has 8 rows; the tensor cores' other 8 hold what rounding queries and weights to 16 bits
// leaves of them, so that both parts are multiplied at once. Warps share out the keys of each page, blocks the context, whose
// parts attention_combine_* puts together in order.
//
// Source: arXiv:2307.08691.  Twin: ScalarAttention.java.  Launch: grid = (tiles, kvHeads, splits), block = kThreads, dynamic
// shared memory = queries and kStages stages; tiles may be more than there are. The combining kernel: grid = (tokens, heads),
// block = head size.
// Targets: all

#include "attention/attention.cuh"

ATTENTION_PARAMETERS(OCTAVO_OVERLAPPING_PARAMETERS, attention_decode)

namespace {

constexpr int kTileRows = 8;
constexpr int kKeys = kPageTokens / kWarps;  // of a page that a warp multiplies

// What sums relative to one largest score are multiplied by to be relative to another, larger one.
__device__ __forceinline__ float rescale(float from, float to) {
  return from == -INFINITY ? 0.0f : exp2f(from - to);
}

// A number of the result, which is rounded where products take it so.
__device__ __forceinline__ void storeResult(const Parameters& p, int64_t at, float value) {
  if (p.halves == nullptr) {
    p.out[at] = value;
  } else {
    p.halves[at] = __float2bfloat16_rn(value);
  }
}

template <typename T, int kHeadDim, int kStages>
struct Decode {
  using P = Page<T, kHeadDim>;
  using Product = typename Codes<T>::Product;
  using Queries = Page<__nv_bfloat16, kHeadDim>;  // rows of 16-bit numbers like a page's
  static constexpr int kQueryBytes = 2 * kTileRows * Queries::kRowBytes;
  static constexpr int kSharedBytes = kQueryBytes + kStages * P::kStageBytes;

  static __device__ __forceinline__ void run(const Parameters& p) {
    extern __shared__ __align__(128) uint8_t shared[];
    __shared__ float factors[kTileRows];  // of scores
    enterStream();
    Tile tile;
    if (!tile.find<kTileRows>(p, blockIdx.x)) return;
    const int kvHead = blockIdx.y;
    const int lane = threadIdx.x % kWarp;
    const int warpKey = threadIdx.x / kWarp * kKeys;
    const int lastKey = tile.position(min(tile.first + kTileRows, tile.rows) - 1);
    const int firstKey = tile.firstSeen(p, tile.first);
    const int* pageTable = p.pageTable + static_cast<int64_t>(tile.sequence) * p.maxPages;
    int page = max(firstKey / kPageTokens, static_cast<int>(blockIdx.z) * p.splitPages);
    const int lastPage = min(lastKey / kPageTokens, static_cast<int>(blockIdx.z + 1) * p.splitPages - 1);
    // The grid is that of the longest context; most blocks may have nothing to see.
    if (p.splits > 1 && page > lastPage) {
      const int unseen = tile.first + threadIdx.x;
      if (threadIdx.x < kTileRows && tile.exists(p, unseen)) storePart(p, tile.outRow(p, kvHead, unseen), -INFINITY, 0.0f);
      return;
    }
    const bool possible = tile.isPossible(p, pageTable, page, lastPage);
    const uint32_t queries = sharedAddress(shared);
    const uint32_t start = queries + kQueryBytes;
    int fetched = page;
#pragma unroll
    for (int i = 0; i < kStages - 1; i++) {
      if (possible && fetched <= lastPage) {
        P::fetch(p, start + i * P::kStageBytes, pageTable, fetched++, kvHead, firstKey, lastKey);
      }
      commitCopies();
    }

    const Scores toScore(p);
    const CacheScales keyScales = {p.keyScales, p.keyHeadStride, 0};
    const CacheScales valueScales = {p.valueScales, p.valueHeadStride, 0};
    const bool tokenScales = !P::kIsBf16 && p.tokenStride != 0;
    storeQueries(
        p, tile, kvHead, shared, toScore.factor * (tokenScales ? 1.0f : keyScales.of(0, kvHead)), factors);
    __syncthreads();
    const int row = tile.first + lane / 4;
    const bool exists = tile.exists(p, row);
    const int to = exists ? tile.position(row) : -1;
    const int from = exists ? tile.firstSeen(p, row) : 0;
    const float factor = factors[lane / 4];

    float sums[1][P::kDimTiles][4] = {};
    float largest = -INFINITY;
    float total = 0.0f;
    float valueScale = tokenScales ? 0.0f : valueScales.of(0, kvHead);
    int stage = 0;
    int next = kStages - 1;
#pragma unroll 1
    for (; possible && page <= lastPage; page++) {
      awaitCopies<kStages - 2>();
      __syncthreads();
      if (fetched <= lastPage) {
        P::fetch(p, start + next * P::kStageBytes, pageTable, fetched++, kvHead, firstKey, lastKey);
      }
      commitCopies();
      const uint32_t keys = start + stage * P::kStageBytes;
      const float* scales = 
          reinterpret_cast<const float*>(shared + kQueryBytes + stage * P::kStageBytes + 2 * P::kBytes);
      next = stage;
      stage = stage + 1 == kStages ? 0 : stage + 1;

      float products[1][2][4] = {};
#pragma unroll
      for (int piece = 0; piece < P::kPieces; piece++) {
        constexpr int kEach = P::kIsBf16 ? 1 : 2;  // steps of a piece
        uint32_t query[kEach][4];
#pragma unroll
        for (int i = 0; i < kEach; i++) {
          loadMatrices(query[i], queries + Queries::offset(lane % 16, 2 * (kEach * piece + i) + lane / 16));
        }
        multiplyKeys<T, kHeadDim, 1>(
            products, keys, warpKey, piece, lane,
            [&](int, int step) -> const uint32_t (&)[4] { return query[step % kEach]; });
      }

      // What this thread has of the scores: row lane / 4, keys 2 (lane % 4) and the next one of two tiles of 8.
      float weights[4];
      float ofValues[4];
      float best = largest;
      float mostOfValues = valueScale;
#pragma unroll
      for (int i = 0; i < 4; i++) {
        const int inPage = warpKey + i / 2 * 8 + lane % 4 * 2 + i % 2;
        const int key = page * kPageTokens + inPage;
        const bool seen = key >= from && key <= to;
        float scaled = (products[0][i / 2][i % 2] + products[0][i / 2][i % 2 + 2]) * factor;
        if (tokenScales) {
          scaled *= scales[inPage];
          ofValues[i] = seen ? scales[kPageTokens + inPage] : 0.0f;
          mostOfValues = fmaxf(mostOfValues, ofValues[i]);
        }
        weights[i] = seen ? toScore(scaled) : -INFINITY;
        best = fmaxf(best, weights[i]);
      }
      best = fmaxf(best, __shfl_xor_sync(kAllLanes, best, 1));
      best = fmaxf(best, __shfl_xor_sync(kAllLanes, best, 2));
      // Before the first key that a row sees there is no reference.
      const float reference = best == -INFINITY ? 0.0f : best;
      const float kept = rescale(largest, reference);
      float keptSums = kept;
      largest = best;
      total *= kept;
#pragma unroll
      for (int i = 0; i < 4; i++) {
        weights[i] = exp2f(weights[i] - reference);
        total += weights[i];
      }
      if (tokenScales) {
        // Values are relative to the largest scale so far, so that weights fit f16.
        mostOfValues = fmaxf(mostOfValues, __shfl_xor_sync(kAllLanes, mostOfValues, 1));
        mostOfValues = fmaxf(mostOfValues, __shfl_xor_sync(kAllLanes, mostOfValues, 2));
        const float inverse = mostOfValues == 0.0f ? 0.0f : 1.0f / mostOfValues;
        keptSums *= valueScale * inverse;
        valueScale = mostOfValues;
#pragma unroll
        for (int i = 0; i < 4; i++) weights[i] *= ofValues[i] * inverse;
      }
#pragma unroll
      for (int j = 0; j < P::kDimTiles; j++) {
#pragma unroll
        for (int e = 0; e < 4; e++) sums[0][j][e] *= keptSums;
      }
      uint32_t a[1][4];
      Product::split(weights[0], weights[1], a[0][0], a[0][1]);
      Product::split(weights[2], weights[3], a[0][2], a[0][3]);
#pragma unroll
      for (int piece = 0; piece < P::kPieces; piece++) {
        multiplyValues<T, kHeadDim, 1>(sums, a, keys + P::kBytes, warpKey, piece, lane);
      }
    }
    total += __shfl_xor_sync(kAllLanes, total, 1);
    total += __shfl_xor_sync(kAllLanes, total, 2);
    if (!possible) {
      total = nanf("");
      largest = 0.0f;
    }
    awaitCopies<0>();
    merge(p, tile, kvHead, sums[0], valueScale, largest, total, reinterpret_cast<float*>(shared), lane);
  }

  // The tile's queries in 16 bits, and eight rows below what that leaves of them. f16 rows are brought near 1; their factors
  // undo that.
  static __device__ __forceinline__ void storeQueries(
      const Parameters& p, const Tile& tile, int kvHead, uint8_t* shared, float factor, float* factors) {
    constexpr int kRowThreads = kThreads / kTileRows;
    constexpr int kEach = kHeadDim / kRowThreads;
    const int inTile = threadIdx.x / kRowThreads;
    const int first = threadIdx.x % kRowThreads * kEach;
    const int row = tile.first + inTile;
    float values[kEach] = {};
    if (tile.exists(p, row)) {
      const float* q = p.q + tile.outRow(p, kvHead, row) * kHeadDim + first;
#pragma unroll
      for (int i = 0; i < kEach; i += 4) {
        const float4 four = *reinterpret_cast<const float4*>(q + i);
        values[i] = four.x;
        values[i + 1] = four.y;
        values[i + 2] = four.z;
        values[i + 3] = four.w;
      }
    }
    int exponent = 0;
    if constexpr (!P::kIsBf16) {
      float absmax = 0.0f;
#pragma unroll
      for (int i = 0; i < kEach; i++) absmax = fmaxf(absmax, fabsf(values[i]));
#pragma unroll
      for (int offset = kRowThreads / 2; offset > 0; offset /= 2) {
        absmax = fmaxf(absmax, __shfl_xor_sync(kAllLanes, absmax, offset));
      }
      exponent = exponentOf(absmax);
    }
    if (first == 0) factors[inTile] = factor * powerOf(exponent);
    const float scale = powerOf(-exponent);
#pragma unroll
    for (int i = 0; i < kEach; i += 2) {
      const int column = P::queryColumn(first + i);
      uint32_t high;
      uint32_t rest;
      Product::split(values[i] * scale, values[i + 1] * scale, high, rest);
      *reinterpret_cast<uint32_t*>(shared + Queries::offset(inTile, column / 8) + column % 8 * 2) = high;
      *reinterpret_cast<uint32_t*>(shared + Queries::offset(inTile + kTileRows, column / 8) + column % 8 * 2) = rest;
    }
  }

  // Puts together what the warps found, and hands it on unless it is the whole context.
  static __device__ __forceinline__ void merge(
      const Parameters& p, const Tile& tile, int kvHead, const float (&sums)[P::kDimTiles][4], float valueScale,
      float largest, float total, float* shared, int lane) {
    float* warpSums = shared;                                      // [kWarps, kTileRows, kHeadDim]
    float* warpLargest = warpSums + kWarps * kTileRows * kHeadDim;  // [kWarps, kTileRows]
    float* warpTotals = warpLargest + kWarps * kTileRows;           // [kWarps, kTileRows]
    const int warpRow = threadIdx.x / kWarp * kTileRows + lane / 4;
    __syncthreads();
    if (lane % 4 == 0) {
      warpLargest[warpRow] = largest;
      warpTotals[warpRow] = total;
    }
#pragma unroll
    for (int j = 0; j < P::kDimTiles; j++) {
#pragma unroll
      for (int e = 0; e < 2; e++) {
        const int d = P::dimOf(j, lane % 4 * 2) + (P::kIsBf16 ? e : 2 * e);
        warpSums[warpRow * kHeadDim + d] = (sums[j][e] + sums[j][e + 2]) * valueScale;
      }
    }
    __syncthreads();
    for (int i = threadIdx.x; i < kTileRows * kHeadDim; i += kThreads) {
      const int inTile = i / kHeadDim;
      const int d = i % kHeadDim;
      const int row = tile.first + inTile;
      if (!tile.exists(p, row)) continue;
      float best = -INFINITY;
#pragma unroll
      for (int w = 0; w < kWarps; w++) best = fmaxf(best, warpLargest[w * kTileRows + inTile]);
      float sum = 0.0f;
      float all = 0.0f;
#pragma unroll
      for (int w = 0; w < kWarps; w++) {
        const float factor = rescale(warpLargest[w * kTileRows + inTile], best);
        sum += factor * warpSums[(w * kTileRows + inTile) * kHeadDim + d];
        all += factor * warpTotals[w * kTileRows + inTile];
      }
      const int64_t outAt = tile.outRow(p, kvHead, row);
      if (p.splits == 1) {
        storeResult(p, outAt * kHeadDim + d, sum / all);
      } else {
        p.parts[partRow(p, outAt) * kHeadDim + d] = sum;
        if (d == 0) storePart(p, outAt, best, all);
      }
    }
  }

  // Where this block's part of a row of out goes.
  static __device__ __forceinline__ int64_t partRow(const Parameters& p, int64_t outRow) {
    return blockIdx.z * static_cast<int64_t>(p.tokens) * p.heads + outRow;
  }

  // The sums of a part without keys are not read.
  static __device__ __forceinline__ void storePart(const Parameters& p, int64_t outRow, float largest, float total) {
    *reinterpret_cast<float2*>(p.partScales + 2 * partRow(p, outRow)) = make_float2(largest, total);
  }
};

template <int kHeadDim>
__device__ __forceinline__ void combine(const Parameters& p) {
  enterStream();
  const int token = blockIdx.x;
  const int head = blockIdx.y;
  const int d = threadIdx.x;
  if (sequenceOf(token, p.queryStarts, p.sequences) < 0) return;
  const int64_t row = static_cast<int64_t>(token) * p.heads + head;
  const int64_t partRows = static_cast<int64_t>(p.tokens) * p.heads;
  float best = -INFINITY;
#pragma unroll 8
  for (int s = 0; s < p.splits; s++) best = fmaxf(best, p.partScales[2 * (s * partRows + row)]);
  float sum = 0.0f;
  float total = 0.0f;
#pragma unroll 8
  for (int s = 0; s < p.splits; s++) {
    const int64_t part = s * partRows + row;
    const float largest = p.partScales[2 * part];
    if (largest == -INFINITY) continue;
    const float factor = rescale(largest, best);
    sum += factor * p.parts[part * kHeadDim + d];
    total += factor * p.partScales[2 * part + 1];
  }
  storeResult(p, row * kHeadDim + d, sum / total);
}

}  // namespace

OCTAVO_CONSTANTS(attention_decode, kTileRows)

#define DECODE(name, type, headDim, stages, blocks)                                                        \
  OCTAVO_LAUNCH(attention_decode_##name##_##headDim, kThreads, Decode<type, headDim, stages>::kSharedBytes) \
  extern "C" __global__ __launch_bounds__(kThreads, blocks) void attention_decode_##name##_##headDim(     \
      const __grid_constant__ Parameters p) {                                                             \
    Decode<type, headDim, stages>::run(p);                                                                \
  }

// Where no instruction converts 8-bit floats, registers for a fourth block would spill.
#if __CUDA_ARCH__ == 800
constexpr int kE4M3Blocks = 3;
#else
constexpr int kE4M3Blocks = 4;
#endif

DECODE(bf16, __nv_bfloat16, 64, 3, 4)
DECODE(bf16, __nv_bfloat16, 128, 2, 3)
DECODE(few_bf16, __nv_bfloat16, 128, 4, 1)  // blocks that have a multiprocessor to themselves ask for more pages ahead
DECODE(f8_e4m3, E4M3, 64, 4, 4)
DECODE(f8_e4m3, E4M3, 128, 3, kE4M3Blocks)
DECODE(i8, int8_t, 64, 4, 4)
DECODE(i8, int8_t, 128, 3, 4)

extern "C" __global__ __launch_bounds__(64) void attention_combine_64(const __grid_constant__ Parameters p) {
  combine<64>(p);
}

extern "C" __global__ __launch_bounds__(128) void attention_combine_128(const __grid_constant__ Parameters p) {
  combine<128>(p);
}
