// out = a w^T on Hopper's tensor cores for bf16 activations and a weight of 8 or 4 bits, whose codes become bf16, exactly, in
// registers: those are wgmma's first operand, so a wgmma computes 64 rows of w for all rows of a tile of a. Scales, one a row,
// tensor or group of columns of w, are applied to sums in f32.
//
// Two rings of stages pass through shared memory, each filled by a thread of its own with the bulk tensor copy engine: 128 bytes
// of each row of w, and 64 numbers of each row of a, of which the blocks of a cluster fetch a part each for all: the second-level
// cache would not keep up. Each of the two other warpgroups multiplies its rows of w. While the tensor cores multiply what it
// decoded it decodes the next. Blocks have tiles, or slices of one (slices.cuh).
//
// Twin: ScalarMatMul.java; fallback: matmul_few.cu.  Launch: grid = (workers, slices), at most as many workers as there are tiles,
// and slices as there are slabs.  Any m, n >= 1; rows of a and w are whole, aligned 16-byte chunks; groups are multiples of 128.
// Targets: sm_90a

#include "product/consumers.cuh"
#include "product/slices.cuh"

struct Parameters {
  TensorMap a;          // [m, k] BF16 in boxes of the kernel's rows x kSlabBytes
  TensorMap w;          // [n, k], of 8 bits; or of 4 bits, plus 8, the first in the low bits; in boxes likewise
  const void* wScales;  // [n, groups] or [1]; null for plain numbers
  float* out;           // [m, n]
  float* parts;         // as Slices takes them
  int* tickets;
  int m;
  int n;
  int rowBytes;         // of k codes
  int groups;           // scales a row
  int groupSlabs;       // 128 numbers of k each, of a group
  int wScaleType;       // Number
  int wScalePerRow;     // 0: one for the tensor
};
OCTAVO_OVERLAPPING_PARAMETERS(
    matmul_hopper_codes, Parameters, a, w, wScales, out, parts, tickets, m, n, rowBytes, groups, groupSlabs, wScaleType,
    wScalePerRow)

namespace {

constexpr int kPart = 64;  // numbers of k: of a row of a in a stage
constexpr int kPassingRows = 32;           // of out on their way out, of a warpgroup
constexpr int kPitch = kMmaRows + 4;       // of their columns, so that no bank is met twice
constexpr int kPassing = kPassingRows * kPitch;
constexpr int kSteps = 4;  // wgmma that those take
constexpr int kPairColumns = 2 * kPart;  // whose sums may have scales of their own: groups are multiples

// d (+)= the decoded codes times a^T over 16 numbers of k.
#define MULTIPLY(columns, count, f0, f1, f2, f3, tile, last)                                                             \
  static __device__ __forceinline__ void multiply(                                                                       \
      float (&d)[count], const uint32_t (&f)[4], uint64_t aTile, int keeps) {                                            \
    asm volatile(                                                                                                        \
        "{\n.reg .pred p;\n"                                                                                             \
        "setp.ne.b32 p, %" last ", 0;\n"                                                                                 \
        "wgmma.mma_async.sync.aligned.m64n" columns "k16.f32.bf16.bf16 {" OPERANDS_##count "}, {%" f0 ", %" f1 ", %" f2  \
        ", %" f3 "}, %" tile ", p, 1, 1, 0;\n}"                                                                          \
        : REGISTERS_##count(FLOAT_1, d)                                                                                  \
        : "r"(f[0]), "r"(f[1]), "r"(f[2]), "r"(f[3]), "l"(aTile), "r"(keeps));                                           \
  }

struct Mma {
  MULTIPLY("64", 32, "32", "33", "34", "35", "36", "37")
  MULTIPLY("128", 64, "64", "65", "66", "67", "68", "69")
  MULTIPLY("256", 128, "128", "129", "130", "131", "132", "133")
};

// The two numbers of a pair whose f32 forms are exact in bf16.
__device__ __forceinline__ uint32_t pack(float low, float high) {
  return __byte_perm(__float_as_uint(low), __float_as_uint(high), 0x7632);
}

__device__ __forceinline__ uint32_t loadPair(uint32_t address) {
  uint16_t pair;
  asm volatile("ld.shared.u16 %0, [%1];" : "=h"(pair) : "r"(address));
  return pair;
}

// Of a type of weight: numbers of k in a slab, and the fragments of wgmma's first operand for part `part` of 16 rows of a
// slab: of rows lane / 4 and 8 further on, each for four steps, numbers lane % 4 * 2, the next, and both 8 further on.
template <typename Code>
struct ByteWeight {
  static constexpr int kSlab = kSlabBytes;

