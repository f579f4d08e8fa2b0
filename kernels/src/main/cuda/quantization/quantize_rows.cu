// Symmetric quantization with one scale a row.
//
//   scale[r]    = stored(absmax(x[r, :]) / divisor), or the machine epsilon of its type where that is 0
//   codes[r, c] = convert(x[r, c] / scale[r])
//
// Twin: ScalarQuantizeRows.java, bit for bit.  Launch: grid = rows, block = a whole number of warps, at most kMostRowThreads.
// Any rows, columns >= 0.
// Targets: all

#include "quantization/quantization.cuh"

struct Parameters {
  const void* x;      // [rows, columns]
  void* codes;        // [rows, columns], E4M3 or I8
  void* scales;       // [rows], F32, BF16 or F16
  int* nonFinite;     // [1]; set to 1 if x holds NaN or infinity, or a scale overflows
  int64_t columns;
  float divisor;
  int scaleType;      // Number
};
OCTAVO_PARAMETERS(quantize_rows, Parameters, x, codes, scales, nonFinite, columns, divisor, scaleType)

namespace {

// Vectors of a row that a thread keeps in registers between finding the scale and dividing.
constexpr int kKept = 8;

constexpr int kMostRowThreads = 512;

// Stores the scale and returns it as stored.
__device__ float storeScale(const Parameters& p, float absmax) {
  const float stored = storableScale(__fdiv_rn(absmax, p.divisor), p.scaleType);
  if (threadIdx.x != 0) return stored;
  switch (p.scaleType) {
    case kBF16:
      static_cast<__nv_bfloat16*>(p.scales)[blockIdx.x] = __float2bfloat16_rn(stored);
      break;
    case kF16:
      static_cast<__half*>(p.scales)[blockIdx.x] = __float2half_rn(stored);
      break;
    default:
      static_cast<float*>(p.scales)[blockIdx.x] = stored;
  }
  if (!isfinite(stored)) *p.nonFinite = 1;
  return stored;
}

// The block's scale, from what each thread found to be the largest magnitude's bits.
__device__ __forceinline__ float scaleOf(const Parameters& p, uint32_t largest) {
  largest = blockReduce(largest, Max(), 0u);
  if (threadIdx.x == 0 && largest >= kInfinityBits) *p.nonFinite = 1;
  return storeScale(p, __uint_as_float(largest));
}

// Rows of whole vectors: read from memory once, as far as they fit kKept vectors a thread.
template <typename X, bool kToE4m3>
__device__ void quantizeVectors(const Parameters& p) {
  constexpr int kCount = Vector<X>::kCount;
  const int vectors = static_cast<int>(p.columns / kCount);
  const uint4* x = static_cast<const uint4*>(p.x) + blockIdx.x * static_cast<int64_t>(vectors);
  uint8_t* codes = static_cast<uint8_t*>(p.codes) + blockIdx.x * p.columns;

  uint4 kept[kKept];
#pragma unroll
  for (int i = 0; i < kKept; i++) {
    const int at = threadIdx.x + i * blockDim.x;
    kept[i] = at < vectors ? x[at] : make_uint4(0, 0, 0, 0);
  }
  Largest<X> largest;
  const int rest = kKept * blockDim.x;
#pragma unroll
  for (int i = 0; i < kKept; i++) largest.add(kept[i]);
  for (int at = threadIdx.x + rest; at < vectors; at += blockDim.x) largest.add(x[at]);
  const Divider divide(scaleOf(p, largest.get()));
#pragma unroll
  for (int i = 0; i < kKept; i++) {
    const int at = threadIdx.x + i * blockDim.x;
    if (at < vectors) encodeVector<X, kToE4m3>(kept[i], divide, codes + static_cast<int64_t>(at) * kCount);
  }
  for (int at = threadIdx.x + rest; at < vectors; at += blockDim.x) {
    encodeVector<X, kToE4m3>(x[at], divide, codes + static_cast<int64_t>(at) * kCount);
  }
}

template <typename X, bool kToE4m3>
__device__ void quantizeElements(const Parameters& p) {
  const X* x = static_cast<const X*>(p.x) + blockIdx.x * p.columns;
  uint8_t* codes = static_cast<uint8_t*>(p.codes) + blockIdx.x * p.columns;
  uint32_t largest = 0;
  for (int64_t c = threadIdx.x; c < p.columns; c += blockDim.x) {
    largest = max(largest, magnitudeBits(toFloat(x[c])));
  }
  const Divider divide(scaleOf(p, largest));
  for (int64_t c = threadIdx.x; c < p.columns; c += blockDim.x) codes[c] = encode<kToE4m3>(divide(toFloat(x[c])));
}

template <typename X, bool kToE4m3>
__device__ __forceinline__ void quantizeRow(const Parameters& p) {
  const bool whole = isAligned(p.x, p.columns * sizeof(X), 16) && isAligned(p.codes, p.columns, 16 / sizeof(X));
  if (whole) {
    quantizeVectors<X, kToE4m3>(p);
  } else {
    quantizeElements<X, kToE4m3>(p);
  }
}

}  // namespace

OCTAVO_CONSTANTS(quantize_rows, kKept, kMostRowThreads)

#define QUANTIZE_ROWS(name, type, toE4m3)                                                        \
  extern "C" __global__ __launch_bounds__(kMostRowThreads, 2) void quantize_rows_##name(         \
      const __grid_constant__ Parameters p) {                                                    \
    quantizeRow<type, toE4m3>(p);                                                                \
  }

QUANTIZE_ROWS(f32_e4m3, float, true)
QUANTIZE_ROWS(bf16_e4m3, __nv_bfloat16, true)
QUANTIZE_ROWS(f16_e4m3, __half, true)
QUANTIZE_ROWS(f32_i8, float, false)
QUANTIZE_ROWS(bf16_i8, __nv_bfloat16, false)
QUANTIZE_ROWS(f16_i8, __half, false)
