// sums += squares of columns: a block has kColumns of them, and each of its warps every kWarps-th token; warps' sums meet in order.
//
// Twin: ScalarSecondMoments.java.  Launch: grid = ceil(columns / kColumns), block = kThreads.  Any tokens, columns.
// Targets: all

#include "base/common.cuh"

struct SquaresParameters {
  const float* x;  // [tokens, columns]
  float* sums;     // [columns]
  int64_t tokens;
  int columns;
};
OCTAVO_OVERLAPPING_PARAMETERS(second_moments_squares, SquaresParameters, x, sums, tokens, columns)

namespace {

constexpr int kColumns = 32;
constexpr int kWarps = 32;
constexpr int kThreads = kColumns * kWarps;

}  // namespace

OCTAVO_CONSTANTS(second_moments_squares, kColumns)
OCTAVO_LAUNCH(second_moments_squares, kThreads, 0)

extern "C" __global__ __launch_bounds__(kThreads) void second_moments_squares(
    const __grid_constant__ SquaresParameters p) {
  __shared__ float parts[kWarps][kColumns];
  enterStream();
  const int inBlock = threadIdx.x % kColumns;
  const int warp = threadIdx.x / kColumns;
  const int column = blockIdx.x * kColumns + inBlock;
  float sum = 0.0f;
  if (column < p.columns) {
#pragma unroll 4
    for (int64_t token = warp; token < p.tokens; token += kWarps) {
      const float x = p.x[token * p.columns + column];
      sum = fmaf(x, x, sum);
    }
  }
  parts[warp][inBlock] = sum;
  __syncthreads();
  if (warp > 0 || column >= p.columns) return;
  for (int i = 1; i < kWarps; i++) sum += parts[i][inBlock];
  p.sums[column] += sum;
}
