// Counts magnitudes in bins of one width; what is not finite counts in the last column. Integers know no order, so neither
// does the result.
//
// Numbers of few bits lie on grids, whose bins share few banks of shared memory: so within a run of 32 a bin's place also depends
// on which run it is.
//
// Twin: ScalarObserveHistogram.java.  Launch: grid = any, block = kThreads, dynamic shared memory = copies * pitch counts.
// Targets: all

#include "base/common.cuh"

struct Parameters {
  const void* x;              // [elements]
  unsigned long long* counts;  // [columns]: bins and what is not finite
  int64_t elements;
  int columns;
  int copies;                 // of the counts, among which warps are shared out; a power of 2
  int pitch;                  // of a copy: columns, up to whole runs
  float factor;               // bins / range
};
OCTAVO_PARAMETERS(observe_histogram, Parameters, x, counts, elements, columns, copies, pitch, factor)

namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / kWarp;
constexpr int kEach = 4;  // vectors that a thread has in flight
constexpr int kRunBits = 5;
constexpr int kRun = 1 << kRunBits;  // counts that change places with each other

// What counts of a block take at most, unless one copy takes more.
constexpr int kSharedBytes = 40 << 10;

// Where the counts of a bin lie.
__device__ __forceinline__ int placeOf(int bin) {
  return bin ^ (bin >> kRunBits & (kRun - 1));
}

__device__ __forceinline__ void count(unsigned* counts, float value, float factor, int bins) {
  const float magnitude = fabsf(value);
  const bool finite = magnitude < INFINITY;
  // Numbers beyond the integers saturate.
  const int bin = finite ? min(__float2int_rz(__fmul_rn(magnitude, factor)), bins - 1) : bins;
  atomicAdd(counts + placeOf(bin), 1u);
}

template <typename X>
__device__ __forceinline__ void observe(const Parameters& p) {
  extern __shared__ unsigned shared[];
  constexpr int kCount = Vector<X>::kCount;
  for (int i = threadIdx.x; i < p.copies * p.pitch; i += kThreads) shared[i] = 0;
  __syncthreads();
  unsigned* counts = shared + threadIdx.x / kWarp % p.copies * p.pitch;
  const int bins = p.columns - 1;
  const int64_t vectors = isAligned(p.x, 0, 16) ? p.elements / kCount : 0;
  const uint4* wide = static_cast<const uint4*>(p.x);
  const int64_t stride = static_cast<int64_t>(gridDim.x) * kThreads;
  int64_t at = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  for (; at + (kEach - 1) * stride < vectors; at += kEach * stride) {
    uint4 loaded[kEach];
#pragma unroll
    for (int i = 0; i < kEach; i++) loaded[i] = loadStreaming(wide + at + i * stride);
#pragma unroll
    for (int i = 0; i < kEach; i++) {
#pragma unroll
      for (int e = 0; e < kCount; e++) count(counts, elementOf<X>(loaded[i], e), p.factor, bins);
    }
  }
  for (; at < vectors; at += stride) {
    const uint4 loaded = loadStreaming(wide + at);
#pragma unroll
    for (int e = 0; e < kCount; e++) count(counts, elementOf<X>(loaded, e), p.factor, bins);
  }
  const X* x = static_cast<const X*>(p.x);
  const int64_t first = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  for (int64_t i = vectors * kCount + first; i < p.elements; i += stride) count(counts, toFloat(x[i]), p.factor, bins);
  __syncthreads();
  for (int i = threadIdx.x; i < p.columns; i += kThreads) {
    unsigned long long sum = 0;
    for (int copy = 0; copy < p.copies; copy++) sum += shared[copy * p.pitch + placeOf(i)];
    if (sum != 0) atomicAdd(p.counts + i, sum);
  }
}

}  // namespace

OCTAVO_CONSTANTS(observe_histogram, kWarps, kRun)

#define OBSERVE(name, type)                                                                \
  OCTAVO_LAUNCH(observe_histogram_##name, kThreads, kSharedBytes)                          \
  extern "C" __global__ __launch_bounds__(kThreads) void observe_histogram_##name(         \
      const __grid_constant__ Parameters p) {                                              \
    observe<type>(p);                                                                      \
  }

OBSERVE(f32, float)
OBSERVE(bf16, __nv_bfloat16)
OBSERVE(f16, __half)
