// out = a w^T for at most 64 rows of bf16 activations, 32 where w has groups, at the speed of reading w: codes of 8 or 4 bits that become bf16 in
// registers, and are exact in it. Scales, one a row, tensor or group of columns of w, are applied to sums in f32.
//
// A block computes kColumns columns of out over a slice of k. Slabs of k of both operands pass through shared memory
// in a ring, fetched ahead by cp.async; every warp multiplies its own columns with all rows. Which k comes first does not
// matter to a sum, so a thread takes 8 codes beside each other, and the same 8 of a: of 32 numbers of k, quarter q of the
// warp's four has those from 8 q on. Slices are added up by a second kernel, always in the same order.
//
// Twin: ScalarMatMul.java.  Launch: grid = (ceil(n / kColumns), slices, tiles of groups, which have one slice), block = kThreads, dynamic shared memory = kStages
// stages; then, if there are several slices, matmul_few_sum with one thread for each of m * n.  Rows of a and w are whole,
// aligned 16-byte chunks; groups are multiples of 32.
// Targets: all

#include "base/async_copy.cuh"
#include "base/row_range.cuh"

struct Parameters {
  const void* a;        // [m, k] BF16
  const void* w;        // [n, k], of 8 bits; or of 4 bits, plus 8, the first in the low bits
  const void* wScales;  // [n, groups] or [1]; null for plain numbers
  float* out;           // [m, n]
  float* parts;         // [slices, m, n], for several slices
  int* tickets;         // [blocks in n], zero, and zero again afterwards; for several slices
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
OCTAVO_PARAMETERS(
    matmul_few, Parameters, a, w, wScales, out, parts, tickets, bounds, weights, weightCount, m, n, k, groups, sliceSlabs, slices, wScaleType, wScalePerRow)

namespace {

constexpr int kWarps = 4;
constexpr int kThreads = kWarps * kWarp;
constexpr int kTiles = 4;                               // of 8 columns, a warp's
constexpr int kColumns = kWarps * kTiles * 8;           // a block's
constexpr int kPart = 32;                               // numbers of k that two mma consume
constexpr int kWRowBytes = 128;                         // of a row of w in a stage: less at a time is slow to read
constexpr int kWChunks = kWRowBytes / 16;
constexpr int kBlocks = 2;                              // that a multiprocessor runs at a time
constexpr int kLeastRows = 32;                          // of a kernel
constexpr int kMostRows = 64;
constexpr int kMostGroupedRows = 32;                    // with a second set of sums, for the group at hand

__device__ __forceinline__ uint4 loadShared16(uint32_t address) {
  uint4 v;
  asm volatile("ld.shared.v4.u32 {%0, %1, %2, %3}, [%4];" : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w) : "r"(address));
  return v;
}

__device__ __forceinline__ uint2 loadShared8(uint32_t address) {
  uint2 v;
  asm volatile("ld.shared.v2.u32 {%0, %1}, [%2];" : "=r"(v.x), "=r"(v.y) : "r"(address));
  return v;
}

__device__ __forceinline__ uint32_t loadShared4(uint32_t address) {
  uint32_t v;
  asm volatile("ld.shared.u32 %0, [%1];" : "=r"(v) : "r"(address));
  return v;
}

// The two numbers of a pair whose f32 forms are exact in bf16.
__device__ __forceinline__ uint32_t pack(float low, float high) {
  return __byte_perm(__float_as_uint(low), __float_as_uint(high), 0x7632);
}

// Of a type of weight: numbers of k in a stage; where a row's 16-byte chunks lie, so that no bank is met twice; four pairs of bf16
// from the 8 codes of part `part` and quarter `quarter` of row `row`; and the pairs of a that belong to them.
template <typename Code>
struct ByteWeight {
  static constexpr int kSlab = kWRowBytes;

  static __device__ __forceinline__ int chunkAt(int row, int chunk) { return chunk ^ row % 4 * 2; }

  static __device__ __forceinline__ void load(uint32_t (&pairs)[4], uint32_t slab, int row, int part, int quarter) {
    const int chunk = chunkAt(row, 2 * part + quarter / 2);
    const uint2 codes = loadShared8(slab + row * kWRowBytes + chunk * 16 + quarter % 2 * 8);
    pairs[0] = Code::pair(codes.x, 0);
    pairs[1] = Code::pair(codes.x, 1);
    pairs[2] = Code::pair(codes.y, 0);
    pairs[3] = Code::pair(codes.y, 1);
  }

  static __device__ __forceinline__ void arrange(uint4&) {}
};

struct E4m3Code {
  static __device__ __forceinline__ uint32_t pair(uint32_t word, int i) {
    const __half2 halves = __half2(
        __nv_cvt_fp8x2_to_halfraw2(static_cast<__nv_fp8x2_storage_t>(word >> 16 * i & 0xFFFFu), __NV_E4M3));
    return pack(__low2float(halves), __high2float(halves));
  }
};

struct I8Code {
  static __device__ __forceinline__ uint32_t pair(uint32_t word, int i) {
    return pack(number(word, 2 * i), number(word, 2 * i + 1));
  }

