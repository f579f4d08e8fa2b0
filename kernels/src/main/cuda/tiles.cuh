// Quantization with one scale a tile, for quantize_tiles.cu and fake_quantize.cu: finding scales, and what becomes of every
// quotient. A tile belongs to some lanes of a warp or to a block.
//
// Twins: ScalarQuantizeTiles.java and ScalarFakeQuantize.java, bit for bit.
#pragma once

#include "quantization.cuh"

// As the launcher numbers the kinds of Scaling.java.
enum ScalingKind : int { kAbsmax = 0, kRange = 1, kRelative = 2, kPowerOfTwo = 3, kGiven = 4 };

struct Parameters {
  const void* x;         // [rows, columns]
  void* out;             // codes [rows, bytes of a row] or numbers [rows, columns] F32
  void* scales;          // see scaleIndex; null where they need not be kept
  int8_t* zeroPoints;    // like scales, for kRange; null where they need not be kept
  int* nonFinite;        // [1]; set to 1 if x holds NaN or infinity, or a scale overflows; null where nobody asks
  int64_t rows;
  int64_t columns;
  int64_t tileRows;      // of a tile of work
  int64_t tileColumns;   // likewise
  int64_t scaleRows;     // rows of tiles that share a row of scales
  int64_t acrossTiles;   // tiles beside each other
  int format;            // Format
  int scaling;           // ScalingKind
  int scaleType;         // Number
  float divisor;         // of kAbsmax and kRelative
  float factor;          // of kRelative
  int offset;            // of kPowerOfTwo
  int zeroPoint;         // of kGiven
};

namespace {

constexpr int kMostPower = 254;

// What has been seen of the numbers of a tile.
template <bool kBothEnds>
struct Seen {
  uint32_t largest = 0;  // of the magnitudes' bits
  float min = 0.0f;
  float max = 0.0f;

  __device__ __forceinline__ void add(float value) {
    largest = ::max(largest, magnitudeBits(value));
    if constexpr (kBothEnds) {
      min = fminf(min, value);
      max = fmaxf(max, value);
    }
  }

  template <typename X>
  __device__ __forceinline__ void add(const uint4& vector) {
#pragma unroll
    for (int i = 0; i < Vector<X>::kCount; i++) add(elementOf<X>(vector, i));
  }

  // Over `lanes` lanes beside each other, a power of two.
  __device__ __forceinline__ void shareAmong(int lanes) {
    for (int distance = 1; distance < lanes; distance *= 2) {
      largest = ::max(largest, __shfl_xor_sync(kAllLanes, largest, distance));
      if constexpr (kBothEnds) {
        min = fminf(min, __shfl_xor_sync(kAllLanes, min, distance));
        max = fmaxf(max, __shfl_xor_sync(kAllLanes, max, distance));
      }
    }
  }

