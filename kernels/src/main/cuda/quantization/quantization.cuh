// What quantizing kernels share: exact division, the rules of scales, and codes. Twins: ScaleRules.java, Codes.java.
#pragma once

#include "base/common.cuh"

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
//
// Of numbers with 8 or 11 significant bits, which BF16 and F16 have, one step is enough: tried for each of them by each of the
// 2^23 scales between 1 and 2. By a power of two none is.
class Divider {
 public:
  // `boundsQuotients`: scale follows from the numbers, so that no quotient is huge.
  __device__ explicit Divider(float scale, bool boundsQuotients = true)
      : Divider(scale, __frcp_rn(scale), boundsQuotients && isNear(scale)) {}

  // `inverse`: of the scale, correctly rounded; `isNear`: whether the scale is, and bounds quotients.
  __device__ __forceinline__ Divider(float scale, float inverse, bool isNear)
      : scale_(scale), inverse_(inverse), near_(isNear) {}

  static __device__ __forceinline__ bool isNear(float scale) { return scale > 0x1p-80f && scale < 0x1p80f; }

  __device__ __forceinline__ bool isNear() const { return near_; }

  __device__ __forceinline__ bool isPowerOf2() const { return (__float_as_uint(scale_) & 0x7FFFFFu) == 0; }

  __device__ __forceinline__ float operator()(float x) const { return near_ ? nearby(x) : far(x); }

  // Of a number that may be of any size, such as what a scale is made of.
  __device__ __forceinline__ float any(float x) const {
    return near_ && x > 0x1p-60f && x < 0x1p40f ? nearbyOrZero(x) : far(x);
  }

  // What only a scale for which isNear() holds may divide by.
  template <int kSteps = 2>
  __device__ __forceinline__ float nearby(float x) const {
    return copysignf(nearbyOrZero<kSteps>(x), x);
  }

  // The same, but a zero may come with the other sign.
  template <int kSteps = 2>
  __device__ __forceinline__ float nearbyOrZero(float x) const {
    float q = x * inverse_;
#pragma unroll
    for (int step = 0; step < kSteps; step++) q = fmaf(fmaf(-q, scale_, x), inverse_, q);
    return q;
  }

  __device__ __forceinline__ float far(float x) const { return __fdiv_rn(x, scale_); }

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

// The ids of CodeFormat.java.
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

// Adding it leaves a small number's nearest integer, ties to even, in the low bits.
constexpr float kRounder = 12582912.0f;  // 1.5 * 2^23

// 0, 0.5, 1, 1.5, 2, 3, 4, 6 with a sign: steps of 1/2 below 2, of 1 below 4, of 2 from there. NaN becomes the largest.
__device__ __forceinline__ uint32_t encodeE2m1(float value) {
  const float magnitude = fminf(fabsf(value), 6.0f);
  const float steps = magnitude < 2.0f ? 2.0f : magnitude < 4.0f ? 1.0f : 0.5f;
  const float codesBefore = magnitude < 2.0f ? 0.0f : magnitude < 4.0f ? 2.0f : 4.0f;
  const uint32_t code = __float_as_uint(fmaf(magnitude, steps, kRounder + codesBefore)) & 7u;
  return code | (__float_as_uint(value) >> 28 & 8u);
}

__device__ __forceinline__ float decodeE2m1(uint32_t code) {
  const uint32_t magnitude = code & 7u;
  const float value = magnitude < 2u ? 0.5f * static_cast<float>(magnitude) : __uint_as_float((magnitude + 252u) << 22);
  return code & 8u ? -value : value;
}

// The integer in the low bits of a number's bits, in two's complement.
__device__ __forceinline__ uint32_t encodeInteger(float quotient, float zeroPoint, float lowest, float highest) {
  return __float_as_uint(__fadd_rn(fminf(fmaxf(__fadd_rn(quotient, zeroPoint), lowest), highest), kRounder));
}

// --- Codes of a vector ------------------------------------------------------------------------------------------------
// What follows turns 16 bytes of X into codes, all divided by one scale. Instructions, not memory, would set the pace of
// quantizing one number after the other.

// The same numbers without their signs.
template <typename X>
__device__ __forceinline__ uint4 magnitudesOf(const uint4& vector) {
  constexpr uint32_t kMask = sizeof(X) == 2 ? 0x7FFF7FFFu : 0x7FFFFFFFu;
  return make_uint4(vector.x & kMask, vector.y & kMask, vector.z & kMask, vector.w & kMask);
}

// The largest magnitude seen, for X of 2 bytes in both halves of a word. NaN is the largest of all.
template <typename X>
struct Largest;

template <>
struct Largest<float> {
  uint32_t bits = 0;

