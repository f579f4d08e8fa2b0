// Root mean square normalization; arXiv:1910.07467.
#pragma once

#include "base/common.cuh"

namespace {

// Vectors of a row that a thread keeps in registers between the sum and the product.
constexpr int kKept = 4;

// What a row is normalized by.
struct Norm {
  const void* weight;  // [columns]
  float gainOffset;
  float epsilon;
  int64_t columns;
};

__device__ __forceinline__ float squares(const float4& v, float sum) {
  return fmaf(v.w, v.w, fmaf(v.z, v.z, fmaf(v.y, v.y, fmaf(v.x, v.x, sum))));
}

// Of the row, from what each thread has summed.
__device__ __forceinline__ float inverseRoot(const Norm& norm, float sum) {
  sum = blockReduce(sum, Sum(), 0.0f);
  return 1.0f / sqrtf(sum / static_cast<float>(norm.columns) + norm.epsilon);
}

template <typename Weight>
__device__ __forceinline__ float scaled(const Norm& norm, float x, float inverse, int64_t column) {
  return x * inverse * (toFloat(static_cast<const Weight*>(norm.weight)[column]) + norm.gainOffset);
}

// Numbers beside each other of a weight.
template <typename Weight>
struct alignas(4 * sizeof(Weight)) Four {
  Weight values[4];
};

template <typename Weight>
__device__ __forceinline__ Four<Weight> loadFour(const Weight* weight, int64_t vector) {
  if (isAligned(weight, 0, sizeof(Four<Weight>))) return reinterpret_cast<const Four<Weight>*>(weight)[vector];
  weight += 4 * vector;
  return {weight[0], weight[1], weight[2], weight[3]};
}

template <typename Weight>
__device__ __forceinline__ float4 scaled(const Norm& norm, const float4& v, float inverse, const Four<Weight>& weights) {
  const auto gain = [&](int i) { return toFloat(weights.values[i]) + norm.gainOffset; };
  return make_float4(v.x * inverse * gain(0), v.y * inverse * gain(1), v.z * inverse * gain(2), v.w * inverse * gain(3));
}

template <typename Weight>
__device__ __forceinline__ float4 scaled(const Norm& norm, const float4& v, float inverse, int64_t column) {
  return scaled(norm, v, inverse, loadFour(static_cast<const Weight*>(norm.weight), column / 4));
}

}  // namespace