  __device__ __forceinline__ void shareInBlock() {
    largest = blockReduce(largest, Max(), 0u);
    if constexpr (kBothEnds) {
      min = -blockReduce(-min, Max(), 0.0f);
      max = blockReduce(max, Max(), 0.0f);
    }
  }
};

struct TileScale {
  float scale;
  float zeroPoint;
};

// The scale of a tile, stored by the one thread that `stores`.
template <bool kBothEnds>
__device__ __forceinline__ TileScale scaleOf(const Parameters& p, const Seen<kBothEnds>& seen, int64_t index, bool stores) {
  const float absmax = __uint_as_float(seen.largest);
  TileScale result = {0.0f, 0.0f};
  bool storesFloat = stores && p.scales != nullptr;
  switch (p.scaling) {
    case kAbsmax:
      result.scale = storableScale(__fdiv_rn(absmax, p.divisor), p.scaleType);
      break;
    case kRange: {
      const float width = __fsub_rn(seen.max, seen.min);
      result.scale = storableScale(__fdiv_rn(width, highestOf(p.format) - lowestOf(p.format)), p.scaleType);
      const float exact = __fsub_rn(lowestOf(p.format), __fdiv_rn(seen.min, result.scale));
      result.zeroPoint = rintf(fminf(fmaxf(exact, lowestOf(p.format)), highestOf(p.format)));
      if (stores && p.zeroPoints != nullptr) p.zeroPoints[index] = static_cast<int8_t>(result.zeroPoint);
      break;
    }
    case kRelative: {
      constexpr uint8_t kEpsilon = 0x20;  // 2^-3
      uint8_t code = encodeE4m3(__fmul_rn(p.factor, __fdiv_rn(absmax, p.divisor)), 0.0f) & 0xFF;
      code = code == 0 ? kEpsilon : code;
      result.scale = __fdiv_rn(toFloat(E4M3{code}), p.factor);
      if (storesFloat) static_cast<uint8_t*>(p.scales)[index] = code;
      storesFloat = false;
      break;
    }
    case kPowerOfTwo: {
      // Mantissas of 1.75 and more carry into the exponent.
      const int exponent = static_cast<int>((seen.largest + (1u << 21)) >> 23);
      const int biased = min(max(exponent - p.offset, 0), kMostPower);
      result.scale = biased == 0 ? 0x1p-127f : __uint_as_float(static_cast<uint32_t>(biased) << 23);
      if (storesFloat) static_cast<uint8_t*>(p.scales)[index] = static_cast<uint8_t>(biased);
      storesFloat = false;
      break;
    }
    default:
      result.scale = loadNumber(p.scales, p.scaleType, index);
      result.zeroPoint = static_cast<float>(p.zeroPoint);
      storesFloat = false;
  }
  if (storesFloat) {
    if (p.scaleType == kF32) {
      static_cast<float*>(p.scales)[index] = result.scale;
    } else if (p.scaleType == kBF16) {
      static_cast<__nv_bfloat16*>(p.scales)[index] = __float2bfloat16_rn(result.scale);
    } else {
      static_cast<__half*>(p.scales)[index] = __float2half_rn(result.scale);
    }
  }
  if (stores && p.nonFinite != nullptr && (seen.largest >= kInfinityBits || !isfinite(result.scale))) *p.nonFinite = 1;
  return result;
}

// Quotients become codes, as checkpoints store them.
struct ToCodes {
  // `at`: the first element's index in the matrix, whose rows are whole vectors.
  template <int kCount>
  static __device__ __forceinline__ void store(const Parameters& p, const TileScale& scale, const float (&q)[kCount], int64_t at) {
    if (p.format == kFormatE2M1 || p.format == kFormatI4Offset) {
      uint32_t word = 0;
#pragma unroll
      for (int i = 0; i < kCount; i++) word |= nibble(p, scale, q[i]) << 4 * i;
      uint8_t* target = static_cast<uint8_t*>(p.out) + at / 2;
      if constexpr (kCount == 8) {
        *reinterpret_cast<uint32_t*>(target) = word;
      } else {
        *reinterpret_cast<uint16_t*>(target) = static_cast<uint16_t>(word);
      }
      return;
    }
    uint32_t words[kCount / 4];
#pragma unroll
    for (int w = 0; w < kCount / 4; w++) {
      words[w] = pair(p, scale, q[4 * w], q[4 * w + 1]) | pair(p, scale, q[4 * w + 2], q[4 * w + 3]) << 16;
    }
    uint8_t* target = static_cast<uint8_t*>(p.out) + at;
    if constexpr (kCount == 8) {
      *reinterpret_cast<uint2*>(target) = make_uint2(words[0], words[1]);
    } else {
      *reinterpret_cast<uint32_t*>(target) = words[0];
    }
  }

  static __device__ __forceinline__ void storePair(const Parameters& p, const TileScale& scale, float low, float high, int64_t at) {
    static_cast<uint8_t*>(p.out)[at / 2] = nibble(p, scale, low) | nibble(p, scale, high) << 4;
  }

  static __device__ __forceinline__ void storeOne(const Parameters& p, const TileScale& scale, float q, int64_t at) {
    static_cast<uint8_t*>(p.out)[at] = pair(p, scale, q, 0.0f) & 0xFF;
  }

  static __device__ __forceinline__ uint32_t nibble(const Parameters& p, const TileScale& scale, float q) {
    return p.format == kFormatE2M1 ? encodeE2m1(q) : encodeInteger(q, scale.zeroPoint, kFormatI4Offset) + 8;
  }

