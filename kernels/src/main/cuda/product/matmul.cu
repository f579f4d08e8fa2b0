// out = a w^T on tensor cores: mma.sync with operands of one type, bf16, E4M3 or INT8, and scales applied at the end.
//
// Rows of both operands are handled as bytes: 32 bytes of k are one mma of every type. A block computes a tile of out;
// slabs of kSlabBytes of k pass through shared memory in a ring, fetched ahead by cp.async. In shared memory the 16-byte
// chunks of a row are permuted (chunk ^= row mod 8), so that neither the copies nor ldmatrix meet a bank conflict.
//
// Twin: ScalarMatMul.java.  Launch: grid = tiles of out (see Tiles), block = kThreads of the kernel, dynamic shared
// memory = its ring.  Any m, n >= 1; rows of a and w are whole, aligned 16-byte chunks.
// Targets: all

#include "base/async_copy.cuh"
#include "base/row_range.cuh"

struct Parameters {
  const void* a;        // [m, k]
  const void* aScales;  // [m] or [1]; null for plain numbers
  const void* w;        // [n, k]
  const void* wScales;  // [n] or [1]; null for plain numbers
  float* out;           // [m, n]
  const int* bounds;    // of the rows to compute, for the kernels named group; the others compute all
  const GroupWeight* weights;  // as row_range.cuh says
  int weightCount;
  int m;
  int n;
  int rowBytes;         // of k numbers
  int aScaleType;       // Number
  int wScaleType;       // Number
  int aScalePerRow;     // 0: one for the tensor
  int wScalePerRow;
};
OCTAVO_PARAMETERS(
    matmul, Parameters, a, aScales, w, wScales, out, bounds, weights, weightCount, m, n, rowBytes, aScaleType, wScaleType, aScalePerRow, wScalePerRow)

namespace {

constexpr int kSlabBytes = 128;              // of k in shared memory a stage: one row of a tile
constexpr int kChunks = kSlabBytes / 16;     // of such a row
constexpr int kMmaBytes = 32;                // of k that one mma consumes
constexpr int kMmaRows = 16;                 // of a
constexpr int kMmaColumns = 8;               // rows of w

struct Bf16 {
  using Accumulator = float;
  static constexpr bool kPromotes = false;

  static __device__ __forceinline__ void multiply(float (&d)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
  }
};

struct I8 {
  using Accumulator = int;
  static constexpr bool kPromotes = false;

  static __device__ __forceinline__ void multiply(int (&d)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
    asm volatile(
        "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+r"(d[0]), "+r"(d[1]), "+r"(d[2]), "+r"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
  }
};

#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 890
// The tensor cores' own accumulator of 8-bit floats keeps some 14 bits, so each slab's sum is added to an f32 one.
struct Fp8 {
  using Accumulator = float;
  static constexpr bool kPromotes = true;

  static __device__ __forceinline__ void multiply(float (&d)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
    asm volatile(
        "mma.sync.aligned.m16n8k32.row.col.f32.e4m3.e4m3.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
  }
};
#endif

// Blocks walk over out in bands of kBand tiles of rows, so that those at work at a time share operands in L2.
struct Tiles {
  static constexpr int kBand = 8;
  int row;
  int column;

  __device__ Tiles(int block, int rowTiles, int columnTiles) {
    const int bandTiles = kBand * columnTiles;
    const int band = block / bandTiles;
    const int bandRows = min(kBand, rowTiles - band * kBand);
    const int inBand = block - band * bandTiles;
    row = band * kBand + inBand % bandRows;
    column = inBand / bandRows;
  }
};

// kRows x kColumns of out by warps that compute kWarpRows x kWarpColumns each.
template <typename Type, int kRows, int kColumns, int kWarpRows, int kWarpColumns, int kStages>
struct Product {
  static constexpr int kWarpsAcross = kColumns / kWarpColumns;
  static constexpr int kThreads = kRows / kWarpRows * kWarpsAcross * kWarp;
  static constexpr int kStageBytes = (kRows + kColumns) * kSlabBytes;
  static constexpr int kSharedBytes = kStages * kStageBytes;
  static constexpr int kMmasDown = kWarpRows / kMmaRows;
  static constexpr int kMmasAcross = kWarpColumns / kMmaColumns;
  static_assert(kMmasAcross % 2 == 0, "ldmatrix brings two mmas' columns");
  static_assert((kRows * kChunks) % kThreads == 0 && (kColumns * kChunks) % kThreads == 0, "every thread copies alike");
  using Accumulator = typename Type::Accumulator;

  // Rows [first, first + kCount) of an operand, slab number `slab`, into shared memory.
  template <int kCount>
  static __device__ __forceinline__ void fetch(
      uint32_t target, const uint8_t* operand, int first, int rows, int rowBytes, int slab) {
#pragma unroll
    for (int i = 0; i < kCount * kChunks / kThreads; i++) {
      const int at = threadIdx.x + i * kThreads;
      const int row = at / kChunks;
      const int chunk = at % kChunks;
      const int byte = slab * kSlabBytes + chunk * 16;
      const bool exists = first + row < rows && byte < rowBytes;
      const uint8_t* source = operand + (exists ? (first + row) * static_cast<int64_t>(rowBytes) + byte : 0);
      copyChunk(target + row * kSlabBytes + ((chunk ^ row % kChunks) * 16), source, exists);
    }
  }

