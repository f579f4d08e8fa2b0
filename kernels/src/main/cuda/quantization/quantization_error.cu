// How far codes lie from the numbers that they were made of, for every row:
//
//   error[c] = (numbers[codes[c]] - zeroPoints[g]) * scales[g] * wholeScale - x[c],  g = c / groupColumns
//   errors   = (sum of error^2, sum of x^2, largest |error| / (scales[g] * wholeScale) - allowed), all in f64
//   allowed  = error < 0 ? above[codes[c]] : below[codes[c]]
//   reach[g] = (largest -x[c], largest x[c]), 0 where there is none
//
// Twin: ScalarQuantizationError.java, but for the order of additions, which is the same in every launch.
// Launch: grid = rows, block = kThreads.
// Targets: all

#include "base/common.cuh"

struct Parameters {
  const void* x;             // [rows, columns]
  const uint8_t* codes;      // [rows, columns]
  const float* codebook;     // [3, 256]: numbers, below, above
  const float* scales;       // [rows, groups]
  const int8_t* zeroPoints;  // [rows, groups] or null
  double* errors;            // [rows, 3]
  float* reach;              // [rows, groups, 2]
  int columns;
  int groupColumns;
  int groups;
  float wholeScale;
};
OCTAVO_PARAMETERS(
    quantization_error, Parameters, x, codes, codebook, scales, zeroPoints, errors, reach, columns, groupColumns, groups,
    wholeScale)

namespace {

constexpr int kThreads = 256;

// NaN wins.
struct Larger {
  __device__ __forceinline__ double operator()(double a, double b) const { return a > b || isnan(a) ? a : b; }
};

// Lanes whose columns are all of one group, whatever the group, if its columns are a multiple of them.
constexpr int kLanes = 16;

// Numbers from 0 on are ordered as their bits are.
__device__ __forceinline__ void raise(float* reach, float value) {
  if (value > 0) atomicMax(reinterpret_cast<unsigned int*>(reach), __float_as_uint(value));
}

template <typename X>
__device__ __forceinline__ void measure(const Parameters& p) {
  static_assert(kThreads == 256, "each thread loads one number");
  __shared__ float numbers[kThreads];
  __shared__ float below[kThreads];
  __shared__ float above[kThreads];
  numbers[threadIdx.x] = p.codebook[threadIdx.x];
  below[threadIdx.x] = p.codebook[kThreads + threadIdx.x];
  above[threadIdx.x] = p.codebook[2 * kThreads + threadIdx.x];
  float* reach = p.reach + 2 * static_cast<int64_t>(blockIdx.x) * p.groups;
  for (int side = threadIdx.x; side < 2 * p.groups; side += kThreads) reach[side] = 0.0f;
  __syncthreads();

  const int64_t row = blockIdx.x;
  const X* x = static_cast<const X*>(p.x) + row * p.columns;
  const uint8_t* codes = p.codes + row * p.columns;
  const float* scales = p.scales + row * p.groups;
  const int8_t* zeroPoints = p.zeroPoints == nullptr ? nullptr : p.zeroPoints + row * p.groups;
  double squaredError = 0;
  double squaredNumber = 0;
  double excess = 0;
  float lowest = 0.0f;   // of the row, where it is one group
  float highest = 0.0f;
  const bool together = p.groupColumns % kLanes == 0;
#pragma unroll 4
  for (int column = threadIdx.x; column < p.columns; column += kThreads) {
    const int group = p.groups == 1 ? 0 : column / p.groupColumns;
    const double scale = static_cast<double>(scales[group]) * p.wholeScale;
    const float zeroPoint = zeroPoints == nullptr ? 0.0f : static_cast<float>(zeroPoints[group]);
    const double number = toFloat(x[column]);
    const int code = codes[column];
    const double error = static_cast<double>(numbers[code] - zeroPoint) * scale - number;
    const double allowed = error < 0 ? above[code] : below[code];
    squaredError += error * error;
    squaredNumber += number * number;
    excess = Larger()(fabs(error) / scale - allowed, excess);
    float low = fmaxf(-static_cast<float>(number), 0.0f);
    float high = fmaxf(static_cast<float>(number), 0.0f);
    if (p.groups == 1) {
      lowest = fmaxf(lowest, low);
      highest = fmaxf(highest, high);
      continue;
    }
    // Of a tail of fewer columns, every lane speaks for itself.
    const bool whole = together && column - threadIdx.x % kLanes + kLanes <= p.columns;
    if (whole) {
      const unsigned int mask = 0xFFFFu << (threadIdx.x % kWarp / kLanes * kLanes);
      for (int distance = kLanes / 2; distance > 0; distance /= 2) {
        low = fmaxf(low, __shfl_xor_sync(mask, low, distance));
        high = fmaxf(high, __shfl_xor_sync(mask, high, distance));
      }
    }
    if (!whole || threadIdx.x % kLanes == 0) {
      raise(reach + 2 * group, low);
      raise(reach + 2 * group + 1, high);
    }
  }
  squaredError = blockReduce(squaredError, Sum(), 0.0);
  squaredNumber = blockReduce(squaredNumber, Sum(), 0.0);
  excess = blockReduce(excess, Larger(), 0.0);
  if (p.groups == 1) {
    lowest = blockReduce(lowest, Max(), 0.0f);
    highest = blockReduce(highest, Max(), 0.0f);
  }
  if (threadIdx.x == 0) {
    p.errors[3 * row] = squaredError;
    p.errors[3 * row + 1] = squaredNumber;
    p.errors[3 * row + 2] = excess;
    if (p.groups == 1) {
      reach[0] = lowest;
      reach[1] = highest;
    }
  }
}

}  // namespace

#define MEASURE(name, type)                                                        \
  OCTAVO_LAUNCH(quantization_error_##name, kThreads, 0)                            \
  extern "C" __global__ __launch_bounds__(kThreads) void quantization_error_##name( \
      const __grid_constant__ Parameters p) {                                      \
    measure<type>(p);                                                              \
  }

MEASURE(f32, float)
MEASURE(bf16, __nv_bfloat16)
MEASURE(f16, __half)
