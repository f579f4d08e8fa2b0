// Causal grouped-query attention for many queries of a sequence over a paged cache, with online softmax over one page at a
// time.
//
// Tensor cores are the limit here. Queries and weights are rounded to 16 bits once. The warps of a block share out the rows of
// a tile, 32 each, so that what is read of a page serves two products. Weights are relative to a score that follows the
// largest only when that is 2^8 above it: until then nothing has to be multiplied again.
//
// Source: arXiv:2307.08691.  Twin: ScalarAttention.java.  Launch: grid = (kvHeads, tiles), block = kThreads, dynamic shared
// memory = queries and 2 stages; tiles may be more than there are.
// Targets: all

#include "attention/attention.cuh"

ATTENTION_PARAMETERS(OCTAVO_PARAMETERS, attention_prefill)

namespace {

constexpr int kRowTiles = 2;  // of 16 rows, that a warp multiplies
constexpr int kWarpRows = 16 * kRowTiles;
constexpr int kTileRows = kWarps * kWarpRows;
constexpr float kSlack = 8.0f;

template <typename T, int kHeadDim, int kStepKeys>
struct Prefill {
  using P = Page<T, kHeadDim>;
  using Product = typename Codes<T>::Product;
  using Queries = Page<__nv_bfloat16, kHeadDim>;  // rows of 16-bit numbers like a page's
  static constexpr int kQueryBytes = kTileRows * Queries::kRowBytes;
  static constexpr int kSharedBytes = kQueryBytes + 2 * P::kStageBytes;
  static constexpr int kKeyTiles = kStepKeys / 16;  // pairs of tiles of 8 keys

  // Rows h of row tile r that a thread has: lane / 4 + 8 h.
  struct Rows {
    float reference[kRowTiles][2];
    float total[kRowTiles][2];
  };

