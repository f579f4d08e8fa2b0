// out = a w^T for at most 16 rows of bf16 activations, at the speed of reading w: codes of 8 or 4 bits that become bf16 in
// registers, and are exact in it. Scales, one a row, tensor or group of columns of w, are applied to sums in f32.
//
// A block computes some rows of w over a slice of k, which its activations fit in shared memory. A warp has kTileRows rows
// to itself and a ring of its own, which it fetches ahead by cp.async, so that warps never wait for each other: a ring as long
// as memory takes to answer. Rows of w are the rows of an mma, activations its columns. Which k comes first does not matter to
// a sum, so a thread takes 8 codes beside each other, and the same 8 of a: of 32 numbers of k, quarter q of the warp's four has
// those from 8 q on. Where there are few rows of w, several warps of a block share out its slabs of k for the same rows, or blocks
// slices of k, which the block that ends last adds up; always in the same order.
//
// Several weights of one type that multiply the same a are one launch, each with an out of its own: a warp finds which one its
// tile is of.
//
// Twin: ScalarMatMul.java.  Launch: grid = (blocks, slices), block = a whole number of warps, at most kMostWarps, dynamic
// shared memory = the slice of a and the stages of each warp.  Rows of a and w are whole, aligned 16-byte chunks; groups are
// multiples of kPart times the kernel's unit.
// Targets: all

#include "base/async_copy.cuh"
#include "base/row_range.cuh"

constexpr int kMostWeights = 3;

struct Parameters {
  const void* a;                      // [m, k] BF16
  const void* w[kMostWeights];        // [n, k] each, of 8 bits; or of 4 bits, plus 8, the first in the low bits
  const void* wScales[kMostWeights];  // [n, groups] or [1]; null for plain numbers
  float* out[kMostWeights];           // [m, n]
  int n[kMostWeights];                // rows of each weight; 0 for those that are not there
  float4* parts;        // [slices, blocks, tiles of a, threads], for several slices: what each thread has
  int* tickets;         // [blocks], zero, and zero again afterwards; for several slices
  const int* bounds;    // [2] of the rows to compute; null for all; [weightCount + 1] where there are weights
  const GroupWeight* weights;  // of groups of rows, in place of w and wScales; null for one
  int weightCount;
  int m;
  int k;
  int groups;           // scales a row
  int sliceSlabs;       // slabs of a slice
  int slices;
  int splits;           // warps that have the same rows of w; 1 where there are several slices
  int stages;           // of a warp's ring: kByteStages or kNibbleStages
  int wScaleType;       // Number
  int wScalePerRow;     // 0: one for the tensor
};
OCTAVO_OVERLAPPING_PARAMETERS(
    matmul_stream, Parameters, a, w, wScales, out, n, parts, tickets, bounds, weights, weightCount, m, k, groups, sliceSlabs, slices,
    splits, stages, wScaleType, wScalePerRow)

namespace {

constexpr int kMostWarps = 16;
constexpr int kTileRows = 16;                             // of w, a warp's
constexpr int kTileColumns = 8;                           // activations of an mma
constexpr int kPart = 32;                                 // numbers of k that two mma consume
constexpr int kRowBytes = 128;                            // of a row of w in a stage: less at a time is slow to read
constexpr int kRowChunks = kRowBytes / 16;
constexpr int kRowPadding = 64;                           // bytes after a row of a, so that no bank is met twice
constexpr int kNibbleStride = 144;                        // and of a row of codes of 4 bits, kRowBytes and 16
constexpr int kByteStages = 4;                            // of a warp's ring, at most and
constexpr int kNibbleStages = 3;                          // at least: more of the smaller codes only begin later
constexpr int kAtOnce = 8;                                // chunks of a that a thread asks for before it looks at one
constexpr int kMostRows = 16;                             // of a
constexpr int kWideUnit = 4;                              // parts that groups of most checkpoints are multiples of

// bits & kMask | base, in one instruction, which takes one constant: left to itself, the compiler makes two of it.
template <uint32_t kMask>
__device__ __forceinline__ uint32_t insert(uint32_t bits, uint32_t base) {
  uint32_t result;
  asm("lop3.b32 %0, %1, %2, %3, 0xEA;" : "=r"(result) : "r"(bits), "n"(kMask), "r"(base));
  return result;
}

// A constant that stays in a register, where the compiler would load it anew for each use: no block has 2048 threads.
__device__ __forceinline__ uint32_t inRegister(uint32_t constant) { return constant + (blockDim.x >> 11); }

__device__ __forceinline__ uint32_t subtractPairs(uint32_t a, uint32_t b) {
  const __nv_bfloat162 d =
      __hsub2(*reinterpret_cast<const __nv_bfloat162*>(&a), *reinterpret_cast<const __nv_bfloat162*>(&b));
  return *reinterpret_cast<const uint32_t*>(&d);
}

// Of a type of weight: numbers of k in a stage; stages that are asked for before a is, which would come later for more of them;
// bytes from row to row and where chunks of a row lie there, so that no bank is met twice; four pairs of bf16 from the 8 codes of
// part `part` and quarter `quarter` of row `row`; and the pairs of a that belong to them.
template <typename Code>
struct ByteWeight {
  static constexpr int kSlab = kRowBytes;
  static constexpr int kStride = kRowBytes;
  static constexpr int kEarlyStages = kByteStages;
  static constexpr bool kHasOffset = false;
  static constexpr uint32_t kBase = Code::kBase;

