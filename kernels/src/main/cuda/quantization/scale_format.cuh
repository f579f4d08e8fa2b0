// The positive numbers that scales can be stored as. Twin: ScaleFormat.java.
#pragma once

#include "quantization/quantization.cuh"

namespace {

// The ids of ScaleFormat.java.
enum Scales : int { kScalesBF16 = 0, kScalesF16 = 1, kScalesF32 = 2, kScalesE4M3 = 3, kScalesE8M0 = 4 };

__device__ __forceinline__ float nearestScale(float exact, int format) {
  float nearest;
  float epsilon;
  switch (format) {
    case kScalesBF16:
      nearest = toFloat(__float2bfloat16_rn(fminf(exact, __uint_as_float(0x7F7F0000u))));
      epsilon = 0x1p-7f;
      break;
    case kScalesF16:
      nearest = toFloat(__float2half_rn(fminf(exact, 65504.0f)));
      epsilon = 0x1p-10f;
      break;
    case kScalesF32:
      nearest = fminf(exact, __uint_as_float(0x7F7FFFFFu));
      epsilon = 0x1p-23f;
      break;
    case kScalesE4M3:
      nearest = toFloat(E4M3{static_cast<uint8_t>(encodeE4m3(exact, 0.0f) & 0xFFu)});
      epsilon = 0x1p-3f;
      break;
    default: {
      // The nearest exponent: one more from the square root of 2 on, whose bits lie between 0x3FB504F3 and the next.
      const uint32_t bits = __float_as_uint(exact);
      const uint32_t exponent = min((bits >> 23) + ((bits & 0x7FFFFFu) > 0x3504F3u ? 1u : 0u), 254u);
      nearest = exponent == 0 ? 0x1p-127f : __uint_as_float(exponent << 23);
      epsilon = 0x1p-127f;
    }
  }
  return nearest > 0.0f ? nearest : epsilon;
}

__device__ __forceinline__ float scaleOf(int rung, int format) {
  switch (format) {
    case kScalesBF16:
      return __uint_as_float(static_cast<uint32_t>(min(max(rung, 1), 0x7F7F)) << 16);
    case kScalesF16:
      return toFloat(__ushort_as_half(static_cast<uint16_t>(min(max(rung, 1), 0x7BFF))));
    case kScalesF32:
      return __uint_as_float(static_cast<uint32_t>(min(max(rung, 1), 0x7F7FFFFF)));
    case kScalesE4M3:
      return toFloat(E4M3{static_cast<uint8_t>(min(max(rung, 1), 0x7E))});
    default: {
      const int exponent = min(max(rung, 0), 254);
      return exponent == 0 ? 0x1p-127f : __uint_as_float(static_cast<uint32_t>(exponent) << 23);
    }
  }
}

// Of one of the numbers.
__device__ __forceinline__ int rungOf(float scale, int format) {
  switch (format) {
    case kScalesBF16:
      return static_cast<int>(__float_as_uint(scale) >> 16);
    case kScalesF16:
      return __half_as_ushort(__float2half_rn(scale));
    case kScalesF32:
      return static_cast<int>(__float_as_uint(scale));
    case kScalesE4M3:
      return static_cast<int>(encodeE4m3(scale, 0.0f) & 0xFFu);
    default:
      return static_cast<int>(__float_as_uint(scale) >> 23);
  }
}

}  // namespace
