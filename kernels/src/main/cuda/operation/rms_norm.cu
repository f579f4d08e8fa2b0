// Root mean square normalization: out = x * rsqrt(mean(x^2) + epsilon) * (weight + gainOffset).
//
// Source: arXiv:1910.07467.  Twin: ScalarRmsNorm.java.  Launch: grid = rows, block = a whole number of warps.
// Any rows, columns >= 0; out may be x.
// Targets: all

#include "operation/rms_norm.cuh"

struct Parameters {
  const float* x;      // [rows, columns]
  const void* weight;  // [columns], of the type in the kernel's name
  float* out;          // [rows, columns]
  int64_t columns;
  float gainOffset;
  float epsilon;
};
OCTAVO_OVERLAPPING_PARAMETERS(rms_norm, Parameters, x, weight, out, columns, gainOffset, epsilon)

namespace {

__device__ __forceinline__ Norm normOf(const Parameters& p) {
  return {p.weight, p.gainOffset, p.epsilon, p.columns};
}

template <typename Weight>
__device__ void normalizeVectors(const Parameters& p) {
  const int64_t vectors = p.columns / 4;
  const float4* x = reinterpret_cast<const float4*>(p.x) + blockIdx.x * vectors;
  float4* out = reinterpret_cast<float4*>(p.out) + blockIdx.x * vectors;
  float4 kept[kKept];
  float sum = 0.0f;
#pragma unroll
  for (int i = 0; i < kKept; i++) {
    const int64_t at = threadIdx.x + static_cast<int64_t>(i) * blockDim.x;
    kept[i] = at < vectors ? x[at] : make_float4(0.0f, 0.0f, 0.0f, 0.0f);
  }
#pragma unroll
  for (int i = 0; i < kKept; i++) sum = squares(kept[i], sum);
  const int64_t rest = static_cast<int64_t>(kKept) * blockDim.x;
  for (int64_t at = threadIdx.x + rest; at < vectors; at += blockDim.x) sum = squares(x[at], sum);

  const Norm norm = normOf(p);
  const float inverse = inverseRoot(norm, sum);
#pragma unroll
  for (int i = 0; i < kKept; i++) {
    const int64_t at = threadIdx.x + static_cast<int64_t>(i) * blockDim.x;
    if (at < vectors) out[at] = scaled<Weight>(norm, kept[i], inverse, 4 * at);
  }
  for (int64_t at = threadIdx.x + rest; at < vectors; at += blockDim.x) out[at] = scaled<Weight>(norm, x[at], inverse, 4 * at);
}

template <typename Weight>
__device__ void normalizeElements(const Parameters& p) {
  const float* x = p.x + blockIdx.x * p.columns;
  float* out = p.out + blockIdx.x * p.columns;
  float sum = 0.0f;
  for (int64_t c = threadIdx.x; c < p.columns; c += blockDim.x) sum = fmaf(x[c], x[c], sum);
  const Norm norm = normOf(p);
  const float inverse = inverseRoot(norm, sum);
  for (int64_t c = threadIdx.x; c < p.columns; c += blockDim.x) out[c] = scaled<Weight>(norm, x[c], inverse, c);
}

}  // namespace

OCTAVO_CONSTANTS(rms_norm, kKept, kMostThreads)

#define RMS_NORM(name, type)                                                                     \
  extern "C" __global__ __launch_bounds__(kMostThreads) void rms_norm_##name(                    \
      const __grid_constant__ Parameters p) {                                                    \
    enterStream();                                                                               \
    if (isAligned(p.x, p.columns * 4, 16) && isAligned(p.out, p.columns * 4, 16)) {              \
      normalizeVectors<type>(p);                                                                 \
    } else {                                                                                     \
      normalizeElements<type>(p);                                                                \
    }                                                                                            \
  }

RMS_NORM(f32, float)
RMS_NORM(bf16, __nv_bfloat16)
RMS_NORM(f16, __half)