  static __device__ __forceinline__ int chunkAt(int row, int chunk) { return chunk ^ row % 4 * 2; }

  static __device__ __forceinline__ void load(uint32_t (&pairs)[4], const uint8_t* stage, int row, int part, int quarter, uint32_t base) {
    const int chunk = chunkAt(row, 2 * part + quarter / 2);
    const uint2 codes = *reinterpret_cast<const uint2*>(stage + row * kStride + chunk * 16 + quarter % 2 * 8);
    pairs[0] = Code::pair(codes.x, 0, base);
    pairs[1] = Code::pair(codes.x, 1, base);
    pairs[2] = Code::pair(codes.y, 0, base);
    pairs[3] = Code::pair(codes.y, 1, base);
  }

  static __device__ __forceinline__ uint4 arranged(const uint4& a) { return Code::arranged(a); }
};

struct E4m3Code {
  static constexpr uint32_t kBase = 0;

  // Codes 2 i and 2 i + 1, whose f32 forms are exact in bf16.
  static __device__ __forceinline__ uint32_t pair(uint32_t word, int i, uint32_t) {
    const __half2 halves = __half2(
        __nv_cvt_fp8x2_to_halfraw2(static_cast<__nv_fp8x2_storage_t>(word >> 16 * i & 0xFFFFu), __NV_E4M3));
    return __byte_perm(__float_as_uint(__low2float(halves)), __float_as_uint(__high2float(halves)), 0x7632);
  }

  static __device__ __forceinline__ uint4 arranged(const uint4& a) { return a; }
};

struct I8Code {
  static constexpr uint32_t kBase = 0x43004300u;  // 128 in bf16, twice

  // Codes i and i + 2. Their low 7 bits are those of 128 in bf16, which are worth 1 each, and the sign is the next: it makes
  // 128 a 256.
  static __device__ __forceinline__ uint32_t pair(uint32_t word, int i, uint32_t base) {
    const uint32_t bytes = word >> 8 * i;
    return subtractPairs(insert<0x007F007Fu>(bytes, base), insert<0x00800080u>(bytes, base));
  }

  static __device__ __forceinline__ uint4 arranged(const uint4& a) {
    return make_uint4(
        __byte_perm(a.x, a.y, 0x5410), __byte_perm(a.x, a.y, 0x7632), __byte_perm(a.z, a.w, 0x5410),
        __byte_perm(a.z, a.w, 0x7632));
  }
};

struct NibbleWeight {
  static constexpr int kSlab = 2 * kRowBytes;
  static constexpr int kStride = kNibbleStride;
  static constexpr int kEarlyStages = 2;
  static constexpr bool kHasOffset = true;
  static constexpr uint32_t kBase = 0x41804180u;  // 16 in bf16, twice
  static constexpr uint32_t kUnshiftedBase = 0x43004300u;  // 128

  static __device__ __forceinline__ int chunkAt(int, int chunk) { return chunk; }

