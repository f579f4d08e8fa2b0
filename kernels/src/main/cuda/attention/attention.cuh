// What the attention kernels on tensor cores share: parameters, tiles of query rows, and how pages of keys and values get
// into the registers of a matrix product.
//
// All query heads that share a key-value head are rows of one tile, ordered by token, then head. bf16 caches are multiplied
// as they are, those of 8 bits as f16, which holds both kinds of codes exactly.
//
// q and out are aligned to 16 bytes, keys, values and scales of tokens too. Rows of a sequence whose context or pages are
// impossible become NaN; rows that belong to no sequence stay as they are.
#pragma once

#include "base/async_copy.cuh"
#include "attention/sequences.cuh"

namespace {

struct Parameters {
  const float* q;             // [tokens, heads, headDim]
  const void* keys;           // [pages, kvHeads, kPageTokens, headDim] BF16, E4M3 or I8
  const void* values;         // like keys
  const int* queryStarts;     // [sequences + 1]
  const int* contextLengths;  // [sequences]
  const int* pageTable;       // [sequences, maxPages]
  float* out;                 // [tokens, heads, headDim]
  __nv_bfloat16* halves;      // the same, rounded, in place of out; null for none; of attention_decode
  float* parts;               // [splits, tokens, heads, headDim]: sums relative to the largest score of the part
  float* partScales;          // [splits, tokens, heads, 2]: that score, -infinity for no key; the sum of weights
  float* keyScales;           // see CacheScales
  float* valueScales;
  int keyHeadStride;
  int valueHeadStride;
  int tokenStride;
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

// declare: OCTAVO_PARAMETERS or OCTAVO_OVERLAPPING_PARAMETERS.
#define ATTENTION_PARAMETERS(declare, file)                                                                         \
  declare(                                                                                                          \
      file, Parameters, q, keys, values, queryStarts, contextLengths, pageTable, out, halves, parts, partScales,       \
      keyScales, valueScales, keyHeadStride, valueHeadStride, tokenStride, tokens, sequences, maxPages, pages, heads, kvHeads, \
      window, splits, splitPages, scale, softcap)

constexpr int kWarps = 4;
constexpr int kThreads = kWarps * kWarp;
constexpr float kLog2E = 1.4426950408889634f;

// --- Instructions -----------------------------------------------------------------------------------------------------

// 2^x; below the normal numbers 0.
__device__ __forceinline__ float power(float x) {
  float result;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(x));
  return result;
}

// --- Number types -----------------------------------------------------------------------------------------------------

template <typename Pair>
__device__ __forceinline__ uint32_t bits(Pair pair) {
  return *reinterpret_cast<const uint32_t*>(&pair);
}

// bf16 numbers: what tensor cores multiply a bf16 cache with.
struct Bf16Product {
  static __device__ __forceinline__ uint32_t round(float x, float y) { return bits(__floats2bfloat162_rn(x, y)); }

  // A pair of f32 numbers as bf16 ones and what those leave: 16 bits of them.
  static __device__ __forceinline__ void split(float x, float y, uint32_t& high, uint32_t& rest) {
    const __nv_bfloat162 rounded = __floats2bfloat162_rn(x, y);
    high = bits(rounded);
    rest = round(x - __low2float(rounded), y - __high2float(rounded));
  }

  static __device__ __forceinline__ void multiply(float (&d)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
  }
};

// f16 numbers: what tensor cores multiply codes of 8 bits with.
struct HalfProduct {
  static __device__ __forceinline__ uint32_t round(float x, float y) { return bits(__floats2half2_rn(x, y)); }

  static __device__ __forceinline__ void split(float x, float y, uint32_t& high, uint32_t& rest) {
    const __half2 rounded = __floats2half2_rn(x, y);
    high = bits(rounded);
    rest = round(x - __low2float(rounded), y - __high2float(rounded));
  }

