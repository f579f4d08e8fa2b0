// out = a w^T on Hopper's tensor cores: wgmma with operands of one type, bf16, E4M3 or INT8, and scales applied at the end. Sums
// of E4M3 go on in f32 every 128 of k, since wgmma keeps but some 13 bits of them (docs/kernels.md, section 2).
//
// Rows of both operands are handled as bytes: 32 bytes of k are one wgmma of every type. A block computes tiles of out, one
// after the other, or a slice of one (slices.cuh). Its first warpgroup fetches slabs of kSlabBytes of k with the bulk tensor copy
// engine, which swizzles them as wgmma wants them and fills what lies outside with zeros; the two others multiply, above or
// beside each other, and store. A ring of stages, with a barrier for "full" and one for "empty" each, ties them together. Two
// blocks of a cluster compute tiles above each other: each fetches half of what they share of w for both.
//
// Twin: ScalarMatMul.java; fallback: matmul.cu.  Launch: grid = (workers times kCluster, slices), at most as many workers as
// there are tiles, and slices as there are slabs; of tiles of 64 rows, those of all weights.  Any m, n >= 1; rows of a and w are whole, aligned 16-byte chunks.
// Targets: sm_90a

#include "product/consumers.cuh"
#include "product/slices.cuh"

constexpr int kMostWeights = 3;  // side by side, of tiles of few rows; others have one

struct Parameters {
  TensorMap a;          // [m, rowBytes] in boxes of the kernel's rows x kSlabBytes
  TensorMap w;          // [n, rowBytes] in boxes of the kernel's columns / kCluster x kSlabBytes
  TensorMap w1;         // the second weight's, or any
  TensorMap w2;
  const void* aScales;  // [m] or [1]; null for plain numbers
  const void* wScales[kMostWeights];  // [n] or [1]; null for plain numbers
  float* out[kMostWeights];           // [m, n]
  int n[kMostWeights];                // 0 for weights that are not there
  float* parts;         // as Slices takes them
  int* tickets;
  int m;
  int rowBytes;         // of k numbers
  int aScaleType;       // Number
  int wScaleType;       // Number
  int aScalePerRow;     // 0: one for the tensor
  int wScalePerRow;
};
OCTAVO_OVERLAPPING_PARAMETERS(
    matmul_hopper, Parameters, a, w, w1, w2, aScales, wScales, out, n, parts, tickets, m, rowBytes, aScaleType, wScaleType,
    aScalePerRow, wScalePerRow)