  // Codes i and i + 4 as the bits of 16 in bf16 that are worth 1, 2, 4 and 8; the first pair's without a shift, in those of 128.
  // The offsets are taken from the sums at once.
  static __device__ __forceinline__ void load(
      uint32_t (&pairs)[4], const uint8_t* stage, int row, int part, int quarter, uint32_t base) {
    const uint32_t codes = *reinterpret_cast<const uint32_t*>(stage + row * kStride + part * 16 + quarter * 4);
    pairs[0] = insert<0x000F000Fu>(codes, base + (kUnshiftedBase - kBase));
    pairs[1] = insert<0x00780078u>(codes >> 1, base);
    pairs[2] = insert<0x00780078u>(codes >> 5, base);
    pairs[3] = insert<0x00780078u>(codes >> 9, base);
  }

  // What number i of 8 codes is more than its code.
  static __device__ __forceinline__ float offset(int i) {
    return i % 4 == 0 ? 128.0f + 8.0f : 16.0f + 8.0f;
  }

  // Numbers 0 and 4, 1 and 5, and so on, to go with the codes.
  static __device__ __forceinline__ uint4 arranged(const uint4& a) {
    return make_uint4(
        __byte_perm(a.x, a.z, 0x5410), __byte_perm(a.x, a.z, 0x7632), __byte_perm(a.y, a.w, 0x5410),
        __byte_perm(a.y, a.w, 0x7632));
  }
};

__device__ __forceinline__ void multiplyPairs(
    float (&d)[4], uint32_t a0, uint32_t a1, uint32_t a2, uint32_t a3, uint32_t b0, uint32_t b1) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));
}

// Until the stage that was asked for first is there.
__device__ __forceinline__ void awaitStage(int stages) {
  if (stages == kByteStages) {
    awaitCopies<kByteStages - 1>();
  } else {
    awaitCopies<kNibbleStages - 1>();
  }
}

// What a warp computes: some rows of one weight by rows of a.
struct Operand {
  // As rowsOfTile takes and changes them.
  const int* bounds;
  const GroupWeight* weights;
  int weightCount;
  int m;
  const void* w;
  const void* wScales;
  float* out;
  int n;
  int firstRow;

  // tile: counted over the weights beside each other. Those behind the last compute its last row.
  __device__ __forceinline__ Operand(const Parameters& p, int tile)
      : bounds(p.bounds), weights(p.weights), weightCount(p.weightCount), m(p.m), w(p.w[0]), wScales(p.wScales[0]), out(p.out[0]),
        n(p.n[0]) {
#pragma unroll
    for (int i = 1; i < kMostWeights; i++) {
      const int tiles = (p.n[i - 1] + kTileRows - 1) / kTileRows;
      if (p.n[i] == 0 || tile < tiles) break;
      tile -= tiles;
      w = p.w[i];
      wScales = p.wScales[i];
      out = p.out[i];
      n = p.n[i];
    }
    firstRow = tile * kTileRows;
  }
};

// A scale of w as loaded: turning it into a number waits for it to arrive.
__device__ __forceinline__ uint32_t loadScale(const uint8_t* scale, bool isWide) {
  return isWide ? __ldg(reinterpret_cast<const uint32_t*>(scale)) : __ldg(reinterpret_cast<const uint16_t*>(scale));
}

__device__ __forceinline__ float scaleOf(uint32_t bits, int type) {
  if (type == kF16) return __half2float(__ushort_as_half(static_cast<unsigned short>(bits)));
  return __uint_as_float(type == kF32 ? bits : bits << 16);
}

// kUnit: parts that every group is whole multiples of; 0 if a row has one scale.
template <typename W, int kTiles, int kUnit>
struct Product {
  static constexpr int kSlab = W::kSlab;
  static constexpr int kParts = kSlab / kPart;
  static constexpr int kStageBytes = kTileRows * W::kStride;
  static constexpr bool kHasOffset = W::kHasOffset;
  static constexpr int kColumns = kTiles * kTileColumns;
  static constexpr int kUnits = kParts / (kUnit == 0 ? kParts : kUnit);  // of a slab
  static constexpr int kLanesOfRow = kWarp / kTileRows;  // that load its scales of a slab
  static constexpr int kLaneScales = (kUnits + kLanesOfRow - 1) / kLanesOfRow;
  static_assert(!kHasOffset || kUnit > 0, "sums of a are made for units");
  using Sums = float[kTiles][4];

