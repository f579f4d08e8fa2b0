// out = a w^T for every combination of number types, scales, shapes and alignments, in f32 without tensor cores: what the
// fast kernels do not take, and what they are tested against.
//
// Twin: ScalarMatMul.java.  Launch: grid = (ceil(n / kTile), ceil(m / kTile)), block = kThreads.  Any m, n, k >= 0.
// Targets: all

#include "base/common.cuh"
#include "base/row_range.cuh"

struct Parameters {
  const void* a;          // [m, k]
  const void* aScales;    // [m] or [1]; null for plain numbers
  const void* w;          // [n, k]
  const void* wScales;    // [n, wGroups] or [1]; null for plain numbers
  float* out;             // [m, n]
  const int* bounds;      // [2] of the rows to compute; null for all
  int m;
  int n;
  int k;
  int wGroups;            // scales a row; divides k
  int aType;              // Number
  int wType;              // Number
  int aScaleType;         // Number
  int wScaleType;         // Number
  int aScalePerRow;       // 0: one for the tensor
  int wScalePerRow;
};
OCTAVO_PARAMETERS(
    matmul_general, Parameters, a, aScales, w, wScales, out, bounds, m, n, k, wGroups, aType, wType, aScaleType, wScaleType,
    aScalePerRow, wScalePerRow)

namespace {

constexpr int kTile = 64;   // rows and columns of out that a block computes
constexpr int kSlab = 16;   // of k that is in shared memory at a time
constexpr int kEach = 4;    // rows and columns of out that a thread computes
constexpr int kThreads = (kTile / kEach) * (kTile / kEach);

// Transposed, so that a thread's rows lie side by side; padded against bank conflicts.
using Slab = float[kSlab][kTile + 4];

__device__ __forceinline__ float scaleAt(
    const void* scales, int type, bool perRow, int groups, int64_t row, int group) {
  if (scales == nullptr) return 1.0f;
  return loadNumber(scales, type, perRow ? row * groups + group : 0);
}

}  // namespace

extern "C" __global__ __launch_bounds__(kThreads) void matmul_general(const __grid_constant__ Parameters p) {
  __shared__ __align__(16) Slab aSlab;
  __shared__ __align__(16) Slab wSlab;
  const RowRange range(p.bounds, p.m);
  const int firstRow = range.from + blockIdx.y * kTile;
  if (firstRow >= range.to) return;
  const int firstColumn = blockIdx.x * kTile;
  const int groupSize = p.wGroups > 0 ? p.k / p.wGroups : p.k;
  const int row = threadIdx.x / (kTile / kEach) * kEach;
  const int column = threadIdx.x % (kTile / kEach) * kEach;
  float sums[kEach][kEach] = {};

  for (int from = 0; from < p.k; from += kSlab) {
#pragma unroll
    for (int i = threadIdx.x; i < kTile * kSlab; i += kThreads) {
      const int line = i / kSlab;
      const int at = i % kSlab;
      const int k = from + at;
      const int64_t m = firstRow + line;
      const int64_t n = firstColumn + line;
      float a = 0.0f;
      float w = 0.0f;
      if (k < p.k && m < range.to) {
        a = loadNumber(p.a, p.aType, m * p.k + k) * scaleAt(p.aScales, p.aScaleType, p.aScalePerRow, 1, m, 0);
      }
      if (k < p.k && n < p.n) {
        w = loadNumber(p.w, p.wType, n * p.k + k)
            * scaleAt(p.wScales, p.wScaleType, p.wScalePerRow, p.wGroups, n, k / groupSize);
      }
      aSlab[at][line] = a;
      wSlab[at][line] = w;
    }
    __syncthreads();
    // Past the end of k lie zeros; multiplied with a non-finite number of the other operand they never are, since that
    // one's place past the end is zero too.
#pragma unroll
    for (int at = 0; at < kSlab; at++) {
      const float4 a = *reinterpret_cast<const float4*>(&aSlab[at][row]);
      const float4 w = *reinterpret_cast<const float4*>(&wSlab[at][column]);
      const float as[kEach] = {a.x, a.y, a.z, a.w};
      const float ws[kEach] = {w.x, w.y, w.z, w.w};
#pragma unroll
      for (int i = 0; i < kEach; i++) {
#pragma unroll
        for (int j = 0; j < kEach; j++) sums[i][j] = fmaf(as[i], ws[j], sums[i][j]);
      }
    }
    __syncthreads();
  }

#pragma unroll
  for (int i = 0; i < kEach; i++) {
    const int64_t m = firstRow + row + i;
#pragma unroll
    for (int j = 0; j < kEach; j++) {
      const int64_t n = firstColumn + column + j;
      if (m < range.to && n < p.n) p.out[m * p.n + n] = sums[i][j];
    }
  }
}
OCTAVO_LAUNCH(matmul_general, kThreads, 0)
OCTAVO_CONSTANTS(matmul_general, kTile)