namespace {

// d (+)= a w^T over kMmaBytes of k; `keeps`: d counts, otherwise it is overwritten.
#define MULTIPLY(number, one, count, a, w, last, shape, modifiers)                                                      \
  static __device__ __forceinline__ void multiply(number (&d)[count], uint64_t aTile, uint64_t wTile, int keeps) {      \
    asm volatile(                                                                                                       \
        "{\n.reg .pred p;\n"                                                                                            \
        "setp.ne.b32 p, %" last ", 0;\n"                                                                                \
        "wgmma.mma_async.sync.aligned." shape " {" OPERANDS_##count "}, %" a ", %" w ", p" modifiers ";\n}"             \
        : REGISTERS_##count(one, d)                                                                                     \
        : "l"(aTile), "l"(wTile), "r"(keeps));                                                                          \
  }
#define MULTIPLY_NARROW(number, one, kind, modifiers)                    \
  MULTIPLY(number, one, 32, "32", "33", "34", "m64n64" kind, modifiers)  \
  MULTIPLY(number, one, 56, "56", "57", "58", "m64n112" kind, modifiers) \
  MULTIPLY(number, one, 64, "64", "65", "66", "m64n128" kind, modifiers)
#define MULTIPLY_WIDE(number, one, kind, modifiers)                            \
  MULTIPLY(number, one, 112, "112", "113", "114", "m64n224" kind, modifiers)   \
  MULTIPLY(number, one, 128, "128", "129", "130", "m64n256" kind, modifiers)

struct Bf16 {
  using Sum = float;
  static constexpr bool kPromotes = false;
  MULTIPLY_NARROW(float, FLOAT_1, "k16.f32.bf16.bf16", ", 1, 1, 0, 0")
  MULTIPLY_WIDE(float, FLOAT_1, "k16.f32.bf16.bf16", ", 1, 1, 0, 0")
};

struct E4m3 {
  using Sum = float;
  static constexpr bool kPromotes = true;
  MULTIPLY_NARROW(float, FLOAT_1, "k32.f32.e4m3.e4m3", ", 1, 1")
};

struct I8 {
  using Sum = int;
  static constexpr bool kPromotes = false;
  MULTIPLY_NARROW(int, INT_1, "k32.s32.s8.s8", "")
  MULTIPLY_WIDE(int, INT_1, "k32.s32.s8.s8", "")
};

// Workers walk over out in bands of kBand rows of tiles, so that those at work at a time share operands in L2.
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

constexpr int kMmaWarpRows = 16;  // of those that a wgmma computes, a warp's
constexpr int kLine = 32;         // columns of out that are written at a time: whole lines of memory
constexpr int kPitch = kLine + 8;  // of their rows in shared memory, so that no bank is met twice

// Tiles of out: a block's rows and columns, blocks above each other that are a worker, and clocks that a slab takes, measured on
// an H200, by which the launcher chooses: memory sets the pace of few rows, the second-level cache and the tensor cores that of
// many.
constexpr int kSlimRows = 64;
constexpr int kSlimColumns = 128;
constexpr int kSlimCluster = 1;
constexpr int kSlimClocks = 900;
constexpr int kFlatRows = 64;
constexpr int kFlatColumns = 224;
constexpr int kFlatCluster = 1;
constexpr int kFlatClocks = 1590;
constexpr int kSquareRows = 128;
constexpr int kSquareColumns = 128;
constexpr int kSquareCluster = 1;
constexpr int kSquareClocks = 1020;
constexpr int kWideRows = 128;
constexpr int kWideColumns = 224;
constexpr int kWideCluster = 1;
constexpr int kWideClocks = 1620;
constexpr int kTallRows = 256;
constexpr int kTallColumns = 112;
constexpr int kTallCluster = 1;
constexpr int kTallClocks = 1590;
constexpr int kPairRows = 128;
constexpr int kPairColumns = 256;
constexpr int kPairCluster = 2;
constexpr int kPairClocks = 1700;

template <int kRowsOf, int kColumnsOf, int kClusterOf>
struct Tile {
  static constexpr bool kSeveral = kRowsOf == kMmaRows;  // weights side by side
  static constexpr int kRows = kRowsOf;
  static constexpr int kColumns = kColumnsOf;
  static constexpr int kCluster = kClusterOf;
};

using Slim = Tile<kSlimRows, kSlimColumns, kSlimCluster>;
using Flat = Tile<kFlatRows, kFlatColumns, kFlatCluster>;
using Square = Tile<kSquareRows, kSquareColumns, kSquareCluster>;
using Wide = Tile<kWideRows, kWideColumns, kWideCluster>;
using Tall = Tile<kTallRows, kTallColumns, kTallCluster>;
using Pair = Tile<kPairRows, kPairColumns, kPairCluster>;

// The weight that a tile belongs to, and the tile's place in it.
struct Part {
  const TensorMap* w;
  const void* wScales;
  float* out;
  int n;
  int column;  // in tiles

  template <typename TileOf>
  static __device__ __forceinline__ int tiles(const Parameters& p, int weight) {
    return (p.n[weight] + TileOf::kColumns - 1) / TileOf::kColumns;
  }

  template <typename TileOf>
  static __device__ __forceinline__ int allTiles(const Parameters& p) {
    if constexpr (TileOf::kSeveral) return tiles<TileOf>(p, 0) + tiles<TileOf>(p, 1) + tiles<TileOf>(p, 2);
    return tiles<TileOf>(p, 0);
  }