  // Byte i, offset by 128, as the low bits of 2^23.
  static __device__ __forceinline__ float number(uint32_t word, int i) {
    return __uint_as_float(__byte_perm(word ^ 0x80808080u, 0x4B000000u, 0x7440 | i)) - 8388736.0f;
  }
};

struct NibbleWeight {
  static constexpr int kSlab = 2 * kWRowBytes;

  static __device__ __forceinline__ int chunkAt(int row, int chunk) { return chunk ^ row % 8; }

  static __device__ __forceinline__ void load(uint32_t (&pairs)[4], uint32_t slab, int row, int part, int quarter) {
    const uint32_t codes = loadShared4(slab + row * kWRowBytes + chunkAt(row, part) * 16 + quarter * 4);
#pragma unroll
    for (int i = 0; i < 4; i++) pairs[i] = pair(codes >> 4 * i);
  }

  // Codes 0 and 4 of a word, as the low bits of 128 in bf16, which are worth 1 each.
  static __device__ __forceinline__ uint32_t pair(uint32_t word) {
    uint32_t bits = (word & 0x000F000Fu) | 0x43004300u;
    const uint32_t offset = 0x43084308u;  // 128 + 8
    __nv_bfloat162 value = __hsub2(
        *reinterpret_cast<const __nv_bfloat162*>(&bits), *reinterpret_cast<const __nv_bfloat162*>(&offset));
    return *reinterpret_cast<uint32_t*>(&value);
  }

  // Numbers 0 and 4, 1 and 5, and so on, to go with the codes.
  static __device__ __forceinline__ void arrange(uint4& a) {
    a = make_uint4(
        __byte_perm(a.x, a.z, 0x5410), __byte_perm(a.x, a.z, 0x7632), __byte_perm(a.y, a.w, 0x5410),
        __byte_perm(a.y, a.w, 0x7632));
  }
};

__device__ __forceinline__ void multiplyPairs(
    float (&d)[4], uint32_t a0, uint32_t a1, uint32_t a2, uint32_t a3, uint32_t b0, uint32_t b1) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));
}

// Rows of a in shared memory: chunks such that no bank is met twice.
__device__ __forceinline__ int aChunkAt(int row, int chunk) { return chunk ^ row % 2 * 4; }

template <typename W, int kRows>
struct Product {
  static constexpr int kRowTiles = kRows / 16;
  static constexpr int kSlab = W::kSlab;
  static constexpr int kParts = kSlab / kPart;
  static constexpr int kARowBytes = kSlab * 2;
  static constexpr int kAChunks = kARowBytes / 16;
  static constexpr int kABytes = kRows * kARowBytes;
  static constexpr int kStageBytes = kABytes + kColumns * kWRowBytes;
  static constexpr int kStages = 3;
  static constexpr int kSharedBytes = kStages * kStageBytes;
  using Sums = float[kRowTiles][kTiles][4];

  // Rows past the end bring the last one's numbers, which nobody stores; numbers of k past the end are zeros.
  static __device__ __forceinline__ void fetch(
      const Parameters& p, const RowRange& range, uint32_t target, int firstColumn, int slab) {
    constexpr int kARowsAtOnce = kThreads / kAChunks;
    constexpr int kWRowsAtOnce = kThreads / kWChunks;
    static_assert(kARowsAtOnce % 2 == 0 && kWRowsAtOnce % 8 == 0, "rows of a thread are permuted alike");
    const int aRowBytes = 2 * p.k;
    const int aRow = threadIdx.x / kAChunks;
    const int aChunk = threadIdx.x % kAChunks;
    const int aByte = slab * kARowBytes + aChunk * 16;
    const bool aExists = aByte < aRowBytes;
    const uint8_t* a = static_cast<const uint8_t*>(p.a) + (aExists ? aByte : 0);
    uint32_t to = target + aRow * kARowBytes + aChunkAt(aRow, aChunk) * 16;
#pragma unroll
    for (int i = 0; i < kRows; i += kARowsAtOnce) {
      const int row = min(range.from + aRow + i, range.to - 1);
      copyChunk(to + i * kARowBytes, a + static_cast<int64_t>(row) * aRowBytes, aExists);
    }
    const int wRowBytes = static_cast<int>(static_cast<int64_t>(p.k) * kWRowBytes / kSlab);
    const int wRow = threadIdx.x / kWChunks;
    const int wChunk = threadIdx.x % kWChunks;
    const int wByte = slab * kWRowBytes + wChunk * 16;
    const bool wExists = wByte < wRowBytes;
    const uint8_t* w = static_cast<const uint8_t*>(p.w) + (wExists ? wByte : 0);
    to = target + kABytes + wRow * kWRowBytes + W::chunkAt(wRow, wChunk) * 16;
#pragma unroll
    for (int i = 0; i < kColumns; i += kWRowsAtOnce) {
      const int row = min(firstColumn + wRow + i, p.n - 1);
      copyChunk(to + i * kWRowBytes, w + static_cast<int64_t>(row) * wRowBytes, wExists);
    }
  }

