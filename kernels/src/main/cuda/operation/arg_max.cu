// Index of the largest value of each row; the smallest index on a tie, -1 if the row holds a NaN.
//
// Twin: ScalarArgMax.java.  Launch: grid = rows, block = a whole number of warps.  columns >= 1.
// Targets: all

#include "base/common.cuh"

struct Parameters {
  const float* x;  // [rows, columns]
  int* indices;    // [rows]
  int64_t columns;
};
OCTAVO_OVERLAPPING_PARAMETERS(arg_max, Parameters, x, indices, columns)

namespace {

// Larger keys win. Ordered bits of the value above, the index inverted below, so that the smallest index wins a tie;
// NaN is above everything.
__device__ __forceinline__ uint64_t key(float value, int index) {
  uint32_t bits = __float_as_uint(value == 0.0f ? 0.0f : value);
  bits = bits & 0x80000000u ? ~bits : bits | 0x80000000u;
  if (isnan(value)) bits = 0xFFFFFFFFu;
  return static_cast<uint64_t>(bits) << 32 | ~static_cast<uint32_t>(index);
}

constexpr int kEach = 4;  // vectors that a thread has in flight

// The largest of what a thread sees, columns ascending.
struct Best {
  float value = -INFINITY;
  int index;
  bool hasNan = false;

  __device__ explicit Best(int first) : index(first) {}

  __device__ __forceinline__ void add(float x, int column) {
    hasNan |= isnan(x);
    if (x > value) {
      value = x;
      index = column;
    }
  }

  __device__ __forceinline__ unsigned long long asKey() const { return key(hasNan ? nanf("") : value, index); }
};

}  // namespace

extern "C" __global__ __launch_bounds__(kMostThreads) void arg_max(const __grid_constant__ Parameters p) {
  enterStream();
  const float* row = p.x + blockIdx.x * p.columns;
  const int columns = static_cast<int>(p.columns);
  const int stride = blockDim.x;
  const int vectors = isAligned(p.x, p.columns * sizeof(float), 16) ? columns / 4 : 0;
  const uint4* wide = reinterpret_cast<const uint4*>(row);
  Best best(vectors > 0 ? 4 * threadIdx.x : threadIdx.x);
  int at = threadIdx.x;
  for (; at + (kEach - 1) * stride < vectors; at += kEach * stride) {
    uint4 loaded[kEach];
#pragma unroll
    for (int i = 0; i < kEach; i++) loaded[i] = loadStreaming(wide + at + i * stride);
#pragma unroll
    for (int i = 0; i < kEach; i++) {
#pragma unroll
      for (int e = 0; e < 4; e++) best.add(elementOf<float>(loaded[i], e), 4 * (at + i * stride) + e);
    }
  }
  for (; at < vectors; at += stride) {
    const uint4 loaded = loadStreaming(wide + at);
#pragma unroll
    for (int e = 0; e < 4; e++) best.add(elementOf<float>(loaded, e), 4 * at + e);
  }
  for (int c = 4 * vectors + threadIdx.x; c < columns; c += stride) best.add(row[c], c);
  const bool sawAny = threadIdx.x < (vectors > 0 ? vectors : columns);
  const unsigned long long largest = blockReduce(sawAny ? best.asKey() : 0ull, Max(), 0ull);
  if (threadIdx.x == 0) {
    const bool nan = largest >> 32 == 0xFFFFFFFFu;
    p.indices[blockIdx.x] = nan ? -1 : static_cast<int>(~static_cast<uint32_t>(largest));
  }
}
