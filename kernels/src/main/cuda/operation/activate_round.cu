// The gated unit of an MLP and what products take of it: out = rounded(activation(gate) * up).
//
// Bit for bit what gated_activation.cu and then convert.cu or quantize_rows.cu give.
// Twin: ComposedSteps.java.  Launch: grid = (rows, parts of a row), block = a whole number of warps. One part where a scale is
// found for the row, else as many as there are kKept vectors a thread. Any rows, columns >= 0.
// Targets: all

#include "operation/activations.cuh"
#include "quantization/rounding.cuh"

struct Parameters {
  const float* gate;  // [rows, columns]
  const float* up;    // [rows, columns]
  void* out;          // [rows, columns], of the type in the kernel's name
  float* scales;      // [rows]; null where out is not scaled
  int64_t columns;
  float divisor;
};
OCTAVO_OVERLAPPING_PARAMETERS(activate_round, Parameters, gate, up, out, scales, columns, divisor)

namespace {

// Vectors of a row that a thread keeps in registers between finding the scale and dividing.
constexpr int kKept = 4;
constexpr int kPartThreads = 128;  // of a block that has a part of a row

template <typename Activation, typename To>
__device__ __forceinline__ void step(const Parameters& p) {
  enterStream();
  const Activation activation;
  const int64_t from = blockIdx.y * static_cast<int64_t>(4 * kKept) * blockDim.x;  // of a row
  const int64_t columns = gridDim.y == 1 ? p.columns : min(p.columns - from, static_cast<int64_t>(4 * kKept) * blockDim.x);
  const float* gate = p.gate + blockIdx.x * p.columns + from;
  const float* up = p.up + blockIdx.x * p.columns + from;
  void* out = static_cast<uint8_t*>(p.out) + (blockIdx.x * p.columns + from) * To::kBytes;
  const bool whole = isAligned(p.gate, p.columns * 4, 16) && isAligned(p.up, p.columns * 4, 16) &&
                     isAligned(p.out, p.columns * To::kBytes, 4 * To::kBytes);
  if (!whole) {
    storeElements<To>(out, p.scales, p.divisor, columns, [&](int64_t c) { return activation(gate[c]) * up[c]; });
    return;
  }
  const int64_t vectors = columns / 4;
  const auto at = [&](int64_t vector) {
    return gated(
        reinterpret_cast<const float4*>(gate)[vector], reinterpret_cast<const float4*>(up)[vector], activation);
  };
  // All are asked for before the first is computed with, whose division the compiler moves nothing across.
  float4 gates[kKept];
  float4 ups[kKept];
#pragma unroll
  for (int i = 0; i < kKept; i++) {
    const int64_t vector = threadIdx.x + static_cast<int64_t>(i) * blockDim.x;
    const bool isThere = vector < vectors;
    gates[i] = isThere ? reinterpret_cast<const float4*>(gate)[vector] : make_float4(0.0f, 0.0f, 0.0f, 0.0f);
    ups[i] = isThere ? reinterpret_cast<const float4*>(up)[vector] : make_float4(0.0f, 0.0f, 0.0f, 0.0f);
  }
  float4 kept[kKept];
#pragma unroll
  for (int i = 0; i < kKept; i++) kept[i] = gated(gates[i], ups[i], activation);  // 0 behind the row's end
  storeRow<To>(out, p.scales, p.divisor, vectors, kept, at);
}

}  // namespace

OCTAVO_CONSTANTS(activate_round, kKept, kMostThreads, kPartThreads)

#define STEP(name, activation, to)                                                               \
  extern "C" __global__ __launch_bounds__(kMostThreads) void activate_round_##name(              \
      const __grid_constant__ Parameters p) {                                                    \
    step<activation, to>(p);                                                                     \
  }

#define STEPS(name, activation)                  \
  STEP(name##_f32, activation, ToF32)            \
  STEP(name##_bf16, activation, ToBF16)          \
  STEP(name##_e4m3, activation, ToCodes<true>)   \
  STEP(name##_i8, activation, ToCodes<false>)

STEPS(silu, Silu)
STEPS(gelu_tanh, GeluTanh)