  static __device__ __forceinline__ void load(uint32_t (&f)[kSteps][4], uint32_t rows, int part, int lane) {
    const int row = lane / 4;
    const uint32_t at = rows + row * kSlabBytes + lane % 4 * 2;
    uint32_t codes[kSteps][4];
#pragma unroll
    for (int step = 0; step < kSteps; step++) {
      const uint32_t chunk = at + (((part * kSteps + step) ^ row) << 4);
      codes[step][0] = loadPair(chunk);
      codes[step][1] = loadPair(chunk + 8 * kSlabBytes);
      codes[step][2] = loadPair(chunk + 8);
      codes[step][3] = loadPair(chunk + 8 * kSlabBytes + 8);
    }
#pragma unroll
    for (int step = 0; step < kSteps; step++) {
#pragma unroll
      for (int i = 0; i < 4; i++) f[step][i] = Code::pair(codes[step][i]);
    }
  }
};

struct E4m3Code {
  static __device__ __forceinline__ uint32_t pair(uint32_t codes) {
    const __half2 halves =
        __half2(__nv_cvt_fp8x2_to_halfraw2(static_cast<__nv_fp8x2_storage_t>(codes), __NV_E4M3));
    return pack(__low2float(halves), __high2float(halves));
  }
};

struct I8Code {
  static __device__ __forceinline__ uint32_t pair(uint32_t codes) {
    return pack(number(codes ^ 0x8080u, 0x7440), number(codes ^ 0x8080u, 0x7441));
  }

  // A byte, offset by 128, as the low bits of 2^23.
  static __device__ __forceinline__ float number(uint32_t codes, int selector) {
    return __uint_as_float(__byte_perm(codes, 0x4B000000u, selector)) - 8388736.0f;
  }
};

struct NibbleWeight {
  static constexpr int kSlab = 2 * kSlabBytes;

  // A chunk has two steps of a row, 8 bytes each, of which a thread needs two.
  static __device__ __forceinline__ void load(uint32_t (&f)[kSteps][4], uint32_t rows, int part, int lane) {
    const int row = lane / 4;
    const uint32_t at = rows + row * kSlabBytes;
#pragma unroll
    for (int pair = 0; pair < kSteps / 2; pair++) {
      const uint32_t chunk = at + (((part * kSteps / 2 + pair) ^ row) << 4);
#pragma unroll
      for (int half = 0; half < 2; half++) {
        uint32_t c[4];
        asm volatile("ld.shared.v4.u32 {%0, %1, %2, %3}, [%4];"
                     : "=r"(c[0]), "=r"(c[1]), "=r"(c[2]), "=r"(c[3])
                     : "r"(chunk + half * 8 * kSlabBytes));
#pragma unroll
        for (int i = 0; i < 4; i++) f[2 * pair + i / 2][half + i % 2 * 2] = number(c[i], lane % 4);
      }
      settle(f[2 * pair]);  // before more is loaded, for want of registers
      settle(f[2 * pair + 1]);
    }
  }

