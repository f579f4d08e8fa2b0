// The gated unit of an MLP: out = activation(gate) * up.
//
// Source: arXiv:2002.05202.  Twin: ScalarGatedActivation.java.  Launch: one thread for each kCount elements.
// out may be gate or up.

#include "common.cuh"

struct Parameters {
  const float* gate;  // [elements]
  const float* up;    // [elements]
  float* out;         // [elements]
  int64_t elements;
};
OCTAVO_OVERLAPPING_PARAMETERS(gated_activation, Parameters, gate, up, out, elements)

namespace {

constexpr int kCount = 4;

struct Silu {
  __device__ __forceinline__ float operator()(float x) const { return x / (1.0f + expf(-x)); }
};

// The tanh form of GELU. (1 + tanh u) / 2 = 1 / (1 + e^-2u), which does not cancel where tanh u is near -1.
struct GeluTanh {
  __device__ __forceinline__ float operator()(float x) const {
    constexpr float kTwiceRootTwoOverPi = 1.5957691216057308f;
    return x / (1.0f + expf(-kTwiceRootTwoOverPi * (x + 0.044715f * x * x * x)));
  }
};

template <typename Activation>
__device__ __forceinline__ void apply(const Parameters& p, Activation activation) {
  enterStream();
  const int64_t from = (blockIdx.x * static_cast<int64_t>(blockDim.x) + threadIdx.x) * kCount;
  const bool aligned = isAligned(p.gate, 0, 16) && isAligned(p.up, 0, 16) && isAligned(p.out, 0, 16);
  if (aligned && from + kCount <= p.elements) {
    const float4 gate = *reinterpret_cast<const float4*>(p.gate + from);
    const float4 up = *reinterpret_cast<const float4*>(p.up + from);
    *reinterpret_cast<float4*>(p.out + from) = make_float4(
        activation(gate.x) * up.x, activation(gate.y) * up.y, activation(gate.z) * up.z, activation(gate.w) * up.w);
  } else {
    for (int64_t i = from; i < min(from + kCount, p.elements); i++) p.out[i] = activation(p.gate[i]) * p.up[i];
  }
}

}  // namespace

extern "C" __global__ void gated_activation_silu(const __grid_constant__ Parameters p) {
  apply(p, Silu());
}

extern "C" __global__ void gated_activation_gelu_tanh(const __grid_constant__ Parameters p) {
  apply(p, GeluTanh());
}
