// 8-bit codes as bf16 numbers: exact, for E4M3 and for INT8.
//
// Launch: one thread for each 16 codes.  elements is a multiple of 16; both addresses are aligned to 16 bytes.

#include "common.cuh"

struct Parameters {
  const void* codes;   // [elements]
  void* out;           // [elements] BF16
  int64_t elements;
  int type;            // Number, of codes
};
OCTAVO_PARAMETERS(decode, Parameters, codes, out, elements, type)

namespace {

constexpr int kCount = 16;

template <typename Code>
__device__ __forceinline__ void decodeVector(const Parameters& p, int64_t vector) {
  struct alignas(16) {
    Code values[kCount];
  } codes;
  struct alignas(16) {
    __nv_bfloat16 values[kCount];
  } decoded;
  *reinterpret_cast<uint4*>(&codes) = loadStreaming(static_cast<const uint4*>(p.codes) + vector);
#pragma unroll
  for (int i = 0; i < kCount; i++) decoded.values[i] = __float2bfloat16_rn(toFloat(codes.values[i]));
  uint4* out = static_cast<uint4*>(p.out) + 2 * vector;
  out[0] = reinterpret_cast<const uint4*>(&decoded)[0];
  out[1] = reinterpret_cast<const uint4*>(&decoded)[1];
}

}  // namespace

extern "C" __global__ void decode(const __grid_constant__ Parameters p) {
  const int64_t vector = blockIdx.x * static_cast<int64_t>(blockDim.x) + threadIdx.x;
  if (vector >= p.elements / kCount) return;
  if (p.type == kE4M3) {
    decodeVector<E4M3>(p, vector);
  } else {
    decodeVector<int8_t>(p, vector);
  }
}
