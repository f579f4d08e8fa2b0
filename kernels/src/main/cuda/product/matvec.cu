// out = a w^T for few rows of f32 or bf16 activations: every weight is read once, 16 bytes at a time, and multiplied with
// all rows in f32.
//
// Twin: ScalarMatMul.java.  Launch: grid = ceil(n / (kWarps * kOutputs)), block = kWarps warps.  1 <= m <= kRows of the
// kernel; k and the rows' addresses are such that rows consist of whole 16-byte vectors of weights.
// Targets: all

#include "base/common.cuh"

struct Parameters {
  const void* a;        // [m, k], F32 or BF16
  const void* w;        // [n, k]
  const void* wScales;  // [n] or [1]; null for plain numbers
  float* out;           // [m, n]
  int m;
  int n;
  int k;
  int aType;            // Number
  int wScaleType;       // Number
  int wScalePerRow;     // 0: one for the tensor
};
OCTAVO_OVERLAPPING_PARAMETERS(matvec, Parameters, a, w, wScales, out, m, n, k, aType, wScaleType, wScalePerRow)

namespace {

constexpr int kWarps = 8;
constexpr int kThreads = kWarps * kWarp;
constexpr int kOutputs = 2;  // that a warp computes, so that activations are loaded once for both
constexpr int kBlockOutputs = kWarps * kOutputs;
constexpr int kMostRows = 8;

struct E4m3Code {
  static constexpr bool kIsE4m3 = true;
  uint8_t bits;
};

struct I8Code {
  static constexpr bool kIsE4m3 = false;
  int8_t bits;
};

template <typename W>
struct Decoded {
  static constexpr int kCount = Vector<W>::kCount;
  float values[kCount];

  __device__ __forceinline__ explicit Decoded(const uint4& vector) {
    if constexpr (sizeof(W) == 1) {
      const uint8_t* bytes = reinterpret_cast<const uint8_t*>(&vector);
#pragma unroll
      for (int i = 0; i < kCount; i += 2) decodePair(bytes[i] | bytes[i + 1] << 8, values[i], values[i + 1]);
    } else {
#pragma unroll
      for (int i = 0; i < kCount; i++) values[i] = elementOf<W>(vector, i);
    }
  }

  static __device__ __forceinline__ void decodePair(uint32_t pair, float& low, float& high) {
    if constexpr (sizeof(W) == 1) {
      if constexpr (W::kIsE4m3) {
        const __half2 halves = __half2(__nv_cvt_fp8x2_to_halfraw2(static_cast<__nv_fp8x2_storage_t>(pair), __NV_E4M3));
        low = __low2float(halves);
        high = __high2float(halves);
      } else {
        low = static_cast<float>(static_cast<int8_t>(pair & 0xFF));
        high = static_cast<float>(static_cast<int8_t>(pair >> 8));
      }
    }
  }
};

template <int kCount>
__device__ __forceinline__ void loadActivations(const Parameters& p, int row, int64_t from, float (&values)[kCount]) {
  if (p.aType == kF32) {
    const float4* a = reinterpret_cast<const float4*>(static_cast<const float*>(p.a) + row * static_cast<int64_t>(p.k) + from);
#pragma unroll
    for (int i = 0; i < kCount / 4; i++) {
      const float4 v = a[i];
      values[4 * i] = v.x;
      values[4 * i + 1] = v.y;
      values[4 * i + 2] = v.z;
      values[4 * i + 3] = v.w;
    }
  } else {
    const uint2* a = reinterpret_cast<const uint2*>(
        static_cast<const __nv_bfloat16*>(p.a) + row * static_cast<int64_t>(p.k) + from);
#pragma unroll
    for (int i = 0; i < kCount / 4; i++) {
      const uint2 v = a[i];
      values[4 * i] = __uint_as_float(v.x << 16);
      values[4 * i + 1] = __uint_as_float(v.x & 0xFFFF0000u);
      values[4 * i + 2] = __uint_as_float(v.y << 16);
      values[4 * i + 3] = __uint_as_float(v.y & 0xFFFF0000u);
    }
  }
}

template <typename W, int kRows>
__device__ __forceinline__ void multiply(const Parameters& p) {
  constexpr int kCount = Vector<W>::kCount;
  const int lane = threadIdx.x % kWarp;
  const int64_t first = (static_cast<int64_t>(blockIdx.x) * kWarps + threadIdx.x / kWarp) * kOutputs;
  const int64_t rowBytes = p.k * static_cast<int64_t>(sizeof(W));
  if (kRows == 1 && first < p.n && lane * 128 < rowBytes) {
    prefetch(static_cast<const uint8_t*>(p.w) + first * rowBytes + lane * 128);
  }
  enterStream();
  if (first >= p.n) return;
  const int vectors = p.k / kCount;
  const uint4* weights[kOutputs];
#pragma unroll
  for (int o = 0; o < kOutputs; o++) {
    // The last output is computed twice where n is odd, and stored once.
    const int64_t n = min(first + o, static_cast<int64_t>(p.n) - 1);
    weights[o] = static_cast<const uint4*>(p.w) + n * vectors;
  }
  float sums[kRows][kOutputs] = {};
#pragma unroll 2
  for (int at = lane; at < vectors; at += kWarp) {
    uint4 loaded[kOutputs];
#pragma unroll
    for (int o = 0; o < kOutputs; o++) loaded[o] = loadStreaming(weights[o] + at);
#pragma unroll
    for (int row = 0; row < kRows; row++) {
      if (row < p.m) {
        float a[kCount];
        loadActivations<kCount>(p, row, static_cast<int64_t>(at) * kCount, a);
#pragma unroll
        for (int o = 0; o < kOutputs; o++) {
          const Decoded<W> w(loaded[o]);
#pragma unroll
          for (int i = 0; i < kCount; i++) sums[row][o] = fmaf(a[i], w.values[i], sums[row][o]);
        }
      }
    }
  }
#pragma unroll
  for (int row = 0; row < kRows; row++) {
#pragma unroll
    for (int o = 0; o < kOutputs; o++) {
      const float sum = warpReduce(sums[row][o], Sum());
      const int64_t n = first + o;
      if (lane == 0 && row < p.m && n < p.n) {
        const float scale =
            p.wScales == nullptr ? 1.0f : loadNumber(p.wScales, p.wScaleType, p.wScalePerRow ? n : 0);
        p.out[row * static_cast<int64_t>(p.n) + n] = sum * scale;
      }
    }
  }
}

}  // namespace

#define MATVEC(name, type, rows)                                                                 \
  extern "C" __global__ __launch_bounds__(kThreads) void matvec_##name##_##rows(                 \
      const __grid_constant__ Parameters p) {                                                    \
    multiply<type, rows>(p);                                                                     \
  }                                                                                              \
  OCTAVO_LAUNCH(matvec_##name##_##rows, kThreads, 0)

// Powers of two up to kMostRows.
#define MATVECS(name, type) MATVEC(name, type, 1) MATVEC(name, type, 2) MATVEC(name, type, 4) MATVEC(name, type, 8)

MATVECS(f32, float)
MATVECS(bf16, __nv_bfloat16)
MATVECS(f16, __half)
MATVECS(e4m3, E4m3Code)
MATVECS(i8, I8Code)

OCTAVO_CONSTANTS(matvec, kMostRows, kBlockOutputs)
