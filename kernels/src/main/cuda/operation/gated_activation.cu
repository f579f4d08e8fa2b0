// The gated unit of an MLP: out = activation(gate) * up.
//
// Source: arXiv:2002.05202.  Twin: ScalarGatedActivation.java.  Launch: one thread for each kCount elements.
// out may be gate or up.
// Targets: all

#include "operation/activations.cuh"

struct Parameters {
  const float* gate;  // [elements]
  const float* up;    // [elements]
  float* out;         // [elements]
  int64_t elements;
};
OCTAVO_OVERLAPPING_PARAMETERS(gated_activation, Parameters, gate, up, out, elements)

namespace {

constexpr int kCount = 4;

template <typename Activation>
__device__ __forceinline__ void apply(const Parameters& p, Activation activation) {
  enterStream();
  const int64_t from = (blockIdx.x * static_cast<int64_t>(blockDim.x) + threadIdx.x) * kCount;
  const bool aligned = isAligned(p.gate, 0, 16) && isAligned(p.up, 0, 16) && isAligned(p.out, 0, 16);
  if (aligned && from + kCount <= p.elements) {
    const float4 gate = *reinterpret_cast<const float4*>(p.gate + from);
    const float4 up = *reinterpret_cast<const float4*>(p.up + from);
    *reinterpret_cast<float4*>(p.out + from) = gated(gate, up, activation);
  } else {
    for (int64_t i = from; i < min(from + kCount, p.elements); i++) p.out[i] = activation(p.gate[i]) * p.up[i];
  }
}

}  // namespace

OCTAVO_CONSTANTS(gated_activation, kCount)

extern "C" __global__ void gated_activation_silu(const __grid_constant__ Parameters p) {
  apply(p, Silu());
}

extern "C" __global__ void gated_activation_gelu_tanh(const __grid_constant__ Parameters p) {
  apply(p, GeluTanh());
}