  static __device__ __forceinline__ void run(const Parameters& p) {
    extern __shared__ __align__(128) uint8_t shared[];
    __shared__ float factors[kTileRows];  // of scores
    __shared__ int positions[kTileRows];  // -1 for a row that does not exist
    Tile tile;
    // Later tiles see more keys, so they come first, those of all heads.
    if (!tile.find<kTileRows>(p, gridDim.y - 1 - blockIdx.y)) return;
    const int kvHead = blockIdx.x;
    const int lane = threadIdx.x % kWarp;
    const int warpRow = threadIdx.x / kWarp * kWarpRows;
    const int lastKey = tile.position(min(tile.first + kTileRows, tile.rows) - 1);
    const int firstKey = tile.firstSeen(p, tile.first);
    const int* pageTable = p.pageTable + static_cast<int64_t>(tile.sequence) * p.maxPages;
    int page = firstKey / kPageTokens;
    const int lastPage = lastKey / kPageTokens;
    const bool possible = tile.isPossible(p, pageTable, page, lastPage);
    const uint32_t queries = sharedAddress(shared);
    const uint32_t start = queries + kQueryBytes;
    if (possible) P::fetch(p, start, pageTable, page, kvHead, firstKey, lastKey);
    commitCopies();
    const Scores toScore(p);
    const CacheScales keyScales = {p.keyScales, p.keyHeadStride, 0};
    const CacheScales valueScales = {p.valueScales, p.valueHeadStride, 0};
    const bool tokenScales = !P::kIsBf16 && p.tokenStride != 0;
    const float factor = toScore.factor * (tokenScales ? 1.0f : keyScales.of(0, kvHead));
    storeQueries(p, tile, kvHead, shared, factor, factors);
    const int ownRow = tile.first + threadIdx.x;
    positions[threadIdx.x] = tile.exists(p, ownRow) ? tile.position(ownRow) : -1;
    __syncthreads();

    // What this warp's rows see, all of it and in part.
    const int warpLast = min(tile.first + warpRow + kWarpRows, tile.rows) - 1;
    const bool warpHasRows = tile.first + warpRow < tile.rows;
    const int allSeeFrom = warpHasRows ? tile.firstSeen(p, warpLast) : 0;
    const int allSeeTo = warpHasRows ? tile.position(tile.first + warpRow) : -1;
    const int anySeesFrom = warpHasRows ? tile.firstSeen(p, tile.first + warpRow) : 0;
    const int anySeesTo = warpHasRows ? tile.position(warpLast) : -1;
    float valueScale = tokenScales ? 0.0f : valueScales.of(0, kvHead);
    Rows rows;
#pragma unroll
    for (int r = 0; r < kRowTiles; r++) {
#pragma unroll
      for (int h = 0; h < 2; h++) {
        rows.reference[r][h] = -INFINITY;
        rows.total[r][h] = 0.0f;
      }
    }

    float sums[kRowTiles][P::kDimTiles][4] = {};
    int stage = 0;
#pragma unroll 1
    for (; possible && page <= lastPage; page++) {
      awaitCopies<0>();
      __syncthreads();
      const uint32_t keys = start + stage * P::kStageBytes;
      const float* scales =
          reinterpret_cast<const float*>(shared + kQueryBytes + stage * P::kStageBytes + 2 * P::kBytes);
      stage ^= 1;
      if (page < lastPage) {
        P::fetch(p, start + stage * P::kStageBytes, pageTable, page + 1, kvHead, firstKey, lastKey);
      }
      commitCopies();
#pragma unroll 1
      for (int key = 0; key < kPageTokens; key += kStepKeys) {
        const int first = page * kPageTokens + key;
        if (first > anySeesTo || first + kStepKeys <= anySeesFrom) continue;
        float scores[kKeyTiles][kRowTiles][2][4] = {};
#pragma unroll
        for (int piece = 0; piece < P::kPieces; piece++) {
          uint32_t query[kRowTiles][P::kIsBf16 ? 1 : 2][4];
#pragma unroll
          for (int r = 0; r < kRowTiles; r++) {
#pragma unroll
            for (int s = 0; s < (P::kIsBf16 ? 1 : 2); s++) {
              const int step = P::kIsBf16 ? piece : 2 * piece + s;
              loadMatrices(
                  query[r][s],
                  queries + Queries::offset(warpRow + r * 16 + lane % 16, 2 * step + lane / 16));
            }
          }
#pragma unroll
          for (int j = 0; j < kKeyTiles; j++) {
            multiplyKeys<T, kHeadDim, kRowTiles>(
                scores[j], keys, key + 16 * j, piece, lane,
                [&](int r, int step) -> const uint32_t (&)[4] { return query[r][P::kIsBf16 ? 0 : step % 2]; });
          }
        }
        const bool masked = first < allSeeFrom || first + kStepKeys - 1 > allSeeTo;
        weigh(
            toScore, scores, sums, rows, valueScale, tokenScales ? scales + key : nullptr, first, anySeesTo,
            P::kIsBf16 ? nullptr : factors + warpRow, factor, masked ? positions + warpRow : nullptr, p.window, lane);
#pragma unroll
        for (int j = 0; j < kKeyTiles; j++) {
          uint32_t weights[kRowTiles][4];
#pragma unroll
          for (int r = 0; r < kRowTiles; r++) {
#pragma unroll
            for (int part = 0; part < 4; part++) {
              const float* pair = &scores[j][r][part / 2][part % 2 * 2];
              weights[r][part] = Product::round(pair[0], pair[1]);
            }
          }
#pragma unroll
          for (int piece = 0; piece < P::kPieces; piece++) {
            multiplyValues<T, kHeadDim, kRowTiles>(sums, weights, keys + P::kBytes, key + 16 * j, piece, lane);
          }
        }
      }
    }
    awaitCopies<0>();

#pragma unroll
    for (int r = 0; r < kRowTiles; r++) {
#pragma unroll
      for (int h = 0; h < 2; h++) {
        float total = rows.total[r][h];
        total += __shfl_xor_sync(kAllLanes, total, 1);
        total += __shfl_xor_sync(kAllLanes, total, 2);
        const int row = tile.first + warpRow + r * 16 + h * 8 + lane / 4;
        if (!tile.exists(p, row)) continue;
        const float factor = possible ? valueScale / total : nanf("");
        float* out = p.out + tile.outRow(p, kvHead, row) * kHeadDim;
#pragma unroll
        for (int j = 0; j < P::kDimTiles; j += 2) {
          const float* even = &sums[r][j][2 * h];
          const float* odd = &sums[r][j + 1][2 * h];
          if constexpr (P::kIsBf16) {
            float* at = out + P::dimOf(j, lane % 4 * 2);
            *reinterpret_cast<float2*>(at) = make_float2(even[0] * factor, even[1] * factor);
            *reinterpret_cast<float2*>(at + 8) = make_float2(odd[0] * factor, odd[1] * factor);
          } else {
            *reinterpret_cast<float4*>(out + P::dimOf(j, lane % 4 * 2)) =
                make_float4(even[0] * factor, odd[0] * factor, even[1] * factor, odd[1] * factor);
          }
        }
      }
    }
  }