  // Both codes of a byte of a word, as the low bits of 128 in bf16, which are worth 1 each.
  static __device__ __forceinline__ uint32_t number(uint32_t word, int byte) {
    const uint32_t codes = __byte_perm(word, 0, 0x4440 | byte) * 0x1001u;
    uint32_t bits = (codes & 0x000F000Fu) | 0x43004300u;
    const uint32_t offset = 0x43084308u;  // 128 + 8
    __nv_bfloat162 value =
        __hsub2(*reinterpret_cast<const __nv_bfloat162*>(&bits), *reinterpret_cast<const __nv_bfloat162*>(&offset));
    return *reinterpret_cast<uint32_t*>(&value);
  }
};

// What becomes of scales of groups: none there; applied to the sums of 128 numbers of k, which takes a second set of sums; or
// multiplied into the weight, which is rounded to bf16, once.
enum class Grouping { kNone, kSums, kWeight };

// A block computes kConsumers x kBlocks x 64 columns of out (rows of w) for kRows rows of a.
// Blocks of a cluster, beside each other, each fetch a part of the rows of a for all.
template <typename W, int kBlocks, int kRows, Grouping kGrouping, int kAStages, int kWStages, int kCluster>
struct Product {
  static constexpr int kGroupColumns = kBlocks * kMmaRows;
  static constexpr int kColumns = kConsumers * kGroupColumns;
  static constexpr int kABytes = kRows * kSlabBytes;
  static constexpr int kWBytes = kColumns * kSlabBytes;
  static constexpr int kParts = W::kSlab / kPart;
  static constexpr int kSums = kRows / 2;  // of a thread and 64 columns
  static constexpr bool kGroups = kGrouping != Grouping::kNone;
  static constexpr bool kGroupSums = kGrouping == Grouping::kSums;
  static constexpr int kSharedBytes = kAStages * kABytes + kWStages * kWBytes + kConsumers * kPassing * 4 + kSwizzleBytes;
  using Sums = float[kBlocks][kSums];
  using Fragments = uint32_t[kSteps][4];
  using ARing = Ring<kAStages>;
  using WRing = Ring<kWStages>;

  // Of the stages of both rings, beside each other.
  struct Barriers {
    uint32_t first;

    __device__ __forceinline__ uint32_t aFull(int stage) const { return first + 8 * stage; }
    __device__ __forceinline__ uint32_t aEmpty(int stage) const { return first + 8 * (kAStages + stage); }
    __device__ __forceinline__ uint32_t wFull(int stage) const { return first + 8 * (2 * kAStages + stage); }
    __device__ __forceinline__ uint32_t wEmpty(int stage) const { return first + 8 * (2 * kAStages + kWStages + stage); }
  };

  static __device__ __forceinline__ void run(const Parameters& p) {
    extern __shared__ uint8_t shared[];
    __shared__ __align__(8) uint64_t words[2 * (kAStages + kWStages)];
    const uint32_t wRing = (sharedAddress(shared) + kSwizzleBytes - 1) / kSwizzleBytes * kSwizzleBytes;
    const uint32_t aRing = wRing + kWStages * kWBytes;
    float* passing = reinterpret_cast<float*>(shared + (aRing - sharedAddress(shared)) + kAStages * kABytes);
    const Barriers barriers = {sharedAddress(words)};
    if (threadIdx.x == 0) {
      for (int stage = 0; stage < kAStages; stage++) {
        initBarrier(barriers.aFull(stage), 1);
        initBarrier(barriers.aEmpty(stage), kConsumerWarps * kCluster);
      }
      for (int stage = 0; stage < kWStages; stage++) {
        initBarrier(barriers.wFull(stage), 1);
        initBarrier(barriers.wEmpty(stage), kConsumerWarps);
      }
      publishBarriers();
    }
    if constexpr (kCluster > 1) {
      syncCluster();
    } else {
      __syncthreads();
    }
    enterStream();

    const int group = threadIdx.x / kGroupThreads;
    if (group == 0) {
      giveRegisters<kProducerRegisters>();
      const Slice slice = sliceOf(p);
      if (threadIdx.x == 0) fetchWeight(p, slice, wRing, barriers);
      if (threadIdx.x == kWarp) fetchRows(p, slice, aRing, barriers);
    } else {
      takeRegisters<kConsumerRegisters>();
      consume(p, sliceOf(p), aRing, wRing, barriers, group - 1, passing + (group - 1) * kPassing);
    }
    if constexpr (kCluster > 1) syncCluster();  // nobody leaves whose memory or barriers another one uses
  }

  static __device__ __forceinline__ int rank() { return kCluster > 1 ? rankInCluster() : 0; }

  static __device__ __forceinline__ Slice sliceOf(const Parameters& p) { return Slice((p.rowBytes + kSlabBytes - 1) / kSlabBytes); }

  static __device__ __forceinline__ int rowTiles(const Parameters& p) { return (p.m + kRows - 1) / kRows; }

  // A cluster's.
  static __device__ __forceinline__ int tiles(const Parameters& p) {
    constexpr int kAcross = kColumns * kCluster;
    return rowTiles(p) * ((p.n + kAcross - 1) / kAcross);
  }

  static __device__ __forceinline__ int firstRow(const Parameters& p, int tile) { return tile % rowTiles(p) * kRows; }

