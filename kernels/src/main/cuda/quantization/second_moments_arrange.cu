// Second moments in another order of columns, times a share, with more on the diagonal; and the diagonal alone.
//
// Twin: ScalarSecondMoments.java.  Launch: grid = columns for arrange, 1 for diagonal; block = kThreads.
// Targets: all

#include "base/common.cuh"

struct ArrangeParameters {
  const float* sums;  // [columns, columns]
  const int* order;   // [columns], or null
  float* out;         // [columns, columns], or [columns]
  int columns;
  float share;
  float added;
};
OCTAVO_PARAMETERS(second_moments_arrange, ArrangeParameters, sums, order, out, columns, share, added)

namespace {

constexpr int kThreads = 256;

__device__ __forceinline__ float numberAt(const ArrangeParameters& p, int row, int column) {
  const bool exists = static_cast<unsigned>(row) < static_cast<unsigned>(p.columns) &&
                      static_cast<unsigned>(column) < static_cast<unsigned>(p.columns);
  return exists ? p.sums[static_cast<int64_t>(row) * p.columns + column] : nanf("");
}

}  // namespace

OCTAVO_LAUNCH(second_moments_arrange, kThreads, 0)
OCTAVO_LAUNCH(second_moments_diagonal, kThreads, 0)

extern "C" __global__ __launch_bounds__(kThreads) void second_moments_arrange(const __grid_constant__ ArrangeParameters p) {
  const int i = blockIdx.x;
  const int row = p.order == nullptr ? i : p.order[i];
  for (int j = threadIdx.x; j < p.columns; j += kThreads) {
    const float number = __fmul_rn(numberAt(p, row, p.order == nullptr ? j : p.order[j]), p.share);
    p.out[static_cast<int64_t>(i) * p.columns + j] = i == j ? number + p.added : number;
  }
}

extern "C" __global__ __launch_bounds__(kThreads) void second_moments_diagonal(const __grid_constant__ ArrangeParameters p) {
  for (int i = threadIdx.x; i < p.columns; i += kThreads) p.out[i] = numberAt(p, i, i);
}
