// out = a w^T on Hopper's tensor cores: wgmma with operands of one type, bf16 or INT8, and scales applied at the end.
// E4M3 comes as bf16, exactly: a wgmma of 8-bit floats keeps some 13 bits of its sums, and that costs 1.3e-4 of the product's
// norm even where every 128 of k go on in f32 (docs/kernels.md asks for 1e-4).
//
// Rows of both operands are handled as bytes: 32 bytes of k are one wgmma of every type. A block computes tiles of out, one
// after the other. Its first warpgroup fetches slabs of kSlabBytes of k with the bulk tensor copy engine, which swizzles
// them as wgmma wants them and fills what lies outside with zeros; the two others multiply 64 rows each and store. A ring of
// stages, with a barrier for "full" and one for "empty" each, ties them together.
//
// Twin: ScalarMatMul.java; fallback: matmul.cu.  Launch: grid = at most the tiles of out, block = kThreads, dynamic shared
// memory = kSharedBytes.  Any m, n >= 1; rows of a and w are whole, aligned 16-byte chunks.
// Targets: sm_90a

#include "base/async_copy.cuh"
#include "base/row_range.cuh"

// As cuTensorMapEncodeTiled writes it.
struct alignas(64) TensorMap {
  uint8_t opaque[128];
};

struct Parameters {
  TensorMap a;          // [m, rowBytes] in boxes of kRows x kSlabBytes
  TensorMap w;          // [n, rowBytes] in boxes of the kernel's columns x kSlabBytes
  const void* aScales;  // [m] or [1]; null for plain numbers
  const void* wScales;  // [n] or [1]; null for plain numbers
  float* out;           // [m, n]
  const int* bounds;    // [2] of the rows to compute; null for all
  int m;
  int n;
  int rowBytes;         // of k numbers
  int aScaleType;       // Number
  int wScaleType;       // Number
  int aScalePerRow;     // 0: one for the tensor
  int wScalePerRow;
};
OCTAVO_PARAMETERS(
    matmul_hopper, Parameters, a, w, aScales, wScales, out, bounds, m, n, rowBytes, aScaleType, wScaleType, aScalePerRow,
    wScalePerRow)

#if !defined(__CUDA_ARCH__) || defined(__CUDA_ARCH_FEAT_SM90_ALL)

namespace {

constexpr int kSlabBytes = 128;    // of k in shared memory a stage: one row of a tile, and of the swizzle
constexpr int kMmaBytes = 32;      // of k that one wgmma consumes
constexpr int kRows = 128;         // of a tile
constexpr int kWideColumns = 256;  // of the kernels' tiles
constexpr int kNarrowColumns = 128;
constexpr int kGroupRows = 64;     // of a warpgroup
constexpr int kConsumers = kRows / kGroupRows;
constexpr int kGroupThreads = 128;
constexpr int kThreads = (1 + kConsumers) * kGroupThreads;
constexpr int kSwizzleBytes = 1024;  // after which the swizzle repeats
constexpr int kProducerRegisters = 40;
constexpr int kConsumerRegisters = 232;

// --- Barriers and copies ----------------------------------------------------------------------------------------------

__device__ __forceinline__ void initBarrier(uint32_t barrier, int arrivals) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(barrier), "r"(arrivals));
}

__device__ __forceinline__ void arrive(uint32_t barrier) {
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(barrier) : "memory");
}

__device__ __forceinline__ void arriveAndExpect(uint32_t barrier, int bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(barrier), "r"(bytes) : "memory");
}

__device__ __forceinline__ void await(uint32_t barrier, uint32_t parity) {
  uint32_t done;
  do {
    asm volatile(
        "{\n.reg .pred p;\n"
        "mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2;\n"
        "selp.u32 %0, 1, 0, p;\n}"
        : "=r"(done)
        : "r"(barrier), "r"(parity)
        : "memory");
  } while (done == 0);
}

// The box of `map` that starts at byte `byte` of row `row`, into shared memory.
__device__ __forceinline__ void fetchBox(uint32_t target, const TensorMap& map, int byte, int row, uint32_t barrier) {
  asm volatile(
      "cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3}], [%4];" ::"r"(target),
      "l"(reinterpret_cast<uint64_t>(&map)), "r"(byte), "r"(row), "r"(barrier)
      : "memory");
}

