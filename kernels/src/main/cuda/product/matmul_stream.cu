// out = a w^T for at most 16 rows of bf16 activations, at the speed of reading w: codes of 8 or 4 bits that become bf16 in
// registers, and are exact in it. Scales, one a row, tensor or group of columns of w, are applied to sums in f32.
//
// A block computes some rows of w over a slice of k, which its activations fit in shared memory. A warp has kTileRows rows
// to itself and a ring of its own, which it fetches ahead by cp.async, so that warps never wait for each other. Rows of w
// are the rows of an mma, activations its columns. Which k comes first does not matter to a sum, so a thread takes 8
// codes beside each other, and the same 8 of a: of 32 numbers of k, quarter q of the warp's four has those from 8 q on.
// Slices are added up by the block that ends last, always in the same order.
//
// Twin: ScalarMatMul.java.  Launch: grid = (blocks, slices), block = a whole number of warps, at most kMostWarps, dynamic
// shared memory = the slice of a and kStages stages a warp.  Rows of a and w are whole, aligned 16-byte chunks; groups are
// multiples of kPart times the kernel's unit.
// Targets: all

#include "base/async_copy.cuh"
#include "base/row_range.cuh"

struct Parameters {
  const void* a;        // [m, k] BF16
  const void* w;        // [n, k], of 8 bits; or of 4 bits, plus 8, the first in the low bits
  const void* wScales;  // [n, groups] or [1]; null for plain numbers
  float* out;           // [m, n]
  float4* parts;        // [slices, blocks, tiles of a, threads], for several slices: what each thread has
  int* tickets;         // [blocks], zero, and zero again afterwards; for several slices
  const int* bounds;    // [2] of the rows to compute; null for all; [weightCount + 1] where there are weights
  const GroupWeight* weights;  // of groups of rows, in place of w and wScales; null for one
  int weightCount;
  int m;
  int n;
  int k;
  int groups;           // scales a row
  int sliceSlabs;       // slabs of a slice
  int slices;
  int wScaleType;       // Number
  int wScalePerRow;     // 0: one for the tensor
};
OCTAVO_OVERLAPPING_PARAMETERS(
    matmul_stream, Parameters, a, w, wScales, out, parts, tickets, bounds, weights, weightCount, m, n, k, groups, sliceSlabs, slices, wScaleType,
    wScalePerRow)

namespace {

constexpr int kMostWarps = 16;
constexpr int kTileRows = 16;                             // of w, a warp's
constexpr int kTileColumns = 8;                           // activations of an mma
constexpr int kPart = 32;                                 // numbers of k that two mma consume
constexpr int kRowBytes = 128;                            // of a row of w in a stage: less at a time is slow to read
constexpr int kRowChunks = kRowBytes / 16;
constexpr int kRowPadding = 64;                           // bytes after a row of a, so that no bank is met twice
constexpr int kStages = 3;
constexpr int kMostRows = 16;                             // of a
constexpr int kWideUnit = 4;                              // parts that groups of most checkpoints are multiples of

// bits & kMask | base, in one instruction, which takes one constant: left to itself, the compiler makes two of it.
template <uint32_t kMask>
__device__ __forceinline__ uint32_t insert(uint32_t bits, uint32_t base) {
  uint32_t result;
  asm("lop3.b32 %0, %1, %2, %3, 0xEA;" : "=r"(result) : "r"(bits), "n"(kMask), "r"(base));
  return result;
}

// 128 in bf16, twice, as a register.
__device__ __forceinline__ uint32_t twice128() {
  uint32_t result;
  asm("mov.b32 %0, 0x43004300;" : "=r"(result));
  return result;
}

__device__ __forceinline__ uint32_t subtractPairs(uint32_t a, uint32_t b) {
  const __nv_bfloat162 d =
      __hsub2(*reinterpret_cast<const __nv_bfloat162*>(&a), *reinterpret_cast<const __nv_bfloat162*>(&b));
  return *reinterpret_cast<const uint32_t*>(&d);
}

// Of a type of weight: numbers of k in a stage; bytes from row to row and where chunks of a row lie there, so that no bank is
// met twice; four pairs of bf16 from the 8 codes of part `part` and quarter `quarter` of row `row`; and the pairs of a that
// belong to them.
template <typename Code>
struct ByteWeight {
  static constexpr int kSlab = kRowBytes;
  static constexpr int kStride = kRowBytes;

