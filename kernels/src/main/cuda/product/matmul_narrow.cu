// out = a w^T for at most 16 rows of bf16 activations, by tensor cores and at the speed of reading w, which is bf16 too.
//
// Every weight is used once, so it goes from memory straight to the registers that mma wants it in: a thread loads 16
// bytes of one row of w, and the same k of a. Which k comes first does not matter to a sum, as long as a and w agree. The
// warps of a block share out k and add up their sums in shared memory at the end, always in the same order.
//
// Twin: ScalarMatMul.java.  Launch: grid = (ceil(n / (8 * kTiles)), 1, tiles of groups), block = kWarps warps.  At most 16 rows within the
// bounds (8 for the kernels named _8); rows of a and w are whole, aligned 16-byte vectors.
// Targets: all

#include "base/common.cuh"
#include "base/row_range.cuh"

struct Parameters {
  const void* a;        // [m, k] BF16
  const void* w;        // [n, k]
  const void* wScales;  // [n] or [1]; null for plain numbers
  float* out;           // [m, n]
  const int* bounds;    // [2] of the rows to compute; null for all; [weightCount + 1] where there are weights
  const GroupWeight* weights;  // of groups of rows, in place of w and wScales; null for one
  int weightCount;
  int m;
  int n;
  int k;
  int wScaleType;       // Number
  int wScalePerRow;     // 0: one for the tensor
};
OCTAVO_PARAMETERS(matmul_narrow, Parameters, a, w, wScales, out, bounds, weights, weightCount, m, n, k, wScaleType, wScalePerRow)

namespace {

constexpr int kWarps = 8;
constexpr int kThreads = kWarps * kWarp;
constexpr int kRows = 16;        // of an mma
constexpr int kColumns = 8;      // likewise
constexpr int kFewTiles = 2;     // of kColumns, a block's
constexpr int kManyTiles = 4;
constexpr int kLanesPerRow = 4;  // that share a row of w
constexpr int kStages = 3;       // loads in flight
constexpr int kCount = 8;        // numbers in 16 bytes

__device__ __forceinline__ void multiplyPairs(
    float (&d)[4], uint32_t a0, uint32_t a1, uint32_t a2, uint32_t a3, uint32_t b0, uint32_t b1) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));
}

// What a thread loads at a time: the k of one vector of w.
template <int kTiles, bool kBoth>
struct Stage {
  uint4 w[kTiles];
  uint4 low;   // rows 0 to 7 of a
  uint4 high;  // rows 8 to 15

  __device__ __forceinline__ void load(
      const uint4* const (&weights)[kTiles], const uint4* lowRow, const uint4* highRow, int at, int vectors) {
    const uint4 nothing = make_uint4(0, 0, 0, 0);
    const bool inside = at < vectors;
#pragma unroll
    for (int j = 0; j < kTiles; j++) w[j] = inside ? loadStreaming(weights[j] + at) : nothing;
    low = inside && lowRow != nullptr ? __ldg(lowRow + at) : nothing;
    high = kBoth && inside && highRow != nullptr ? __ldg(highRow + at) : nothing;
  }

  __device__ __forceinline__ void multiply(float (&sums)[kTiles][4]) const {
#pragma unroll
    for (int j = 0; j < kTiles; j++) multiplyPairs(sums[j], low.x, high.x, low.y, high.y, w[j].x, w[j].y);
#pragma unroll
    for (int j = 0; j < kTiles; j++) multiplyPairs(sums[j], low.z, high.z, low.w, high.w, w[j].z, w[j].w);
  }
};

template <int kTiles, bool kBoth>
__device__ __forceinline__ void multiply(Parameters p) {
  // Padded against bank conflicts.
  __shared__ float partial[kWarps][kBoth ? kRows : kRows / 2][kTiles * kColumns + 8];
  const RowRange range = rowsOfTile<kBoth ? kRows : kRows / 2>(p);
  if (range.from >= range.to) return;
  const int lane = threadIdx.x % kWarp;
  const int warp = threadIdx.x / kWarp;
  const int row = lane / kLanesPerRow;
  const int firstColumn = blockIdx.x * kTiles * kColumns;
  const int vectors = p.k / kCount;

  const uint4* weights[kTiles];
#pragma unroll
  for (int j = 0; j < kTiles; j++) {
    const int n = min(firstColumn + j * kColumns + row, p.n - 1);
    weights[j] = static_cast<const uint4*>(p.w) + n * static_cast<int64_t>(vectors);
  }
  const uint4* a = static_cast<const uint4*>(p.a);
  const int m = range.from + row;
  const uint4* lowRow = m < range.to ? a + m * static_cast<int64_t>(vectors) : nullptr;
  const uint4* highRow = kBoth && m + 8 < range.to ? a + (m + 8) * static_cast<int64_t>(vectors) : nullptr;

  float sums[kTiles][4] = {};
  Stage<kTiles, kBoth> stages[kStages];
  constexpr int kStride = kWarps * kLanesPerRow;
  const int within = lane % kLanesPerRow;
  int base = warp * kLanesPerRow;
#pragma unroll
  for (int s = 0; s < kStages; s++) stages[s].load(weights, lowRow, highRow, base + s * kStride + within, vectors);
  // Vectors past the end are zeros, of both operands.
  for (; base < vectors; base += kStages * kStride) {
#pragma unroll
    for (int s = 0; s < kStages; s++) {
      stages[s].multiply(sums);
      stages[s].load(weights, lowRow, highRow, base + (kStages + s) * kStride + within, vectors);
    }
  }

#pragma unroll
  for (int j = 0; j < kTiles; j++) {
    const int column = j * kColumns + within * 2;
    *reinterpret_cast<float2*>(&partial[warp][row][column]) = make_float2(sums[j][0], sums[j][1]);
    if constexpr (kBoth) {
      *reinterpret_cast<float2*>(&partial[warp][row + 8][column]) = make_float2(sums[j][2], sums[j][3]);
    }
  }
  __syncthreads();
  constexpr int kAcross = kTiles * kColumns;
  for (int i = threadIdx.x; i < (kBoth ? kRows : kRows / 2) * kAcross; i += kWarps * kWarp) {
    const int outRow = range.from + i / kAcross;
    const int n = firstColumn + i % kAcross;
    if (outRow >= range.to || n >= p.n) continue;
    float sum = 0.0f;
#pragma unroll
    for (int w = 0; w < kWarps; w++) sum += partial[w][i / kAcross][i % kAcross];
    const float scale = p.wScales == nullptr ? 1.0f : loadNumber(p.wScales, p.wScaleType, p.wScalePerRow ? n : 0);
    p.out[outRow * static_cast<int64_t>(p.n) + n] = sum * scale;
  }
}

}  // namespace

#define NARROW(tiles, rows)                                                                                    \
  extern "C" __global__ __launch_bounds__(kThreads) void matmul_narrow_##tiles##_##rows(                        \
      const __grid_constant__ Parameters p) {                                                                  \
    multiply<tiles, (rows) == kRows>(p);                                                                       \
  }                                                                                                            \
  OCTAVO_LAUNCH(matmul_narrow_##tiles##_##rows, kThreads, 0)

NARROW(2, 8)
NARROW(4, 8)
NARROW(2, 16)
NARROW(4, 16)

OCTAVO_CONSTANTS(matmul_narrow, kRows, kColumns, kFewTiles, kManyTiles)
