// Element-wise sum or difference into the first operand, of a matrix of the same shape or of one row added everywhere.
//
// Twin: ScalarAdd.java.  Launch: one thread for each kCount elements.
// Targets: all

#include "base/common.cuh"

struct Parameters {
  float* target;    // [elements]
  const void* x;    // [elements] or [columns], F32, BF16 or F16
  int64_t elements;
  int64_t columns;  // of a row that is added everywhere; otherwise `elements`
  int type;         // Number, of x
  float sign;       // 1, or -1 for a difference
};
OCTAVO_OVERLAPPING_PARAMETERS(add, Parameters, target, x, elements, columns, type, sign)

namespace {
constexpr int kCount = 4;
}

OCTAVO_CONSTANTS(add, kCount)

extern "C" __global__ void add(const __grid_constant__ Parameters p) {
  enterStream();
  const int64_t from = (blockIdx.x * static_cast<int64_t>(blockDim.x) + threadIdx.x) * kCount;
  const bool whole = p.type == kF32 && p.columns % kCount == 0 && isAligned(p.target, 0, 16) && isAligned(p.x, 0, 16);
  if (whole && from + kCount <= p.elements) {
    float4 sum = *reinterpret_cast<const float4*>(p.target + from);
    const float4 x = *reinterpret_cast<const float4*>(static_cast<const float*>(p.x) + from % p.columns);
    sum.x += p.sign * x.x;
    sum.y += p.sign * x.y;
    sum.z += p.sign * x.z;
    sum.w += p.sign * x.w;
    *reinterpret_cast<float4*>(p.target + from) = sum;
  } else {
    for (int64_t i = from; i < min(from + kCount, p.elements); i++) {
      p.target[i] += p.sign * loadNumber(p.x, p.type, i % p.columns);
    }
  }
}
