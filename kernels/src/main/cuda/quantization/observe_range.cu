// The smallest and the largest number that runs of columns have shown: ranges[g] becomes the union of itself and what x has
// in the columns of group g. NaN stays, and -0 is below 0.
//
// Twin: ScalarObserveRange.java.  Launch: grid = chunks of rows * groups, block = kThreads.  Which block comes first does not
// matter: minimum and maximum do not depend on an order.
// Targets: all

#include "base/common.cuh"

struct Parameters {
  const void* x;         // [rows, columns]
  uint32_t* ranges;      // [groups, 2], the bits of F32
  int64_t rows;
  int64_t columns;
  int64_t groupColumns;
  int64_t chunkRows;     // of a block
  int groups;
};
OCTAVO_PARAMETERS(observe_range, Parameters, x, ranges, rows, columns, groupColumns, chunkRows, groups)

namespace {

constexpr int kThreads = 256;

// Numbers as integers in the same order, NaN at the end that it has to win.
struct Low {
  static constexpr uint32_t kNeutral = 0xFFFFFFFFu;
  static constexpr uint32_t kNan = 0u;

  static __device__ __forceinline__ uint32_t better(uint32_t a, uint32_t b) { return min(a, b); }
};

struct High {
  static constexpr uint32_t kNeutral = 0u;
  static constexpr uint32_t kNan = 0xFFFFFFFFu;

  static __device__ __forceinline__ uint32_t better(uint32_t a, uint32_t b) { return max(a, b); }
};

template <typename End>
__device__ __forceinline__ uint32_t keyOf(uint32_t bits) {
  if ((bits & 0x7FFFFFFFu) > 0x7F800000u) return End::kNan;
  return bits >> 31 ? ~bits : bits | 0x80000000u;
}

// The bits of NaN for either end's kNan.
__device__ __forceinline__ uint32_t bitsOf(uint32_t key) {
  return key >> 31 ? key & 0x7FFFFFFFu : ~key;
}

template <typename End>
struct Better {
  __device__ __forceinline__ uint32_t operator()(uint32_t a, uint32_t b) const { return End::better(a, b); }
};

template <typename End>
__device__ __forceinline__ void merge(uint32_t* target, uint32_t found) {
  const uint32_t best = blockReduce(found, Better<End>(), End::kNeutral);
  if (threadIdx.x != 0) return;
  uint32_t old = *target;
  while (true) {
    const uint32_t wanted = bitsOf(End::better(keyOf<End>(old), best));
    if (wanted == old) return;
    const uint32_t before = atomicCAS(target, old, wanted);
    if (before == old) return;
    old = before;
  }
}

struct Ends {
  uint32_t low = Low::kNeutral;
  uint32_t high = High::kNeutral;

  __device__ __forceinline__ void add(float value) {
    const uint32_t bits = __float_as_uint(value);
    low = Low::better(low, keyOf<Low>(bits));
    high = High::better(high, keyOf<High>(bits));
  }
};

template <typename X>
__device__ __forceinline__ void observe(const Parameters& p) {
  constexpr int kCount = Vector<X>::kCount;
  const int group = blockIdx.x % p.groups;
  const int64_t firstRow = blockIdx.x / p.groups * p.chunkRows;
  const int64_t rows = min(p.chunkRows, p.rows - firstRow);
  const X* x = static_cast<const X*>(p.x) + firstRow * p.columns + group * p.groupColumns;
  Ends ends;
  if (isAligned(p.x, p.columns * sizeof(X), 16) && p.groupColumns % kCount == 0) {
    const int64_t across = p.groupColumns / kCount;
#pragma unroll 4
    for (int64_t unit = threadIdx.x; unit < rows * across; unit += kThreads) {
      const int64_t row = unit / across;
      const uint4 vector = loadStreaming(reinterpret_cast<const uint4*>(x + row * p.columns) + (unit - row * across));
#pragma unroll
      for (int i = 0; i < kCount; i++) ends.add(elementOf<X>(vector, i));
    }
  } else {
    for (int64_t unit = threadIdx.x; unit < rows * p.groupColumns; unit += kThreads) {
      const int64_t row = unit / p.groupColumns;
      ends.add(toFloat(x[row * p.columns + (unit - row * p.groupColumns)]));
    }
  }
  merge<Low>(p.ranges + 2 * group, ends.low);
  merge<High>(p.ranges + 2 * group + 1, ends.high);
}

}  // namespace

#define OBSERVE(name, type)                                                                                     \
  OCTAVO_LAUNCH(observe_range_##name, kThreads, 0)                                                              \
  extern "C" __global__ __launch_bounds__(kThreads) void observe_range_##name(const __grid_constant__ Parameters p) { \
    observe<type>(p);                                                                                           \
  }

OBSERVE(f32, float)
OBSERVE(bf16, __nv_bfloat16)
OBSERVE(f16, __half)
