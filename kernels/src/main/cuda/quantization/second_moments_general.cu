// sums += x^T x on tensor cores of any kind: bf16 numbers, f32 sums, of which the upper triangle counts; or the whole of x^T y.
//
// A block computes a tile of kTile x kTile over all tokens, kSlabTokens at a time, and a warp a quarter of it. Of groups of tokens,
// each has sums of its own.
//
// Twin: ScalarSecondMoments.java.  Launch: grid = (tiles of columns, tiles of columns, groups or 1), block = kThreads.  Any tokens,
// columns.
// Targets: all

#include "base/async_copy.cuh"

struct GeneralParameters {
  const __nv_bfloat16* x;  // [tokens, columns]
  const __nv_bfloat16* y;  // [tokens, columns], x again for the upper triangle
  float* sums;             // [groups, columns, columns]
  int tokens;
  int columns;
  int inChunks;            // whether rows are whole, aligned chunks of 16 bytes
  int whole;               // whether all sums count, not the upper triangle alone
  const int* starts;       // [groups + 1]: where tokens of each begin; null for one group of all
  int* counts;             // [groups]: tokens that came
};
OCTAVO_OVERLAPPING_PARAMETERS(second_moments_general, GeneralParameters, x, y, sums, tokens, columns, inChunks, whole, starts, counts)

namespace {

constexpr int kTile = 64;
constexpr int kSlabTokens = 32;
constexpr int kStepTokens = 16;
constexpr int kWarpTile = 32;
constexpr int kThreads = 128;
constexpr int kChunk = 8;  // numbers in 16 bytes
constexpr int kChunks = kTile / kChunk;

// Chunks are swapped so that eight tokens of one column lie in different banks.
__device__ __forceinline__ uint32_t chunkAt(int token, int chunk) {
  return (token * kChunks + (chunk ^ token % kChunks)) * 16;
}

__device__ __forceinline__ void fetch(
    const GeneralParameters& p, const __nv_bfloat16* x, uint8_t* slab, int token, int end, int column) {
#pragma unroll
  for (int i = threadIdx.x; i < kSlabTokens * kChunks; i += kThreads) {
    const int inSlab = i / kChunks;
    const int first = column + i % kChunks * kChunk;
    const __nv_bfloat16* from = x + (token + inSlab) * static_cast<int64_t>(p.columns) + first;
    const bool exists = token + inSlab < end;
    __align__(16) __nv_bfloat16 chunk[kChunk];
    if (p.inChunks) {
      *reinterpret_cast<uint4*>(chunk) =
          exists && first < p.columns ? *reinterpret_cast<const uint4*>(from) : make_uint4(0, 0, 0, 0);
    } else {
#pragma unroll
      for (int c = 0; c < kChunk; c++) chunk[c] = exists && first + c < p.columns ? from[c] : __float2bfloat16_rn(0.0f);
    }
    *reinterpret_cast<uint4*>(slab + chunkAt(inSlab, i % kChunks)) = *reinterpret_cast<const uint4*>(chunk);
  }
}

__device__ __forceinline__ void multiply(float (&d)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

}  // namespace

OCTAVO_CONSTANTS(second_moments_general, kTile)
OCTAVO_LAUNCH(second_moments_general, kThreads, 0)

extern "C" __global__ __launch_bounds__(kThreads) void second_moments_general(
    const __grid_constant__ GeneralParameters p) {
  __shared__ __align__(128) uint8_t rows[kSlabTokens * kTile * 2];
  __shared__ __align__(128) uint8_t columns[kSlabTokens * kTile * 2];
  enterStream();
  if (p.whole == 0 && blockIdx.y > blockIdx.x) return;
  // Inside x whatever the starts say.
  const int begin = p.starts == nullptr ? 0 : max(p.starts[blockIdx.z], 0);
  const int end = p.starts == nullptr ? p.tokens : min(p.starts[blockIdx.z + 1], p.tokens);
  if (begin >= end) return;
  float* target = p.sums + static_cast<int64_t>(blockIdx.z) * p.columns * p.columns;
  if (p.counts != nullptr && blockIdx.x == 0 && blockIdx.y == 0 && threadIdx.x == 0) p.counts[blockIdx.z] += end - begin;
  const int lane = threadIdx.x % kWarp;
  const int warpRow = threadIdx.x / kWarp / 2 * kWarpTile;
  const int warpColumn = threadIdx.x / kWarp % 2 * kWarpTile;
  float sums[2][4][4] = {};
  for (int token = begin; token < end; token += kSlabTokens) {
    __syncthreads();
    fetch(p, p.x, rows, token, end, blockIdx.y * kTile);
    fetch(p, p.y, columns, token, end, blockIdx.x * kTile);
    __syncthreads();
#pragma unroll
    for (int step = 0; step < kSlabTokens; step += kStepTokens) {
      uint32_t a[2][4];
      uint32_t b[2][4];
#pragma unroll
      for (int i = 0; i < 2; i++) {
        loadTransposed(
            a[i], sharedAddress(rows) + chunkAt(step + lane / 16 * 8 + lane % 8, (warpRow + 16 * i) / kChunk + lane / 8 % 2));
        loadTransposed(
            b[i], sharedAddress(columns) + chunkAt(step + lane % 16, (warpColumn + 16 * i) / kChunk + lane / 16));
      }
#pragma unroll
      for (int i = 0; i < 2; i++) {
#pragma unroll
        for (int j = 0; j < 4; j++) multiply(sums[i][j], a[i], b[j / 2][j % 2 * 2], b[j / 2][j % 2 * 2 + 1]);
      }
    }
  }
#pragma unroll
  for (int i = 0; i < 2; i++) {
#pragma unroll
    for (int j = 0; j < 4; j++) {
#pragma unroll
      for (int e = 0; e < 4; e++) {
        const int row = blockIdx.y * kTile + warpRow + 16 * i + e / 2 * 8 + lane / 4;
        const int column = blockIdx.x * kTile + warpColumn + 8 * j + lane % 4 * 2 + e % 2;
        if (row < p.columns && column < p.columns) target[row * static_cast<int64_t>(p.columns) + column] += sums[i][j][e];
      }
    }
  }
}
