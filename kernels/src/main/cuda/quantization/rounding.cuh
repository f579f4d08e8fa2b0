// What products take of a row of F32 numbers: the numbers themselves, BF16, or codes of 8 bits with a scale of the row, as
// convert.cu and quantize_rows.cu make them.
#pragma once

#include "quantization/quantization.cuh"

namespace {

struct ToF32 {
  static constexpr bool kScaled = false;
  static constexpr int kBytes = 4;

  static __device__ __forceinline__ void store(void* row, int64_t vector, const float4& v, const Divider&) {
    static_cast<float4*>(row)[vector] = v;
  }
  static __device__ __forceinline__ void storeOne(void* row, int64_t column, float v, const Divider&) {
    static_cast<float*>(row)[column] = v;
  }
};

struct ToBF16 {
  static constexpr bool kScaled = false;
  static constexpr int kBytes = 2;

  static __device__ __forceinline__ void store(void* row, int64_t vector, const float4& v, const Divider&) {
    const __nv_bfloat162 pairs[2] = {
        {__float2bfloat16_rn(v.x), __float2bfloat16_rn(v.y)}, {__float2bfloat16_rn(v.z), __float2bfloat16_rn(v.w)}};
    static_cast<uint2*>(row)[vector] = *reinterpret_cast<const uint2*>(&pairs);
  }
  static __device__ __forceinline__ void storeOne(void* row, int64_t column, float v, const Divider&) {
    static_cast<__nv_bfloat16*>(row)[column] = __float2bfloat16_rn(v);
  }
};

template <bool kToE4m3>
struct ToCodes {
  static constexpr bool kScaled = true;
  static constexpr int kBytes = 1;

  static __device__ __forceinline__ void store(void* row, int64_t vector, const float4& v, const Divider& divide) {
    const uint4 bits =
        make_uint4(__float_as_uint(v.x), __float_as_uint(v.y), __float_as_uint(v.z), __float_as_uint(v.w));
    encodeVector<float, kToE4m3>(bits, divide, static_cast<uint8_t*>(row) + 4 * vector);
  }
  static __device__ __forceinline__ void storeOne(void* row, int64_t column, float v, const Divider& divide) {
    static_cast<uint8_t*>(row)[column] = encode<kToE4m3>(divide(v));
  }
};

__device__ __forceinline__ uint32_t largestOf(const float4& v, uint32_t largest) {
  return max(
      max(largest, max(magnitudeBits(v.x), magnitudeBits(v.y))), max(magnitudeBits(v.z), magnitudeBits(v.w)));
}

// Stores the scale of the block's row, from what each thread has found to be the largest magnitude's bits.
__device__ __forceinline__ float rowScale(float* scales, float divisor, uint32_t largest) {
  largest = blockReduce(largest, Max(), 0u);
  const float scale = storableScale(__fdiv_rn(__uint_as_float(largest), divisor), kF32);
  if (threadIdx.x == 0) scales[blockIdx.x] = scale;
  return scale;
}

// Stores the block's row. `kept`: the first vectors, each thread's own, zeros behind the row's end; `rest(vector)`: the others.
template <typename To, int kKept, typename Rest>
__device__ __forceinline__ void storeRow(
    void* row, float* scales, float divisor, int64_t vectors, const float4 (&kept)[kKept], Rest rest) {
  const int64_t first = threadIdx.x + static_cast<int64_t>(kKept) * blockDim.x;
  float scale = 1.0f;
  if constexpr (To::kScaled) {
    uint32_t largest = 0;
#pragma unroll
    for (int i = 0; i < kKept; i++) largest = largestOf(kept[i], largest);
    for (int64_t at = first; at < vectors; at += blockDim.x) largest = largestOf(rest(at), largest);
    scale = rowScale(scales, divisor, largest);
  }
  const Divider divide(scale);
#pragma unroll
  for (int i = 0; i < kKept; i++) {
    const int64_t at = threadIdx.x + static_cast<int64_t>(i) * blockDim.x;
    if (at < vectors) To::store(row, at, kept[i], divide);
  }
  for (int64_t at = first; at < vectors; at += blockDim.x) To::store(row, at, rest(at), divide);
}

// The same where vectors do not fit: `number(column)` gives each number.
template <typename To, typename Number>
__device__ __forceinline__ void storeElements(void* row, float* scales, float divisor, int64_t columns, Number number) {
  float scale = 1.0f;
  if constexpr (To::kScaled) {
    uint32_t largest = 0;
    for (int64_t c = threadIdx.x; c < columns; c += blockDim.x) largest = max(largest, magnitudeBits(number(c)));
    scale = rowScale(scales, divisor, largest);
  }
  const Divider divide(scale);
  for (int64_t c = threadIdx.x; c < columns; c += blockDim.x) To::storeOne(row, c, number(c), divide);
}

}  // namespace