  static __device__ __forceinline__ uint32_t pair(const Parameters& p, const TileScale& scale, float low, float high) {
    if (p.format == kFormatE4M3) return encodeE4m3(low, high);
    const int a = encodeInteger(low, scale.zeroPoint, kFormatI8);
    const int b = encodeInteger(high, scale.zeroPoint, kFormatI8);
    const uint32_t both = (a & 0xFF) | (b & 0xFF) << 8;
    return p.format == kFormatI8Offset ? both ^ 0x8080u : both;
  }
};

// Quotients become the numbers that their codes stand for.
struct ToNumbers {
  template <int kCount>
  static __device__ __forceinline__ void store(const Parameters& p, const TileScale& scale, const float (&q)[kCount], int64_t at) {
    static_assert(kCount == 4, "numbers are F32");
    *reinterpret_cast<float4*>(static_cast<float*>(p.out) + at) =
        make_float4(number(p, scale, q[0]), number(p, scale, q[1]), number(p, scale, q[2]), number(p, scale, q[3]));
  }

  static __device__ __forceinline__ void storePair(const Parameters& p, const TileScale& scale, float low, float high, int64_t at) {
    storeOne(p, scale, low, at);
    storeOne(p, scale, high, at + 1);
  }

  static __device__ __forceinline__ void storeOne(const Parameters& p, const TileScale& scale, float q, int64_t at) {
    static_cast<float*>(p.out)[at] = number(p, scale, q);
  }

  static __device__ __forceinline__ float number(const Parameters& p, const TileScale& scale, float q) {
    float value;
    if (p.format == kFormatE4M3) {
      value = toFloat(E4M3{static_cast<uint8_t>(encodeE4m3(q, 0.0f) & 0xFF)});
    } else if (p.format == kFormatE2M1) {
      value = decodeE2m1(encodeE2m1(q));
    } else {
      value = static_cast<float>(encodeInteger(q, scale.zeroPoint, p.format)) - scale.zeroPoint;
    }
    return __fmul_rn(value, scale.scale);
  }
};

// --- Tiles of lanes ---------------------------------------------------------------------------------------------------
// Every tile is some whole vectors of one row, a power of two of them and at most 32, and rows are whole tiles: then the
// matrix is one line of tiles.

constexpr int kLaneThreads = 256;
constexpr int kEach = 4;  // vectors of a thread, all loaded first

template <typename X, bool kBothEnds, typename Output>
__device__ __forceinline__ void quantizeInLanes(const Parameters& p) {
  constexpr int kCount = Vector<X>::kCount;
  const int lanes = static_cast<int>(p.tileColumns / kCount);
  const int64_t vectors = p.rows * p.columns / kCount;
  const int64_t first = static_cast<int64_t>(blockIdx.x) * kLaneThreads * kEach + threadIdx.x;
  const uint4* x = static_cast<const uint4*>(p.x);
  uint4 loaded[kEach];
#pragma unroll
  for (int i = 0; i < kEach; i++) {
    const int64_t at = first + i * kLaneThreads;
    loaded[i] = at < vectors ? loadStreaming(x + at) : make_uint4(0, 0, 0, 0);
  }
#pragma unroll
  for (int i = 0; i < kEach; i++) {
    const int64_t at = first + i * kLaneThreads;
    Seen<kBothEnds> seen;
    seen.template add<X>(loaded[i]);
    seen.shareAmong(lanes);
    if (at >= vectors) continue;
    const int64_t tile = at / lanes;
    const int64_t row = tile / p.acrossTiles;
    const int64_t index = row / p.scaleRows * p.acrossTiles + (tile - row * p.acrossTiles);
    const TileScale scale = scaleOf(p, seen, index, at % lanes == 0);
    const Divider divide(scale.scale, p.scaling != kGiven);
    float q[kCount];
#pragma unroll
    for (int e = 0; e < kCount; e++) q[e] = divide(elementOf<X>(loaded[i], e));
    Output::store(p, scale, q, at * kCount);
  }
}

// --- Tiles of blocks --------------------------------------------------------------------------------------------------

constexpr int kBlockThreads = 512;  // at most
constexpr int kKept = 8;            // vectors that a thread keeps between finding the scale and dividing

// What a block has of the matrix.
struct TileBounds {
  int64_t row;
  int64_t column;
  int64_t height;
  int64_t width;
  int64_t scaleIndex;

  __device__ explicit TileBounds(const Parameters& p) {
    const int64_t down = blockIdx.x / p.acrossTiles;
    const int64_t across = blockIdx.x - down * p.acrossTiles;
    row = down * p.tileRows;
    column = across * p.tileColumns;
    height = min(p.tileRows, p.rows - row);
    width = min(p.tileColumns, p.columns - column);
    scaleIndex = down / p.scaleRows * p.acrossTiles + across;
  }

