// How far codes lie from the numbers that they were made of, for every row:
//
//   error[c] = (numbers[codes[c]] - zeroPoints[g]) * scales[g] * wholeScale - x[c],  g = c / groupColumns
//   errors   = (sum of error^2, sum of x^2, largest |error| / (scales[g] * wholeScale)), all in f64
//
// Twin: ScalarQuantizationError.java, but for the order of additions, which is the same in every launch.
// Launch: grid = rows, block = kThreads.

#include "base/common.cuh"

struct Parameters {
  const void* x;             // [rows, columns]
  const uint8_t* codes;      // [rows, columns]
  const float* numbers;      // [256]
  const float* scales;       // [rows, groups]
  const int8_t* zeroPoints;  // [rows, groups] or null
  double* errors;            // [rows, 3]
  int columns;
  int groupColumns;
  int groups;
  float wholeScale;
};
OCTAVO_PARAMETERS(
    quantization_error, Parameters, x, codes, numbers, scales, zeroPoints, errors, columns, groupColumns, groups, wholeScale)

namespace {

constexpr int kThreads = 256;

// NaN wins.
struct Larger {
  __device__ __forceinline__ double operator()(double a, double b) const { return a > b || isnan(a) ? a : b; }
};

template <typename X>
__device__ __forceinline__ void measure(const Parameters& p) {
  static_assert(kThreads == 256, "each thread loads one number");
  __shared__ float numbers[kThreads];
  numbers[threadIdx.x] = p.numbers[threadIdx.x];
  __syncthreads();

  const int64_t row = blockIdx.x;
  const X* x = static_cast<const X*>(p.x) + row * p.columns;
  const uint8_t* codes = p.codes + row * p.columns;
  const float* scales = p.scales + row * p.groups;
  const int8_t* zeroPoints = p.zeroPoints == nullptr ? nullptr : p.zeroPoints + row * p.groups;
  double squaredError = 0;
  double squaredNumber = 0;
  double mostSteps = 0;
#pragma unroll 4
  for (int column = threadIdx.x; column < p.columns; column += kThreads) {
    const int group = p.groups == 1 ? 0 : column / p.groupColumns;
    const double scale = static_cast<double>(scales[group]) * p.wholeScale;
    const float zeroPoint = zeroPoints == nullptr ? 0.0f : static_cast<float>(zeroPoints[group]);
    const double number = toFloat(x[column]);
    const double error = static_cast<double>(numbers[codes[column]] - zeroPoint) * scale - number;
    squaredError += error * error;
    squaredNumber += number * number;
    mostSteps = Larger()(fabs(error) / scale, mostSteps);
  }
  squaredError = blockReduce(squaredError, Sum(), 0.0);
  squaredNumber = blockReduce(squaredNumber, Sum(), 0.0);
  mostSteps = blockReduce(mostSteps, Larger(), 0.0);
  if (threadIdx.x == 0) {
    p.errors[3 * row] = squaredError;
    p.errors[3 * row + 1] = squaredNumber;
    p.errors[3 * row + 2] = mostSteps;
  }
}

}  // namespace

#define MEASURE(name, type)                                                        \
  extern "C" __global__ __launch_bounds__(kThreads) void quantization_error_##name( \
      const __grid_constant__ Parameters p) {                                      \
    measure<type>(p);                                                              \
  }

MEASURE(f32, float)
MEASURE(bf16, __nv_bfloat16)
MEASURE(f16, __half)
