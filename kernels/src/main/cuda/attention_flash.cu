// Causal grouped-query attention over a paged bf16 cache on tensor cores, with online softmax over one page at a time.
//
// Queries and weights are f32: each is split into a bf16 number and the bf16 rest, which keeps 16 bits of it, and both
// parts are multiplied. All query heads that share a key-value head are rows of one tile, ordered by token, then head.
//
// Prefill: the warps of a block share out the rows of a tile. Decode: a tile has 16 rows only, so the warps share out the
// keys of each page; and blocks share out the context, whose parts attention_flash_combine_* puts together.
//
// Source: arXiv:2307.08691.  Twin: ScalarAttention.java.  Launch: grid = (tiles, kvHeads, splits), block = kThreads,
// dynamic shared memory = 2 stages of a page's keys and values; tiles may be more than there are. The combining kernel:
// grid = (tokens, heads), block = head size.  q and out are aligned to 8 bytes, keys and values to 16. Rows of a sequence
// whose context or pages are impossible become NaN; rows that belong to no sequence stay as they are.

#include "common.cuh"
#include "sequences.cuh"

struct Parameters {
  const float* q;             // [tokens, heads, headDim]
  const void* keys;           // [pages, kvHeads, kPageTokens, headDim] BF16
  const void* values;         // like keys
  const int* queryStarts;     // [sequences + 1]
  const int* contextLengths;  // [sequences]
  const int* pageTable;       // [sequences, maxPages]
  float* out;                 // [tokens, heads, headDim]
  float* parts;               // [splits, tokens, heads, headDim]: sums relative to the largest score of the part
  float* partScales;          // [splits, tokens, heads, 2]: that score, -infinity for no key; the sum of weights
  int tokens;
  int sequences;
  int maxPages;
  int pages;
  int heads;
  int kvHeads;
  int window;
  int splits;
  int splitPages;             // of a context that a block goes through
  float scale;
  float softcap;              // 0 for none
};
OCTAVO_PARAMETERS(
    attention_flash, Parameters, q, keys, values, queryStarts, contextLengths, pageTable, out, parts, partScales, tokens,
    sequences, maxPages, pages, heads, kvHeads, window, splits, splitPages, scale, softcap)

namespace {

constexpr int kWarps = 4;
constexpr int kThreads = kWarps * kWarp;
constexpr int kMmaRows = 16;
constexpr float kLog2E = 1.4426950408889634f;

__device__ __forceinline__ uint32_t sharedAddress(const void* pointer) {
  return static_cast<uint32_t>(__cvta_generic_to_shared(pointer));
}

__device__ __forceinline__ void copyChunk(uint32_t target, const void* source, bool exists) {
  asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16, %2;" ::"r"(target), "l"(source), "r"(exists ? 16 : 0));
}

__device__ __forceinline__ void loadMatrices(uint32_t (&r)[4], uint32_t address) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(address));
}

__device__ __forceinline__ void loadTransposed(uint32_t (&r)[4], uint32_t address) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(address));
}

