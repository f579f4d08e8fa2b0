// x = cap * tanh(x / cap), in place.
//
// Source: arXiv:2408.00118, section 2.  Twin: ScalarSoftcap.java.  Launch: one thread an element.
// Targets: all

#include "base/common.cuh"

struct Parameters {
  float* x;  // [elements]
  int64_t elements;
  float cap;
};
OCTAVO_PARAMETERS(softcap, Parameters, x, elements, cap)

extern "C" __global__ void softcap(const __grid_constant__ Parameters p) {
  const int64_t i = blockIdx.x * static_cast<int64_t>(blockDim.x) + threadIdx.x;
  if (i < p.elements) p.x[i] = p.cap * tanhf(p.x[i] / p.cap);
}
