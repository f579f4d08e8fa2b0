// An upper triangular matrix with zeros below its diagonal, where it held anything, or the transpose of that.
//
// Twin: ScalarInverseFactor.java.  Launch: grid = (tiles of columns, tiles of columns), block = kThreads.  Any n.
// Targets: all

#include "base/common.cuh"

struct TriangleParameters {
  const float* u;  // [n, n]
  float* out;      // [n, n]
  int n;
  int transposed;
};
OCTAVO_OVERLAPPING_PARAMETERS(inverse_factor_triangle, TriangleParameters, u, out, n, transposed)

namespace {

constexpr int kTile = 32;
constexpr int kThreads = 256;

}  // namespace

OCTAVO_CONSTANTS(inverse_factor_triangle, kTile)
OCTAVO_LAUNCH(inverse_factor_triangle, kThreads, 0)

extern "C" __global__ __launch_bounds__(kThreads) void inverse_factor_triangle(
    const __grid_constant__ TriangleParameters p) {
  __shared__ float tile[kTile][kTile + 1];
  enterStream();
  const int x = threadIdx.x % kTile;
#pragma unroll
  for (int y = threadIdx.x / kTile; y < kTile; y += kThreads / kTile) {
    const int row = blockIdx.y * kTile + y;
    const int column = blockIdx.x * kTile + x;
    const bool kept = row <= column && column < p.n;
    tile[y][x] = kept ? p.u[static_cast<int64_t>(row) * p.n + column] : 0.0f;
  }
  __syncthreads();
  const int firstRow = p.transposed != 0 ? blockIdx.x : blockIdx.y;
  const int firstColumn = p.transposed != 0 ? blockIdx.y : blockIdx.x;
#pragma unroll
  for (int y = threadIdx.x / kTile; y < kTile; y += kThreads / kTile) {
    const int row = firstRow * kTile + y;
    const int column = firstColumn * kTile + x;
    if (row < p.n && column < p.n) {
      p.out[static_cast<int64_t>(row) * p.n + column] = p.transposed != 0 ? tile[x][y] : tile[y][x];
    }
  }
}
