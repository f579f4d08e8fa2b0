// Negative log-likelihood of one target a row: log(sum(exp(x - max))) + max - x[target].
//
// Twin: ScalarCrossEntropy.java.  Launch: grid = rows, block = kThreads.  columns >= 1.
// Targets: all

#include "base/common.cuh"

struct Parameters {
  const float* logits;  // [rows, columns]
  const int* targets;   // [rows]; kIgnored gives 0, others outside the columns NaN
  float* loss;          // [rows]
  int64_t columns;
};
OCTAVO_PARAMETERS(cross_entropy, Parameters, logits, targets, loss, columns)

namespace {

constexpr int kThreads = 512;
constexpr int kIgnored = -100;

// sum(exp(x - max)) of the values seen so far. A NaN makes the sum NaN.
struct Exponentials {
  float max;
  double sum;

  __device__ __forceinline__ Exponentials operator()(const Exponentials& a, const Exponentials& b) const {
    const float larger = a.max > b.max ? a.max : b.max;
    // Nothing but -infinity so far: exp(-inf - -inf) would be NaN.
    if (larger == -INFINITY) return {larger, a.sum + b.sum};
    return {larger, a.sum * expf(a.max - larger) + b.sum * expf(b.max - larger)};
  }
};

__device__ __forceinline__ Exponentials shuffled(const Exponentials& value, int offset) {
  return {__shfl_xor_sync(kAllLanes, value.max, offset), __shfl_xor_sync(kAllLanes, value.sum, offset)};
}

__device__ __forceinline__ Exponentials warpCombine(Exponentials value) {
#pragma unroll
  for (int offset = kWarp / 2; offset > 0; offset /= 2) {
    // Both partners must compute the same sum, so the lower lane's operand always comes first.
    const Exponentials other = shuffled(value, offset);
    value = (threadIdx.x & offset) == 0 ? value(value, other) : value(other, value);
  }
  return value;
}

// What a thread has seen: several numbers at a time, so that the maximum seldom changes between exponentials.
struct Running {
  float max = -INFINITY;
  float sum = 0.0f;

  template <int kCount>
  __device__ __forceinline__ void add(const float (&x)[kCount]) {
    float larger = max;
#pragma unroll
    for (int i = 0; i < kCount; i++) larger = fmaxf(larger, x[i]);
    if (larger > max) {
      sum *= expf(max - larger);
      max = larger;
    }
#pragma unroll
    for (int i = 0; i < kCount; i++) sum += x[i] == max ? (max == -INFINITY ? 0.0f : 1.0f) : expf(x[i] - max);
  }
};

constexpr int kEach = 4;  // vectors that a thread has in flight

__device__ __forceinline__ Running sumUp(const float* row, int columns, bool inVectors) {
  const int vectors = inVectors ? columns / 4 : 0;
  const uint4* wide = reinterpret_cast<const uint4*>(row);
  Running running;
  int at = threadIdx.x;
  for (; at + (kEach - 1) * kThreads < vectors; at += kEach * kThreads) {
    uint4 loaded[kEach];
#pragma unroll
    for (int i = 0; i < kEach; i++) loaded[i] = loadStreaming(wide + at + i * kThreads);
    float x[4 * kEach];
#pragma unroll
    for (int i = 0; i < 4 * kEach; i++) x[i] = elementOf<float>(loaded[i / 4], i % 4);
    running.add(x);
  }
  for (; at < vectors; at += kThreads) {
    const uint4 loaded = loadStreaming(wide + at);
    float x[4];
#pragma unroll
    for (int i = 0; i < 4; i++) x[i] = elementOf<float>(loaded, i);
    running.add(x);
  }
  for (int c = 4 * vectors + threadIdx.x; c < columns; c += kThreads) {
    const float x[1] = {row[c]};
    running.add(x);
  }
  return running;
}

}  // namespace

OCTAVO_LAUNCH(cross_entropy, kThreads, 0)

extern "C" __global__ __launch_bounds__(kThreads) void cross_entropy(const __grid_constant__ Parameters p) {
  const float* row = p.logits + blockIdx.x * p.columns;
  const bool inVectors = isAligned(p.logits, p.columns * sizeof(float), 16);
  const Running seen = sumUp(row, static_cast<int>(p.columns), inVectors);

  __shared__ Exponentials partial[kWarp];
  const int lane = threadIdx.x % kWarp;
  Exponentials all = warpCombine({seen.max, static_cast<double>(seen.sum)});
  if (lane == 0) partial[threadIdx.x / kWarp] = all;
  __syncthreads();
  if (threadIdx.x >= kWarp) return;
  all = warpCombine(lane < kThreads / kWarp ? partial[lane] : Exponentials{-INFINITY, 0.0});
  if (threadIdx.x > 0) return;

  const int target = p.targets[blockIdx.x];
  float loss = nanf("");
  if (target == kIgnored) {
    loss = 0.0f;
  } else if (target >= 0 && target < p.columns) {
    loss = static_cast<float>(log(all.sum) + (static_cast<double>(all.max) - row[target]));
  }
  p.loss[blockIdx.x] = loss;
}
