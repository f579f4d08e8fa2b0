// Quantization with one scale a tile, for quantize_tiles.cu and fake_quantize.cu: finding scales, and what becomes of every
// quotient. A tile belongs to some lanes of a warp or to a block.
//
// Twins: ScalarQuantizeTiles.java and ScalarFakeQuantize.java, bit for bit.
#pragma once

#include "quantization/quantization.cuh"

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

// What has been seen of whole vectors, which numbers of 2 bytes let be looked at in pairs.
template <typename X, bool kBothEnds>
struct SeenVectors {
  Largest<X> largest;

  __device__ __forceinline__ void add(const uint4& vector) { largest.add(vector); }

  __device__ __forceinline__ Seen<kBothEnds> get() const {
    Seen<kBothEnds> seen;
    seen.largest = largest.get();
    return seen;
  }
};

template <>
struct SeenVectors<float, true> {
  Seen<true> seen;

  __device__ __forceinline__ void add(const uint4& vector) {
#pragma unroll
    for (int i = 0; i < Vector<float>::kCount; i++) seen.add(elementOf<float>(vector, i));
  }

  __device__ __forceinline__ Seen<true> get() const { return seen; }
};

template <typename Pair>
struct EndsOfPairs {
  Pair min = {};
  Pair max = {};

  // NaN stays.
  __device__ __forceinline__ void add(const uint4& vector) {
    const Pair* p = reinterpret_cast<const Pair*>(&vector);
#pragma unroll
    for (int i = 0; i < 4; i++) {
      min = __hmin2_nan(min, p[i]);
      max = __hmax2_nan(max, p[i]);
    }
  }

  __device__ __forceinline__ Seen<true> get() const {
    Seen<true> seen;
    seen.add(static_cast<float>(min.x));
    seen.add(static_cast<float>(min.y));
    seen.add(static_cast<float>(max.x));
    seen.add(static_cast<float>(max.y));
    return seen;
  }
};

template <>
struct SeenVectors<__nv_bfloat16, true> : EndsOfPairs<__nv_bfloat162> {};
template <>
struct SeenVectors<__half, true> : EndsOfPairs<__half2> {};

constexpr uint8_t kEpsilonCode = 0x20;  // 2^-3 in E4M3, in place of a scale of 0

struct TileScale {
  float scale;
  float zeroPoint;
};

