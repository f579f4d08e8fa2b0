// Root mean square normalization: out = x * rsqrt(mean(x^2) + epsilon) * (weight + gainOffset).
//
// Source: arXiv:1910.07467.  Twin: ScalarRmsNorm.java.  Launch: grid = rows, block = a whole number of warps.
// Any rows, columns >= 0; out may be x.

#include "common.cuh"

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

// Vectors of a row that a thread keeps in registers between the sum and the product.
constexpr int kKept = 4;

__device__ __forceinline__ float squares(const float4& v, float sum) {
  return fmaf(v.w, v.w, fmaf(v.z, v.z, fmaf(v.y, v.y, fmaf(v.x, v.x, sum))));
}

__device__ __forceinline__ float inverseRoot(const Parameters& p, float sum) {
  sum = blockReduce(sum, Sum(), 0.0f);
  return 1.0f / sqrtf(sum / static_cast<float>(p.columns) + p.epsilon);
}

template <typename Weight>
__device__ __forceinline__ float gain(const Parameters& p, int64_t column) {
  return toFloat(static_cast<const Weight*>(p.weight)[column]) + p.gainOffset;
}

template <typename Weight>
__device__ __forceinline__ float4 scaled(const Parameters& p, const float4& v, float inverse, int64_t column) {
  return make_float4(
      v.x * inverse * gain<Weight>(p, column),
      v.y * inverse * gain<Weight>(p, column + 1),
      v.z * inverse * gain<Weight>(p, column + 2),
      v.w * inverse * gain<Weight>(p, column + 3));
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

  const float inverse = inverseRoot(p, sum);
#pragma unroll
  for (int i = 0; i < kKept; i++) {
    const int64_t at = threadIdx.x + static_cast<int64_t>(i) * blockDim.x;
    if (at < vectors) out[at] = scaled<Weight>(p, kept[i], inverse, 4 * at);
  }
  for (int64_t at = threadIdx.x + rest; at < vectors; at += blockDim.x) out[at] = scaled<Weight>(p, x[at], inverse, 4 * at);
}

template <typename Weight>
__device__ void normalizeElements(const Parameters& p) {
  const float* x = p.x + blockIdx.x * p.columns;
  float* out = p.out + blockIdx.x * p.columns;
  float sum = 0.0f;
  for (int64_t c = threadIdx.x; c < p.columns; c += blockDim.x) sum = fmaf(x[c], x[c], sum);
  const float inverse = inverseRoot(p, sum);
  for (int64_t c = threadIdx.x; c < p.columns; c += blockDim.x) out[c] = x[c] * inverse * gain<Weight>(p, c);
}

}  // namespace

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