// --- wgmma ------------------------------------------------------------------------------------------------------------

// A tile of rows of 128 swizzled bytes: groups of 8 rows follow each other.
__device__ __forceinline__ uint64_t describe(uint32_t address) {
  constexpr uint64_t kLeading = 1;  // without meaning here
  constexpr uint64_t kStride = kSwizzleBytes >> 4;
  constexpr uint64_t kSwizzle128 = 1;
  return (address & 0x3FFFFu) >> 4 | kLeading << 16 | kStride << 32 | kSwizzle128 << 62;
}

__device__ __forceinline__ void beginMultiplying() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }

__device__ __forceinline__ void commitProducts() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }

template <int kPending>
__device__ __forceinline__ void awaitProducts() {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(kPending) : "memory");
}

// The registers of an accumulator, for asm.
#define FLOAT_1(d, i) "+f"(d[i])
#define INT_1(d, i) "+r"(d[i])
#define EIGHT(one, d, i) \
  one(d, i), one(d, i + 1), one(d, i + 2), one(d, i + 3), one(d, i + 4), one(d, i + 5), one(d, i + 6), one(d, i + 7)
#define THIRTY_TWO(one, d, i) EIGHT(one, d, i), EIGHT(one, d, i + 8), EIGHT(one, d, i + 16), EIGHT(one, d, i + 24)
#define REGISTERS_64(one, d) THIRTY_TWO(one, d, 0), THIRTY_TWO(one, d, 32)
#define REGISTERS_128(one, d) REGISTERS_64(one, d), THIRTY_TWO(one, d, 64), THIRTY_TWO(one, d, 96)
#define OPERANDS_64 \
  "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, " \
  "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, " \
  "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, " \
  "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63"
#define OPERANDS_128 \
  "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, " \
  "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, " \
  "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, " \
  "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63, " \
  "%64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79, " \
  "%80, %81, %82, %83, %84, %85, %86, %87, %88, %89, %90, %91, %92, %93, %94, %95, " \
  "%96, %97, %98, %99, %100, %101, %102, %103, %104, %105, %106, %107, %108, %109, %110, %111, " \
  "%112, %113, %114, %115, %116, %117, %118, %119, %120, %121, %122, %123, %124, %125, %126, %127"

// d (+)= a w^T over kMmaBytes of k; `keeps`: d counts, otherwise it is overwritten.
#define WGMMA(count, a, w, last, one, shape, modifiers)                                                          \
  asm volatile(                                                                                                \
      "{\n.reg .pred p;\n"                                                                                     \
      "setp.ne.b32 p, %" last ", 0;\n"                                                                         \
      "wgmma.mma_async.sync.aligned." shape " {" OPERANDS_##count "}, %" a ", %" w ", p" modifiers ";\n}"      \
      : REGISTERS_##count(one, d)                                                                              \
      : "l"(aTile), "l"(wTile), "r"(keeps))

struct Bf16 {
  using Accumulator = float;

  static __device__ __forceinline__ void multiply(float (&d)[64], uint64_t aTile, uint64_t wTile, int keeps) {
    WGMMA(64, "64", "65", "66", FLOAT_1, "m64n128k16.f32.bf16.bf16", ", 1, 1, 0, 0");
  }

  static __device__ __forceinline__ void multiply(float (&d)[128], uint64_t aTile, uint64_t wTile, int keeps) {
    WGMMA(128, "128", "129", "130", FLOAT_1, "m64n256k16.f32.bf16.bf16", ", 1, 1, 0, 0");
  }
};

struct I8 {
  using Accumulator = int;

  static __device__ __forceinline__ void multiply(int (&d)[64], uint64_t aTile, uint64_t wTile, int keeps) {
    WGMMA(64, "64", "65", "66", INT_1, "m64n128k32.s32.s8.s8", "");
  }

  static __device__ __forceinline__ void multiply(int (&d)[128], uint64_t aTile, uint64_t wTile, int keeps) {
    WGMMA(128, "128", "129", "130", INT_1, "m64n256k32.s32.s8.s8", "");
  }
};

// --- The product ------------------------------------------------------------------------------------------------------

// Blocks walk over out in bands of kBand tiles of rows, so that those at work at a time share operands in L2.
struct Tiles {
  static constexpr int kBand = 8;
  int rowTiles;
  int columnTiles;