  // A warp's copies: which rows and which chunk of them a lane brings. Rows past the end bring the last one's.
  struct Source {
    static constexpr int kRowsAtOnce = kWarp / kRowChunks;
    static constexpr int kCopies = kTileRows / kRowsAtOnce;
    const uint8_t* rows[kCopies];
    int byte;       // of the lane's chunk in its rows, for the next stage
    int rowBytes;
    uint32_t targets[kCopies];
    uint64_t once;  // other data has more use for the cache

    __device__ __forceinline__ Source(const Operand& o, int k, uint32_t ring, int firstSlab, int lane) {
      rowBytes = static_cast<int>(static_cast<int64_t>(k) * kRowBytes / kSlab);
      once = readOnce();
      const int chunk = lane % kRowChunks;
      byte = firstSlab * kRowBytes + chunk * 16;
#pragma unroll
      for (int i = 0; i < kCopies; i++) {
        const int row = lane / kRowChunks + i * kRowsAtOnce;
        rows[i] = static_cast<const uint8_t*>(o.w) + static_cast<int64_t>(min(o.firstRow + row, o.n - 1)) * rowBytes;
        targets[i] = ring + row * W::kStride + W::chunkAt(row, chunk) * 16;
      }
    }

    __device__ __forceinline__ void fetch(uint32_t stageOffset) {
      const bool exists = byte < rowBytes;
#pragma unroll
      for (int i = 0; i < kCopies; i++) copyChunk(targets[i] + stageOffset, rows[i] + (exists ? byte : 0), exists, once);
      byte += kRowBytes;
    }
  };

  // Rows of a, arranged, into shared memory: `across` chunks each, of which `exist` are there and zeros follow. And what the
  // weight's offset makes of them: their sums over each unit of k, for each of kColumns rows.
  static __device__ __forceinline__ void copyActivations(
      const uint4* a, int64_t rowChunks, uint8_t* target, int stride, float* offsets, int rows, int across, int exist) {
    int row = 0;
    int chunk = threadIdx.x;
    const auto settle = [&] {
      for (; chunk >= across && row < rows; row++) chunk -= across;
    };
    settle();
    while (row < rows) {
      uint4 chunks[kAtOnce];
      int rowOf[kAtOnce];
      int chunkOf[kAtOnce];
#pragma unroll
      for (int i = 0; i < kAtOnce; i++) {
        rowOf[i] = row;
        chunkOf[i] = chunk;
        chunks[i] = row < rows && chunk < exist ? a[row * rowChunks + chunk] : make_uint4(0, 0, 0, 0);
        chunk += blockDim.x;
        settle();
      }
#pragma unroll
      for (int i = 0; i < kAtOnce; i++) {
        if (rowOf[i] >= rows) break;
        reinterpret_cast<uint4*>(target + rowOf[i] * stride)[chunkOf[i]] = W::arranged(chunks[i]);
        if constexpr (kHasOffset) {
          constexpr int kUnitChunks = kUnit * kPart / 8;
          const float sum = offsetOfLanes<kUnitChunks>(chunks[i]);
          if (chunkOf[i] % kUnitChunks == 0) offsets[chunkOf[i] / kUnitChunks * kColumns + rowOf[i]] = -sum;
        }
      }
    }
  }

  // The scales of a warp's rows in a slab: each lane loads some, one slab ahead, and gives them to those that need them.
  struct Scales {
    const uint8_t* row;  // of the row that this lane loads for
    int type;
    int last;            // group
    float inverse;       // groups a unit
    float unit;          // of the first scale that is loaded next, and a half, so that rounding meets no border of groups
    uint32_t next[kLaneScales];
    float now[kLaneScales];

    Scales() = default;
    __device__ __forceinline__ Scales(const Parameters& p, const Operand& o, int firstSlab, int lane) : type(p.wScaleType) {
      const int64_t tileRow = min(o.firstRow + lane / kLanesOfRow, o.n - 1);
      row = static_cast<const uint8_t*>(o.wScales) + tileRow * p.groups * bytesOf(type);
      last = p.groups - 1;
      inverse = static_cast<float>(p.groups) * (kPart * kUnit) / static_cast<float>(p.k);
      unit = static_cast<float>(firstSlab * kUnits + lane % kLanesOfRow * kLaneScales) + 0.5f;
      load();
    }

