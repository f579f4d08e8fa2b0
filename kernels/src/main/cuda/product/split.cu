// f32 numbers in two parts of bf16, what a number rounds to and what is left of it, so that a product of bf16 along three times
// as many columns is that of the numbers, but for the product of what is left: low * high + high * low + high * high.
//
// Launch: one thread for each kCount numbers.  Columns are a multiple of kCount, and addresses aligned to 16 bytes.
// Targets: all

#include "base/common.cuh"

struct Parameters {
  const float* x;      // [rows, columns]
  __nv_bfloat16* out;  // [rows, 3 * columns]
  int64_t rows;
  int columns;
  int isWeight;        // high, low, high; otherwise low, high, high
};
OCTAVO_OVERLAPPING_PARAMETERS(split, Parameters, x, out, rows, columns, isWeight)

namespace {

constexpr int kCount = 4;
constexpr int kThreads = 256;

struct alignas(8) Four {
  __nv_bfloat16 numbers[kCount];
};

}  // namespace

OCTAVO_CONSTANTS(split, kCount)
OCTAVO_LAUNCH(split, kThreads, 0)

extern "C" __global__ __launch_bounds__(kThreads) void split(const __grid_constant__ Parameters p) {
  enterStream();
  const int64_t at = (blockIdx.x * static_cast<int64_t>(kThreads) + threadIdx.x) * kCount;
  if (at >= p.rows * p.columns) return;
  const float4 loaded = *reinterpret_cast<const float4*>(p.x + at);
  const float numbers[kCount] = {loaded.x, loaded.y, loaded.z, loaded.w};
  Four high;
  Four low;
#pragma unroll
  for (int i = 0; i < kCount; i++) {
    high.numbers[i] = __float2bfloat16_rn(numbers[i]);
    low.numbers[i] = __float2bfloat16_rn(numbers[i] - __bfloat162float(high.numbers[i]));
  }
  const int64_t row = at / p.columns;
  __nv_bfloat16* out = p.out + row * 3 * p.columns + at % p.columns;
  *reinterpret_cast<Four*>(out) = p.isWeight != 0 ? high : low;
  *reinterpret_cast<Four*>(out + p.columns) = p.isWeight != 0 ? low : high;
  *reinterpret_cast<Four*>(out + 2 * static_cast<int64_t>(p.columns)) = high;
}
