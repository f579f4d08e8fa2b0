// Codes one at a time, for kernels that find them column after column, and how lanes share out a row's block of columns.
#pragma once

#include "quantization/quantization.cuh"

namespace {

constexpr int kBlock = 128;
constexpr int kRowThreads = 256;
constexpr int kLanes = 8;
constexpr int kRows = kRowThreads / kLanes;   // of a block of threads
constexpr int kEach = kBlock / kLanes;        // columns of a lane: 4 together, every 32
constexpr int kErrorPitch = kRows + 1;        // columns start in different banks

// Columns of a lane: register r of it is column columnOf(lane, r) of the block.
__device__ __forceinline__ int columnOf(int lane, int r) {
  return r / 4 * 32 + lane * 4 + r % 4;
}

// A code and what it stands for, before scaling.
struct Rounded {
  float number;
  uint32_t code;
};

// Each has the nearest code of a quotient, and the number of a code, both as it is stored.

struct Integers {
  static __device__ __forceinline__ uint32_t offset(int format) {
    return format == kFormatI8 ? 0u : format == kFormatI8Offset ? 128u : 8u;
  }
  static __device__ __forceinline__ Rounded round(float quotient, float zeroPoint, int format) {
    const uint32_t bits = encodeInteger(quotient, zeroPoint, lowestOf(format), highestOf(format));
    return {__uint_as_float(bits) - kRounder, bits + offset(format)};
  }
  static __device__ __forceinline__ float number(uint32_t code, int format) {
    return static_cast<float>(format == kFormatI8 ? static_cast<int8_t>(code) : static_cast<int>(code - offset(format)));
  }
};

struct Floats8 {
  static __device__ __forceinline__ Rounded round(float quotient, float, int) {
    const uint8_t code = encode<true>(quotient);
    return {toFloat(E4M3{code}), code};
  }
  static __device__ __forceinline__ float number(uint32_t code, int) { return toFloat(E4M3{static_cast<uint8_t>(code)}); }
};

struct Floats4 {
  static __device__ __forceinline__ Rounded round(float quotient, float, int) {
    const uint32_t code = encodeE2m1(quotient);
    return {decodeE2m1(code), code};
  }
  static __device__ __forceinline__ float number(uint32_t code, int) { return decodeE2m1(code); }
};

}  // namespace