  static __device__ __forceinline__ void multiply(float (&d)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
  }
};

// How a type of the cache is multiplied.
template <typename T>
struct Codes;

template <>
struct Codes<__nv_bfloat16> {
  using Product = Bf16Product;
};

template <>
struct Codes<E4M3> {
  using Product = HalfProduct;

  static __device__ __forceinline__ uint32_t twoAsHalves(uint32_t codes) {
    return bits(__half2(__nv_cvt_fp8x2_to_halfraw2(static_cast<__nv_fp8x2_storage_t>(codes), __NV_E4M3)));
  }

  // The first and the last two of four codes.
  static __device__ __forceinline__ void asHalves(uint32_t codes, uint32_t& first, uint32_t& last) {
    first = twoAsHalves(codes & 0xFFFFu);
    last = twoAsHalves(codes >> 16);
  }

  // The even and the odd ones.
  static __device__ __forceinline__ void deal(uint32_t codes, uint32_t& even, uint32_t& odd) {
    asHalves(__byte_perm(codes, 0, 0x3120), even, odd);
  }
};

template <>
struct Codes<int8_t> {
  using Product = HalfProduct;

  // The bytes of 1024 + code + 128, an f16 number, without those.
  static __device__ __forceinline__ uint32_t withoutOffset(uint32_t halves) {
    const __half2 offset = __half2half2(__ushort_as_half(0x6480));
    return bits(__hsub2(*reinterpret_cast<const __half2*>(&halves), offset));
  }

  static __device__ __forceinline__ void asHalves(uint32_t codes, uint32_t& first, uint32_t& last) {
    codes ^= 0x80808080u;
    first = withoutOffset(__byte_perm(codes, 0x64646464u, 0x4140));
    last = withoutOffset(__byte_perm(codes, 0x64646464u, 0x4342));
  }

  static __device__ __forceinline__ void deal(uint32_t codes, uint32_t& even, uint32_t& odd) {
    codes ^= 0x80808080u;
    even = withoutOffset(__byte_perm(codes, 0x64646464u, 0x4240));
    odd = withoutOffset(__byte_perm(codes, 0x64646464u, 0x4341));
  }
};

// --- Pages in shared memory -------------------------------------------------------------------------------------------

// A page of keys and one of values, then their scales if tokens have some. Chunks of 16 bytes are swapped so that eight rows
// of one column lie in different banks.
template <typename T, int kHeadDim>
struct Page {
  static constexpr bool kIsBf16 = sizeof(T) == 2;
  static constexpr int kRowBytes = kHeadDim * sizeof(T);
  static constexpr int kChunks = kRowBytes / 16;
  static constexpr int kPieces = kRowBytes / 32;  // two chunks
  static constexpr int kBytes = kPageTokens * kRowBytes;
  static constexpr int kScaleBytes = kPageTokens * sizeof(float);
  static constexpr int kStageBytes = 2 * kBytes + 2 * kScaleBytes;
  static constexpr int kSteps = kHeadDim / 16;    // of the product with keys
  static constexpr int kDimTiles = kHeadDim / 8;  // of the product with values

  static __device__ __forceinline__ uint32_t offset(int row, int chunk) {
    const int swap = kRowBytes >= 128 ? row % 8 : row / 2 % 4;
    return row * kRowBytes + (chunk ^ swap) * 16;
  }

  // Zeros for tokens outside [firstKey, lastKey]; of scales everything is copied.
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
      const uint32_t to = target + offset(row, at % kChunks);
      copyChunk(to, keys + at * 16, seen);
      copyChunk(to + kBytes, values + at * 16, seen);
    }
    if (!kIsBf16 && p.tokenStride != 0 && threadIdx.x < 2 * kScaleBytes / 16) {
      const int chunk = threadIdx.x % (kScaleBytes / 16);
      const float* scales = threadIdx.x < kScaleBytes / 16 ? p.keyScales : p.valueScales;
      copyChunk(target + 2 * kBytes + threadIdx.x * 16, scales + cacheRow + chunk * 4, true);
    }
  }

  // Where multiplyKeys wants dimension d (even) of a query, and the next one with it.
  static __device__ __forceinline__ int queryColumn(int d) {
    return kIsBf16 ? d : d / 16 * 16 + d % 4 / 2 * 8 + d % 16 / 4 * 2;
  }

  // Which dimension column `column` (even) of dim tile `tile` is, and the next column with it: for codes of 8 bits one tile
  // holds the even and the next one the odd dimensions of 16.
  static __device__ __forceinline__ int dimOf(int tile, int column) {
    return kIsBf16 ? tile * 8 + column : tile / 2 * 16 + 2 * column + tile % 2;
  }
};