  static __device__ __forceinline__ int firstColumn(const Parameters& p, int tile) {
    return (tile / rowTiles(p) * kCluster + rank()) * kColumns;
  }

  static __device__ __forceinline__ void fetchWeight(
      const Parameters& p, const Slice& slice, uint32_t ring, const Barriers& barriers) {
    WRing at;
    for (int tile = blockIdx.x / kCluster; tile < tiles(p); tile += gridDim.x / kCluster) {
      for (int slab = slice.from; slab < slice.from + slice.slabs; slab++) {
        const uint32_t barrier = barriers.wFull(at.stage);
        await(barriers.wEmpty(at.stage), at.parity ^ 1);
        arriveAndExpect(barrier, kWBytes);
        fetchBox(ring + at.stage * kWBytes, p.w, slab * kSlabBytes, firstColumn(p, tile), barrier);
        at.advance();
      }
    }
  }

  static __device__ __forceinline__ void fetchRows(
      const Parameters& p, const Slice& slice, uint32_t ring, const Barriers& barriers) {
    ARing at;
    for (int tile = blockIdx.x / kCluster; tile < tiles(p); tile += gridDim.x / kCluster) {
      for (int box = slice.from * kParts; box < (slice.from + slice.slabs) * kParts; box++) {
        const uint32_t barrier = barriers.aFull(at.stage);
        await(barriers.aEmpty(at.stage), at.parity ^ 1);
        arriveAndExpect(barrier, kABytes);
        const uint32_t target = ring + at.stage * kABytes;
        if constexpr (kCluster > 1) {
          constexpr int kPartRows = kRows / kCluster;
          const int row = firstRow(p, tile) + rank() * kPartRows;
          fetchBoxFor((1 << kCluster) - 1, target + rank() * kPartRows * kSlabBytes, p.a, box * kSlabBytes, row, barrier);
        } else {
          fetchBox(target, p.a, box * kSlabBytes, firstRow(p, tile), barrier);
        }
        at.advance();
      }
    }
  }

  static __device__ __forceinline__ void consume(
      const Parameters& p, const Slice& slice, uint32_t aRing, uint32_t wRing,
      const Barriers& barriers, int group, float* passing) {
    const bool writesLines = isAligned(p.out, p.n * 4, 16);
    const int lane = threadIdx.x % kWarp;
    const int warp = threadIdx.x % kGroupThreads / kWarp;
    const uint64_t a = describe(aRing);
    const uint32_t w = wRing + (group * kGroupColumns + warp * 16) * kSlabBytes;
    const Slices<kConsumerThreads, float, kBlocks, kSums> slices(p.parts, p.tickets, threadIdx.x - kGroupThreads);
    ARing aAt;
    WRing wAt;
    for (int tile = blockIdx.x / kCluster; tile < tiles(p); tile += gridDim.x / kCluster) {
      const int row = firstRow(p, tile) + lane % 4 * 2;
      const int column = firstColumn(p, tile) + group * kGroupColumns + warp * 16 + lane / 4;
      Sums sums;
      multiply(p, sums, slice, column, a, w, barriers, lane, aAt, wAt);
      float scales[kBlocks][2];
#pragma unroll
      for (int block = 0; block < kBlocks; block++) {
#pragma unroll
        for (int half = 0; half < 2; half++) {
          scales[block][half] = kGroups ? 1.0f : scaleOf(p, column + block * kMmaRows + 8 * half);
        }
      }
      if (gridDim.y == 1 && writesLines) {
        storeLines(p, sums, scales, passing, firstRow(p, tile), firstColumn(p, tile) + group * kGroupColumns, group);
      } else {
        slices.finish(sums, tile * kCluster + rank(), [&](int i, const float(&four)[4]) { store(p, four, scales, row, column, i); });
      }
    }
  }

  // Of a warp that has read the stage of w.
  static __device__ __forceinline__ void freeWeight(uint32_t empty, int lane) {
    __syncwarp();
    if (lane == 0) arrive(empty);
  }

  // Of a warp whose warpgroup's products have read the stage of a, for all that fetch it: a lane has the barrier of each.
  static __device__ __forceinline__ void freeRows(uint32_t empty, int lane) {
    __syncwarp();
    if (lane < kCluster) arrive(empty);
  }