  template <typename TileOf>
  static __device__ __forceinline__ Part of(const Parameters& p, int column) {
    if constexpr (TileOf::kSeveral) {
      const int first = tiles<TileOf>(p, 0);
      const int second = tiles<TileOf>(p, 1);
      if (column >= first + second) return {&p.w2, p.wScales[2], p.out[2], p.n[2], column - first - second};
      if (column >= first) return {&p.w1, p.wScales[1], p.out[1], p.n[1], column - first};
    }
    return {&p.w, p.wScales[0], p.out[0], p.n[0], column};
  }
};

// A warpgroup computes kBlocks x 64 rows, kDown x kAcross of them a tile.
template <typename Type, typename TileOf, int kBlocks, int kDown, int kAcross, int kStages>
struct Product {
  static_assert(kDown * kAcross == kConsumers && kDown * kBlocks * kMmaRows == TileOf::kRows, "warpgroups cover the tile");
  static constexpr int kRows = TileOf::kRows;
  static constexpr int kColumns = TileOf::kColumns;
  static constexpr int kCluster = TileOf::kCluster;
  static constexpr int kGroupRows = kBlocks * kMmaRows;
  static constexpr int kWidth = kColumns / kAcross;      // of a warpgroup
  static constexpr int kABytes = kRows * kSlabBytes;
  static constexpr int kStageBytes = kABytes + kColumns * kSlabBytes;
  static constexpr int kPassing = kConsumerWarps * kMmaWarpRows * kPitch;  // numbers on their way out
  static constexpr int kSharedBytes = kStages * kStageBytes + kPassing * 4 + kSwizzleBytes;  // stages start where the swizzle does
  static constexpr int kSums = kWidth / 2;               // of a thread and 64 rows
  static constexpr int kScales = kWidth + kGroupRows;    // of a warpgroup: of columns, then of rows
  static constexpr int kThreadScales = (kScales + kGroupThreads - 1) / kGroupThreads;
  static_assert(kStageBytes % kSwizzleBytes == 0, "stages start where the swizzle does");
  using Sum = typename Type::Sum;
  using Sums = Sum[kBlocks][kSums];
  using Stages = Ring<kStages>;

  static __device__ __forceinline__ void run(const Parameters& p) {
    extern __shared__ uint8_t shared[];
    __shared__ __align__(8) uint64_t full[kStages];
    __shared__ __align__(8) uint64_t empty[kStages];
    __shared__ __align__(16) float scales[kConsumers][kScales];
    const uint32_t ring = (sharedAddress(shared) + kSwizzleBytes - 1) / kSwizzleBytes * kSwizzleBytes;
    const uint32_t fullBarriers = sharedAddress(full);
    const uint32_t emptyBarriers = sharedAddress(empty);
    if (threadIdx.x == 0) {
      for (int stage = 0; stage < kStages; stage++) {
        initBarrier(fullBarriers + 8 * stage, 1);
        initBarrier(emptyBarriers + 8 * stage, kConsumerWarps * kCluster);
      }
      publishBarriers();
    }
    if constexpr (kCluster > 1) {
      syncCluster();
    } else {
      __syncthreads();
    }
    enterStream();

    const Tiles tiles = {(p.m + kRows * kCluster - 1) / (kRows * kCluster), Part::allTiles<TileOf>(p)};
    const Slice slice((p.rowBytes + kSlabBytes - 1) / kSlabBytes);
    const int group = threadIdx.x / kGroupThreads;
    if (group == 0) {
      giveRegisters<kProducerRegisters>();
      if (threadIdx.x == 0) produce(p, tiles, slice, ring, fullBarriers, emptyBarriers);
    } else {
      takeRegisters<kConsumerRegisters>();
      float* passing = reinterpret_cast<float*>(shared + (ring - sharedAddress(shared)) + kStages * kStageBytes);
      consume(p, tiles, slice, ring, fullBarriers, emptyBarriers, group - 1, scales[group - 1], passing);
    }
    if constexpr (kCluster > 1) syncCluster();  // nobody leaves whose memory or barriers another one uses
  }

  static __device__ __forceinline__ int rank() { return kCluster > 1 ? rankInCluster() : 0; }

  static __device__ __forceinline__ void produce(
      const Parameters& p, const Tiles& tiles, const Slice& slice, uint32_t ring, uint32_t full, uint32_t empty) {
    constexpr int kPart = kColumns / kCluster;
    Stages at;
    for (int tile = blockIdx.x / kCluster; tile < tiles.count(); tile += gridDim.x / kCluster) {
      int row;
      int column;
      tiles.find(tile, row, column);
      const int aRow = (row * kCluster + rank()) * kRows;
      const Part part = Part::of<TileOf>(p, column);
      const int wRow = part.column * kColumns + rank() * kPart;
      for (int slab = slice.from; slab < slice.from + slice.slabs; slab++) {
        // A fresh barrier counts as having passed the phase before its first.
        await(empty + 8 * at.stage, at.parity ^ 1);
        const uint32_t target = ring + at.stage * kStageBytes;
        const uint32_t barrier = full + 8 * at.stage;
        arriveAndExpect(barrier, kStageBytes);
        fetchBox(target, p.a, slab * kSlabBytes, aRow, barrier);
        const uint32_t wTarget = target + kABytes + rank() * kPart * kSlabBytes;
        if constexpr (kCluster > 1) {
          fetchBoxFor((1 << kCluster) - 1, wTarget, *part.w, slab * kSlabBytes, wRow, barrier);
        } else {
          fetchBox(wTarget, *part.w, slab * kSlabBytes, wRow, barrier);
        }
        at.advance();
      }
    }
  }

