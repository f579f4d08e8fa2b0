// sums += x^T x on Hopper's tensor cores: bf16 numbers, f32 sums, of which the upper triangle counts; or the whole of x^T y.
//
// Tokens are k and both operands are columns of x, so wgmma takes both transposed. Two neighbouring blocks compute a tile of
// kTile x kTile, each half of its rows, and go through tokens in step with all others, so that most of x comes out of L2.
// Of x^T x only tiles that touch the upper triangle are computed, over all tokens as long as there is one for every two blocks. The
// last of them, too few for that, are shared out by tokens: such a share goes to `parts`, and second_moments_fold adds them
// in their order. wgmma cuts sums off after every kStepTokens tokens, which costs half a unit in their last place each.
//
// Twin: ScalarSecondMoments.java; fallback: second_moments_general.cu.  Launch: grid = an even number of blocks, block =
// kThreads, dynamic shared memory = kStages stages: CudaSecondMoments.java; fold: grid = (tiles shared out, kTile / 4), block
// = kTile.  Any tokens >= 1; columns a multiple of 8; a share holds a slab or more.
// Targets: sm_90a

#include "base/hopper.cuh"

struct Parameters {
  TensorMap x;   // [tokens, columns] in boxes of kSlabTokens x kSlabBytes
  TensorMap y;   // the same, or x again
  float* sums;   // [columns, columns]
  float* parts;  // [tiles shared out, shares, kTile, kTile]
  int tokens;
  int columns;
  int wholeTiles;  // each computed by one pair of blocks
  int shares;      // of each of the others
  int whole;       // whether all sums count, not the upper triangle alone
};
OCTAVO_OVERLAPPING_PARAMETERS(second_moments, Parameters, x, y, sums, parts, tokens, columns, wholeTiles, shares, whole)

namespace {

constexpr int kTile = 256;
constexpr int kBand = 8;  // tiles of columns that blocks go through at a time, sharing operands in L2

// Where a tile lies, in tiles: one of all, or one of the upper triangle.
struct Place {
  int row;
  int column;

  __device__ __forceinline__ Place(int tile, int tiles, bool whole) {
    if (whole) {
      const int first = tile / (tiles * kBand) * kBand;
      const int across = min(kBand, tiles - first);
      row = (tile - first * tiles) / across;
      column = first + (tile - first * tiles) % across;
      return;
    }
    int from = 0;
    int width = min(kBand, tiles);
    while (true) {
      // Rows up to the band's first column are whole; each below has one tile less.
      const int count = (from + 1) * width + width * (width - 1) / 2;
      if (tile < count) break;
      tile -= count;
      from += kBand;
      width = min(kBand, tiles - from);
    }
    if (tile < (from + 1) * width) {
      row = tile / width;
      column = from + tile % width;
      return;
    }
    tile -= (from + 1) * width;
    row = from + 1;
    int left = width - 1;
    while (tile >= left) {
      tile -= left--;
      row++;
    }
    column = row + tile;
  }
};

}  // namespace

#if !defined(__CUDA_ARCH__) || defined(__CUDA_ARCH_FEAT_SM90_ALL)

namespace {

constexpr int kSlabTokens = 64;
constexpr int kStepTokens = 16;  // that one wgmma consumes
constexpr int kBoxBytes = kSlabTokens * kSlabBytes;
constexpr int kBoxColumns = kSlabBytes / 2;
constexpr int kRows = kTile / 2;  // of a tile, that a block computes
constexpr int kConsumers = 2;
constexpr int kThreads = (1 + kConsumers) * kGroupThreads;
constexpr int kRowBytes = kRows / kBoxColumns * kBoxBytes;
constexpr int kColumnBoxes = kTile / kBoxColumns;
constexpr int kStageBytes = kRowBytes + kColumnBoxes * kBoxBytes;
constexpr int kStages = 4;
constexpr int kSums = kTile / 2;  // of a thread
constexpr int kFoldedRows = 4;    // of a block
constexpr int kProducerRegisters = 40;
constexpr int kConsumerRegisters = 232;

// d (+)= a^T w over kStepTokens.
__device__ __forceinline__ void multiply(float (&d)[kSums], uint64_t a, uint64_t w, int keeps) {
  asm volatile(
      "{\n.reg .pred p;\n"
      "setp.ne.b32 p, %130, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n256k16.f32.bf16.bf16 {" OPERANDS_128 "}, %128, %129, p, 1, 1, 1, 1;\n}"
      : REGISTERS_128(FLOAT_1, d)
      : "l"(a), "l"(w), "r"(keeps));
}

// What a pair of blocks does: tiles, then shares of tiles.
struct Walk {
  int tiles;
  int slabs;
  int wholeTiles;
  int shares;
  int end;
  bool whole;

