// h becomes the upper factor u of its inverse, h^-1 = u^T u, where h is symmetric and positive definite: all in f32.
//
// With h = r r^T, r upper triangular, h^-1 = (r^-1)^T r^-1, so u is r^-1. First r is found, blocks of kBlock columns at a time
// from the last to the first: `diagonal` factors a block on the diagonal and leaves its inverse there, `panel` multiplies what
// lies above it with that, `update` subtracts the panel's products from what lies above and before. Then r is inverted in
// place, from the first block of columns to the last: `above` multiplies what lies above a block's inverse with it, into
// `panels`, and `invert` multiplies that with what is inverted already.
//
// Only what lies on and above the diagonal is read or written. A pivot that is not positive counts as 1, and the first of them
// (of the last column first) is told.
//
// Twin: ScalarInverseFactor.java.  Launch: grid = (tiles, 1, matrices) for diagonal, (tiles of rows above, 1, matrices) for
// panel, above and invert, (tiles of columns before, the same of rows, matrices) for update; block = kThreads; dynamic shared
// memory of diagonal = kDiagonalBytes.
// Targets: all

#include "base/common.cuh"

struct FactorParameters {
  float* h;       // [matrices, n, n]
  float* panels;  // [matrices, n, kBlock]
  int* failures;  // [matrices]: 1 + the column, 0 for none
  int n;
  int block;      // of columns
};
OCTAVO_PARAMETERS(inverse_factor, FactorParameters, h, panels, failures, n, block)

namespace {

constexpr int kBlock = 128;
constexpr int kRows = 64;     // of a tile
constexpr int kSlab = 16;     // of k in shared memory
constexpr int kThreads = 128;
constexpr int kEach = 8;      // rows, and columns, of a thread
constexpr int kPitch = kBlock + 1;

// A thread's part of a product of kRows x kBlock: rows row() + i and columns column(j) of the tile.
struct Product {
  float sums[kEach][kEach] = {};

  __device__ __forceinline__ static int row() { return threadIdx.x / 16 * kEach; }
  __device__ __forceinline__ static int column(int j) { return threadIdx.x % 16 * 4 + j / 4 * 64 + j % 4; }

  // += a b over k in [from, to). a(row, k) and b(k, column) are numbers of the operands, 0 outside of them. Where a row of b is
  // k (kAcross), threads read along it, otherwise along k.
  template <bool kAcross, typename A, typename B>
  __device__ __forceinline__ void add(int from, int to, A a, B b) {
    __shared__ float aSlab[kSlab][kRows + 4];
    __shared__ float bSlab[kSlab][kBlock + 4];
    float aNext[kRows * kSlab / kThreads];
    float bNext[kBlock * kSlab / kThreads];
    const auto load = [&](int k) {
#pragma unroll
      for (int i = 0; i < kRows * kSlab / kThreads; i++) {
        const int at = threadIdx.x + i * kThreads;
        aNext[i] = k + at % kSlab < to ? a(at / kSlab, k + at % kSlab) : 0.0f;
      }
#pragma unroll
      for (int i = 0; i < kBlock * kSlab / kThreads; i++) {
        const int at = threadIdx.x + i * kThreads;
        const int inSlab = kAcross ? at / kBlock : at % kSlab;
        const int column = kAcross ? at % kBlock : at / kSlab;
        bNext[i] = k + inSlab < to ? b(k + inSlab, column) : 0.0f;
      }
    };
    load(from);
    for (int k = from; k < to; k += kSlab) {
      __syncthreads();
#pragma unroll
      for (int i = 0; i < kRows * kSlab / kThreads; i++) {
        const int at = threadIdx.x + i * kThreads;
        aSlab[at % kSlab][at / kSlab] = aNext[i];
      }
#pragma unroll
      for (int i = 0; i < kBlock * kSlab / kThreads; i++) {
        const int at = threadIdx.x + i * kThreads;
        const int inSlab = kAcross ? at / kBlock : at % kSlab;
        const int column = kAcross ? at % kBlock : at / kSlab;
        bSlab[inSlab][column] = bNext[i];
      }
      __syncthreads();
      if (k + kSlab < to) load(k + kSlab);
#pragma unroll
      for (int s = 0; s < kSlab; s++) {
        float x[kEach];
        float y[kEach];
#pragma unroll
        for (int i = 0; i < kEach; i += 4) {
          *reinterpret_cast<float4*>(&x[i]) = *reinterpret_cast<const float4*>(&aSlab[s][row() + i]);
          *reinterpret_cast<float4*>(&y[i]) = *reinterpret_cast<const float4*>(&bSlab[s][column(i)]);
        }
#pragma unroll
        for (int i = 0; i < kEach; i++) {
#pragma unroll
          for (int j = 0; j < kEach; j++) sums[i][j] = fmaf(x[i], y[j], sums[i][j]);
        }
      }
    }
  }

  template <typename Store>
  __device__ __forceinline__ void store(Store store) const {
#pragma unroll
    for (int i = 0; i < kEach; i++) {
#pragma unroll
      for (int j = 0; j < kEach; j++) store(row() + i, column(j), sums[i][j]);
    }
  }
};

struct Place {
  float* h;
  float* panel;
  int64_t n;
  int first;  // column of the block
  int width;

  __device__ __forceinline__ explicit Place(const FactorParameters& p)
      : h(p.h + blockIdx.z * static_cast<int64_t>(p.n) * p.n),
        panel(p.panels + blockIdx.z * static_cast<int64_t>(p.n) * kBlock),
        n(p.n),
        first(p.block * kBlock),
        width(min(kBlock, p.n - p.block * kBlock)) {}