  static __device__ __forceinline__ void multiplyPart(Sums& sums, uint32_t stage, int warpColumn, int lane, int part) {
    const int row = lane / 4;
    const int quarter = lane % 4;
    const int chunk = 4 * part + quarter;
    uint32_t pairs[kTiles][4];
#pragma unroll
    for (int j = 0; j < kTiles; j++) W::load(pairs[j], stage + kABytes, warpColumn + 8 * j + row, part, quarter);
#pragma unroll
    for (int i = 0; i < kRowTiles; i++) {
      const uint32_t aRow = stage + (16 * i + row) * kARowBytes + aChunkAt(row, chunk) * 16;
      uint4 low = loadShared16(aRow);
      W::arrange(low);
      uint4 high = loadShared16(aRow + 8 * kARowBytes);
      W::arrange(high);
#pragma unroll
      for (int j = 0; j < kTiles; j++) {
        multiplyPairs(sums[i][j], low.x, high.x, low.y, high.y, pairs[j][0], pairs[j][1]);
        multiplyPairs(sums[i][j], low.z, high.z, low.w, high.w, pairs[j][2], pairs[j][3]);
      }
    }
  }

  // The scales of a thread's columns in a group. The type is looked at once, so that all loads are in flight together.
  static __device__ __forceinline__ void loadScales(
      float (&scales)[kTiles][2], const Parameters& p, int column, int group) {
    if (p.wScales == nullptr) {
      readScales<float>(scales, p, [](int64_t) { return 1.0f; }, column, group);
    } else if (p.wScaleType == kF32) {
      readScales<float>(scales, p, [&](int64_t i) { return static_cast<const float*>(p.wScales)[i]; }, column, group);
    } else if (p.wScaleType == kBF16) {
      readScales<__nv_bfloat16>(
          scales, p, [&](int64_t i) { return static_cast<const __nv_bfloat16*>(p.wScales)[i]; }, column, group);
    } else {
      readScales<__half>(scales, p, [&](int64_t i) { return static_cast<const __half*>(p.wScales)[i]; }, column, group);
    }
  }

  template <typename S, typename Read>
  static __device__ __forceinline__ void readScales(
      float (&scales)[kTiles][2], const Parameters& p, Read read, int column, int group) {
    S loaded[kTiles][2];
#pragma unroll
    for (int j = 0; j < kTiles; j++) {
#pragma unroll
      for (int e = 0; e < 2; e++) {
        const int64_t n = min(column + 8 * j + e, p.n - 1);
        loaded[j][e] = read(p.wScalePerRow ? n * p.groups + group : 0);
      }
    }
#pragma unroll
    for (int j = 0; j < kTiles; j++) {
#pragma unroll
      for (int e = 0; e < 2; e++) scales[j][e] = toFloat(loaded[j][e]);
    }
  }

  template <bool kGroups>
  static __device__ __forceinline__ void run(Parameters p) {
    extern __shared__ __align__(128) uint8_t ring[];
    const RowRange range = rowsOfTile<kRows>(p);
    if (range.from >= range.to) return;
    const uint32_t ringStart = sharedAddress(ring);
    const int lane = threadIdx.x % kWarp;
    const int warpColumn = threadIdx.x / kWarp * kTiles * 8;
    const int firstColumn = blockIdx.x * kColumns;
    const int column = firstColumn + warpColumn + lane % 4 * 2;
    const int firstSlab = blockIdx.y * p.sliceSlabs;
    const int slabs = min(p.sliceSlabs, (p.k + kSlab - 1) / kSlab - firstSlab);
    const int groupParts = kGroups ? p.k / p.groups / kPart : 0;

    Sums sums = {};
    Sums groupSums = {};
    float scales[kTiles][2];
    int group = 0;
    int partsLeft = 0;
    if constexpr (kGroups) {
      const int firstPart = firstSlab * kParts;
      group = firstPart / groupParts;
      partsLeft = groupParts - (firstPart - group * groupParts);
      loadScales(scales, p, column, min(group, p.groups - 1));
    }

#pragma unroll
    for (int stage = 0; stage < kStages - 1; stage++) {
      if (stage < slabs) fetch(p, range, ringStart + stage * kStageBytes, firstColumn, firstSlab + stage);
      commitCopies();
    }
    for (int slab = 0; slab < slabs; slab++) {
      awaitCopies<kStages - 2>();
      __syncthreads();
      const int ahead = slab + kStages - 1;
      if (ahead < slabs) fetch(p, range, ringStart + ahead % kStages * kStageBytes, firstColumn, firstSlab + ahead);
      commitCopies();
      const uint32_t stage = ringStart + slab % kStages * kStageBytes;
#pragma unroll 1  // for want of registers
      for (int part = 0; part < kParts; part++) {
        if constexpr (kGroups) {
          multiplyPart(groupSums, stage, warpColumn, lane, part);
          if (--partsLeft == 0) {
            addScaled(sums, groupSums, scales);
            partsLeft = groupParts;
            group++;
            loadScales(scales, p, column, min(group, p.groups - 1));
          }
        } else {
          multiplyPart(sums, stage, warpColumn, lane, part);
        }
      }
    }
    if constexpr (kGroups) {
      addScaled(sums, groupSums, scales);
    } else {
      loadScales(scales, p, column, 0);
    }
    store<kGroups>(p, sums, scales, range, lane / 4, column);
    if (p.slices > 1 && isLast(p)) addSlices(p, range, firstColumn + threadIdx.x);
  }

