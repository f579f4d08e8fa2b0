// Index of the largest value of each row; the smallest index on a tie, -1 if the row holds a NaN.
//
// Twin: ScalarArgMax.java.  Launch: grid = rows, block = a whole number of warps.  columns >= 1.

#include "common.cuh"

struct Parameters {
  const float* x;  // [rows, columns]
  int* indices;    // [rows]
  int64_t columns;
};
OCTAVO_PARAMETERS(arg_max, Parameters, x, indices, columns)

namespace {

// Larger keys win. Ordered bits of the value above, the index inverted below, so that the smallest index wins a tie;
// NaN is above everything.
__device__ __forceinline__ uint64_t key(float value, int index) {
  uint32_t bits = __float_as_uint(value == 0.0f ? 0.0f : value);
  bits = bits & 0x80000000u ? ~bits : bits | 0x80000000u;
  if (isnan(value)) bits = 0xFFFFFFFFu;
  return static_cast<uint64_t>(bits) << 32 | ~static_cast<uint32_t>(index);
}

}  // namespace

extern "C" __global__ __launch_bounds__(kMostThreads) void arg_max(const __grid_constant__ Parameters p) {
  const float* row = p.x + blockIdx.x * p.columns;
  unsigned long long best = 0;
  for (int64_t c = threadIdx.x; c < p.columns; c += blockDim.x) {
    best = Max()(best, static_cast<unsigned long long>(key(row[c], static_cast<int>(c))));
  }
  best = blockReduce(best, Max(), 0ull);
  if (threadIdx.x == 0) {
    const bool nan = best >> 32 == 0xFFFFFFFFu;
    p.indices[blockIdx.x] = nan ? -1 : static_cast<int>(~static_cast<uint32_t>(best));
  }
}