  // The index in the matrix of a tile's unit of `size` elements, `across` units being in its row.
  __device__ __forceinline__ int64_t at(const Parameters& p, int64_t unit, int64_t across, int size) const {
    int64_t down = 0;
    if (height > 1) {
      const bool isShort = ((unit | across) >> 32) == 0;  // whose division is several times as fast
      down = isShort ? static_cast<uint32_t>(unit) / static_cast<uint32_t>(across) : unit / across;
    }
    return (row + down) * p.columns + column + (unit - down * across) * size;
  }
};

template <typename X, bool kBothEnds, typename Output>
__device__ __forceinline__ void quantizeVectors(const Parameters& p, const TileBounds& tile) {
  constexpr int kCount = Vector<X>::kCount;
  const X* x = static_cast<const X*>(p.x);
  const int64_t across = tile.width / kCount;
  const int64_t vectors = tile.height * across;
  const int64_t rest = static_cast<int64_t>(kKept) * blockDim.x;
  const auto load = [&](int64_t unit) {
    return loadStreaming(reinterpret_cast<const uint4*>(x + tile.at(p, unit, across, kCount)));
  };
  Seen<kBothEnds> seen;
  uint4 kept[kKept];
#pragma unroll
  for (int i = 0; i < kKept; i++) {
    const int64_t unit = threadIdx.x + static_cast<int64_t>(i) * blockDim.x;
    kept[i] = unit < vectors ? load(unit) : make_uint4(0, 0, 0, 0);
  }
#pragma unroll
  for (int i = 0; i < kKept; i++) seen.template add<X>(kept[i]);
  for (int64_t unit = threadIdx.x + rest; unit < vectors; unit += blockDim.x) seen.template add<X>(load(unit));
  seen.shareInBlock();
  const TileScale scale = scaleOf(p, seen, tile.scaleIndex, threadIdx.x == 0);
  const Divider divide(scale.scale, p.scaling != kGiven);
  const auto store = [&](const uint4& vector, int64_t unit) {
    float q[kCount];
#pragma unroll
    for (int e = 0; e < kCount; e++) q[e] = divide(elementOf<X>(vector, e));
    Output::store(p, scale, q, tile.at(p, unit, across, kCount));
  };
#pragma unroll
  for (int i = 0; i < kKept; i++) {
    const int64_t unit = threadIdx.x + static_cast<int64_t>(i) * blockDim.x;
    if (unit < vectors) store(kept[i], unit);
  }
  for (int64_t unit = threadIdx.x + rest; unit < vectors; unit += blockDim.x) store(load(unit), unit);
}

// Elements, or pairs of them where two codes share a byte.
template <typename X, bool kBothEnds, typename Output>
__device__ __forceinline__ void quantizeElements(const Parameters& p, const TileBounds& tile) {
  const X* x = static_cast<const X*>(p.x);
  const int size = isNibble(p.format) && tile.width % 2 == 0 ? 2 : 1;
  const int64_t across = tile.width / size;
  const int64_t units = tile.height * across;
  Seen<kBothEnds> seen;
  for (int64_t unit = threadIdx.x; unit < units; unit += blockDim.x) {
    const int64_t at = tile.at(p, unit, across, size);
    seen.add(toFloat(x[at]));
    if (size == 2) seen.add(toFloat(x[at + 1]));
  }
  seen.shareInBlock();
  const TileScale scale = scaleOf(p, seen, tile.scaleIndex, threadIdx.x == 0);
  const Divider divide(scale.scale, p.scaling != kGiven);
  for (int64_t unit = threadIdx.x; unit < units; unit += blockDim.x) {
    const int64_t at = tile.at(p, unit, across, size);
    if (size == 2) {
      Output::storePair(p, scale, divide(toFloat(x[at])), divide(toFloat(x[at + 1])), at);
    } else {
      Output::storeOne(p, scale, divide(toFloat(x[at])), at);
    }
  }
}

template <typename X, bool kBothEnds, typename Output>
__device__ __forceinline__ void quantizeInBlock(const Parameters& p) {
  constexpr int kCount = Vector<X>::kCount;
  const TileBounds tile(p);
  const bool whole = isAligned(p.x, p.columns * sizeof(X), 16) && isAligned(p.out, 0, 16) && p.tileColumns % kCount == 0
      && tile.width % kCount == 0;
  if (whole) {
    quantizeVectors<X, kBothEnds, Output>(p, tile);
  } else {
    quantizeElements<X, kBothEnds, Output>(p, tile);
  }
}

}  // namespace
