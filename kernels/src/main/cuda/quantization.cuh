// What quantizing kernels share: exact division, the rules of scales, and codes. Twins: ScaleRules.java, Codes.java.
#pragma once

#include "common.cuh"

constexpr uint32_t kInfinityBits = 0x7F800000u;

// The magnitude's bits order like the magnitude, with NaN above infinity.
__device__ __forceinline__ uint32_t magnitudeBits(float value) {
  return __float_as_uint(value) & 0x7FFFFFFFu;
}

// Division by one scale, correctly rounded.
//
// For scales far from the ends of the range, and quotients too: with y = 1 / scale correctly rounded, q = x * y is within
// two units in the last place, one Newton step makes it faithful and a second one correctly rounded (Markstein 1990), the
// residuals being exact. Where the quotient is below 2^-11 a residual may not be exact, but then every code is that of 0.
class Divider {
 public:
  // `boundsQuotients`: scale follows from the numbers, so that no quotient is huge.
  __device__ explicit Divider(float scale, bool boundsQuotients = true)
      : scale_(scale),
        inverse_(__frcp_rn(scale)),
        near_(boundsQuotients && scale > 0x1p-80f && scale < 0x1p80f) {}

  __device__ __forceinline__ float operator()(float x) const {
    if (!near_) return __fdiv_rn(x, scale_);
    float q = x * inverse_;
    q = fmaf(fmaf(-q, scale_, x), inverse_, q);
    q = fmaf(fmaf(-q, scale_, x), inverse_, q);
    return copysignf(q, x);
  }

 private:
  float scale_;
  float inverse_;
  bool near_;
};

// A floating scale as its type holds it; the machine epsilon of the type in place of zero.
__device__ __forceinline__ float storableScale(float scale, int type) {
  float stored = scale;
  float epsilon = 0x1p-23f;
  if (type == kBF16) {
    stored = toFloat(__float2bfloat16_rn(scale));
    epsilon = 0x1p-7f;
  } else if (type == kF16) {
    stored = toFloat(__float2half_rn(scale));
    epsilon = 0x1p-10f;
  }
  return stored == 0.0f ? epsilon : stored;
}

// As CodeFormat.java.
enum Format : int { kFormatE4M3 = 0, kFormatE2M1 = 1, kFormatI8 = 2, kFormatI8Offset = 3, kFormatI4Offset = 4 };

__device__ __forceinline__ bool isNibble(int format) {
  return format == kFormatE2M1 || format == kFormatI4Offset;
}

__device__ __forceinline__ float lowestOf(int format) {
  return format == kFormatI4Offset ? -8.0f : -128.0f;
}

__device__ __forceinline__ float highestOf(int format) {
  return format == kFormatI4Offset ? 7.0f : 127.0f;
}

// Two E4M3 codes, `low` in the lower byte.
__device__ __forceinline__ uint32_t encodeE4m3(float low, float high) {
  return __nv_cvt_float2_to_fp8x2(make_float2(low, high), __NV_SATFINITE, __NV_E4M3);
}

// 0, 0.5, 1, 1.5, 2, 3, 4, 6 with a sign: below 1 in steps of 1/2, above with one bit of mantissa. A carry out of the
// mantissa moves into the exponent, which is the right answer. NaN becomes the largest.
__device__ __forceinline__ uint32_t encodeE2m1(float value) {
  const uint32_t magnitude = magnitudeBits(value);
  const uint32_t rounded = (magnitude + 0x1FFFFFu + (magnitude >> 22 & 1u)) >> 22;
  const uint32_t code = magnitude < 0x3F800000u ? __float2uint_rn(2.0f * __uint_as_float(magnitude)) : min(rounded - 252u, 7u);
  return code | (__float_as_uint(value) >> 28 & 8u);
}

__device__ __forceinline__ float decodeE2m1(uint32_t code) {
  const uint32_t magnitude = code & 7u;
  const float value = magnitude < 2u ? 0.5f * static_cast<float>(magnitude) : __uint_as_float((magnitude + 252u) << 22);
  return code & 8u ? -value : value;
}

__device__ __forceinline__ int encodeInteger(float quotient, float zeroPoint, int format) {
  return __float2int_rn(fminf(fmaxf(__fadd_rn(quotient, zeroPoint), lowestOf(format)), highestOf(format)));
}