  __device__ __forceinline__ int count() const { return rowTiles * columnTiles; }

  __device__ __forceinline__ void find(int tile, int& row, int& column) const {
    const int bandTiles = kBand * columnTiles;
    const int band = tile / bandTiles;
    const int bandRows = min(kBand, rowTiles - band * kBand);
    const int inBand = tile - band * bandTiles;
    row = band * kBand + inBand % bandRows;
    column = inBand / bandRows;
  }
};

// Where a role is in the ring.
template <int kStages>
struct Position {
  int stage = 0;
  uint32_t parity = 0;

  __device__ __forceinline__ void advance() {
    if (++stage == kStages) {
      stage = 0;
      parity ^= 1;
    }
  }
};

template <typename Type, int kColumns, int kStages>
struct Product {
  static constexpr int kABytes = kRows * kSlabBytes;
  static constexpr int kStageBytes = kABytes + kColumns * kSlabBytes;
  static constexpr int kSharedBytes = kStages * kStageBytes + kSwizzleBytes;  // stages start where the swizzle does
  static constexpr int kSums = kColumns / 2;  // of a thread: kGroupRows * kColumns / kGroupThreads
  static_assert(kStageBytes % kSwizzleBytes == 0, "stages start where the swizzle does");
  using Accumulator = typename Type::Accumulator;
  using Ring = Position<kStages>;