  __device__ __forceinline__ explicit Walk(const Parameters& p)
      : tiles((p.columns + kTile - 1) / kTile),
        slabs((p.tokens + kSlabTokens - 1) / kSlabTokens),
        wholeTiles(p.wholeTiles),
        shares(p.shares), whole(p.whole != 0) {
    end = wholeTiles + ((whole ? tiles * tiles : tiles * (tiles + 1) / 2) - wholeTiles) * shares;
  }

  // The tile, and which of its tokens, that `index` is; -1 for a whole one, otherwise the share.
  __device__ __forceinline__ int find(int index, int& tile, int& from, int& to) const {
    if (index < wholeTiles) {
      tile = index;
      from = 0;
      to = slabs;
      return -1;
    }
    const int share = (index - wholeTiles) % shares;
    tile = wholeTiles + (index - wholeTiles) / shares;
    from = static_cast<int>(static_cast<int64_t>(slabs) * share / shares);
    to = static_cast<int>(static_cast<int64_t>(slabs) * (share + 1) / shares);
    return index - wholeTiles;
  }
};

using Slabs = Ring<kStages>;

__device__ __forceinline__ void produce(const Parameters& p, uint32_t ring, uint32_t full, uint32_t empty, uint32_t rank) {
  const Walk walk(p);
  Slabs at;
  for (int index = blockIdx.x / 2; index < walk.end; index += gridDim.x / 2) {
    int tile, from, to;
    walk.find(index, tile, from, to);
    const Place place(tile, walk.tiles, walk.whole);
    const int row = (place.row * kTile + rank * kRows) * 2;
    const int column = place.column * kTile * 2;
    for (int slab = from; slab < to; slab++) {
      // A fresh barrier counts as having passed the phase before its first.
      await(empty + 8 * at.stage, at.parity ^ 1);
      const uint32_t target = ring + at.stage * kStageBytes;
      const uint32_t barrier = full + 8 * at.stage;
      arriveAndExpect(barrier, kStageBytes);
      for (int box = 0; box < kRows / kBoxColumns; box++) {
        fetchBox(target + box * kBoxBytes, p.x, row + box * kSlabBytes, slab * kSlabTokens, barrier);
      }
      for (int box = 0; box < kColumnBoxes; box++) {
        fetchBox(target + kRowBytes + box * kBoxBytes, p.y, column + box * kSlabBytes, slab * kSlabTokens, barrier);
      }
      at.advance();
    }
  }
}

// A thread holds two neighbours of a row, and two of the row 8 below, in every 8 columns.
__device__ __forceinline__ void store(const Parameters& p, const float (&sums)[kSums], int row, int column) {
#pragma unroll
  for (int j = 0; j < kTile / 8; j++) {
#pragma unroll
    for (int h = 0; h < 2; h++) {
      const int m = row + 8 * h;
      const int n = column + 8 * j;
      if (m < p.columns && n < p.columns) {
        float2* at = reinterpret_cast<float2*>(p.sums + static_cast<int64_t>(m) * p.columns + n);
        const float2 before = *at;
        *at = make_float2(before.x + sums[4 * j + 2 * h], before.y + sums[4 * j + 2 * h + 1]);
      }
    }
  }
}

__device__ __forceinline__ void storePart(float* part, const float (&sums)[kSums], int row, int column) {
#pragma unroll
  for (int j = 0; j < kTile / 8; j++) {
#pragma unroll
    for (int h = 0; h < 2; h++) {
      *reinterpret_cast<float2*>(part + (row + 8 * h) * kTile + column + 8 * j) =
          make_float2(sums[4 * j + 2 * h], sums[4 * j + 2 * h + 1]);
    }
  }
}

__device__ __forceinline__ void consume(
    const Parameters& p, uint32_t ring, uint32_t full, uint32_t empty, uint32_t rank, int group) {
  const Walk walk(p);
  const int lane = threadIdx.x % kWarp;
  const int ownRow = group * 64 + threadIdx.x % kGroupThreads / kWarp * 16 + lane / 4;
  const int ownColumn = lane % 4 * 2;
  Slabs at;
  for (int index = blockIdx.x / 2; index < walk.end; index += gridDim.x / 2) {
    int tile, from, to;
    const int share = walk.find(index, tile, from, to);
    const Place place(tile, walk.tiles, walk.whole);
    float sums[kSums];
    int before = at.stage;
    for (int slab = from; slab < to; slab++) {
      await(full + 8 * at.stage, at.parity);
      const uint32_t stage = ring + at.stage * kStageBytes;
      const uint64_t a = describe(stage + group * kBoxBytes, kBoxBytes);
      const uint64_t w = describe(stage + kRowBytes, kBoxBytes);
      beginMultiplying();
#pragma unroll
      for (int step = 0; step < kSlabTokens / kStepTokens; step++) {
        constexpr int kStepBytes = kStepTokens * kSlabBytes;
        multiply(sums, a + step * (kStepBytes >> 4), w + step * (kStepBytes >> 4), slab > from || step > 0);
      }
      commitProducts();
      awaitProducts<1>();
      if (slab > from && lane == 0) arrive(empty + 8 * before);
      before = at.stage;
      at.advance();
    }
    awaitProducts<0>();
    if (lane == 0) arrive(empty + 8 * before);
    if (share < 0) {
      store(p, sums, place.row * kTile + rank * kRows + ownRow, place.column * kTile + ownColumn);
    } else {
      storePart(p.parts + static_cast<int64_t>(share) * kTile * kTile, sums, rank * kRows + ownRow, ownColumn);
    }
  }
}

}  // namespace