  // 64 rows of the weight and 64 numbers of k at a time: while the tensor cores multiply those, the next are decoded.
  static __device__ __forceinline__ void multiply(
      const Parameters& p, Sums& sums, const Slice& slice, int column, uint64_t a, uint32_t w, const Barriers& barriers,
      int lane, ARing& aAt, WRing& wAt) {
#pragma unroll
    for (int block = 0; block < kBlocks; block++) {
#pragma unroll
      for (int i = 0; i < kSums; i++) sums[block][i] = 0.0f;
    }
    Fragments fragments[2] = {};
    float groupSums[kSums];
    float scales[kBlocks][2];  // of the group that is decoded
    float last[2];             // of the one that groupSums are of
    uint32_t ahead[kBlocks][2];
    uint32_t read = 0;  // barrier of a stage of a that products under way are the last to read
    const Barriers release = {kCluster > 1 ? addressIn(barriers.first, lane % kCluster) : barriers.first};
    GroupPlace place;
    if constexpr (kGroups) {
      place = GroupPlace(p, slice.from * (kParts / 2));
      loadScales(p, ahead, column, place.group);
    }
    for (int slabs = slice.slabs; slabs > 0; slabs--) {
      await(barriers.wFull(wAt.stage), wAt.parity);
      const uint32_t rows = w + wAt.stage * kWBytes;
#pragma unroll
      for (int pair = 0; pair < kParts / 2; pair++) {
        const ARing stages[2] = {aAt, aAt.next()};
        if constexpr (kGroups) {
          last[0] = scales[kBlocks - 1][0];
          last[1] = scales[kBlocks - 1][1];
#pragma unroll
          for (int block = 0; block < kBlocks; block++) {
#pragma unroll
            for (int half = 0; half < 2; half++) scales[block][half] = valueOf(ahead[block][half], p.wScaleType);
          }
          place.advance(p);
          loadScales(p, ahead, column, place.group);
        }
#pragma unroll
        for (int i = 0; i < 2 * kBlocks; i++) {
          const int block = kGroupSums ? i / 2 : i % kBlocks;
          const int part = kGroupSums ? i % 2 : i / kBlocks;
          const ARing& at = stages[part];
          W::load(fragments[i % 2], rows + block * kMmaRows * kSlabBytes, 2 * pair + part, lane);
          if constexpr (kGrouping == Grouping::kWeight) scale(fragments[i % 2], scales[block]);
          settle(fragments[i % 2]);
          if (i == 2 * kBlocks - 1 && pair == kParts / 2 - 1) freeWeight(barriers.wEmpty(wAt.stage), lane);
          if (block == 0) await(barriers.aFull(at.stage), at.parity);
          if constexpr (kGroupSums) {
            if (part == 0 && (i > 0 || read != 0)) {
              addGroup(sums[(block + kBlocks - 1) % kBlocks], groupSums, i > 0 ? scales[block - 1] : last);
            }
          }
          multiplyPart(kGroupSums ? groupSums : sums[block], fragments[i % 2], a + at.stage * (kABytes >> 4), part == 0);
          awaitProducts<1>();
          settle(fragments[(i + 1) % 2]);  // which those before have read
          if (read != 0) freeRows(read, lane);
          read = block == kBlocks - 1 ? release.aEmpty(at.stage) : 0;
        }
        aAt = stages[1].next();
      }
      wAt.advance();
    }
    if constexpr (kGroupSums) {
      addGroup(sums[kBlocks - 1], groupSums, scales[kBlocks - 1]);
    } else {
      awaitProducts<0>();
#pragma unroll
      for (int block = 0; block < kBlocks; block++) ::settle(sums[block]);
    }
    freeRows(read, lane);
  }

  // The group of a pair of parts of k.
  struct GroupPlace {
    int group = 0;
    int left = 0;  // pairs of it

    GroupPlace() = default;
    __device__ __forceinline__ GroupPlace(const Parameters& p, int pair)
        : group(pair / p.groupSlabs), left(p.groupSlabs - pair % p.groupSlabs) {}

    // Past the last one, stays there.
    __device__ __forceinline__ void advance(const Parameters& p) {
      if (--left > 0) return;
      left = p.groupSlabs;
      group = min(group + 1, p.groups - 1);
    }
  };