  // The tile's queries in 16 bits, a warp for each row. f16 rows are brought near 1; their factors undo that.
  static __device__ __forceinline__ void storeQueries(
      const Parameters& p, const Tile& tile, int kvHead, uint8_t* shared, float factor,
      float* factors) {
    constexpr int kEach = kHeadDim / kWarp;
    const int lane = threadIdx.x % kWarp;
#pragma unroll 4
    for (int inTile = threadIdx.x / kWarp; inTile < kTileRows; inTile += kWarps) {
      const int row = tile.first + inTile;
      float values[kEach] = {};
      if (tile.exists(p, row)) {
        const float* q = p.q + tile.outRow(p, kvHead, row) * kHeadDim + lane * kEach;
#pragma unroll
        for (int i = 0; i < kEach; i += 2) {
          const float2 pair = *reinterpret_cast<const float2*>(q + i);
          values[i] = pair.x;
          values[i + 1] = pair.y;
        }
      }
      float scale = 1.0f;
      if constexpr (!P::kIsBf16) {
        float absmax = 0.0f;
#pragma unroll
        for (int i = 0; i < kEach; i++) absmax = fmaxf(absmax, fabsf(values[i]));
        const int exponent = exponentOf(warpReduce(absmax, Max()));
        scale = powerOf(-exponent);
        if (lane == 0) factors[inTile] = factor * powerOf(exponent);
      }
#pragma unroll
      for (int i = 0; i < kEach; i += 2) {
        const int column = P::queryColumn(lane * kEach + i);
        *reinterpret_cast<uint32_t*>(shared + Queries::offset(inTile, column / 8) + column % 8 * 2) =
            Product::round(values[i] * scale, values[i + 1] * scale);
      }
    }
  }

