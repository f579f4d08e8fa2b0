// Rounds f32 to another floating type, to nearest, ties to even.
//
// Twin: HostConvert.java.  Launch: one thread for each kCount elements.
// Targets: all

#include "base/common.cuh"

struct Parameters {
  const float* x;    // [elements]
  void* out;         // [elements], F32, BF16 or F16
  int64_t elements;
  int type;          // Number, of out
};
OCTAVO_OVERLAPPING_PARAMETERS(convert, Parameters, x, out, elements, type)

namespace {

constexpr int kCount = 8;

template <typename Out>
__device__ __forceinline__ void convert(const Parameters& p) {
  const int64_t from = (blockIdx.x * static_cast<int64_t>(blockDim.x) + threadIdx.x) * kCount;
  Out* out = static_cast<Out*>(p.out);
  if (isAligned(p.x, 0, 16) && isAligned(p.out, 0, 16) && from + kCount <= p.elements) {
    const float4* source = reinterpret_cast<const float4*>(p.x + from);
    const float4 a = source[0];
    const float4 b = source[1];
    struct alignas(16) {
      Out values[kCount];
    } rounded = {
        {fromFloat<Out>(a.x), fromFloat<Out>(a.y), fromFloat<Out>(a.z), fromFloat<Out>(a.w), fromFloat<Out>(b.x),
         fromFloat<Out>(b.y), fromFloat<Out>(b.z), fromFloat<Out>(b.w)}};
    constexpr int kVectors = kCount * sizeof(Out) / 16;
#pragma unroll
    for (int i = 0; i < kVectors; i++) {
      reinterpret_cast<uint4*>(out + from)[i] = reinterpret_cast<const uint4*>(&rounded)[i];
    }
  } else {
    for (int64_t i = from; i < min(from + kCount, p.elements); i++) out[i] = fromFloat<Out>(p.x[i]);
  }
}

}  // namespace

OCTAVO_CONSTANTS(convert, kCount)

extern "C" __global__ void convert(const __grid_constant__ Parameters p) {
  enterStream();
  switch (p.type) {
    case kF32:
      return convert<float>(p);
    case kBF16:
      return convert<__nv_bfloat16>(p);
    default:
      return convert<__half>(p);
  }
}