extern "C" __global__ __launch_bounds__(kThreads, 1) void second_moments(
    const __grid_constant__ Parameters p) {
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
    publishBarriers();
  }
  __syncthreads();
  enterStream();
  const uint32_t rank = blockIdx.x % 2;
  const int group = threadIdx.x / kGroupThreads;
  if (group == 0) {
    giveRegisters<kProducerRegisters>();
    if (threadIdx.x == 0) produce(p, ring, fullBarriers, emptyBarriers, rank);
  } else {
    takeRegisters<kConsumerRegisters>();
    consume(p, ring, fullBarriers, emptyBarriers, rank, group - 1);
  }
}

#endif

OCTAVO_CONSTANTS(second_moments, kTile, kSlabTokens, kSlabBytes, kFoldedRows)
OCTAVO_LAUNCH(second_moments, kThreads, kStages * kStageBytes + kSwizzleBytes)
OCTAVO_LAUNCH(second_moments_fold, kTile, 0)

// Adds the shares of a tile to its sums, in their order: a block those of four rows.
extern "C" __global__ __launch_bounds__(kTile) void second_moments_fold(const __grid_constant__ Parameters p) {
  enterStream();
  const int tiles = (p.columns + kTile - 1) / kTile;
  const Place place(p.wholeTiles + blockIdx.x, tiles, p.whole != 0);
  const int inTile = blockIdx.y * kFoldedRows + threadIdx.x / 64;
  const int row = place.row * kTile + inTile;
  const int column = place.column * kTile + threadIdx.x % 64 * 4;
  if (row >= p.columns || column >= p.columns) return;
  const float4* part = reinterpret_cast<const float4*>(
      p.parts + (static_cast<int64_t>(blockIdx.x) * p.shares * kTile + inTile) * kTile + threadIdx.x % 64 * 4);
  float4 sum = {};
#pragma unroll 4
  for (int share = 0; share < p.shares; share++) {
    const float4 more = part[static_cast<int64_t>(share) * kTile * kTile / 4];
    sum = make_float4(sum.x + more.x, sum.y + more.y, sum.z + more.z, sum.w + more.w);
  }
  float4* at = reinterpret_cast<float4*>(p.sums + static_cast<int64_t>(row) * p.columns + column);
  const float4 before = *at;
  *at = make_float4(before.x + sum.x, before.y + sum.y, before.z + sum.z, before.w + sum.w);
}