  static __device__ __forceinline__ int chunkAt(int row, int chunk) { return chunk ^ row % 4 * 2; }

  static __device__ __forceinline__ void load(uint32_t (&pairs)[4], const uint8_t* stage, int row, int part, int quarter) {
    const int chunk = chunkAt(row, 2 * part + quarter / 2);
    const uint2 codes = *reinterpret_cast<const uint2*>(stage + row * kStride + chunk * 16 + quarter % 2 * 8);
    pairs[0] = Code::pair(codes.x, 0);
    pairs[1] = Code::pair(codes.x, 1);
    pairs[2] = Code::pair(codes.y, 0);
    pairs[3] = Code::pair(codes.y, 1);
  }

  static __device__ __forceinline__ uint4 arranged(const uint4& a) { return Code::arranged(a); }
};

struct E4m3Code {
  // Codes 2 i and 2 i + 1, whose f32 forms are exact in bf16.
  static __device__ __forceinline__ uint32_t pair(uint32_t word, int i) {
    const __half2 halves = __half2(
        __nv_cvt_fp8x2_to_halfraw2(static_cast<__nv_fp8x2_storage_t>(word >> 16 * i & 0xFFFFu), __NV_E4M3));
    return __byte_perm(__float_as_uint(__low2float(halves)), __float_as_uint(__high2float(halves)), 0x7632);
  }

  static __device__ __forceinline__ uint4 arranged(const uint4& a) { return a; }
};

struct I8Code {
  // Codes i and i + 2. Their low 7 bits are those of 128 in bf16, which are worth 1 each, and the sign is the next: it makes
  // 128 a 256.
  static __device__ __forceinline__ uint32_t pair(uint32_t word, int i) {
    const uint32_t bytes = word >> 8 * i;
    return subtractPairs(insert<0x007F007Fu>(bytes, twice128()), insert<0x00800080u>(bytes, twice128()));
  }

  static __device__ __forceinline__ uint4 arranged(const uint4& a) {
    return make_uint4(
        __byte_perm(a.x, a.y, 0x5410), __byte_perm(a.x, a.y, 0x7632), __byte_perm(a.z, a.w, 0x5410),
        __byte_perm(a.z, a.w, 0x7632));
  }
};

struct NibbleWeight {
  static constexpr int kSlab = 2 * kRowBytes;
  static constexpr int kStride = kRowBytes + 16;

  static __device__ __forceinline__ int chunkAt(int, int chunk) { return chunk; }

  static __device__ __forceinline__ void load(uint32_t (&pairs)[4], const uint8_t* stage, int row, int part, int quarter) {
    const uint32_t codes = *reinterpret_cast<const uint32_t*>(stage + row * kStride + part * 16 + quarter * 4);
#pragma unroll
    for (int i = 0; i < 4; i++) pairs[i] = pair(codes >> 4 * i);
  }