  template <bool kGrouped>
  static __device__ __forceinline__ void run(const Parameters& p) {
    if constexpr (kGrouped) {
      Parameters ofGroup = p;
      const RowRange range = rowsOfTile<kRows>(ofGroup);
      multiply<true>(ofGroup, range);
    } else {
      multiply<false>(p, RowRange(nullptr, p.m));
    }
  }

  template <bool kGrouped>
  static __device__ __forceinline__ void multiply(const Parameters& p, const RowRange& range) {
    extern __shared__ __align__(128) uint8_t ring[];
    const int rowTiles = (range.to - range.from + kRows - 1) / kRows;
    const int columnTiles = (p.n + kColumns - 1) / kColumns;
    if (kGrouped && blockIdx.x >= rowTiles * columnTiles) return;
    const Tiles tile(blockIdx.x, rowTiles, columnTiles);
    const int firstRow = range.from + tile.row * kRows;
    const int firstColumn = tile.column * kColumns;
    const uint8_t* a = static_cast<const uint8_t*>(p.a);
    const uint8_t* w = static_cast<const uint8_t*>(p.w);
    const int slabs = (p.rowBytes + kSlabBytes - 1) / kSlabBytes;
    const int lane = threadIdx.x % kWarp;
    const int warp = threadIdx.x / kWarp;
    const int warpRow = warp / kWarpsAcross * kWarpRows;
    const int warpColumn = warp % kWarpsAcross * kWarpColumns;
    const uint32_t ringStart = sharedAddress(ring);

    // ldmatrix: lane l names the row and the chunk of one of four 8 x 16-byte matrices. Of a, those are the rows' halves
    // first, then the second 16 bytes; of w the other way round. Rows of a tile start at multiples of 8, so a row's
    // permutation is that of its lane.
    const int aRow = warpRow + lane % 16;
    const int aChunk = lane / 16;
    const int wRow = warpColumn + lane % 8 + lane / 16 * 8;
    const int wChunk = lane / 8 % 2;

    Accumulator sums[kMmasDown][kMmasAcross][4] = {};

#pragma unroll
    for (int stage = 0; stage < kStages - 1; stage++) {
      if (stage < slabs) {
        const uint32_t target = ringStart + stage * kStageBytes;
        fetch<kRows>(target, a, firstRow, range.to, p.rowBytes, stage);
        fetch<kColumns>(target + kRows * kSlabBytes, w, firstColumn, p.n, p.rowBytes, stage);
      }
      commitCopies();
    }

    for (int slab = 0; slab < slabs; slab++) {
      awaitCopies<kStages - 2>();
      __syncthreads();
      const int ahead = slab + kStages - 1;
      if (ahead < slabs) {
        const uint32_t target = ringStart + ahead % kStages * kStageBytes;
        fetch<kRows>(target, a, firstRow, range.to, p.rowBytes, ahead);
        fetch<kColumns>(target + kRows * kSlabBytes, w, firstColumn, p.n, p.rowBytes, ahead);
      }
      commitCopies();

      const uint32_t aStart = ringStart + slab % kStages * kStageBytes;
      const uint32_t wStart = aStart + kRows * kSlabBytes;
      if constexpr (Type::kPromotes) {
        Accumulator slabSums[kMmasDown][kMmasAcross][4] = {};
        multiplySlab(slabSums, aStart, wStart, aRow, aChunk, wRow, wChunk);
#pragma unroll
        for (int i = 0; i < kMmasDown; i++) {
#pragma unroll
          for (int j = 0; j < kMmasAcross; j++) {
#pragma unroll
            for (int e = 0; e < 4; e++) sums[i][j][e] += slabSums[i][j][e];
          }
        }
      } else {
        multiplySlab(sums, aStart, wStart, aRow, aChunk, wRow, wChunk);
      }
    }
    store(p, sums, range.to, firstRow + warpRow + lane / 4, firstColumn + warpColumn + lane % 4 * 2);
  }

  static __device__ __forceinline__ void multiplySlab(
      Accumulator (&sums)[kMmasDown][kMmasAcross][4], uint32_t aStart, uint32_t wStart, int aRow, int aChunk, int wRow,
      int wChunk) {
#pragma unroll
    for (int step = 0; step < kSlabBytes / kMmaBytes; step++) {
      uint32_t aParts[kMmasDown][4];
      uint32_t wParts[kMmasAcross / 2][4];
#pragma unroll
      for (int i = 0; i < kMmasDown; i++) {
        const int row = aRow + i * kMmaRows;
        loadMatrices(aParts[i], aStart + row * kSlabBytes + (((2 * step + aChunk) ^ row % kChunks) * 16));
      }
#pragma unroll
      for (int j = 0; j < kMmasAcross / 2; j++) {
        const int row = wRow + j * 2 * kMmaColumns;
        loadMatrices(wParts[j], wStart + row * kSlabBytes + (((2 * step + wChunk) ^ row % kChunks) * 16));
      }
#pragma unroll
      for (int i = 0; i < kMmasDown; i++) {
#pragma unroll
        for (int j = 0; j < kMmasAcross; j++) {
          Type::multiply(sums[i][j], aParts[i], wParts[j / 2][j % 2 * 2], wParts[j / 2][j % 2 * 2 + 1]);
        }
      }
    }
  }