  static __device__ __forceinline__ void consume(
      const Parameters& p, const Tiles& tiles, const Slice& slice, uint32_t ring, uint32_t full, uint32_t empty, int group,
      float* scales, float* passing) {
    const int thread = threadIdx.x % kGroupThreads;
    const int lane = thread % kWarp;
    const int down = group / kAcross;
    const int across = group % kAcross;
    const uint64_t a = describe(ring + down * kGroupRows * kSlabBytes);
    const uint64_t w = describe(ring + kABytes + across * kWidth * kSlabBytes);
    const uint32_t release = kCluster > 1 ? addressIn(empty, lane % kCluster) : empty;
    const Slices<kConsumerThreads, Sum, kBlocks, kSums> slices(p.parts, p.tickets, threadIdx.x - kGroupThreads);
    const Turns turns(group);
    Stages at;
    for (int tile = blockIdx.x / kCluster; tile < tiles.count(); tile += gridDim.x / kCluster) {
      int row;
      int column;
      tiles.find(tile, row, column);
      const int firstRow = (row * kCluster + rank()) * kRows + down * kGroupRows;
      const Part part = Part::of<TileOf>(p, column);
      const int firstColumn = part.column * kColumns + across * kWidth;
      const bool writesLines = isAligned(part.out, part.n * 4, 16);
      float loaded[kThreadScales];
#pragma unroll
      for (int i = 0; i < kThreadScales; i++) loaded[i] = scaleOf(p, part, firstRow, firstColumn, thread + i * kGroupThreads);
      Sums sums;
      multiply(sums, slice.slabs, a, w, full, release, turns, lane, at);
      syncConsumer(group);
#pragma unroll
      for (int i = 0; i < kThreadScales; i++) {
        if (thread + i * kGroupThreads < kScales) scales[thread + i * kGroupThreads] = loaded[i];
      }
      syncConsumer(group);
      const int warpRow = thread / kWarp * kMmaWarpRows;
      const OutRows rows(p, part, scales + kWidth, firstRow, warpRow + lane / 4);
      if (gridDim.y == 1 && writesLines) {
        float* warpPassing = passing + (threadIdx.x - kGroupThreads) / kWarp * kMmaWarpRows * kPitch;
        storeLines(p, part, sums, rows, scales, warpPassing, firstRow + warpRow, firstColumn, lane);
      } else {
        slices.finish(sums, tile * kCluster + rank(), [&](int i, const Sum(&four)[4]) {
          store(part, four, rows, scales, firstColumn, lane % 4 * 2, i);
        });
      }
    }
    turns.end();
  }

  // A slab's products run while the next one's are submitted, or while the ones of the other warpgroup's sums go on in f32.
  static __device__ __forceinline__ void multiply(
      Sums& sums, int slabs, uint64_t a, uint64_t w, uint32_t full, uint32_t release, const Turns& turns, int lane,
      Stages& at) {
    constexpr int kStageStep = kStageBytes >> 4;
    if constexpr (Type::kPromotes) {
#pragma unroll
      for (int block = 0; block < kBlocks; block++) {
#pragma unroll
        for (int i = 0; i < kSums; i++) sums[block][i] = 0;
      }
      for (int slab = 0; slab < slabs; slab++) {
        await(full + 8 * at.stage, at.parity);
        Sum slabSums[kSums];
#pragma unroll
        for (int block = 0; block < kBlocks; block++) {
          turns.await();
          beginMultiplying();
          multiplyBlock(slabSums, a + at.stage * kStageStep, w + at.stage * kStageStep, block, false);
          commitProducts();
          turns.pass();
          awaitProducts<0>();
          settle(slabSums);
          if (block == kBlocks - 1) free(release, at.stage, lane);
#pragma unroll
          for (int i = 0; i < kSums; i++) sums[block][i] += slabSums[i];
        }
        at.advance();
      }
    } else {
      int before = at.stage;
      submit(sums, a, w, full, at, false);
      for (int slab = 1; slab < slabs; slab++) {
        submit(sums, a, w, full, at, true);
        awaitProducts<1>();
        free(release, before, lane);
        before = before + 1 == kStages ? 0 : before + 1;
      }
      awaitProducts<0>();
      free(release, before, lane);
#pragma unroll
      for (int block = 0; block < kBlocks; block++) settle(sums[block]);
    }
  }