// The scale of a tile, stored by the one thread that `stores`.
template <bool kBothEnds>
__device__ __forceinline__ TileScale scaleOf(const Parameters& p, const Seen<kBothEnds>& seen, int64_t index, bool stores) {
  TileScale result = {0.0f, 0.0f};
  bool storesFloat = stores && p.scales != nullptr;
  if constexpr (kBothEnds) {
    const float width = __fsub_rn(seen.max, seen.min);
    result.scale = storableScale(__fdiv_rn(width, highestOf(p.format) - lowestOf(p.format)), p.scaleType);
    const float exact = __fsub_rn(lowestOf(p.format), __fdiv_rn(seen.min, result.scale));
    result.zeroPoint = rintf(fminf(fmaxf(exact, lowestOf(p.format)), highestOf(p.format)));
    if (stores && p.zeroPoints != nullptr) p.zeroPoints[index] = static_cast<int8_t>(result.zeroPoint);
  } else {
    const float absmax = __uint_as_float(seen.largest);
    switch (p.scaling) {
      case kAbsmax:
        result.scale = storableScale(Divider(p.divisor).any(absmax), p.scaleType);
        break;
      case kRelative: {
        uint8_t code = encodeE4m3(__fmul_rn(p.factor, Divider(p.divisor).any(absmax)), 0.0f) & 0xFF;
        code = code == 0 ? kEpsilonCode : code;
        result.scale = Divider(p.factor).any(toFloat(E4M3{code}));
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

// Scales of every kind.
struct AnyScales {
  static constexpr bool kMayBeGiven = true;

  __device__ __forceinline__ explicit AnyScales(const Parameters&) {}

  template <bool kBothEnds>
  __device__ __forceinline__ Divider of(
      const Parameters& p, const Seen<kBothEnds>& seen, int64_t index, bool stores, TileScale& scale) const {
    scale = scaleOf(p, seen, index, stores);
    return Divider(scale.scale, p.scaling != kGiven);
  }
};

// Scales of kRelative, as many as E4M3 has codes: a block finds what each stands for, and its inverse, before it needs one.
class RelativeTable {
 public:
  // By a whole block of at least kCodes threads.
  __device__ __forceinline__ explicit RelativeTable(const Parameters& p) : divisor_(p.divisor), factor_(p.factor) {
    __shared__ float2 entries[kCodes];
    bool near = true;
    if (threadIdx.x < kCodes) {
      const float scale = Divider(p.factor).any(toFloat(E4M3{static_cast<uint8_t>(threadIdx.x)}));
      entries[threadIdx.x] = make_float2(scale, __frcp_rn(scale));
      near = threadIdx.x == 0 || threadIdx.x == kCodes - 1 || Divider::isNear(scale);  // those are no scales
    }
    near_ = __syncthreads_and(near);
    entries_ = entries;
  }

  // Whether a Divider is, by any of the scales.
  __device__ __forceinline__ bool isNear() const { return near_; }

  __device__ __forceinline__ uint32_t codeFor(uint32_t largest) const {
    const float wanted = __fmul_rn(factor_, divisor_.any(__uint_as_float(largest)));
    const uint32_t nearest = encodeE4m3(wanted, 0.0f) & 0xFF;
    return nearest == 0 ? kEpsilonCode : nearest;
  }

  // The scale and its inverse.
  __device__ __forceinline__ float2 entry(uint32_t code) const { return entries_[code]; }

 private:
  static constexpr int kCodes = 128;  // not negative; the last is NaN

  Divider divisor_;
  float factor_;
  bool near_;
  const float2* entries_;
};

// kNear: whether the table is, so that no instruction asks for it.
template <bool kNear>
struct RelativeScales {
  static constexpr bool kMayBeGiven = false;
  const RelativeTable& table;

  __device__ __forceinline__ Divider of(
      const Parameters& p, const Seen<false>& seen, int64_t index, bool stores, TileScale& scale) const {
    const uint32_t code = table.codeFor(seen.largest);
    const float2 entry = table.entry(code);
    scale = {entry.x, 0.0f};
    if (stores) {
      if (p.scales != nullptr) static_cast<uint8_t*>(p.scales)[index] = static_cast<uint8_t>(code);
      if (p.nonFinite != nullptr && (seen.largest >= kInfinityBits || !isfinite(entry.x))) *p.nonFinite = 1;
    }
    return Divider(entry.x, entry.y, kNear);
  }
};

constexpr int kAnyFormat = -1;

// Quotients become codes, as checkpoints store them. kFormat: what the format's codes are made like, known when this is
// compiled, where kFormatI8 stands for all of bytes; or kAnyFormat, which costs registers. kPowers: scales may often be powers of 2.
template <int kFormat, bool kPowers = true>
struct ToCodes {
  // Whether a thread's vectors lie beside each other, so that few stores write all their codes.
  static constexpr bool kBeside = true;

  // Calls work(store) with what stores kVectors vectors, store(vectors, at), at being the first element's index in the matrix,
  // whose rows are whole vectors. Looks at the format once for all of the work.
  template <typename X, int kVectors, typename Work>
  static __device__ __forceinline__ void storing(
      const Parameters& p, const TileScale& scale, const Divider& divide, Work work) {
    switch (kFormat == kAnyFormat ? p.format : kFormat) {
      case kFormatE4M3:
        work([&](const uint4* vectors, int64_t at) {
          storeBytes<X, kVectors>(p, vectors, at, [&](uint32_t (&words)[Vector<X>::kCount / 4], const uint4& vector) {
            encodeE4m3All<X>(words, vector, divide);
          });
        });
        break;
      case kFormatE2M1:
        work([&](const uint4* vectors, int64_t at) {
          storeNibbles<X, kVectors>(p, vectors, at, [&](const uint4& vector) { return encodeE2m1All<X, kPowers>(vector, divide); });
        });
        break;
      case kFormatI4Offset:
        work([&](const uint4* vectors, int64_t at) {
          storeNibbles<X, kVectors>(
              p, vectors, at, [&](const uint4& vector) { return encodeNibbles<X>(vector, divide, scale.zeroPoint); });
        });
        break;
      default:
        work([&](const uint4* vectors, int64_t at) {
          const uint32_t flip = p.format == kFormatI8 ? 0x80808080u : 0u;
          storeBytes<X, kVectors>(p, vectors, at, [&](uint32_t (&words)[Vector<X>::kCount / 4], const uint4& vector) {
            encodeBytes<X>(words, vector, divide, scale.zeroPoint, flip);
          });
        });
    }
  }

  static __device__ __forceinline__ void storePair(const Parameters& p, const TileScale& scale, float low, float high, int64_t at) {
    const uint32_t pair = p.format == kFormatE2M1 ? encodeE2m1(low) | encodeE2m1(high) << 4
                                                  : nibble(low, scale) | nibble(high, scale) << 4;
    static_cast<uint8_t*>(p.out)[at / 2] = static_cast<uint8_t>(pair);
  }

  static __device__ __forceinline__ void storeOne(const Parameters& p, const TileScale& scale, float q, int64_t at) {
    const uint32_t code = p.format == kFormatE4M3 ? encodeE4m3(q, 0.0f) : bytes(q, 0.0f, scale);
    static_cast<uint8_t*>(p.out)[at] = static_cast<uint8_t>(p.format == kFormatI8Offset ? code ^ 0x80u : code);
  }

  // The offset of 8 changes no low bit of the integer's but the highest.
  static __device__ __forceinline__ uint32_t nibble(float q, const TileScale& scale) {
    return (encodeInteger(q, scale.zeroPoint, -8.0f, 7.0f) ^ 8u) & 0xFu;
  }

  static __device__ __forceinline__ uint32_t bytes(float low, float high, const TileScale& scale) {
    return __byte_perm(
        encodeInteger(low, scale.zeroPoint, -128.0f, 127.0f), encodeInteger(high, scale.zeroPoint, -128.0f, 127.0f), 0x7740)
        & 0xFFFFu;
  }

  template <typename X, int kVectors, typename Encode>
  static __device__ __forceinline__ void storeNibbles(const Parameters& p, const uint4* vectors, int64_t at, Encode encode) {
    uint8_t* target = static_cast<uint8_t*>(p.out) + at / 2;
    if constexpr (Vector<X>::kCount == 8) {
      uint32_t words[kVectors];
#pragma unroll
      for (int i = 0; i < kVectors; i++) words[i] = encode(vectors[i]);
      storeWords(target, words);
    } else if constexpr (kVectors == 1) {
      *reinterpret_cast<uint16_t*>(target) = static_cast<uint16_t>(encode(vectors[0]));
    } else {
      uint32_t words[kVectors / 2];
#pragma unroll
      for (int i = 0; i < kVectors / 2; i++) words[i] = __byte_perm(encode(vectors[2 * i]), encode(vectors[2 * i + 1]), 0x5410);
      storeWords(target, words);
    }
  }

  template <typename X, int kVectors, typename Encode>
  static __device__ __forceinline__ void storeBytes(const Parameters& p, const uint4* vectors, int64_t at, Encode encode) {
    constexpr int kWords = Vector<X>::kCount / 4;
    uint32_t all[kVectors * kWords];
#pragma unroll
    for (int i = 0; i < kVectors; i++) {
      uint32_t words[kWords];
      encode(words, vectors[i]);
#pragma unroll
      for (int w = 0; w < kWords; w++) all[i * kWords + w] = words[w];
    }
    storeWords(static_cast<uint8_t*>(p.out) + at, all);
  }
};

// Quotients become the numbers that their codes stand for.
struct ToNumbers {
  static constexpr bool kBeside = false;

  template <typename X, int kVectors, typename Work>
  static __device__ __forceinline__ void storing(
      const Parameters& p, const TileScale& scale, const Divider& divide, Work work) {
    static_assert(sizeof(X) == 4, "numbers are F32");
    work([&](const uint4* vectors, int64_t at) {
      float4* out = reinterpret_cast<float4*>(static_cast<float*>(p.out) + at);
#pragma unroll
      for (int i = 0; i < kVectors; i++) {
        float q[Vector<X>::kCount];
        divideAll<X>(q, vectors[i], divide);
        out[i] = make_float4(number(p, scale, q[0]), number(p, scale, q[1]), number(p, scale, q[2]), number(p, scale, q[3]));
      }
    });
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
      value = rintf(fminf(fmaxf(__fadd_rn(q, scale.zeroPoint), lowestOf(p.format)), highestOf(p.format))) - scale.zeroPoint;
    }
    return __fmul_rn(value, scale.scale);
  }
};

// --- Tiles of lanes ---------------------------------------------------------------------------------------------------
// Every tile is some whole vectors of one row, a power of two of them, and rows are whole tiles: then the matrix is one
// line of tiles. A thread has kEach vectors, either all of one tile, which some lanes beside each other share, or of some
// tiles of kRun vectors: finding a scale costs more than dividing by it, so few threads should find the same one.

constexpr int kLaneThreads = 256;
constexpr int kEach = 4;  // all loaded first

// The vectors of a thread.
template <typename X, int kRun, bool kBeside>
struct LaneVectors {
  static constexpr int kCount = Vector<X>::kCount;
  uint4 loaded[kEach];
  int64_t first;  // in the matrix
  int within;     // lane of those that share its tile
  int count;      // those that exist: tiles are there or not, and so are all of a thread where they are of one

  // block: what blockIdx.x is where all vectors are looked at in one round.
  __device__ __forceinline__ LaneVectors(const Parameters& p, int64_t block) {
    const int lanes = lanesOf(p);
    const int64_t vectors = p.rows * p.columns / kCount;
    const int64_t thread = block * kLaneThreads + threadIdx.x;
    within = static_cast<int>(thread) & (lanes - 1);
    first = (thread - within) * kEach + within * (kBeside ? kEach : 1);
    count = kRun == kEach ? (first < vectors ? kEach : 0) : static_cast<int>(max(min(vectors - first, static_cast<int64_t>(kEach)), static_cast<int64_t>(0)));
    const uint4* x = static_cast<const uint4*>(p.x);
#pragma unroll
    for (int i = 0; i < kEach; i++) loaded[i] = i < count ? x[first + i * distance(p)] : make_uint4(0, 0, 0, 0);
  }

  static __device__ __forceinline__ int lanesOf(const Parameters& p) { return static_cast<int>(p.tileColumns) / (kCount * kRun); }

  // Where lanes share a tile, each may have every one of its vectors that is as many further on.
  static __device__ __forceinline__ int distance(const Parameters& p) { return kBeside ? 1 : lanesOf(p); }
};

template <typename X, bool kBothEnds, int kRun, typename Output, typename Scales>
__device__ __forceinline__ void quantizeInLanes(
    const Parameters& p, const Scales& scales, const LaneVectors<X, kRun, Output::kBeside>& v) {
  constexpr int kCount = Vector<X>::kCount;
  const int lanes = v.lanesOf(p);
  const int tileShift = 31 - __clz(lanes * kRun);
#pragma unroll
  for (int run = 0; run < kEach; run += kRun) {
    const int64_t at = v.first + run * v.distance(p);
    SeenVectors<X, kBothEnds> ofVectors;
#pragma unroll
    for (int i = 0; i < kRun; i++) ofVectors.add(v.loaded[run + i]);
    Seen<kBothEnds> seen = ofVectors.get();
    if constexpr (kRun == kEach) seen.shareAmong(lanes);
    if (run >= v.count) continue;
    const int64_t tile = (v.first >> tileShift) + run / kRun;
    int64_t index = tile;
    if (Scales::kMayBeGiven && p.scaling == kGiven) {
      const int64_t row = tile / p.acrossTiles;
      index = row / p.scaleRows * p.acrossTiles + (tile - row * p.acrossTiles);
    }
    TileScale scale;
    const Divider divide = scales.of(p, seen, index, v.within == 0, scale);
    if constexpr (Output::kBeside) {
      Output::template storing<X, kRun>(p, scale, divide, [&](auto store) { store(v.loaded + run, at * kCount); });
    } else {
      Output::template storing<X, 1>(p, scale, divide, [&](auto store) {
#pragma unroll
        for (int i = 0; i < kRun; i++) store(v.loaded + run + i, (at + i * v.distance(p)) * kCount);
      });
    }
  }
}

// --- Tiles of blocks --------------------------------------------------------------------------------------------------

constexpr int kBlockThreads = 256;  // at most
constexpr int kKept = 8;            // vectors that a thread keeps between finding the scale and dividing

// What a block has of the matrix.
struct TileBounds {
  int64_t row;
  int64_t column;
  int64_t height;
  int64_t width;
  int64_t scaleIndex;

  __device__ explicit TileBounds(const Parameters& p) {
    const uint32_t down = blockIdx.x / static_cast<uint32_t>(p.acrossTiles);
    const uint32_t across = blockIdx.x - down * static_cast<uint32_t>(p.acrossTiles);
    row = down * p.tileRows;
    column = across * p.tileColumns;
    height = min(p.tileRows, p.rows - row);
    width = min(p.tileColumns, p.columns - column);
    scaleIndex = p.scaling == kGiven ? down / p.scaleRows * p.acrossTiles + across : blockIdx.x;
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

// The vectors of a thread in its block's tile, one after the other. 32 bits count the vectors of a tile, as its
// launcher makes sure, and leave registers for what is kept.
struct TileCursor {
  int at = 0;      // vectors from the tile's first one, in the matrix
  int unit;        // vectors from the tile's first one, in the tile
  int vectors;     // of the tile

  __device__ __forceinline__ TileCursor(const Parameters& p, const TileBounds& tile, int count) {
    const int threads = static_cast<int>(blockDim.x);
    unit = static_cast<int>(threadIdx.x);
    across_ = static_cast<int>(tile.width / count);
    vectors = static_cast<int>(tile.height) * across_;
    const int pitch = tile.height == 1 ? across_ : static_cast<int>(p.columns / count);
    skip_ = pitch - across_;
    const int down = skip_ == 0 ? 0 : unit / across_;
    column_ = unit - down * across_;
    at = unit + down * skip_;
    const int stepDown = skip_ == 0 ? 0 : threads / across_;
    stepAcross_ = skip_ == 0 ? 0 : threads - stepDown * across_;
    step_ = threads + stepDown * skip_;
  }

  __device__ __forceinline__ bool isInside() const { return unit < vectors; }

  __device__ __forceinline__ void advance() {
    unit += static_cast<int>(blockDim.x);
    at += step_;
    column_ += stepAcross_;
    if (stepAcross_ != 0 && column_ >= across_) {
      column_ -= across_;
      at += skip_;
    }
  }

 private:
  int across_;
  int column_;
  int skip_;        // vectors from the end of a row of the tile to the next
  int step_;
  int stepAcross_;  // 0 where no step ends in the middle of a row
};

template <typename X, bool kBothEnds, typename Output>
__device__ __forceinline__ void quantizeVectors(const Parameters& p, const TileBounds& tile) {
  constexpr int kCount = Vector<X>::kCount;
  const int64_t first = tile.row * p.columns + tile.column;
  const uint4* x = reinterpret_cast<const uint4*>(static_cast<const X*>(p.x) + first);
  SeenVectors<X, kBothEnds> ofVectors;
  uint4 kept[kKept];
  TileCursor cursor(p, tile, kCount);
#pragma unroll
  for (int i = 0; i < kKept; i++) {
    kept[i] = cursor.isInside() ? x[cursor.at] : make_uint4(0, 0, 0, 0);
    cursor.advance();
  }
#pragma unroll
  for (int i = 0; i < kKept; i++) ofVectors.add(kept[i]);
  for (; cursor.isInside(); cursor.advance()) ofVectors.add(x[cursor.at]);
  Seen<kBothEnds> seen = ofVectors.get();
  seen.shareInBlock();
  const TileScale scale = scaleOf(p, seen, tile.scaleIndex, threadIdx.x == 0);
  const Divider divide(scale.scale, p.scaling != kGiven);
  Output::template storing<X, 1>(p, scale, divide, [&](auto store) {
    TileCursor target(p, tile, kCount);
#pragma unroll
    for (int i = 0; i < kKept; i++) {
      if (target.isInside()) store(kept + i, first + static_cast<int64_t>(target.at) * kCount);
      target.advance();
    }
    for (; target.isInside(); target.advance()) {
      const uint4 vector = x[target.at];
      store(&vector, first + static_cast<int64_t>(target.at) * kCount);
    }
  });
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