  // Whether all other slices of this block's columns are stored.
  static __device__ __forceinline__ bool isLast(const Parameters& p) {
    __shared__ bool last;
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) {
      last = atomicAdd(p.tickets + blockIdx.x, 1) == p.slices - 1;
      if (last) p.tickets[blockIdx.x] = 0;
    }
    __syncthreads();
    if (last) __threadfence();
    return last;
  }

  static __device__ __forceinline__ void addSlices(const Parameters& p, const RowRange& range, int n) {
    static_assert(kThreads == kColumns, "a thread adds up one column");
    if (n >= p.n) return;
    const int64_t elements = static_cast<int64_t>(p.m) * p.n;
#pragma unroll 2
    for (int m = range.from; m < range.to; m++) {
      const float* part = p.parts + m * static_cast<int64_t>(p.n) + n;
      float sum = 0.0f;
#pragma unroll 8
      for (int slice = 0; slice < p.slices; slice++) sum += __ldcg(part + slice * elements);
      p.out[m * static_cast<int64_t>(p.n) + n] = sum;
    }
  }

  static __device__ __forceinline__ void addScaled(Sums& sums, Sums& groupSums, const float (&scales)[kTiles][2]) {
#pragma unroll
    for (int i = 0; i < kRowTiles; i++) {
#pragma unroll
      for (int j = 0; j < kTiles; j++) {
#pragma unroll
        for (int e = 0; e < 4; e++) {
          sums[i][j][e] = fmaf(groupSums[i][j][e], scales[j][e % 2], sums[i][j][e]);
          groupSums[i][j][e] = 0.0f;
        }
      }
    }
  }

  template <bool kScaled>
  static __device__ __forceinline__ void store(
      const Parameters& p, const Sums& sums, const float (&scales)[kTiles][2], const RowRange& range, int row, int column) {
    float* out = p.slices > 1 ? p.parts + blockIdx.y * static_cast<int64_t>(p.m) * p.n : p.out;
#pragma unroll
    for (int i = 0; i < kRowTiles; i++) {
#pragma unroll
      for (int half = 0; half < 2; half++) {
        const int m = range.from + 16 * i + 8 * half + row;
        if (m >= range.to) continue;
#pragma unroll
        for (int j = 0; j < kTiles; j++) {
#pragma unroll
          for (int e = 0; e < 2; e++) {
            const int n = column + 8 * j + e;
            const float value = sums[i][j][2 * half + e];
            if (n < p.n) out[m * static_cast<int64_t>(p.n) + n] = kScaled ? value : value * scales[j][e];
          }
        }
      }
    }
  }
};

}  // namespace

#define FEW(name, type, rows, groups, suffix)                                                                   \
  extern "C" __global__ __launch_bounds__(kThreads, kBlocks) void matmul_few_##name##_##rows##suffix(          \
      const __grid_constant__ Parameters p) {                                                                   \
    Product<type, rows>::run<groups>(p);                                                                        \
  }                                                                                                             \
  OCTAVO_LAUNCH(matmul_few_##name##_##rows##suffix, kThreads, Product<type, rows>::kSharedBytes)

#define FEWS(name, type) \
  FEW(name, type, 32, false, ) FEW(name, type, 64, false, ) FEW(name, type, 32, true, _groups)

FEWS(e4m3, ByteWeight<E4m3Code>)
FEWS(i8, ByteWeight<I8Code>)
FEWS(i4, NibbleWeight)

OCTAVO_CONSTANTS(matmul_few, kColumns, kPart, kWRowBytes, kBlocks, kLeastRows, kMostRows, kMostGroupedRows)
