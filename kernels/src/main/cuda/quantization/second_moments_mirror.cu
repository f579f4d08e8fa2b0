// The lower triangles of square matrices become what the upper ones are.
//
// Twin: ScalarSecondMoments.java.  Launch: grid = (tiles of columns, tiles of columns, matrices), block = kThreads.  Any columns.
// Targets: all

#include "base/common.cuh"

struct MirrorParameters {
  float* sums;  // [matrices, columns, columns]
  int columns;
};
OCTAVO_OVERLAPPING_PARAMETERS(second_moments_mirror, MirrorParameters, sums, columns)

namespace {

constexpr int kTile = 32;
constexpr int kThreads = 256;

}  // namespace

OCTAVO_CONSTANTS(second_moments_mirror, kTile)
OCTAVO_LAUNCH(second_moments_mirror, kThreads, 0)

extern "C" __global__ __launch_bounds__(kThreads) void second_moments_mirror(
    const __grid_constant__ MirrorParameters p) {
  __shared__ float tile[kTile][kTile + 1];
  enterStream();
  if (blockIdx.y > blockIdx.x) return;
  float* sums = p.sums + static_cast<int64_t>(blockIdx.z) * p.columns * p.columns;
  const int x = threadIdx.x % kTile;
#pragma unroll
  for (int y = threadIdx.x / kTile; y < kTile; y += kThreads / kTile) {
    const int row = blockIdx.y * kTile + y;
    const int column = blockIdx.x * kTile + x;
    if (row < p.columns && column < p.columns) tile[y][x] = sums[static_cast<int64_t>(row) * p.columns + column];
  }
  __syncthreads();
#pragma unroll
  for (int y = threadIdx.x / kTile; y < kTile; y += kThreads / kTile) {
    const int row = blockIdx.x * kTile + y;
    const int column = blockIdx.y * kTile + x;
    if (row < p.columns && column < row) sums[static_cast<int64_t>(row) * p.columns + column] = tile[x][y];
  }
}