  // Turns scores into weights, what was summed with earlier ones following where the reference moves.
  static __device__ __forceinline__ void weigh(
      const Scores& toScore, float (&scores)[kKeyTiles][kRowTiles][2][4], float (&sums)[kRowTiles][P::kDimTiles][4],
      Rows& rows, float& valueScale, const float* scales, int firstKey, int lastKey,
      const float* factors, float factor, const int* positions, int window, int lane) {
    const int column = lane % 4 * 2;
    float best[kRowTiles][2];
#pragma unroll
    for (int r = 0; r < kRowTiles; r++) {
#pragma unroll
      for (int h = 0; h < 2; h++) {
        best[r][h] = -INFINITY;
        const int inWarp = r * 16 + h * 8 + lane / 4;
        const float ofRow = P::kIsBf16 ? factor : factors[inWarp];
#pragma unroll
        for (int j = 0; j < 2 * kKeyTiles; j++) {
#pragma unroll
          for (int e = 0; e < 2; e++) {
            float& score = scores[j / 2][r][j % 2][2 * h + e];
            score *= ofRow;
            if (!P::kIsBf16 && scales != nullptr) score *= scales[j * 8 + column + e];
          }
        }
        if (toScore.capped != 0.0f) {
#pragma unroll
          for (int j = 0; j < 2 * kKeyTiles; j++) {
#pragma unroll
            for (int e = 0; e < 2; e++) {
              float& score = scores[j / 2][r][j % 2][2 * h + e];
              score = toScore(score);
            }
          }
        }
        if (positions != nullptr) {
          const int to = positions[inWarp];
          const int from = max(0, to - min(window - 1, to));
#pragma unroll
          for (int j = 0; j < 2 * kKeyTiles; j++) {
#pragma unroll
            for (int e = 0; e < 2; e++) {
              const int key = firstKey + j * 8 + column + e;
              const bool seen = key >= from && key <= to;
              if (!seen) scores[j / 2][r][j % 2][2 * h + e] = -INFINITY;
            }
          }
        }
#pragma unroll
        for (int j = 0; j < 2 * kKeyTiles; j++) {
#pragma unroll
          for (int e = 0; e < 2; e++) best[r][h] = fmaxf(best[r][h], scores[j / 2][r][j % 2][2 * h + e]);
        }
        best[r][h] = fmaxf(best[r][h], __shfl_xor_sync(kAllLanes, best[r][h], 1));
        best[r][h] = fmaxf(best[r][h], __shfl_xor_sync(kAllLanes, best[r][h], 2));
      }
    }
    float ofValues = 0.0f;
    if (!P::kIsBf16 && scales != nullptr) {
      for (int j = lane; j < kStepKeys; j += kWarp) {
        ofValues = fmaxf(ofValues, firstKey + j <= lastKey ? scales[kPageTokens + j] : 0.0f);
      }
      ofValues = warpReduce(ofValues, Max());
    }
    bool moves = ofValues > valueScale;
#pragma unroll
    for (int r = 0; r < kRowTiles; r++) {
#pragma unroll
      for (int h = 0; h < 2; h++) moves = moves || best[r][h] > rows.reference[r][h] + kSlack;
    }
    if (__any_sync(kAllLanes, moves)) {
      const bool values = !P::kIsBf16 && scales != nullptr && ofValues > valueScale;
      const float keptValues = values ? valueScale / ofValues : 1.0f;
      if (values) valueScale = ofValues;
#pragma unroll
      for (int r = 0; r < kRowTiles; r++) {
#pragma unroll
        for (int h = 0; h < 2; h++) {
          const float before = rows.reference[r][h];
          const float after = fmaxf(before, best[r][h]);
          // Before the first key that a row sees there is no reference, and nothing to keep.
          const float kept = before == -INFINITY ? 0.0f : power(before - after);
          rows.reference[r][h] = after;
          rows.total[r][h] *= kept;
#pragma unroll
          for (int j = 0; j < P::kDimTiles; j++) {
            sums[r][j][2 * h] *= kept * keptValues;
            sums[r][j][2 * h + 1] *= kept * keptValues;
          }
        }
      }
    }
    const float inverse = valueScale == 0.0f ? 0.0f : 1.0f / valueScale;
#pragma unroll
    for (int r = 0; r < kRowTiles; r++) {
#pragma unroll
      for (int h = 0; h < 2; h++) {
        const float reference = rows.reference[r][h] == -INFINITY ? 0.0f : rows.reference[r][h];
#pragma unroll
        for (int j = 0; j < 2 * kKeyTiles; j++) {
#pragma unroll
          for (int e = 0; e < 2; e++) {
            float& score = scores[j / 2][r][j % 2][2 * h + e];
            const float weight = power(score - reference);
            rows.total[r][h] += weight;
            score = weight;
            if (!P::kIsBf16 && scales != nullptr) {
              // What no row sees may have any scale.
              score = weight == 0.0f ? 0.0f : weight * (scales[kPageTokens + j * 8 + column + e] * inverse);
            }
          }
        }
      }
    }
  }
};

}  // namespace

OCTAVO_CONSTANTS(attention_prefill, kTileRows)

// Keys that are multiplied at a time: as many as leave no register spilled.
#define PREFILL(name, type, headDim, stepKeys)                                                          \
  OCTAVO_LAUNCH(attention_prefill_##name##_##headDim, kThreads, Prefill<type, headDim, stepKeys>::kSharedBytes) \
  extern "C" __global__ __launch_bounds__(kThreads, 2) void attention_prefill_##name##_##headDim(      \
      const __grid_constant__ Parameters p) {                                                          \
    Prefill<type, headDim, stepKeys>::run(p);                                                          \
  }

#if __CUDA_ARCH__ == 890
constexpr int kE4M3Keys = 16;
#else
constexpr int kE4M3Keys = 32;
#endif

PREFILL(bf16, __nv_bfloat16, 64, 64)
PREFILL(bf16, __nv_bfloat16, 128, 32)
PREFILL(f8_e4m3, E4M3, 64, 32)
PREFILL(f8_e4m3, E4M3, 128, kE4M3Keys)
PREFILL(i8, int8_t, 64, 32)
PREFILL(i8, int8_t, 128, 32)
