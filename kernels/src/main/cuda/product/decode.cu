// Codes of 8 or 4 bits as bf16 numbers: exact without scales, rounded to nearest with scales of groups of columns.
//
// Launch: one thread for each 16 codes.  Rows are whole 16 codes, and so are groups; addresses of codes are aligned to their
// 16, of out to 16 bytes.
// Targets: all

#include "base/common.cuh"

struct Parameters {
  const void* codes;     // [rows, columns], of 8 bits; or of 4 bits, plus 8, the first in the low bits
  void* out;             // [rows, columns] BF16
  const void* scales;    // [rows, columns / groupColumns]; null for codes as they are
  int64_t rows;
  int columns;
  int groupColumns;
  int type;              // Number of codes; kI4 for those of 4 bits
  int scaleType;         // Number
};
OCTAVO_PARAMETERS(decode, Parameters, codes, out, scales, rows, columns, groupColumns, type, scaleType)

namespace {

constexpr int kCount = 16;
constexpr int kI4 = -1;

template <typename Code>
__device__ __forceinline__ void readBytes(float (&values)[kCount], const void* codes, int64_t vector) {
  struct alignas(16) {
    Code values[kCount];
  } loaded;
  *reinterpret_cast<uint4*>(&loaded) = loadStreaming(static_cast<const uint4*>(codes) + vector);
#pragma unroll
  for (int i = 0; i < kCount; i++) values[i] = toFloat(loaded.values[i]);
}

__device__ __forceinline__ void readNibbles(float (&values)[kCount], const void* codes, int64_t vector) {
  const uint2 loaded = __ldcs(static_cast<const uint2*>(codes) + vector);
#pragma unroll
  for (int i = 0; i < kCount; i++) {
    values[i] = static_cast<float>(static_cast<int>((i < 8 ? loaded.x : loaded.y) >> 4 * (i % 8) & 0xFu) - 8);
  }
}

}  // namespace

extern "C" __global__ void decode(const __grid_constant__ Parameters p) {
  const int64_t vector = blockIdx.x * static_cast<int64_t>(blockDim.x) + threadIdx.x;
  const int64_t across = p.columns / kCount;
  if (vector >= p.rows * across) return;
  float values[kCount];
  if (p.type == kI4) {
    readNibbles(values, p.codes, vector);
  } else if (p.type == kE4M3) {
    readBytes<E4M3>(values, p.codes, vector);
  } else {
    readBytes<int8_t>(values, p.codes, vector);
  }
  float scale = 1.0f;
  if (p.scales != nullptr) {
    const int64_t row = vector / across;
    const int group = static_cast<int>(vector - row * across) * kCount / p.groupColumns;
    scale = loadNumber(p.scales, p.scaleType, row * (p.columns / p.groupColumns) + group);
  }
  struct alignas(16) {
    __nv_bfloat16 values[kCount];
  } decoded;
#pragma unroll
  for (int i = 0; i < kCount; i++) decoded.values[i] = __float2bfloat16_rn(values[i] * scale);
  uint4* out = static_cast<uint4*>(p.out) + 2 * vector;
  out[0] = reinterpret_cast<const uint4*>(&decoded)[0];
  out[1] = reinterpret_cast<const uint4*>(&decoded)[1];
}
OCTAVO_LAUNCH(decode, 256, 0)
OCTAVO_CONSTANTS(decode, kCount, kI4)