  static __device__ __forceinline__ void run(const Parameters& p) {
    extern __shared__ uint8_t shared[];
    __shared__ __align__(8) uint64_t full[kStages];
    __shared__ __align__(8) uint64_t empty[kStages];
    const uint32_t ring = (sharedAddress(shared) + kSwizzleBytes - 1) / kSwizzleBytes * kSwizzleBytes;
    const uint32_t fullBarriers = sharedAddress(full);
    const uint32_t emptyBarriers = sharedAddress(empty);
    if (threadIdx.x == 0) {
      for (int stage = 0; stage < kStages; stage++) {
        initBarrier(fullBarriers + 8 * stage, 1);
        initBarrier(emptyBarriers + 8 * stage, kConsumers * kGroupThreads / kWarp);
      }
      asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
    }
    __syncthreads();

    const RowRange range(p.bounds, p.m);
    const Tiles tiles = {(range.to - range.from + kRows - 1) / kRows, (p.n + kColumns - 1) / kColumns};
    const int slabs = (p.rowBytes + kSlabBytes - 1) / kSlabBytes;
    const int group = threadIdx.x / kGroupThreads;
    if (group == 0) {
      asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(kProducerRegisters));
      if (threadIdx.x == 0) produce(p, range, tiles, slabs, ring, fullBarriers, emptyBarriers);
    } else {
      asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(kConsumerRegisters));
      consume(p, range, tiles, slabs, ring, fullBarriers, emptyBarriers, group - 1);
    }
  }

  static __device__ __forceinline__ void produce(
      const Parameters& p, const RowRange& range, const Tiles& tiles, int slabs, uint32_t ring, uint32_t full, uint32_t empty) {
    Ring at;
    for (int tile = blockIdx.x; tile < tiles.count(); tile += gridDim.x) {
      int row;
      int column;
      tiles.find(tile, row, column);
      for (int slab = 0; slab < slabs; slab++) {
        // A fresh barrier counts as having passed the phase before its first.
        await(empty + 8 * at.stage, at.parity ^ 1);
        const uint32_t target = ring + at.stage * kStageBytes;
        const uint32_t barrier = full + 8 * at.stage;
        arriveAndExpect(barrier, kStageBytes);
        fetchBox(target, p.a, slab * kSlabBytes, range.from + row * kRows, barrier);
        fetchBox(target + kABytes, p.w, slab * kSlabBytes, column * kColumns, barrier);
        at.advance();
      }
    }
  }

  static __device__ __forceinline__ void consume(
      const Parameters& p, const RowRange& range, const Tiles& tiles, int slabs, uint32_t ring, uint32_t full, uint32_t empty,
      int group) {
    const int lane = threadIdx.x % kWarp;
    const int warp = threadIdx.x % kGroupThreads / kWarp;
    Ring at;
    for (int tile = blockIdx.x; tile < tiles.count(); tile += gridDim.x) {
      int row;
      int column;
      tiles.find(tile, row, column);
      Accumulator sums[kSums];
      multiply(sums, slabs, ring, full, empty, group, lane, at);
      const int firstRow = range.from + row * kRows + group * kGroupRows + warp * 16 + lane / 4;
      store(p, sums, range.to, firstRow, column * kColumns + lane % 4 * 2);
    }
  }

  static __device__ __forceinline__ void multiplySlab(
      Accumulator (&sums)[kSums], uint32_t ring, const Ring& at, int group, bool keeps) {
    const uint32_t stage = ring + at.stage * kStageBytes;
    const uint64_t a = describe(stage + group * kGroupRows * kSlabBytes);
    const uint64_t w = describe(stage + kABytes);
    beginMultiplying();
#pragma unroll
    for (int step = 0; step < kSlabBytes / kMmaBytes; step++) {
      Type::multiply(sums, a + step * (kMmaBytes >> 4), w + step * (kMmaBytes >> 4), keeps || step > 0);
    }
    commitProducts();
  }

  // A slab's products run while the next one's are submitted.
  static __device__ __forceinline__ void multiply(
      Accumulator (&sums)[kSums], int slabs, uint32_t ring, uint32_t full, uint32_t empty, int group, int lane, Ring& at) {
    int before = at.stage;
    for (int slab = 0; slab < slabs; slab++) {
      await(full + 8 * at.stage, at.parity);
      multiplySlab(sums, ring, at, group, slab > 0);
      awaitProducts<1>();
      if (slab > 0 && lane == 0) arrive(empty + 8 * before);
      before = at.stage;
      at.advance();
    }
    awaitProducts<0>();
    if (slabs > 0 && lane == 0) arrive(empty + 8 * before);
  }

  static __device__ __forceinline__ float scaleAt(const void* scales, int type, bool perRow, int index) {
    return scales == nullptr ? 1.0f : loadNumber(scales, type, perRow ? index : 0);
  }

  // A thread holds two neighbours of a row, and two of the row 8 below, in every 8 columns.
  static __device__ __forceinline__ void store(
      const Parameters& p, const Accumulator (&sums)[kSums], int rows, int row, int column) {
    const bool inPairs = p.n % 2 == 0;
    float aScales[2];
    float* outs[2];
#pragma unroll
    for (int half = 0; half < 2; half++) {
      const int m = row + 8 * half;
      aScales[half] = m < rows ? scaleAt(p.aScales, p.aScaleType, p.aScalePerRow, m) : 0.0f;
      outs[half] = p.out + m * static_cast<int64_t>(p.n);
    }
#pragma unroll
    for (int j = 0; j < kColumns / 8; j++) {
      const int n = column + 8 * j;
      if (n >= p.n) continue;
      const float lowScale = scaleAt(p.wScales, p.wScaleType, p.wScalePerRow, n);
      const float highScale = n + 1 < p.n ? scaleAt(p.wScales, p.wScaleType, p.wScalePerRow, n + 1) : 0.0f;
#pragma unroll
      for (int half = 0; half < 2; half++) {
        if (row + 8 * half >= rows) continue;
        const float low = static_cast<float>(sums[4 * j + 2 * half]) * aScales[half] * lowScale;
        const float high = static_cast<float>(sums[4 * j + 2 * half + 1]) * aScales[half] * highScale;
        if (inPairs) {
          *reinterpret_cast<float2*>(outs[half] + n) = make_float2(low, high);
        } else {
          outs[half][n] = low;
          if (n + 1 < p.n) outs[half][n + 1] = high;
        }
      }
    }
  }
};

}  // namespace

#define MATMUL(name, type, columns, stages)                                                                     \
  extern "C" __global__ __launch_bounds__(kThreads, 1) void matmul_hopper_##name##_##columns(                  \
      const __grid_constant__ Parameters p) {                                                                   \
    Product<type, columns, stages>::run(p);                                                                     \
  }                                                                                                             \
  OCTAVO_LAUNCH(matmul_hopper_##name##_##columns, kThreads, Product<type, columns, stages>::kSharedBytes)

MATMUL(bf16, Bf16, 256, 4)
MATMUL(bf16, Bf16, 128, 6)
MATMUL(i8, I8, 256, 4)
MATMUL(i8, I8, 128, 6)

OCTAVO_CONSTANTS(matmul_hopper, kRows, kWideColumns, kNarrowColumns, kSlabBytes)

#endif
