// A step of the residual stream: x += addend, then out = what products take of x * rsqrt(mean(x^2) + epsilon) * gain.
//
// Bit for bit what add.cu, rms_norm.cu and then convert.cu or quantize_rows.cu give, where rows are aligned.
// Twin: ComposedSteps.java.  Launch: grid = rows, block = a whole number of warps. Any rows, columns >= 0; out may be addend.
// Targets: all

#include "operation/rms_norm.cuh"
#include "quantization/rounding.cuh"

struct Parameters {
  float* x;             // [rows, columns]
  const float* addend;  // [rows, columns]; null for none
  const void* weight;   // [columns], of the first type in the kernel's name
  void* out;            // [rows, columns], of the second type in the kernel's name
  float* scales;        // [rows]; null where out is not scaled
  int64_t columns;
  float gainOffset;
  float epsilon;
  float divisor;
};
OCTAVO_OVERLAPPING_PARAMETERS(
    normalize_round, Parameters, x, addend, weight, out, scales, columns, gainOffset, epsilon, divisor)

namespace {

__device__ __forceinline__ Norm normOf(const Parameters& p) {
  return {p.weight, p.gainOffset, p.epsilon, p.columns};
}

// x[at] after the addition, which each element sees once.
__device__ __forceinline__ float4 advance(float4* x, const float4* addend, int64_t at) {
  float4 v = x[at];
  if (addend == nullptr) return v;
  const float4 more = addend[at];
  v = make_float4(v.x + more.x, v.y + more.y, v.z + more.z, v.w + more.w);
  x[at] = v;
  return v;
}

template <typename Weight, typename To>
__device__ void stepVectors(const Parameters& p) {
  const int64_t vectors = p.columns / 4;
  float4* x = reinterpret_cast<float4*>(p.x) + blockIdx.x * vectors;
  const float4* addend =
      p.addend == nullptr ? nullptr : reinterpret_cast<const float4*>(p.addend) + blockIdx.x * vectors;
  void* out = static_cast<uint8_t*>(p.out) + blockIdx.x * p.columns * To::kBytes;
  float4 kept[kKept];
  constexpr bool kAhead = sizeof(Weight) == 2;  // asked for beside x, where there are registers: one row is all latency
  Four<Weight> weights[kAhead ? kKept : 1];
#pragma unroll
  for (int i = 0; i < kKept; i++) {
    const int64_t at = threadIdx.x + static_cast<int64_t>(i) * blockDim.x;
    if (kAhead && at < vectors) weights[kAhead ? i : 0] = loadFour(static_cast<const Weight*>(p.weight), at);
    kept[i] = at < vectors ? advance(x, addend, at) : make_float4(0.0f, 0.0f, 0.0f, 0.0f);
  }
  float sum = 0.0f;
#pragma unroll
  for (int i = 0; i < kKept; i++) sum = squares(kept[i], sum);
  for (int64_t at = threadIdx.x + static_cast<int64_t>(kKept) * blockDim.x; at < vectors; at += blockDim.x) {
    sum = squares(advance(x, addend, at), sum);
  }
  const Norm norm = normOf(p);
  const float inverse = inverseRoot(norm, sum);
#pragma unroll
  for (int i = 0; i < kKept; i++) {
    const int64_t at = threadIdx.x + static_cast<int64_t>(i) * blockDim.x;
    if (at >= vectors) continue;
    kept[i] = kAhead ? scaled(norm, kept[i], inverse, weights[kAhead ? i : 0]) : scaled<Weight>(norm, kept[i], inverse, 4 * at);
  }
  storeRow<To>(out, p.scales, p.divisor, vectors, kept, [&](int64_t at) {
    return scaled<Weight>(norm, x[at], inverse, 4 * at);
  });
}

template <typename Weight, typename To>
__device__ void stepElements(const Parameters& p) {
  float* x = p.x + blockIdx.x * p.columns;
  void* out = static_cast<uint8_t*>(p.out) + blockIdx.x * p.columns * To::kBytes;
  float sum = 0.0f;
  for (int64_t c = threadIdx.x; c < p.columns; c += blockDim.x) {
    if (p.addend != nullptr) x[c] += p.addend[blockIdx.x * p.columns + c];
    sum = fmaf(x[c], x[c], sum);
  }
  const Norm norm = normOf(p);
  const float inverse = inverseRoot(norm, sum);
  storeElements<To>(out, p.scales, p.divisor, p.columns, [&](int64_t c) {
    return scaled<Weight>(norm, x[c], inverse, c);
  });
}

template <typename Weight, typename To>
__device__ __forceinline__ void step(const Parameters& p) {
  // Before waiting, from memory: between two norms, a model's weights have passed through the cache.
  const int64_t weightBytes = p.columns * static_cast<int64_t>(sizeof(Weight));
  for (int64_t at = threadIdx.x * 128; at < weightBytes; at += blockDim.x * 128) {
    prefetch(static_cast<const uint8_t*>(p.weight) + at);
  }
  enterStream();
  const int64_t rowBytes = p.columns * 4;
  const bool whole = isAligned(p.x, rowBytes, 16) && isAligned(p.addend, rowBytes, 16) &&
                     isAligned(p.out, p.columns * To::kBytes, 4 * To::kBytes);
  if (whole) {
    stepVectors<Weight, To>(p);
  } else {
    stepElements<Weight, To>(p);
  }
}

}  // namespace

OCTAVO_CONSTANTS(normalize_round, kKept, kMostThreads)

#define STEP(name, weight, to)                                                                   \
  extern "C" __global__ __launch_bounds__(kMostThreads) void normalize_round_##name(             \
      const __grid_constant__ Parameters p) {                                                    \
    step<weight, to>(p);                                                                         \
  }

#define STEPS(name, weight)                  \
  STEP(name##_f32, weight, ToF32)            \
  STEP(name##_bf16, weight, ToBF16)          \
  STEP(name##_e4m3, weight, ToCodes<true>)   \
  STEP(name##_i8, weight, ToCodes<false>)

STEPS(f32, float)
STEPS(bf16, __nv_bfloat16)
STEPS(f16, __half)