  // Adds the sums of a group, of which the tensor cores have made the last.
  static __device__ __forceinline__ void addGroup(float (&sums)[kSums], float (&ofGroup)[kSums], const float (&scales)[2]) {
    awaitProducts<0>();
    ::settle(ofGroup);
#pragma unroll
    for (int i = 0; i < kSums; i++) sums[i] = fmaf(ofGroup[i], scales[i / 2 % 2], sums[i]);
  }

  // A scale is the sum of two numbers in bf16, but for 2^-17 of it where it is F32, so a number of the weight is rounded once.
  static __device__ __forceinline__ void scale(Fragments& f, const float (&scales)[2]) {
    __nv_bfloat162 high[2];
    __nv_bfloat162 low[2];
#pragma unroll
    for (int half = 0; half < 2; half++) {
      high[half] = __float2bfloat162_rn(scales[half]);
      low[half] = __float2bfloat162_rn(scales[half] - __low2float(high[half]));
    }
#pragma unroll
    for (int step = 0; step < kSteps; step++) {
#pragma unroll
      for (int i = 0; i < 4; i++) {
        __nv_bfloat162& pair = reinterpret_cast<__nv_bfloat162&>(f[step][i]);
        pair = __hfma2(pair, high[i % 2], __hmul2(pair, low[i % 2]));
      }
    }
  }

  static __device__ __forceinline__ void settle(Fragments& f) {
#pragma unroll
    for (int step = 0; step < kSteps; step++) ::settle(f[step]);
  }

  static __device__ __forceinline__ void multiplyPart(float (&sums)[kSums], Fragments& f, uint64_t tile, bool isFirst) {
    beginMultiplying();
#pragma unroll
    for (int step = 0; step < kSteps; step++) {
      Mma::multiply(sums, f[step], tile + step * (kMmaBytes >> 4), !kGroupSums || !isFirst || step > 0);
    }
    commitProducts();
  }

  // The bits of a group's scales, without looking at them: that would wait for them.
  static __device__ __forceinline__ void loadScales(const Parameters& p, uint32_t (&bits)[kBlocks][2], int column, int group) {
#pragma unroll
    for (int block = 0; block < kBlocks; block++) {
#pragma unroll
      for (int half = 0; half < 2; half++) {
        const int64_t at = min(column + block * kMmaRows + 8 * half, p.n - 1) * static_cast<int64_t>(p.groups) + group;
        if (p.wScaleType == kF32) {
          bits[block][half] = __ldg(static_cast<const uint32_t*>(p.wScales) + at);
        } else {
          bits[block][half] = __ldg(static_cast<const uint16_t*>(p.wScales) + at);
        }
      }
    }
  }

  static __device__ __forceinline__ float valueOf(uint32_t bits, int type) {
    if (type == kF16) return __half2float(__ushort_as_half(static_cast<uint16_t>(bits)));
    return __uint_as_float(type == kF32 ? bits : bits << 16);
  }

  // Without groups.
  static __device__ __forceinline__ float scaleOf(const Parameters& p, int column) {
    if (p.wScales == nullptr) return 1.0f;
    return loadNumber(p.wScales, p.wScaleType, p.wScalePerRow ? min(column, p.n - 1) : 0);
  }

  // Passes a warpgroup's sums through shared memory, so that whole lines of out are written.
  static __device__ __forceinline__ void storeLines(
      const Parameters& p, const Sums& sums, const float (&scales)[kBlocks][2], float* passing, int firstRow, int firstColumn,
      int group) {
    const int thread = threadIdx.x % kGroupThreads;
    const int lane = thread % kWarp;
    constexpr int kLanes = kMmaRows / 4;  // that write a row
#pragma unroll
    for (int block = 0; block < kBlocks; block++) {
#pragma unroll
      for (int part = 0; part < kRows / kPassingRows; part++) {
        syncConsumer(group);
        float* to = passing + lane % 4 * 2 * kPitch + thread / kWarp * 16 + lane / 4;
#pragma unroll
        for (int j = 0; j < kPassingRows / 8; j++) {
          const float* four = &sums[block][(part * kPassingRows / 8 + j) * 4];
#pragma unroll
          for (int e = 0; e < 4; e++) to[(8 * j + e % 2) * kPitch + e / 2 * 8] = four[e] * scales[block][e / 2];
        }
        syncConsumer(group);
        const int n = firstColumn + block * kMmaRows + thread % kLanes * 4;
#pragma unroll
        for (int row = 0; row < kPassingRows; row += kGroupThreads / kLanes) {
          const int inPart = row + thread / kLanes;
          const int m = firstRow + part * kPassingRows + inPart;
          const float4 line = *reinterpret_cast<const float4*>(passing + inPart * kPitch + thread % kLanes * 4);
          if (m < p.m && n < p.n) __stcs(reinterpret_cast<float4*>(p.out + m * static_cast<int64_t>(p.n) + n), line);
        }
      }
    }
  }