  static __device__ __forceinline__ float scaleAt(const void* scales, int type, bool perRow, int index) {
    return scales == nullptr ? 1.0f : loadNumber(scales, type, perRow ? index : 0);
  }

  // A thread holds two neighbours of a row, and two of the row 8 below, of every mma.
  static __device__ __forceinline__ void store(
      const Parameters& p, const Accumulator (&sums)[kMmasDown][kMmasAcross][4], int rows, int row, int column) {
    const bool inPairs = p.n % 2 == 0;
    float wScales[kMmasAcross][2];
#pragma unroll
    for (int j = 0; j < kMmasAcross; j++) {
#pragma unroll
      for (int e = 0; e < 2; e++) {
        const int n = min(column + j * kMmaColumns + e, p.n - 1);
        wScales[j][e] = scaleAt(p.wScales, p.wScaleType, p.wScalePerRow, n);
      }
    }
#pragma unroll
    for (int i = 0; i < kMmasDown; i++) {
#pragma unroll
      for (int half = 0; half < 2; half++) {
        const int m = row + i * kMmaRows + half * 8;
        if (m >= rows) continue;
        const float aScale = scaleAt(p.aScales, p.aScaleType, p.aScalePerRow, m);
        float* out = p.out + m * static_cast<int64_t>(p.n);
#pragma unroll
        for (int j = 0; j < kMmasAcross; j++) {
          const int n = column + j * kMmaColumns;
          const float low = static_cast<float>(sums[i][j][2 * half]) * aScale * wScales[j][0];
          const float high = static_cast<float>(sums[i][j][2 * half + 1]) * aScale * wScales[j][1];
          if (inPairs) {
            if (n < p.n) *reinterpret_cast<float2*>(out + n) = make_float2(low, high);
          } else {
            if (n < p.n) out[n] = low;
            if (n + 1 < p.n) out[n + 1] = high;
          }
        }
      }
    }
  }
};

// The tiles that there are, of rows and columns of out, by size.
constexpr int kHugeRows = 128;
constexpr int kHugeColumns = 256;
constexpr int kLargeRows = 128;
constexpr int kLargeColumns = 128;
constexpr int kMediumRows = 64;
constexpr int kMediumColumns = 64;
constexpr int kFlatRows = 16;
constexpr int kFlatColumns = 64;

template <typename Type>
using Huge = Product<Type, kHugeRows, kHugeColumns, 64, 64, 4>;
template <typename Type>
using Large = Product<Type, kLargeRows, kLargeColumns, 64, 32, 3>;
template <typename Type>
using Medium = Product<Type, kMediumRows, kMediumColumns, 32, 16, 4>;
template <typename Type>
using Flat = Product<Type, kFlatRows, kFlatColumns, 16, 16, 6>;

}  // namespace

#define KERNEL(name, grouped, type, tile)                                                                        \
  extern "C" __global__ __launch_bounds__((tile<type>::kThreads)) void name(const __grid_constant__ Parameters p) { \
    tile<type>::template run<grouped>(p);                                                                       \
  }                                                                                                             \
  OCTAVO_LAUNCH(name, tile<type>::kThreads, tile<type>::kSharedBytes)
#define MATMUL(name, ...) KERNEL(matmul_##name, false, __VA_ARGS__)
#define GROUP(name, ...) KERNEL(matmul_group_##name, true, __VA_ARGS__)

MATMUL(bf16_Huge, Bf16, Huge)
MATMUL(bf16_Large, Bf16, Large)
MATMUL(bf16_Medium, Bf16, Medium)
GROUP(bf16_Medium, Bf16, Medium)
MATMUL(bf16_Flat, Bf16, Flat)
MATMUL(i8_Huge, I8, Huge)
MATMUL(i8_Large, I8, Large)
MATMUL(i8_Medium, I8, Medium)
GROUP(i8_Medium, I8, Medium)
MATMUL(i8_Flat, I8, Flat)
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 890  // Older tensor cores take no 8-bit floats.
MATMUL(e4m3_Large, Fp8, Large)
MATMUL(e4m3_Medium, Fp8, Medium)
GROUP(e4m3_Medium, Fp8, Medium)
MATMUL(e4m3_Flat, Fp8, Flat)
#endif

OCTAVO_CONSTANTS(
    matmul, kHugeRows, kHugeColumns, kLargeRows, kLargeColumns, kMediumRows, kMediumColumns, kFlatRows, kFlatColumns)