    __device__ __forceinline__ void load() {
#pragma unroll
      for (int i = 0; i < kLaneScales; i++) {
        const int group = min(static_cast<int>((unit + static_cast<float>(i)) * inverse), last);
        next[i] = loadScale(row + group * bytesOf(type), type == kF32);
      }
      unit += static_cast<float>(kUnits);
    }

    // To the next slab.
    __device__ __forceinline__ void advance() {
#pragma unroll
      for (int i = 0; i < kLaneScales; i++) now[i] = scaleOf(next[i], type);
      load();
    }

    // Of a row of the tile in a unit of the slab. By whole warps.
    __device__ __forceinline__ float of(int tileRow, int slabUnit) const {
      return __shfl_sync(kAllLanes, now[slabUnit % kLaneScales], kLanesOfRow * tileRow + slabUnit / kLaneScales);
    }
  };

  // What offsets make of the numbers of lanes beside each other, of which each has a chunk.
  template <int kLanes>
  static __device__ __forceinline__ float offsetOfLanes(const uint4& chunk) {
    const unsigned lanes = ((1u << kLanes) - 1) << (threadIdx.x % kWarp / kLanes * kLanes);
    float sum = 0.0f;
#pragma unroll
    for (int i = 0; i < 8; i++) sum = fmaf(elementOf<__nv_bfloat16>(chunk, i), W::offset(i), sum);
#pragma unroll
    for (int distance = 1; distance < kLanes; distance *= 2) sum += __shfl_xor_sync(lanes, sum, distance);
    return sum;
  }

  // Sums before the first product.
  static __device__ __forceinline__ void begin(Sums& sums, const float* offsets, int unit, int quarter) {
#pragma unroll
    for (int i = 0; i < kTiles; i++) {
      float2 offset = make_float2(0.0f, 0.0f);
      if (kHasOffset) offset = *reinterpret_cast<const float2*>(offsets + unit * kColumns + i * kTileColumns + quarter * 2);
      sums[i][0] = sums[i][2] = offset.x;
      sums[i][1] = sums[i][3] = offset.y;
    }
  }

  static __device__ __forceinline__ void multiplyPart(
      Sums& sums, const uint8_t* stage, const uint8_t* const (&activations)[kTiles], int row, int quarter, int part, uint32_t base) {
    uint32_t low[4];
    uint32_t high[4];
    W::load(low, stage, row, part, quarter, base);
    W::load(high, stage, row + 8, part, quarter, base);
#pragma unroll
    for (int i = 0; i < kTiles; i++) {
      const uint4 a = *reinterpret_cast<const uint4*>(activations[i] + part * kPart * 2);
      multiplyPairs(sums[i], low[0], high[0], low[1], high[1], a.x, a.y);
      multiplyPairs(sums[i], low[2], high[2], low[3], high[3], a.z, a.w);
    }
  }