  static __device__ __forceinline__ void submit(Sums& sums, uint64_t a, uint64_t w, uint32_t full, Stages& at, bool keeps) {
    constexpr int kStageStep = kStageBytes >> 4;
    await(full + 8 * at.stage, at.parity);
    beginMultiplying();
#pragma unroll
    for (int block = 0; block < kBlocks; block++) {
      multiplyBlock(sums[block], a + at.stage * kStageStep, w + at.stage * kStageStep, block, keeps);
    }
    commitProducts();
    at.advance();
  }

  static __device__ __forceinline__ void multiplyBlock(Sum (&sums)[kSums], uint64_t a, uint64_t w, int block, bool keeps) {
#pragma unroll
    for (int step = 0; step < kSlabBytes / kMmaBytes; step++) {
      const int bytes = step * kMmaBytes;
      Type::multiply(sums, a + ((block * kMmaRows * kSlabBytes + bytes) >> 4), w + (bytes >> 4), keeps || step > 0);
    }
  }

  // Every block of the cluster has written to the stage.
  static __device__ __forceinline__ void free(uint32_t release, int stage, int lane) {
    if (lane < kCluster) arrive(release + 8 * stage);
  }

  // Scale `i` of a warpgroup's.
  static __device__ __forceinline__ float scaleOf(const Parameters& p, const Part& part, int row, int column, int i) {
    const int m = row + i - kWidth;
    const int n = column + i;
    if (i < kWidth) return n < part.n ? scaleAt(part.wScales, p.wScaleType, p.wScalePerRow, n) : 0.0f;
    return i < kScales && m < p.m ? scaleAt(p.aScales, p.aScaleType, p.aScalePerRow, m) : 0.0f;
  }

  static __device__ __forceinline__ float scaleAt(const void* scales, int type, bool perRow, int index) {
    return scales == nullptr ? 1.0f : loadNumber(scales, type, perRow ? index : 0);
  }

  // Of a thread: where its rows of out begin, null for those that are not there, and their scales.
  struct OutRows {
    float* begins[kBlocks][2];
    float scales[kBlocks][2];

    __device__ __forceinline__ OutRows(const Parameters& p, const Part& part, const float* groupScales, int firstRow, int row) {
#pragma unroll
      for (int block = 0; block < kBlocks; block++) {
#pragma unroll
        for (int half = 0; half < 2; half++) {
          const int inGroup = row + block * kMmaRows + 8 * half;
          const int m = firstRow + inGroup;
          begins[block][half] = m < p.m ? part.out + m * static_cast<int64_t>(part.n) : nullptr;
          scales[block][half] = groupScales[inGroup];
        }
      }
    }
  };

  // Passes a warp's sums of whole lines of out through shared memory, so that they are written as such: single pieces of lines
  // would take memory many times as long.
  static __device__ __forceinline__ void storeLines(
      const Parameters& p, const Part& part, const Sums& sums, const OutRows& rows, const float* scales, float* passing,
      int firstRow, int firstColumn, int lane) {
#pragma unroll
    for (int block = 0; block < kBlocks; block++) {
#pragma unroll
      for (int column = 0; column < kWidth; column += kLine) {
        constexpr int kLast = kWidth % kLine == 0 ? kLine : kWidth % kLine;
        const int columns = column + kLine <= kWidth ? kLine : kLast;
        __syncwarp();
#pragma unroll
        for (int j = 0; j < columns / 8; j++) {
          const int inGroup = column + 8 * j + lane % 4 * 2;
          const float2 wScales = *reinterpret_cast<const float2*>(scales + inGroup);
          const Sum* four = &sums[block][(column / 8 + j) * 4];
#pragma unroll
          for (int half = 0; half < 2; half++) {
            const float aScale = rows.scales[block][half];
            float* to = passing + (lane / 4 + 8 * half) * kPitch + inGroup - column;
            *reinterpret_cast<float2*>(to) = make_float2(
                static_cast<float>(four[2 * half]) * aScale * wScales.x,
                static_cast<float>(four[2 * half + 1]) * aScale * wScales.y);
          }
        }
        __syncwarp();
        const int lanes = columns / 4;  // that write a row
        const int n = firstColumn + column + lane % lanes * 4;
#pragma unroll
        for (int row = 0; row < kMmaWarpRows; row += kWarp / lanes) {
          const int m = firstRow + block * kMmaRows + row + lane / lanes;
          const float4 line = *reinterpret_cast<const float4*>(passing + (row + lane / lanes) * kPitch + lane % lanes * 4);
          if (m < p.m && n < part.n) __stcs(reinterpret_cast<float4*>(part.out + m * static_cast<int64_t>(part.n) + n), line);
        }
      }
    }
  }