  // On or above the diagonal; 0 below and outside.
  __device__ __forceinline__ float upper(int row, int column) const {
    return row <= column && column < n ? h[row * n + column] : 0.0f;
  }
};

}  // namespace

extern "C" __global__ __launch_bounds__(kThreads) void inverse_factor_diagonal(const __grid_constant__ FactorParameters p) {
  extern __shared__ float shared[];
  float(*r)[kPitch] = reinterpret_cast<float(*)[kPitch]>(shared);
  float(*u)[kPitch] = r + kBlock;
  const Place at(p);
  const int column = threadIdx.x;
  if (threadIdx.x == 0 && at.first + at.width == p.n) p.failures[blockIdx.z] = 0;
  for (int i = 0; i < kBlock; i++) {
    const bool inside = i < at.width && column < at.width;
    // Beyond the matrix the identity, which is its own factor.
    r[i][column] = inside ? at.upper(at.first + i, at.first + column) : i == column ? 1.0f : 0.0f;
  }
  for (int j = kBlock - 1; j >= 0; j--) {
    __syncthreads();
    float pivot = r[j][j];
    if (!(pivot > 0.0f)) {
      if (threadIdx.x == 0 && p.failures[blockIdx.z] == 0) p.failures[blockIdx.z] = at.first + j + 1;
      pivot = 1.0f;
    }
    const float root = sqrtf(pivot);
    const float inverse = 1.0f / root;
    const float own = column < j ? r[column][j] * inverse : 0.0f;
    __syncthreads();
    if (column < j) r[column][j] = own;
    if (column == j) r[j][j] = root;
    __syncthreads();
    // A thread has a column here, and goes through its rows.
    if (column < j) {
#pragma unroll 4
      for (int i = 0; i <= column; i++) r[i][column] = fmaf(-r[i][j], own, r[i][column]);
    }
  }
  __syncthreads();
  // A thread solves for a column of the inverse.
  for (int i = kBlock - 1; i >= 0; i--) {
    float sums[4] = {};
    int l = i + 1;
    for (; l + 4 <= kBlock; l += 4) {
#pragma unroll
      for (int e = 0; e < 4; e++) sums[e] = fmaf(r[i][l + e], u[l + e][column], sums[e]);
    }
    for (; l < kBlock; l++) sums[0] = fmaf(r[i][l], u[l][column], sums[0]);
    const float sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    u[i][column] = ((i == column ? 1.0f : 0.0f) - sum) / r[i][i];
  }
  __syncthreads();
  for (int i = 0; i < at.width; i++) {
    if (column >= i && column < at.width) at.h[(at.first + i) * at.n + at.first + column] = u[i][column];
  }
}

// What lies above a block: times the transposed inverse of what lies on the diagonal.
extern "C" __global__ __launch_bounds__(kThreads) void inverse_factor_panel(const __grid_constant__ FactorParameters p) {
  const Place at(p);
  const int row = blockIdx.x * kRows;
  Product product;
  product.add<false>(
      0, at.width, [&](int i, int k) { return at.upper(row + i, at.first + k); },
      [&](int k, int j) { return j < at.width ? at.upper(at.first + j, at.first + k) : 0.0f; });
  product.store([&](int i, int j, float sum) {
    if (row + i < at.first && j < at.width) at.h[(row + i) * at.n + at.first + j] = sum;
  });
}

// What lies above and before a block, less the products of the panel's rows.
extern "C" __global__ __launch_bounds__(kThreads) void inverse_factor_update(const __grid_constant__ FactorParameters p) {
  const Place at(p);
  const int row = blockIdx.y * kRows;
  const int column = blockIdx.x * kBlock;
  if (row >= column + kBlock) return;
  Product product;
  product.add<false>(
      0, at.width, [&](int i, int k) { return at.upper(row + i, at.first + k); },
      [&](int k, int j) { return at.upper(column + j, at.first + k); });
  product.store([&](int i, int j, float sum) {
    if (row + i <= column + j && column + j < at.first) at.h[(row + i) * at.n + column + j] -= sum;
  });
}

// What lies above a block, times the inverse of what lies on the diagonal.
extern "C" __global__ __launch_bounds__(kThreads) void inverse_factor_above(const __grid_constant__ FactorParameters p) {
  const Place at(p);
  const int row = blockIdx.x * kRows;
  Product product;
  product.add<true>(
      0, at.width, [&](int i, int k) { return at.upper(row + i, at.first + k); },
      [&](int k, int j) { return j < at.width ? at.upper(at.first + k, at.first + j) : 0.0f; });
  product.store([&](int i, int j, float sum) {
    if (row + i < at.first) at.panel[(row + i) * static_cast<int64_t>(kBlock) + j] = sum;
  });
}

// The inverse above a block: less what is inverted already, times that. The rows with the most to sum come first.
extern "C" __global__ __launch_bounds__(kThreads) void inverse_factor_invert(const __grid_constant__ FactorParameters p) {
  const Place at(p);
  const int row = blockIdx.x * kRows;
  Product product;
  product.add<true>(
      row, at.first, [&](int i, int k) { return at.upper(row + i, k); },
      [&](int k, int j) { return at.panel[k * static_cast<int64_t>(kBlock) + j]; });
  product.store([&](int i, int j, float sum) {
    if (row + i < at.first && j < at.width) at.h[(row + i) * at.n + at.first + j] = -sum;
  });
}
