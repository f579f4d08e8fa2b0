// Functions that an MLP applies to its gate; arXiv:2002.05202.
#pragma once

#include "base/common.cuh"

namespace {

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
__device__ __forceinline__ float4 gated(const float4& gate, const float4& up, Activation activation) {
  return make_float4(
      activation(gate.x) * up.x, activation(gate.y) * up.y, activation(gate.z) * up.z, activation(gate.w) * up.w);
}

}  // namespace