  static __device__ __forceinline__ void run(const Parameters& p) {
    extern __shared__ __align__(128) uint8_t shared[];
    if (p.bounds != nullptr) awaitEarlierKernels();
    const int lane = threadIdx.x % kWarp;
    const int warp = threadIdx.x / kWarp;
    const int split = warp % p.splits;
    Operand o(p, blockIdx.x * (blockDim.x / kWarp / p.splits) + warp / p.splits);
    const RowRange range = rowsOfTile<kTiles * kTileColumns>(o);
    const int rows = range.to - range.from;
    if (rows <= 0) return;
    const int row = lane / 4;
    const int quarter = lane % 4;
    const int firstSlab = blockIdx.y * p.sliceSlabs;
    const int sliceSlabs = min(p.sliceSlabs, (p.k + kSlab - 1) / kSlab - firstSlab);
    const int from = sliceSlabs * split / p.splits;  // this warp's, in the slice
    const int slabs = sliceSlabs * (split + 1) / p.splits - from;
    const int activationStride = p.sliceSlabs * kSlab * 2 + kRowPadding;
    float* offsets = reinterpret_cast<float*>(shared + rows * activationStride);
    const int offsetBytes = kHasOffset ? p.sliceSlabs * kUnits * kColumns * 4 : 0;
    uint8_t* ring = shared + rows * activationStride + offsetBytes + warp * p.stages * kStageBytes;

    Source source(o, p.k, sharedAddress(ring), firstSlab + from, lane);
    int begun = 0;
    const auto askFor = [&](int stages) {
#pragma unroll 1
      for (; begun < stages; begun++) {
        if (begun < slabs) source.fetch(begun * kStageBytes);
        commitCopies();
      }
    };
    askFor(min(W::kEarlyStages, p.stages));
    enterStream();  // the weight alone needs no waiting for
    const uint4* a = static_cast<const uint4*>(p.a) + range.from * static_cast<int64_t>(p.k / 8) + firstSlab * (kSlab / 8);
    const int exist = (p.k - firstSlab * kSlab) / 8;
    copyActivations(a, p.k / 8, shared, activationStride, offsets, rows, sliceSlabs * kSlab / 8, exist);
    askFor(p.stages);

    const uint8_t* activations[kTiles];
#pragma unroll
    for (int i = 0; i < kTiles; i++) {
      // Lanes without a row bring the last one's numbers, which nobody stores.
      const int m = min(i * kTileColumns + row, rows - 1);
      activations[i] = shared + m * activationStride + from * kSlab * 2 + quarter * 16;
    }

    Sums sums = {};
    const uint32_t base = inRegister(W::kBase);
    Scales scales;
    if constexpr (kUnit > 0) scales = Scales(p, o, firstSlab + from, lane);
    __syncthreads();

    int unit = from * kUnits;
    int stage = 0;
    for (int slab = 0; slab < slabs; slab++) {
      awaitStage(p.stages);
      __syncwarp();
      const uint8_t* from = ring + stage * kStageBytes;
      if constexpr (kUnit == 0) {
#pragma unroll
        for (int part = 0; part < kParts; part++) multiplyPart(sums, from, activations, row, quarter, part, base);
      } else {
        scales.advance();
#pragma unroll
        for (int slabUnit = 0; slabUnit < kUnits; slabUnit++) {
          Sums ofUnit;
          begin(ofUnit, offsets, unit++, quarter);
#pragma unroll
          for (int part = slabUnit * kUnit; part < (slabUnit + 1) * kUnit; part++) {
            multiplyPart(ofUnit, from, activations, row, quarter, part, base);
          }
          const float low = scales.of(row, slabUnit);
          const float high = scales.of(row + 8, slabUnit);
#pragma unroll
          for (int i = 0; i < kTiles; i++) {
#pragma unroll
            for (int e = 0; e < 4; e++) sums[i][e] = fmaf(ofUnit[i][e], e < 2 ? low : high, sums[i][e]);
          }
        }
      }
      __syncwarp();  // all have read it
      if (slab + p.stages < slabs) source.fetch(stage * kStageBytes);
      commitCopies();
      stage = stage == p.stages - 1 ? 0 : stage + 1;
#pragma unroll
      for (int i = 0; i < kTiles; i++) activations[i] += kSlab * 2;
    }
    if (kUnit == 0 && o.wScales != nullptr) {
      const float low = loadNumber(o.wScales, p.wScaleType, p.wScalePerRow ? min(o.firstRow + row, o.n - 1) : 0);
      const float high = loadNumber(o.wScales, p.wScaleType, p.wScalePerRow ? min(o.firstRow + row + 8, o.n - 1) : 0);
#pragma unroll
      for (int i = 0; i < kTiles; i++) {
#pragma unroll
        for (int e = 0; e < 4; e++) sums[i][e] *= e < 2 ? low : high;
      }
    }
    if (p.splits > 1 && !addSplits(sums, reinterpret_cast<float4*>(shared), p.splits, split)) return;
    if (p.slices > 1 && !addSlices(p, sums, rows, quarter)) return;
#pragma unroll
    for (int i = 0; i < kTiles; i++) store(o, range, i, lane, sums[i]);
  }

  // A lane's part of a tile of a.
  static __device__ __forceinline__ void store(
      const Operand& o, const RowRange& range, int i, int lane, const float (&four)[4]) {
#pragma unroll
    for (int e = 0; e < 4; e++) {
      const int m = range.from + i * kTileColumns + lane % 4 * 2 + e % 2;
      const int n = o.firstRow + lane / 4 + e / 2 * 8;
      if (m < range.to && n < o.n) o.out[m * static_cast<int64_t>(o.n) + n] = four[e];
    }
  }

