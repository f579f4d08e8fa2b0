// Second moments in another order of columns, times a share, with more on the diagonal; and the diagonal alone.
//
// Twin: ScalarSecondMoments.java.  Launch: grid = (columns for arrange, 1 for diagonal; 1; matrices), block = kThreads.
// Targets: all

#include "base/common.cuh"

struct ArrangeParameters {
  const float* sums;    // [matrices, columns, columns]
  const int* order;     // [matrices, columns], or null
  const float* shares;  // [matrices, 2]: the share, and what is added
  float* out;           // [matrices, columns, columns], or [matrices, columns]
  int columns;
};
OCTAVO_PARAMETERS(second_moments_arrange, ArrangeParameters, sums, order, shares, out, columns)

namespace {

constexpr int kThreads = 256;

__device__ __forceinline__ float numberAt(const ArrangeParameters& p, int row, int column) {
  const bool exists = static_cast<unsigned>(row) < static_cast<unsigned>(p.columns) &&
                      static_cast<unsigned>(column) < static_cast<unsigned>(p.columns);
  return exists ? p.sums[(static_cast<int64_t>(blockIdx.z) * p.columns + row) * p.columns + column] : nanf("");
}

}  // namespace

OCTAVO_LAUNCH(second_moments_arrange, kThreads, 0)
OCTAVO_LAUNCH(second_moments_diagonal, kThreads, 0)

extern "C" __global__ __launch_bounds__(kThreads) void second_moments_arrange(const __grid_constant__ ArrangeParameters p) {
  const int i = blockIdx.x;
  const int* order = p.order == nullptr ? nullptr : p.order + static_cast<int64_t>(blockIdx.z) * p.columns;
  const int row = order == nullptr ? i : order[i];
  const float share = p.shares[2 * blockIdx.z];
  const float added = p.shares[2 * blockIdx.z + 1];
  float* out = p.out + (static_cast<int64_t>(blockIdx.z) * p.columns + i) * p.columns;
  for (int j = threadIdx.x; j < p.columns; j += kThreads) {
    const float number = __fmul_rn(numberAt(p, row, order == nullptr ? j : order[j]), share);
    out[j] = i == j ? number + added : number;
  }
}

extern "C" __global__ __launch_bounds__(kThreads) void second_moments_diagonal(const __grid_constant__ ArrangeParameters p) {
  float* out = p.out + static_cast<int64_t>(blockIdx.z) * p.columns;
  for (int i = threadIdx.x; i < p.columns; i += kThreads) out[i] = numberAt(p, i, i);
}