  // A thread holds two neighbours of a column of out, and two of the column 8 further on, in every 8 rows and 64 columns.
  static __device__ __forceinline__ void store(
      const Parameters& p, const float (&four)[4], const float (&scales)[kBlocks][2], int row, int column, int i) {
    constexpr int kQuads = kSums / 4;  // of 64 columns
    const int block = i / kQuads;
    const int m = row + i % kQuads * 8;
#pragma unroll
    for (int half = 0; half < 2; half++) {
      const int n = column + block * kMmaRows + 8 * half;
      if (n >= p.n) continue;
      const float scale = block == 0 ? scales[0][half] : scales[kBlocks - 1][half];
#pragma unroll
      for (int e = 0; e < 2; e++) {
        if (m + e < p.m) __stcs(p.out + (m + e) * static_cast<int64_t>(p.n) + n, four[2 * half + e] * scale);
      }
    }
  }
};

}  // namespace

#define CODES(name, weight, tile, blocks, grouping, aStages, wStages)                                                     \
  extern "C" __global__ __cluster_dims__(k##tile##Cluster) __launch_bounds__(kThreads, 1) void                           \
      matmul_hopper_codes_##name##_##tile(const __grid_constant__ Parameters p) {                                        \
    Product<weight, blocks, k##tile##Rows, grouping, aStages, wStages, k##tile##Cluster>::run(p);                        \
  }                                                                                                                      \
  OCTAVO_LAUNCH(matmul_hopper_codes_##name##_##tile, kThreads,                                                           \
                Product<weight, blocks, k##tile##Rows, grouping, aStages, wStages, k##tile##Cluster>::kSharedBytes)

// Of out: rows and columns of a block, blocks beside each other that are a worker, and clocks that 128 bytes of codes of 8 bits
// take, measured on an H200, by which the launcher chooses.
constexpr int kSlimRows = 64;
constexpr int kSlimColumns = 128;
constexpr int kSlimCluster = 1;
constexpr int kSlimClocks = 1300;
constexpr int kFlatRows = 64;
constexpr int kFlatColumns = 256;
constexpr int kFlatCluster = 1;
constexpr int kFlatClocks = 2400;
constexpr int kSquareRows = 128;
constexpr int kSquareColumns = 128;
constexpr int kSquareCluster = 1;
constexpr int kSquareClocks = 1750;
constexpr int kTallRows = 256;
constexpr int kTallColumns = 128;
constexpr int kTallCluster = 2;
constexpr int kTallClocks = 2700;

#define CODES_OF_BYTES(name, weight)                    \
  CODES(name, weight, Slim, 1, Grouping::kNone, 8, 7)   \
  CODES(name, weight, Flat, 2, Grouping::kNone, 6, 4)   \
  CODES(name, weight, Square, 1, Grouping::kNone, 6, 6) \
  CODES(name, weight, Tall, 1, Grouping::kNone, 4, 5)

CODES_OF_BYTES(e4m3, ByteWeight<E4m3Code>)
CODES_OF_BYTES(i8, ByteWeight<I8Code>)
CODES(i4, NibbleWeight, Slim, 1, Grouping::kSums, 8, 7)
CODES(i4, NibbleWeight, Flat, 2, Grouping::kSums, 6, 4)
CODES(i4, NibbleWeight, Square, 1, Grouping::kSums, 6, 6)
CODES(i4, NibbleWeight, Tall, 1, Grouping::kWeight, 4, 5)

OCTAVO_CONSTANTS(
    matmul_hopper_codes, kSlabBytes, kPairColumns, kSlimRows, kSlimColumns, kSlimCluster, kSlimClocks, kFlatRows, kFlatColumns,
    kFlatCluster, kFlatClocks, kSquareRows, kSquareColumns, kSquareCluster, kSquareClocks, kTallRows, kTallColumns, kTallCluster,
    kTallClocks)