  // A thread holds two neighbours of a row, and two of the row 8 below, in every 8 columns and 64 rows.
  static __device__ __forceinline__ void store(
      const Part& part, const Sum (&four)[4], const OutRows& rows, const float* scales, int firstColumn, int column, int i) {
    constexpr int kQuads = kSums / 4;  // of 64 rows
    const bool first = i < kQuads;
    column += i % kQuads * 8;
    const int n = firstColumn + column;
    if (n >= part.n) return;
    const float2 wScales = *reinterpret_cast<const float2*>(scales + column);
#pragma unroll
    for (int half = 0; half < 2; half++) {
      float* out = first ? rows.begins[0][half] : rows.begins[kBlocks - 1][half];
      if (out == nullptr) continue;
      const float aScale = first ? rows.scales[0][half] : rows.scales[kBlocks - 1][half];
      const float low = static_cast<float>(four[2 * half]) * aScale * wScales.x;
      const float high = static_cast<float>(four[2 * half + 1]) * aScale * wScales.y;
      if (part.n % 2 == 0) {
        __stcs(reinterpret_cast<float2*>(out + n), make_float2(low, high));
      } else {
        out[n] = low;
        if (n + 1 < part.n) out[n + 1] = high;
      }
    }
  }
};

}  // namespace

#define MATMUL(name, type, tile, blocks, down, across, stages)                                                      \
  extern "C" __global__ __cluster_dims__(tile::kCluster, 1, 1) __launch_bounds__(kThreads, 1)                        \
      void matmul_hopper_##name##_##tile(const __grid_constant__ Parameters p) {                                     \
    Product<type, tile, blocks, down, across, stages>::run(p);                                                       \
  }                                                                                                                  \
  OCTAVO_LAUNCH(                                                                                                     \
      matmul_hopper_##name##_##tile, kThreads, Product<type, tile, blocks, down, across, stages>::kSharedBytes)

#define MATMULS(name, type)               \
  MATMUL(name, type, Slim, 1, 1, 2, 8)    \
  MATMUL(name, type, Flat, 1, 1, 2, 5)    \
  MATMUL(name, type, Square, 1, 2, 1, 6)  \
  MATMUL(name, type, Tall, 2, 2, 1, 4)

MATMULS(bf16, Bf16)
MATMUL(bf16, Bf16, Wide, 1, 2, 1, 4)
MATMUL(bf16, Bf16, Pair, 1, 2, 1, 4)

MATMULS(i8, I8)
MATMUL(i8, I8, Wide, 1, 2, 1, 4)
MATMUL(i8, I8, Pair, 1, 2, 1, 4)

// With a second set of sums, registers do not suffice for warpgroups above each other.
MATMULS(e4m3, E4m3)
MATMUL(e4m3, E4m3, Wide, 2, 1, 2, 4)
MATMUL(e4m3, E4m3, Pair, 2, 1, 2, 4)

OCTAVO_CONSTANTS(
    matmul_hopper, kSlabBytes, kMostWeights, kSlimRows, kSlimColumns, kSlimCluster, kSlimClocks, kFlatRows, kFlatColumns, kFlatCluster,
    kFlatClocks, kSquareRows, kSquareColumns, kSquareCluster, kSquareClocks, kWideRows, kWideColumns, kWideCluster, kWideClocks,
    kTallRows, kTallColumns, kTallCluster, kTallClocks, kPairRows, kPairColumns, kPairCluster, kPairClocks)