  // Whether this is the first of the warps with the same rows: it gets the sums of all. parts: kTiles for each thread.
  static __device__ __forceinline__ bool addSplits(Sums& sums, float4* parts, int splits, int split) {
    __syncthreads();  // nobody reads a any more
#pragma unroll
    for (int i = 0; i < kTiles; i++) {
      parts[i * blockDim.x + threadIdx.x] = make_float4(sums[i][0], sums[i][1], sums[i][2], sums[i][3]);
    }
    __syncthreads();
    if (split != 0) return false;
    for (int other = 1; other < splits; other++) {
#pragma unroll
      for (int i = 0; i < kTiles; i++) {
        const float4 part = parts[i * blockDim.x + threadIdx.x + other * kWarp];
        sums[i][0] += part.x;
        sums[i][1] += part.y;
        sums[i][2] += part.z;
        sums[i][3] += part.w;
      }
    }
    return true;
  }

  // Whether this is the block that ends last of those with its rows of w: it gets the sums of all.
  static __device__ __forceinline__ bool addSlices(const Parameters& p, Sums& sums, int rows, int quarter) {
    __shared__ bool last;
    const int64_t stride = static_cast<int64_t>(gridDim.x) * kTiles * blockDim.x;
    float4* parts = p.parts + static_cast<int64_t>(blockIdx.x) * kTiles * blockDim.x + threadIdx.x;
#pragma unroll
    for (int i = 0; i < kTiles; i++) {
      if (i * kTileColumns + quarter * 2 < rows) {
        parts[blockIdx.y * stride + i * blockDim.x] = make_float4(sums[i][0], sums[i][1], sums[i][2], sums[i][3]);
      }
    }
    __syncthreads();
    if (threadIdx.x == 0) {
      __threadfence();  // for the whole block, which the barrier has put before it
      last = atomicAdd(p.tickets + blockIdx.x, 1) == p.slices - 1;
      if (last) p.tickets[blockIdx.x] = 0;
      __threadfence();
    }
    __syncthreads();
    if (!last) return false;
    float4 totals[kTiles] = {};
#pragma unroll 8
    for (int slice = 0; slice < p.slices; slice++) {
#pragma unroll
      for (int i = 0; i < kTiles; i++) {
        if (i * kTileColumns + quarter * 2 >= rows) continue;
        const float4 part = __ldcg(parts + slice * stride + i * blockDim.x);
        totals[i] = make_float4(
            totals[i].x + part.x, totals[i].y + part.y, totals[i].z + part.z, totals[i].w + part.w);
      }
    }
#pragma unroll
    for (int i = 0; i < kTiles; i++) {
      sums[i][0] = totals[i].x;
      sums[i][1] = totals[i].y;
      sums[i][2] = totals[i].z;
      sums[i][3] = totals[i].w;
    }
    return true;
  }
};

// Bytes of a warp's stage.
constexpr int kByteStage = kTileRows * kRowBytes;
constexpr int kNibbleStage = kTileRows * kNibbleStride;
static_assert(kByteStage == kTileRows * ByteWeight<E4m3Code>::kStride, "rows lie beside each other");

}  // namespace

#define STREAM(name, type, rows, unit)                                                                                   \
  extern "C" __global__ __launch_bounds__(kMostWarps * kWarp, 1) void matmul_stream_##name##_##rows##_##unit(               \
      const __grid_constant__ Parameters p) {                                                                            \
    Product<type, (rows) / kTileColumns, unit>::run(p);                                                                  \
  }

#define STREAMS_OF_GROUPS(name, type)                    \
  STREAM(name, type, 8, 1) STREAM(name, type, 8, 4)      \
  STREAM(name, type, 16, 1) STREAM(name, type, 16, 4)
#define STREAMS(name, type) STREAM(name, type, 8, 0) STREAM(name, type, 16, 0) STREAMS_OF_GROUPS(name, type)

STREAMS(e4m3, ByteWeight<E4m3Code>)
STREAMS(i8, ByteWeight<I8Code>)
STREAMS_OF_GROUPS(i4, NibbleWeight)

OCTAVO_CONSTANTS(
    matmul_stream, kMostWarps, kTileRows, kTileColumns, kMostRows, kPart, kWideUnit, kRowBytes, kRowPadding, kByteStage,
    kNibbleStage, kByteStages, kNibbleStages, kMostWeights)
