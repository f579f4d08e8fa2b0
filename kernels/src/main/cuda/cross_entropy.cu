// Negative log-likelihood of one target a row: log(sum(exp(x - max))) + max - x[target].
//
// Twin: ScalarCrossEntropy.java.  Launch: grid = rows, block = kThreads.  columns >= 1.

#include "common.cuh"

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

}  // namespace

extern "C" __global__ __launch_bounds__(kThreads) void cross_entropy(const __grid_constant__ Parameters p) {
  const float* row = p.logits + blockIdx.x * p.columns;
  float max = -INFINITY;
  float sum = 0.0f;
  for (int64_t c = threadIdx.x; c < p.columns; c += kThreads) {
    const float x = row[c];
    if (x > max) {
      sum = sum * expf(max - x) + 1.0f;
      max = x;
    } else if (x != -INFINITY) {
      sum += expf(x - max);
    }
  }

  __shared__ Exponentials partial[kWarp];
  const int lane = threadIdx.x % kWarp;
  Exponentials all = warpCombine({max, static_cast<double>(sum)});
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