  // Codes 0 and 4 of a word, as the low bits of 128 in bf16, which are worth 1 each, less 128 + 8.
  static __device__ __forceinline__ uint32_t pair(uint32_t word) {
    return subtractPairs(insert<0x000F000Fu>(word, twice128()), 0x43084308u);
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

// The scales of two rows of w, as loaded: turning them into numbers waits for them to arrive.
struct RawScales {
  uint32_t low;
  uint32_t high;

  __device__ __forceinline__ void load(const uint8_t* lowScale, const uint8_t* highScale, bool isWide) {
    if (isWide) {
      low = __ldg(reinterpret_cast<const uint32_t*>(lowScale));
      high = __ldg(reinterpret_cast<const uint32_t*>(highScale));
    } else {
      low = __ldg(reinterpret_cast<const uint16_t*>(lowScale));
      high = __ldg(reinterpret_cast<const uint16_t*>(highScale));
    }
  }

  static __device__ __forceinline__ float number(uint32_t raw, int type) {
    if (type == kF32) return __uint_as_float(raw);
    if (type == kBF16) return __uint_as_float(raw << 16);
    return __half2float(__ushort_as_half(static_cast<unsigned short>(raw)));
  }
};

// kUnit: parts that every group is whole multiples of; 0 if a row has one scale.
template <typename W, int kTiles, int kUnit>
struct Product {
  static constexpr int kSlab = W::kSlab;
  static constexpr int kParts = kSlab / kPart;
  static constexpr int kStageBytes = kTileRows * W::kStride;
  using Sums = float[kTiles][4];

  // A warp's copies: which rows and which chunk of them a lane brings. Rows past the end bring the last one's.
  struct Source {
    static constexpr int kRowsAtOnce = kWarp / kRowChunks;
    static constexpr int kCopies = kTileRows / kRowsAtOnce;
    const uint8_t* rows[kCopies];
    int byte;       // of the lane's chunk in its rows, for the next stage
    int rowBytes;
    uint32_t targets[kCopies];

    __device__ __forceinline__ Source(const Parameters& p, uint32_t ring, int firstRow, int firstSlab, int lane) {
      rowBytes = static_cast<int>(static_cast<int64_t>(p.k) * kRowBytes / kSlab);
      const int chunk = lane % kRowChunks;
      byte = firstSlab * kRowBytes + chunk * 16;
#pragma unroll
      for (int i = 0; i < kCopies; i++) {
        const int row = lane / kRowChunks + i * kRowsAtOnce;
        rows[i] = static_cast<const uint8_t*>(p.w) + static_cast<int64_t>(min(firstRow + row, p.n - 1)) * rowBytes;
        targets[i] = ring + row * W::kStride + W::chunkAt(row, chunk) * 16;
      }
    }

    __device__ __forceinline__ void fetch(uint32_t stageOffset) {
      const bool exists = byte < rowBytes;
#pragma unroll
      for (int i = 0; i < kCopies; i++) copyChunk(targets[i] + stageOffset, rows[i] + (exists ? byte : 0), exists);
      byte += kRowBytes;
    }
  };

  // Calls visit(row, chunk) for the chunks of a that are a thread's: warps share out rows by 32 chunks.
  template <typename Visit>
  static __device__ __forceinline__ void eachChunk(int rows, int across, int warp, int lane, Visit visit) {
    const int warps = blockDim.x / kWarp;
    const int runs = (across + kWarp - 1) / kWarp;
    int run = warp;
    for (int row = 0; row < rows; run -= runs, row++) {
      for (; run < runs; run += warps) {
        const int chunk = run * kWarp + lane;
        if (chunk < across) visit(row, chunk);
      }
    }
  }

  static __device__ __forceinline__ void multiplyPart(
      Sums& sums, const uint8_t* stage, const uint8_t* const (&activations)[kTiles], int row, int quarter, int part) {
    uint32_t low[4];
    uint32_t high[4];
    W::load(low, stage, row, part, quarter);
    W::load(high, stage, row + 8, part, quarter);
#pragma unroll
    for (int i = 0; i < kTiles; i++) {
      const uint4 a = *reinterpret_cast<const uint4*>(activations[i] + part * kPart * 2);
      multiplyPairs(sums[i], low[0], high[0], low[1], high[1], a.x, a.y);
      multiplyPairs(sums[i], low[2], high[2], low[3], high[3], a.z, a.w);
    }
  }

  static __device__ __forceinline__ void run(Parameters p) {
    extern __shared__ __align__(128) uint8_t shared[];
    if (p.bounds != nullptr) awaitEarlierKernels();
    const RowRange range = rowsOfTile<kTiles * kTileColumns>(p);
    const int rows = range.to - range.from;
    if (rows <= 0) return;
    const int lane = threadIdx.x % kWarp;
    const int warp = threadIdx.x / kWarp;
    const int row = lane / 4;
    const int quarter = lane % 4;
    const int firstRow = (blockIdx.x * (blockDim.x / kWarp) + warp) * kTileRows;  // of w
    const int firstSlab = blockIdx.y * p.sliceSlabs;
    const int slabs = min(p.sliceSlabs, (p.k + kSlab - 1) / kSlab - firstSlab);
    const int activationStride = p.sliceSlabs * kSlab * 2 + kRowPadding;
    uint8_t* ring = shared + rows * activationStride + warp * kStages * kStageBytes;

    const int across = slabs * kSlab / 8;
    const int exist = (p.k - firstSlab * kSlab) / 8;
    const uint4* a = static_cast<const uint4*>(p.a) + range.from * static_cast<int64_t>(p.k / 8) + firstSlab * (kSlab / 8);
    Source source(p, sharedAddress(ring), firstRow, firstSlab, lane);
#pragma unroll
    for (int stage = 0; stage < kStages - 1; stage++) {
      if (stage < slabs) source.fetch(stage * kStageBytes);
      commitCopies();
    }
    enterStream();  // the weight alone needs no waiting for
    eachChunk(rows, across, warp, lane, [&](int m, int chunk) {
      const bool exists = chunk < exist;
      const uint32_t target = sharedAddress(shared) + m * activationStride + chunk * 16;
      copyChunk(target, a + m * static_cast<int64_t>(p.k / 8) + (exists ? chunk : 0), exists);
    });
    commitCopies();
    awaitCopies<0>();
    // Every thread arranges what it copied itself.
    eachChunk(rows, across, warp, lane, [&](int m, int chunk) {
      uint4* at = reinterpret_cast<uint4*>(shared + m * activationStride + chunk * 16);
      *at = W::arranged(*at);
    });

    const uint8_t* activations[kTiles];
#pragma unroll
    for (int i = 0; i < kTiles; i++) {
      // Lanes without a row bring the last one's numbers, which nobody stores.
      const int m = min(i * kTileColumns + row, rows - 1);
      activations[i] = shared + m * activationStride + quarter * 16;
    }

    const int64_t lowRow = min(firstRow + row, p.n - 1);
    const int64_t highRow = min(firstRow + row + 8, p.n - 1);
    const bool isWide = p.wScaleType == kF32;
    const int scaleBytes = isWide ? 4 : 2;
    const uint8_t* lowScale = nullptr;
    const uint8_t* highScale = nullptr;
    Sums sums = {};
    RawScales scales;
    RawScales next;
    int groupUnits = 0;
    int unitsLeft = 0;
    int groupsLeft = 0;  // after the current one
    if constexpr (kUnit > 0) {
      groupUnits = p.k / p.groups / (kPart * kUnit);
      const int firstUnit = firstSlab * (kParts / kUnit);
      const int group = firstUnit / groupUnits;
      unitsLeft = groupUnits - (firstUnit - group * groupUnits);
      groupsLeft = p.groups - 1 - group;
      lowScale = static_cast<const uint8_t*>(p.wScales) + (lowRow * p.groups + group) * scaleBytes;
      highScale = static_cast<const uint8_t*>(p.wScales) + (highRow * p.groups + group) * scaleBytes;
      scales.load(lowScale, highScale, isWide);
      next = scales;
      if (groupsLeft > 0) next.load(lowScale + scaleBytes, highScale + scaleBytes, isWide);
    }
    __syncthreads();

    int stage = 0;
    for (int slab = 0; slab < slabs; slab++) {
      awaitCopies<kStages - 2>();
      __syncwarp();
      if (slab + kStages - 1 < slabs) source.fetch((stage == 0 ? kStages - 1 : stage - 1) * kStageBytes);
      commitCopies();
      const uint8_t* from = ring + stage * kStageBytes;
      stage = stage == kStages - 1 ? 0 : stage + 1;
      if constexpr (kUnit == 0) {
#pragma unroll
        for (int part = 0; part < kParts; part++) multiplyPart(sums, from, activations, row, quarter, part);
      } else {
#pragma unroll
        for (int first = 0; first < kParts; first += kUnit) {
          Sums unit = {};
#pragma unroll
          for (int part = first; part < first + kUnit; part++) multiplyPart(unit, from, activations, row, quarter, part);
          const float low = RawScales::number(scales.low, p.wScaleType);
          const float high = RawScales::number(scales.high, p.wScaleType);
#pragma unroll
          for (int i = 0; i < kTiles; i++) {
#pragma unroll
            for (int e = 0; e < 4; e++) sums[i][e] = fmaf(unit[i][e], e < 2 ? low : high, sums[i][e]);
          }
          if (--unitsLeft == 0) {
            unitsLeft = groupUnits;
            scales = next;
            lowScale += scaleBytes;
            highScale += scaleBytes;
            if (--groupsLeft > 0) next.load(lowScale + scaleBytes, highScale + scaleBytes, isWide);
          }
        }
      }
#pragma unroll
      for (int i = 0; i < kTiles; i++) activations[i] += kSlab * 2;
    }
    if (kUnit == 0 && p.wScales != nullptr) {
      const float low = loadNumber(p.wScales, p.wScaleType, p.wScalePerRow ? lowRow : 0);
      const float high = loadNumber(p.wScales, p.wScaleType, p.wScalePerRow ? highRow : 0);
#pragma unroll
      for (int i = 0; i < kTiles; i++) {
#pragma unroll
        for (int e = 0; e < 4; e++) sums[i][e] *= e < 2 ? low : high;
      }
    }
    if (p.slices > 1 && !addSlices(p, sums, rows, quarter)) return;
    eachSum(sums, rows, lane, [&](float value, int m, int within) {
      if (firstRow + within < p.n) p.out[(range.from + m) * static_cast<int64_t>(p.n) + firstRow + within] = value;
    });
  }

  // Calls visit(sum, row of a, row of w in the tile) for all sums of a lane.
  template <typename Visit>
  static __device__ __forceinline__ void eachSum(const Sums& sums, int rows, int lane, Visit visit) {
#pragma unroll
    for (int i = 0; i < kTiles; i++) {
#pragma unroll
      for (int e = 0; e < 4; e++) {
        const int m = i * kTileColumns + lane % 4 * 2 + e % 2;
        if (m < rows) visit(sums[i][e], m, lane / 4 + e / 2 * 8);
      }
    }
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

// Bytes of a warp's stages.
constexpr int kByteRing = kStages * kTileRows * ByteWeight<E4m3Code>::kStride;
constexpr int kNibbleRing = kStages * kTileRows * NibbleWeight::kStride;

}  // namespace

#define STREAM(name, type, rows, unit)                                                                                   \
  extern "C" __global__ __launch_bounds__(kMostWarps * kWarp, 1) void matmul_stream_##name##_##rows##_##unit(               \
      const __grid_constant__ Parameters p) {                                                                            \
    Product<type, (rows) / kTileColumns, unit>::run(p);                                                                  \
  }

#define STREAMS(name, type)                                                             \
  STREAM(name, type, 8, 0) STREAM(name, type, 8, 1) STREAM(name, type, 8, 4)             \
  STREAM(name, type, 16, 0) STREAM(name, type, 16, 1) STREAM(name, type, 16, 4)

STREAMS(e4m3, ByteWeight<E4m3Code>)
STREAMS(i8, ByteWeight<I8Code>)
STREAMS(i4, NibbleWeight)

OCTAVO_CONSTANTS(
    matmul_stream, kMostWarps, kTileRows, kTileColumns, kMostRows, kPart, kWideUnit, kRowBytes, kRowPadding, kByteRing,
    kNibbleRing)