  __device__ __forceinline__ void add(const uint4& vector) {
    const uint4 m = magnitudesOf<float>(vector);
    bits = max(max(bits, max(m.x, m.y)), max(m.z, m.w));
  }

  // The bits of the magnitude as F32.
  __device__ __forceinline__ uint32_t get() const { return bits; }
};

template <typename Pair>
struct LargestOfPairs {
  Pair pair = {};

  __device__ __forceinline__ void add(const uint4& vector) {
    const Pair* p = reinterpret_cast<const Pair*>(&vector);
#pragma unroll
    for (int i = 0; i < 4; i++) pair = __hmax2_nan(pair, __habs2(p[i]));
  }

  __device__ __forceinline__ uint32_t get() const {
    return max(magnitudeBits(static_cast<float>(pair.x)), magnitudeBits(static_cast<float>(pair.y)));
  }
};

template <>
struct Largest<__nv_bfloat16> : LargestOfPairs<__nv_bfloat162> {};
template <>
struct Largest<__half> : LargestOfPairs<__half2> {};

// All elements of a vector, divided; with kZeros, zeros have the signs of their numbers. kPowers: scales are often powers of two.
template <typename X, bool kZeros = true, bool kPowers = false>
__device__ __forceinline__ void divideAll(float (&q)[Vector<X>::kCount], const uint4& vector, const Divider& divide) {
  constexpr int kSteps = sizeof(X) == 2 ? 1 : 2;
  const auto each = [&](auto quotient) {
#pragma unroll
    for (int i = 0; i < Vector<X>::kCount; i++) q[i] = quotient(elementOf<X>(vector, i));
  };
  if (!divide.isNear()) {
    each([&](float x) { return divide.far(x); });
  } else if (kPowers && divide.isPowerOf2()) {
    each([&](float x) { return divide.nearbyOrZero<0>(x); });
  } else {
    each([&](float x) { return kZeros ? divide.nearby<kSteps>(x) : divide.nearbyOrZero<kSteps>(x); });
  }
}

// The signs of 4 numbers, each where the sign of its E4M3 code is in a word of them.
template <typename X>
__device__ __forceinline__ uint32_t signsOf4(const uint4& vector, int word) {
  if constexpr (sizeof(X) == 2) {
    return (word == 0 ? __byte_perm(vector.x, vector.y, 0x7531) : __byte_perm(vector.z, vector.w, 0x7531)) & 0x80808080u;
  } else {
    return __byte_perm(__byte_perm(vector.x, vector.y, 0x0073), __byte_perm(vector.z, vector.w, 0x0073), 0x5410) & 0x80808080u;
  }
}

// The signs of all numbers, each where the sign of its E2M1 code is.
template <typename X>
__device__ __forceinline__ uint32_t signsOfNibbles(const uint4& vector) {
  if constexpr (sizeof(X) == 2) {
    const uint32_t first = __byte_perm(vector.x, vector.y, 0x7351);
    const uint32_t second = __byte_perm(vector.z, vector.w, 0x7351);
    const uint32_t even = __byte_perm(first, second, 0x5410);
    const uint32_t odd = __byte_perm(first, second, 0x7632);
    return (even & 0x80808080u) >> 4 | (odd & 0x80808080u);
  } else {
    return (vector.x >> 28 & 8u) | (vector.y >> 24 & 0x80u) | (vector.z >> 20 & 0x800u) | (vector.w >> 16 & 0x8000u);
  }
}

// Small integers, each in the low bits of a number near kRounder, side by side.
template <int kBits, int kCount>
__device__ __forceinline__ uint32_t join(const float (&numbers)[kCount], int from) {
  constexpr int kTogether = kCount * kBits < 32 ? kCount : 32 / kBits;
  uint32_t rounders = 0;
  uint32_t word = 0;
#pragma unroll
  for (int i = kTogether - 1; i >= 0; i--) {
    word = (word << kBits) + __float_as_uint(numbers[from + i]);
    rounders = (rounders << kBits) + 0x4B400000u;
  }
  return word - rounders;
}

template <typename X>
__device__ __forceinline__ void encodeE4m3All(uint32_t (&words)[Vector<X>::kCount / 4], const uint4& vector, const Divider& divide) {
  constexpr int kCount = Vector<X>::kCount;
  float q[kCount];
  divideAll<X, false>(q, magnitudesOf<X>(vector), divide);
#pragma unroll
  for (int w = 0; w < kCount / 4; w++) {
    words[w] = encodeE4m3(q[4 * w], q[4 * w + 1]) | encodeE4m3(q[4 * w + 2], q[4 * w + 3]) << 16 | signsOf4<X>(vector, w);
  }
}

// As encodeE2m1: the steps meet at 2 and at 4, where the lesser of two lines is the right one.
template <typename X, bool kPowers>
__device__ __forceinline__ uint32_t encodeE2m1All(const uint4& vector, const Divider& divide) {
  constexpr int kCount = Vector<X>::kCount;
  float q[kCount];
  divideAll<X, false, kPowers && sizeof(X) == 2>(q, magnitudesOf<X>(vector), divide);
#pragma unroll
  for (int i = 0; i < kCount; i++) {
    const float below2 = fmaf(q[i], 2.0f, kRounder);
    const float below4 = q[i] + (kRounder + 2.0f);
    const float above = fmaf(q[i], 0.5f, kRounder + 4.0f);
    // The bits of such numbers order as they do.
    const int least = __vimin3_s32(__float_as_int(below2), __float_as_int(below4), __float_as_int(above));
    q[i] = __int_as_float(min(least, __float_as_int(kRounder + 7.0f)));
  }
  return join<4>(q, 0) | signsOfNibbles<X>(vector);
}

// Integers plus `offset`, which makes them natural numbers.
template <typename X>
__device__ __forceinline__ void encodeIntegers(
    float (&numbers)[Vector<X>::kCount], const uint4& vector, const Divider& divide, float zeroPoint, float lowest, float highest) {
  divideAll<X, false>(numbers, vector, divide);
#pragma unroll
  for (int i = 0; i < Vector<X>::kCount; i++) {
    const float inside = fminf(fmaxf(__fadd_rn(numbers[i], zeroPoint), lowest), highest);
    numbers[i] = __fadd_rn(inside, kRounder - lowest);
  }
}

template <typename X>
__device__ __forceinline__ uint32_t encodeNibbles(const uint4& vector, const Divider& divide, float zeroPoint) {
  float numbers[Vector<X>::kCount];
  encodeIntegers<X>(numbers, vector, divide, zeroPoint, -8.0f, 7.0f);
  return join<4>(numbers, 0);
}

// In two's complement, or plus 128 if `flip` is 0.
template <typename X>
__device__ __forceinline__ void encodeBytes(
    uint32_t (&words)[Vector<X>::kCount / 4], const uint4& vector, const Divider& divide, float zeroPoint, uint32_t flip) {
  float numbers[Vector<X>::kCount];
  encodeIntegers<X>(numbers, vector, divide, zeroPoint, -128.0f, 127.0f);
#pragma unroll
  for (int w = 0; w < Vector<X>::kCount / 4; w++) words[w] = join<8>(numbers, 4 * w) ^ flip;
}

// Words beside each other, in as few stores as there can be; `target` is aligned to all of them, up to 16 bytes.
template <int kWords>
__device__ __forceinline__ void storeWords(uint8_t* target, const uint32_t (&words)[kWords]) {
  if constexpr (kWords == 1) {
    *reinterpret_cast<uint32_t*>(target) = words[0];
  } else if constexpr (kWords == 2) {
    *reinterpret_cast<uint2*>(target) = make_uint2(words[0], words[1]);
  } else {
#pragma unroll
    for (int i = 0; i < kWords; i += 4) {
      reinterpret_cast<uint4*>(target)[i / 4] = make_uint4(words[i], words[i + 1], words[i + 2], words[i + 3]);
    }
  }
}

// One quotient as a code of a symmetric type.
template <bool kToE4m3>
__device__ __forceinline__ uint8_t encode(float value) {
  if constexpr (kToE4m3) return encodeE4m3(value, 0.0f) & 0xFF;
  return encodeInteger(value, 0.0f, -128.0f, 127.0f) & 0xFF;
}

// A vector's codes of a symmetric type.
template <typename X, bool kToE4m3>
__device__ __forceinline__ void encodeVector(const uint4& vector, const Divider& divide, uint8_t* codes) {
  uint32_t words[Vector<X>::kCount / 4];
  if constexpr (kToE4m3) {
    encodeE4m3All<X>(words, vector, divide);
  } else {
    encodeBytes<X>(words, vector, divide, 0.0f, 0x80808080u);
  }
  storeWords(codes, words);
}