// Multiplies query rows, in steps of 16 dimensions, with 16 keys: two tiles of 8. `query(step)` are the operand's registers.
//
// Dimensions of 8-bit codes are in the order of their bytes: columns 2c, 2c + 1, 2c + 8, 2c + 9 of a step are dimensions 4c to
// 4c + 3, and queries must be too.
template <typename T, int kHeadDim, int kRowTiles, typename Query>
__device__ __forceinline__ void multiplyKeys(
    float (&scores)[kRowTiles][2][4], uint32_t keys, int firstKey, int piece, int lane, Query query) {
  using P = Page<T, kHeadDim>;
  using Product = typename Codes<T>::Product;
  uint32_t b[4];
  loadMatrices(b, keys + P::offset(firstKey + lane % 8 + lane / 16 * 8, 2 * piece + lane / 8 % 2));
  if constexpr (P::kIsBf16) {
#pragma unroll
    for (int r = 0; r < kRowTiles; r++) {
      Product::multiply(scores[r][0], query(r, piece), b[0], b[1]);
      Product::multiply(scores[r][1], query(r, piece), b[2], b[3]);
    }
  } else {
#pragma unroll
    for (int i = 0; i < 4; i++) {
      uint32_t halves[2];
      Codes<T>::asHalves(b[i], halves[0], halves[1]);
#pragma unroll
      for (int r = 0; r < kRowTiles; r++) {
        Product::multiply(scores[r][i / 2], query(r, 2 * piece + i % 2), halves[0], halves[1]);
      }
    }
  }
}

// Adds 16 weighted values, of the dimensions of a piece.
template <typename T, int kHeadDim, int kRowTiles>
__device__ __forceinline__ void multiplyValues(
    float (&sums)[kRowTiles][Page<T, kHeadDim>::kDimTiles][4], const uint32_t (&weights)[kRowTiles][4], uint32_t values,
    int firstKey, int piece, int lane) {
  using P = Page<T, kHeadDim>;
  using Product = typename Codes<T>::Product;
  uint32_t b[4];
  loadTransposed(b, values + P::offset(firstKey + lane % 16, 2 * piece + lane / 16));
  if constexpr (P::kIsBf16) {
#pragma unroll
    for (int r = 0; r < kRowTiles; r++) {
      Product::multiply(sums[r][2 * piece], weights[r], b[0], b[1]);
      Product::multiply(sums[r][2 * piece + 1], weights[r], b[2], b[3]);
    }
  } else {
#pragma unroll
    for (int chunk = 0; chunk < 2; chunk++) {
      uint32_t even[2];
      uint32_t odd[2];
#pragma unroll
      for (int i = 0; i < 2; i++) Codes<T>::deal(b[2 * chunk + i], even[i], odd[i]);
#pragma unroll
      for (int r = 0; r < kRowTiles; r++) {
        Product::multiply(sums[r][4 * piece + 2 * chunk], weights[r], even[0], even[1]);
        Product::multiply(sums[r][4 * piece + 2 * chunk + 1], weights[r], odd[0], odd[1]);
      }
    }
  }
}

// --- Tiles of query rows ----------------------------------------------------------------------------------------------

// Which rows a block computes.
struct Tile {
  int start;    // first token
  int queries;
  int context;
  int rows;     // of the sequence
  int first;    // row of the sequence
  int group;    // query heads that share a key-value head
  int sequence;