__device__ __forceinline__ void multiply(float (&d)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

__device__ __forceinline__ uint32_t bits(__nv_bfloat162 pair) {
  return *reinterpret_cast<const uint32_t*>(&pair);
}

// A pair of f32 numbers as bf16 ones and what those leave.
__device__ __forceinline__ void splitPair(float x, float y, uint32_t& high, uint32_t& rest) {
  const __nv_bfloat162 rounded = __floats2bfloat162_rn(x, y);
  high = bits(rounded);
  rest = bits(__floats2bfloat162_rn(x - __low2float(rounded), y - __high2float(rounded)));
}

// What sums relative to one largest score are multiplied by to be relative to another, larger one.
__device__ __forceinline__ float rescale(float from, float to) {
  return from == -INFINITY ? 0.0f : exp2f(from - to);
}

template <int kHeadDim, int kKeyWarps>
struct Flash {
  static constexpr int kRowBytes = kHeadDim * 2;
  static constexpr int kChunks = kRowBytes / 16;
  static constexpr int kPageBytes = kPageTokens * kRowBytes;
  static constexpr int kTileRows = kWarps / kKeyWarps * kMmaRows;
  static constexpr int kKeys = kPageTokens / kKeyWarps;  // of a page that a warp multiplies
  // Multiplied at a time: as many as leave no register spilled.
  static constexpr int kStepKeys = kHeadDim == 128 && kKeys == kPageTokens ? kKeys / 2 : kKeys;
  static constexpr int kKeyTiles = kStepKeys / 8;
  static constexpr int kDimTiles = kHeadDim / 8;

  // Which rows a block computes.
  struct Tile {
    int start;    // first token
    int queries;
    int context;
    int rows;     // of the sequence
    int first;    // row of the sequence
    int group;
    int sequence;

    __device__ __forceinline__ int position(int row) const { return context - queries + row / group; }
  };

  // False if there are fewer tiles.
  static __device__ __forceinline__ bool find(const Parameters& p, Tile& tile) {
    int left = blockIdx.x;
    tile.group = p.heads / p.kvHeads;
    for (int s = 0; s < p.sequences; s++) {
      tile.start = p.queryStarts[s];
      tile.queries = max(0, p.queryStarts[s + 1] - tile.start);
      tile.rows = tile.queries * tile.group;
      const int tiles = (tile.rows + kTileRows - 1) / kTileRows;
      if (left < tiles) {
        tile.sequence = s;
        tile.context = p.contextLengths[s];
        tile.first = left * kTileRows;
        return true;
      }
      left -= tiles;
    }
    return false;
  }

  static __device__ __forceinline__ int firstSeen(const Parameters& p, int position) {
    return max(0, position - min(p.window - 1, position));
  }

  // A page of keys and of values; zeros for tokens that no row of the tile sees.
  static __device__ __forceinline__ void fetch(
      const Parameters& p, uint32_t target, const int* pageTable, int page, int kvHead, int firstKey, int lastKey) {
    const int64_t cacheRow = (static_cast<int64_t>(pageTable[page]) * p.kvHeads + kvHead) * kPageTokens;
    const uint8_t* keys = static_cast<const uint8_t*>(p.keys) + cacheRow * kRowBytes;
    const uint8_t* values = static_cast<const uint8_t*>(p.values) + cacheRow * kRowBytes;
#pragma unroll
    for (int i = 0; i < kPageTokens * kChunks / kThreads; i++) {
      const int at = threadIdx.x + i * kThreads;
      const int row = at / kChunks;
      const int key = page * kPageTokens + row;
      const bool seen = key >= firstKey && key <= lastKey;
      const uint32_t to = target + row * kRowBytes + ((at % kChunks) ^ row % 8) * 16;
      copyChunk(to, keys + at * 16, seen);
      copyChunk(to + kPageBytes, values + at * 16, seen);
    }
    asm volatile("cp.async.commit_group;");
  }

  static __device__ __forceinline__ void run(const Parameters& p) {
    extern __shared__ __align__(128) uint8_t stages[];
    Tile tile;
    if (!find(p, tile)) return;
    const int kvHead = blockIdx.y;
    const int lane = threadIdx.x % kWarp;
    const int warp = threadIdx.x / kWarp;
    const int rowWarp = warp / kKeyWarps;
    const int warpKey = warp % kKeyWarps * kKeys;
    const int lastRow = min(tile.first + kTileRows, tile.rows) - 1;
    const int lastKey = tile.position(lastRow);
    const int firstKey = firstSeen(p, tile.position(tile.first));
    const int* pageTable = p.pageTable + static_cast<int64_t>(tile.sequence) * p.maxPages;
    int page = max(firstKey / kPageTokens, static_cast<int>(blockIdx.z) * p.splitPages);
    const int lastPage = min(lastKey / kPageTokens, static_cast<int>(blockIdx.z + 1) * p.splitPages - 1);
    bool possible =
        tile.context >= tile.queries && (tile.context + kPageTokens - 1) / kPageTokens <= p.maxPages;
    if (possible) {
      bool unknown = false;
      for (int i = page + threadIdx.x; i <= lastPage; i += kThreads) {
        unknown = unknown || pageTable[i] < 0 || pageTable[i] >= p.pages;
      }
      possible = __syncthreads_or(unknown) == 0;
    }

    // A thread's two rows of the tile, 8 apart.
    int rows[2];
    int from[2];
    int to[2];
    const float* queries[2];
#pragma unroll
    for (int h = 0; h < 2; h++) {
      rows[h] = tile.first + rowWarp * kMmaRows + lane / 4 + 8 * h;
      const int token = tile.start + rows[h] / tile.group;
      const bool exists = rows[h] < tile.rows && token >= 0 && token < p.tokens;
      to[h] = exists ? tile.position(rows[h]) : -1;
      from[h] = exists ? firstSeen(p, to[h]) : 0;
      queries[h] = exists ? p.q + outRow(p, tile, kvHead, rows[h]) * kHeadDim : nullptr;
    }

    uint32_t query[kHeadDim / 16][4];
    uint32_t queryRest[kHeadDim / 16][4];
#pragma unroll
    for (int step = 0; step < kHeadDim / 16; step++) {
#pragma unroll
      for (int part = 0; part < 4; part++) {
        const int d = step * 16 + part / 2 * 8 + lane % 4 * 2;
        float2 pair = make_float2(0.0f, 0.0f);
        if (queries[part % 2] != nullptr) pair = *reinterpret_cast<const float2*>(queries[part % 2] + d);
        splitPair(pair.x, pair.y, query[step][part], queryRest[step][part]);
      }
    }

    float sums[kDimTiles][4] = {};
    float largest[2] = {-INFINITY, -INFINITY};
    float totals[2] = {};
    const uint32_t start = sharedAddress(stages);
    int stage = 0;
    if (possible && page <= lastPage) fetch(p, start, pageTable, page, kvHead, firstKey, lastKey);
    for (; possible && page <= lastPage; page++) {
      asm volatile("cp.async.wait_group 0;");
      __syncthreads();
      const uint32_t keys = start + stage * 2 * kPageBytes;
      stage ^= 1;
      if (page < lastPage) {
        fetch(p, start + stage * 2 * kPageBytes, pageTable, page + 1, kvHead, firstKey, lastKey);
      }

#pragma unroll 1
      for (int key = warpKey; key < warpKey + kKeys; key += kStepKeys) {
        float scores[kKeyTiles][4] = {};
        multiplyKeys(scores, query, queryRest, keys, key, lane);
        weigh(p, scores, sums, largest, totals, page * kPageTokens + key + lane % 4 * 2, from, to);
        multiplyValues(sums, scores, keys + kPageBytes, key, lane);
      }
    }
#pragma unroll
    for (int h = 0; h < 2; h++) {
      totals[h] += __shfl_xor_sync(kAllLanes, totals[h], 1);
      totals[h] += __shfl_xor_sync(kAllLanes, totals[h], 2);
      if (!possible) {
        totals[h] = nanf("");
        largest[h] = 0.0f;
      }
    }

    if constexpr (kKeyWarps == 1) {
#pragma unroll
      for (int h = 0; h < 2; h++) {
        if (queries[h] == nullptr) continue;
        float* out = p.out + (queries[h] - p.q) + lane % 4 * 2;
#pragma unroll
        for (int j = 0; j < kDimTiles; j++) {
          *reinterpret_cast<float2*>(out + 8 * j) =
              make_float2(sums[j][2 * h] / totals[h], sums[j][2 * h + 1] / totals[h]);
        }
      }
    } else {
      merge(p, tile, kvHead, sums, largest, totals, reinterpret_cast<float*>(stages), warp, lane);
    }
  }

  // Row of q and out, [tokens * heads], that a row of the tile's sequence is.
  static __device__ __forceinline__ int64_t outRow(const Parameters& p, const Tile& tile, int kvHead, int row) {
    return (tile.start + row / tile.group) * static_cast<int64_t>(p.heads) + kvHead * tile.group + row % tile.group;
  }

  static __device__ __forceinline__ void multiplyKeys(
      float (&scores)[kKeyTiles][4], const uint32_t (&query)[kHeadDim / 16][4],
      const uint32_t (&queryRest)[kHeadDim / 16][4], uint32_t keys, int firstKey, int lane) {
    const int keyRow = firstKey + lane % 8 + lane / 16 * 8;
    const int keyChunk = lane / 8 % 2;
#pragma unroll
    for (int step = 0; step < kHeadDim / 16; step++) {
#pragma unroll
      for (int j = 0; j < kKeyTiles; j += 2) {
        const int row = keyRow + j * 8;
        uint32_t b[4];
        loadMatrices(b, keys + row * kRowBytes + ((2 * step + keyChunk) ^ row % 8) * 16);
        multiply(scores[j], query[step], b[0], b[1]);
        multiply(scores[j], queryRest[step], b[0], b[1]);
        multiply(scores[j + 1], query[step], b[2], b[3]);
        multiply(scores[j + 1], queryRest[step], b[2], b[3]);
      }
    }
  }

  // Turns scores into weights relative to the largest score so far, and what was summed with them.
  static __device__ __forceinline__ void weigh(
      const Parameters& p, float (&scores)[kKeyTiles][4], float (&sums)[kDimTiles][4], float (&largest)[2],
      float (&totals)[2], int firstKey, const int (&from)[2], const int (&to)[2]) {
    const float capped = p.softcap * kLog2E;
    const float factor = p.softcap == 0.0f ? p.scale * kLog2E : p.scale / p.softcap;
    float best[2] = {-INFINITY, -INFINITY};
#pragma unroll
    for (int j = 0; j < kKeyTiles; j++) {
#pragma unroll
      for (int e = 0; e < 4; e++) {
        const int key = firstKey + j * 8 + e % 2;
        const bool seen = key >= from[e / 2] && key <= to[e / 2];
        float score = scores[j][e] * factor;
        if (p.softcap != 0.0f) score = capped * tanhf(score);
        scores[j][e] = seen ? score : -INFINITY;
        best[e / 2] = fmaxf(best[e / 2], scores[j][e]);
      }
    }
    float reference[2];
    float kept[2];
#pragma unroll
    for (int h = 0; h < 2; h++) {
      best[h] = fmaxf(best[h], __shfl_xor_sync(kAllLanes, best[h], 1));
      best[h] = fmaxf(best[h], __shfl_xor_sync(kAllLanes, best[h], 2));
      best[h] = fmaxf(best[h], largest[h]);
      // Before the first key that a row sees there is no reference.
      reference[h] = best[h] == -INFINITY ? 0.0f : best[h];
      kept[h] = rescale(largest[h], reference[h]);
      largest[h] = best[h];
      totals[h] *= kept[h];
    }
#pragma unroll
    for (int j = 0; j < kKeyTiles; j++) {
#pragma unroll
      for (int e = 0; e < 4; e++) {
        scores[j][e] = exp2f(scores[j][e] - reference[e / 2]);
        totals[e / 2] += scores[j][e];
      }
    }
#pragma unroll
    for (int j = 0; j < kDimTiles; j++) {
#pragma unroll
      for (int e = 0; e < 4; e++) sums[j][e] *= kept[e / 2];
    }
  }

  static __device__ __forceinline__ void multiplyValues(
      float (&sums)[kDimTiles][4], const float (&weights)[kKeyTiles][4], uint32_t values, int firstKey, int lane) {
    const int dimChunk = lane / 16;
#pragma unroll
    for (int j = 0; j < kKeyTiles; j += 2) {
      uint32_t a[4];
      uint32_t rest[4];
#pragma unroll
      for (int part = 0; part < 4; part++) {
        const float* pair = &weights[j + part / 2][part % 2 * 2];
        splitPair(pair[0], pair[1], a[part], rest[part]);
      }
      const int row = firstKey + j * 8 + lane % 16;
#pragma unroll
      for (int d = 0; d < kDimTiles; d += 2) {
        uint32_t b[4];
        loadTransposed(b, values + row * kRowBytes + ((d + dimChunk) ^ row % 8) * 16);
        multiply(sums[d], a, b[0], b[1]);
        multiply(sums[d], rest, b[0], b[1]);
        multiply(sums[d + 1], a, b[2], b[3]);
        multiply(sums[d + 1], rest, b[2], b[3]);
      }
    }
  }

  // Puts together what the warps found, and hands it on unless it is the whole context.
  static __device__ __forceinline__ void merge(
      const Parameters& p, const Tile& tile, int kvHead, const float (&sums)[kDimTiles][4], const float (&largest)[2],
      const float (&totals)[2], float* shared, int warp, int lane) {
    float* warpSums = shared;                                           // [kWarps, kMmaRows, kHeadDim]
    float* warpLargest = warpSums + kWarps * kMmaRows * kHeadDim;       // [kWarps, kMmaRows]
    float* warpTotals = warpLargest + kWarps * kMmaRows;                // [kWarps, kMmaRows]
    __syncthreads();
#pragma unroll
    for (int h = 0; h < 2; h++) {
      const int row = warp * kMmaRows + lane / 4 + 8 * h;
      if (lane % 4 == 0) {
        warpLargest[row] = largest[h];
        warpTotals[row] = totals[h];
      }
#pragma unroll
      for (int j = 0; j < kDimTiles; j++) {
        *reinterpret_cast<float2*>(warpSums + row * kHeadDim + 8 * j + lane % 4 * 2) =
            make_float2(sums[j][2 * h], sums[j][2 * h + 1]);
      }
    }
    __syncthreads();
    for (int i = threadIdx.x; i < kMmaRows * kHeadDim; i += kThreads) {
      const int inTile = i / kHeadDim;
      const int d = i % kHeadDim;
      const int row = tile.first + inTile;
      const int token = tile.start + row / tile.group;
      if (row >= tile.rows || token < 0 || token >= p.tokens) continue;
      float best = -INFINITY;
#pragma unroll
      for (int w = 0; w < kWarps; w++) best = fmaxf(best, warpLargest[w * kMmaRows + inTile]);
      float sum = 0.0f;
      float total = 0.0f;
#pragma unroll
      for (int w = 0; w < kWarps; w++) {
        const float factor = rescale(warpLargest[w * kMmaRows + inTile], best);
        sum += factor * warpSums[(w * kMmaRows + inTile) * kHeadDim + d];
        total += factor * warpTotals[w * kMmaRows + inTile];
      }
      const int64_t outAt = outRow(p, tile, kvHead, row);
      if (p.splits == 1) {
        p.out[outAt * kHeadDim + d] = sum / total;
      } else {
        const int64_t part = blockIdx.z * static_cast<int64_t>(p.tokens) * p.heads + outAt;
        p.parts[part * kHeadDim + d] = sum;
        if (d == 0) {
          p.partScales[2 * part] = best;
          p.partScales[2 * part + 1] = total;
        }
      }
    }
  }
};

template <int kHeadDim>
__device__ __forceinline__ void combine(const Parameters& p) {
  const int token = blockIdx.x;
  const int head = blockIdx.y;
  const int d = threadIdx.x;
  if (sequenceOf(token, p.queryStarts, p.sequences) < 0) return;
  const int64_t row = static_cast<int64_t>(token) * p.heads + head;
  const int64_t partRows = static_cast<int64_t>(p.tokens) * p.heads;
  float best = -INFINITY;
  for (int s = 0; s < p.splits; s++) best = fmaxf(best, p.partScales[2 * (s * partRows + row)]);
  float sum = 0.0f;
  float total = 0.0f;
  for (int s = 0; s < p.splits; s++) {
    const int64_t part = s * partRows + row;
    const float factor = rescale(p.partScales[2 * part], best);
    sum += factor * p.parts[part * kHeadDim + d];
    total += factor * p.partScales[2 * part + 1];
  }
  p.out[row * kHeadDim + d] = sum / total;
}

}  // namespace

// The launcher knows the rows of a tile: CudaAttention.java.
#define FLASH(headDim)                                                                                             \
  extern "C" __global__ __launch_bounds__(kThreads, 2) void attention_flash_prefill_##headDim(                        \
      const __grid_constant__ Parameters p) {                                                                      \
    Flash<headDim, 1>::run(p);                                                                                     \
  }                                                                                                                \
  extern "C" __global__ __launch_bounds__(kThreads, 2) void attention_flash_decode_##headDim(                         \
      const __grid_constant__ Parameters p) {                                                                      \
    Flash<headDim, kWarps>::run(p);                                                                                \
  }                                                                                                                \
  extern "C" __global__ __launch_bounds__(headDim) void attention_flash_combine_##headDim(                         \
      const __grid_constant__ Parameters p) {                                                                      \
    combine<headDim>(p);                                                                                           \
  }

FLASH(64)
FLASH(128)