  // False if there are fewer tiles than `left`. Every warp looks at 32 sequences at a time.
  template <int kTileRows, typename Launch>
  __device__ __forceinline__ bool find(const Launch& p, int left) {
    const int lane = threadIdx.x % kWarp;
    group = p.heads / p.kvHeads;
    for (int from = 0; from < p.sequences; from += kWarp) {
      const int s = from + lane;
      int tiles = 0;
      if (s < p.sequences) {
        start = p.queryStarts[s];
        queries = max(0, p.queryStarts[s + 1] - start);
        context = p.contextLengths[s];
        rows = queries * group;
        tiles = (rows + kTileRows - 1) / kTileRows;
      }
      int before = tiles;
#pragma unroll
      for (int offset = 1; offset < kWarp; offset *= 2) {
        const int below = __shfl_up_sync(kAllLanes, before, offset);
        if (lane >= offset) before += below;
      }
      const unsigned reached = __ballot_sync(kAllLanes, before > left);
      if (reached != 0) {
        const int source = __ffs(reached) - 1;
        first = (left - __shfl_sync(kAllLanes, before - tiles, source)) * kTileRows;
        start = __shfl_sync(kAllLanes, start, source);
        queries = __shfl_sync(kAllLanes, queries, source);
        context = __shfl_sync(kAllLanes, context, source);
        rows = __shfl_sync(kAllLanes, rows, source);
        sequence = from + source;
        return true;
      }
      left -= __shfl_sync(kAllLanes, before, kWarp - 1);
    }
    return false;
  }

  __device__ __forceinline__ int position(int row) const { return context - queries + row / group; }

  template <typename Launch>
  __device__ __forceinline__ int firstSeen(const Launch& p, int row) const {
    const int at = position(row);
    return max(0, at - min(p.window - 1, at));
  }

  template <typename Launch>
  __device__ __forceinline__ bool exists(const Launch& p, int row) const {
    const int token = start + row / group;
    return row < rows && token >= 0 && token < p.tokens;
  }

  // Row of q and out, [tokens * heads], that a row of the tile's sequence is.
  template <typename Launch>
  __device__ __forceinline__ int64_t outRow(const Launch& p, int kvHead, int row) const {
    return (start + row / group) * static_cast<int64_t>(p.heads) + kvHead * group + row % group;
  }

  // Whether the context holds its queries and the pages [first, last] exist; the same for all threads.
  __device__ __forceinline__ bool isPossible(const Parameters& p, const int* pageTable, int firstPage, int lastPage) const {
    if (context < queries || (context + kPageTokens - 1) / kPageTokens > p.maxPages) return false;
    bool unknown = false;
    for (int i = firstPage + threadIdx.x; i <= lastPage; i += kThreads) {
      unknown = unknown || pageTable[i] < 0 || pageTable[i] >= p.pages;
    }
    return __syncthreads_or(unknown) == 0;
  }
};

// Scores in powers of 2, for which `factor` is multiplied first.
struct Scores {
  float factor;
  float capped;  // 0 for no cap

  template <typename Launch>
  __device__ __forceinline__ explicit Scores(const Launch& p)
      : factor(p.softcap == 0.0f ? p.scale * kLog2E : p.scale / p.softcap), capped(p.softcap * kLog2E) {}

  __device__ __forceinline__ float operator()(float scaled) const {
    return capped == 0.0f ? scaled : capped * tanhf(scaled);
  }
};

// The power of 2 that brings numbers of a magnitude near 1, where f16 keeps the most of them.
__device__ __forceinline__ int exponentOf(float magnitude) {
  return min(max(static_cast<int>(__float_as_uint(magnitude) >> 23 & 0xFFu) - 127, -100), 100);
}

__device__ __forceinline__ float powerOf(int exponent) {
  return __uint_as_float(static_cast<uint32_t>(exponent + 127) << 23);
}

}  // namespace
