// h becomes the upper factor u of its inverse, h^-1 = u^T u, where h is symmetric and positive definite: all in f32.
//
// With h = r r^T, r upper triangular, h^-1 = (r^-1)^T r^-1, so u is r^-1. First r is found, blocks of kTile columns at a time
// from the last to the first: `diagonal` factors a block on the diagonal and leaves its inverse there, `panel` multiplies what
// lies above it with that, `update` subtracts the panel's products from what lies above and before. Then r is inverted in place:
// of two triangles side by side that are inverted already, `above` multiplies what lies above the second with it, and `invert`
// the first with that; triangles double until there is one.
//
// Only what lies on and above the diagonal is read or written. A pivot that is not positive counts as 1, and the first of them
// (of the last column first) is told.
//
// Twin: ScalarInverseFactor.java.  Launch: grid = (tiles across, tiles down, matrices, for above and invert times pairs of
// triangles): 1 x 1 for diagonal, rows above for panel, what lies before squared for update, a triangle's for above and invert.
// Targets: all

#include "quantization/f32_tile.cuh"

struct FactorParameters {
  float* h;       // [matrices, n, n]
  float* work;    // [matrices, workNumbers]: a panel [kTile, n] by columns, or products [pairs, size, size]
  int* failures;  // [matrices]: 1 + the column, 0 for none
  int64_t workNumbers;
  int n;
  int first;      // column of the block
  int size;       // of a triangle
  int pairs;      // of triangles
};
OCTAVO_PARAMETERS(inverse_factor, FactorParameters, h, work, failures, workNumbers, n, first, size, pairs)

namespace {

constexpr int kSub = 32;                // rows and columns that a warp factors
constexpr int kSubs = kTile / kSub;
constexpr int kPitch = kTile + 4;       // rows start 4 banks further on
constexpr int kSubPitch = kSub + 4;
constexpr int kDiagonalBytes = (kTile * kPitch + (kTile - kSub) * kSubPitch) * sizeof(float);
static_assert(kTileThreads == kSub * kSub / 4, "a thread has four numbers of a product in `diagonal`");

// Rows i and columns j + 8 e of a product of kSub x kSub are a thread's.
struct Sub {
  int i = threadIdx.x / 8;
  int j = threadIdx.x % 8;
  float sums[4] = {};

  // += a b^T.
  __device__ __forceinline__ void addTransposed(const float* a, int aPitch, const float* b, int bPitch) {
#pragma unroll
    for (int k = 0; k < kSub; k += 4) {
      const float4 x = *reinterpret_cast<const float4*>(&a[i * aPitch + k]);
#pragma unroll
      for (int e = 0; e < 4; e++) {
        const float4 y = *reinterpret_cast<const float4*>(&b[(j + 8 * e) * bPitch + k]);
        sums[e] = fmaf(x.x, y.x, fmaf(x.y, y.y, fmaf(x.z, y.z, fmaf(x.w, y.w, sums[e]))));
      }
    }
  }

  // += a b.
  __device__ __forceinline__ void add(const float* a, int aPitch, const float* b, int bPitch) {
#pragma unroll
    for (int k = 0; k < kSub; k++) {
#pragma unroll
      for (int e = 0; e < 4; e++) sums[e] = fmaf(a[i * aPitch + k], b[k * bPitch + j + 8 * e], sums[e]);
    }
  }
};

// A warp makes r the inverse of its factor; `column` is that of r in the matrix.
__device__ __forceinline__ void factorSub(float* r, float* scratch, int column, int* failures) {
  const int lane = threadIdx.x;
  float row[kSub];
#pragma unroll
  for (int c = 0; c < kSub; c += 4) *reinterpret_cast<float4*>(&row[c]) = *reinterpret_cast<const float4*>(&r[lane * kPitch + c]);
#pragma unroll
  for (int j = kSub - 1; j >= 0; j--) {
    float pivot = __shfl_sync(kAllLanes, row[j], j);
    if (!(pivot > 0.0f)) {
      if (lane == 0 && *failures == 0) *failures = column + j + 1;
      pivot = 1.0f;
    }
    const float inverse = rsqrtf(pivot);
    const float own = lane == j ? pivot * inverse : row[j] * inverse;
    row[j] = own;
    scratch[j % 2 * kSub + lane] = own;
    __syncwarp();
#pragma unroll
    for (int c = 0; c < j; c++) row[c] = fmaf(-own, scratch[j % 2 * kSub + c], row[c]);
  }
#pragma unroll
  for (int c = 0; c < kSub; c++) r[lane * kPitch + c] = row[c];
  __syncwarp();
  // A lane has a column here.
  float u[kSub];
#pragma unroll
  for (int i = 0; i < kSub; i++) u[i] = i == lane ? 1.0f : 0.0f;
#pragma unroll
  for (int l = kSub - 1; l >= 0; l--) {
    u[l] = l <= lane ? __fdividef(u[l], r[l * kPitch + l]) : 0.0f;
#pragma unroll
    for (int i = 0; i < l; i++) u[i] = fmaf(-r[i * kPitch + l], u[l], u[i]);
  }
  __syncwarp();
#pragma unroll
  for (int i = 0; i < kSub; i++) r[i * kPitch + lane] = u[i];
}

}  // namespace

OCTAVO_CONSTANTS(inverse_factor, kTile)
OCTAVO_LAUNCH(inverse_factor_diagonal, kTileThreads, kDiagonalBytes)
OCTAVO_LAUNCH(inverse_factor_panel, kTileThreads, kTileBytes)
OCTAVO_LAUNCH(inverse_factor_update, kTileThreads, kTileBytes)
OCTAVO_LAUNCH(inverse_factor_above, kTileThreads, kTileBytes)
OCTAVO_LAUNCH(inverse_factor_invert, kTileThreads, kTileBytes)

extern "C" __global__ __launch_bounds__(kTileThreads, 1) void inverse_factor_diagonal(const __grid_constant__ FactorParameters p) {
  extern __shared__ __align__(16) float shared[];
  float* r = shared;                  // [kTile, kPitch]
  float* above = r + kTile * kPitch;  // [kTile - kSub, kSubPitch]
  float* h = p.h + (static_cast<int64_t>(blockIdx.z) * p.n + p.first) * p.n + p.first;
  const int width = min(kTile, p.n - p.first);
  if (threadIdx.x == 0 && p.first + width == p.n) p.failures[blockIdx.z] = 0;
  for (int at = threadIdx.x; at < kTile * kTile; at += kTileThreads) {
    const int i = at / kTile;
    const int j = at % kTile;
    // Beyond the matrix the identity, which is its own factor.
    r[i * kPitch + j] = i <= j && j < width ? h[static_cast<int64_t>(i) * p.n + j] : i == j ? 1.0f : 0.0f;
  }
  const auto sub = [&](int i, int j) { return r + i * kSub * kPitch + j * kSub; };
  for (int s = kSubs - 1; s >= 0; s--) {
    __syncthreads();
    if (threadIdx.x < kWarp) factorSub(sub(s, s), above, p.first + s * kSub, p.failures + blockIdx.z);
    __syncthreads();
    for (int i = 0; i < s; i++) {
      Sub product;
      product.addTransposed(sub(i, s), kPitch, sub(s, s), kPitch);
#pragma unroll
      for (int e = 0; e < 4; e++) above[(i * kSub + product.i) * kSubPitch + product.j + 8 * e] = product.sums[e];
    }
    __syncthreads();
    for (int i = 0; i < s; i++) {
      for (int j = i; j < s; j++) {
        Sub product;
        product.addTransposed(above + i * kSub * kSubPitch, kSubPitch, above + j * kSub * kSubPitch, kSubPitch);
#pragma unroll
        for (int e = 0; e < 4; e++) sub(i, j)[product.i * kPitch + product.j + 8 * e] -= product.sums[e];
      }
    }
    for (int at = threadIdx.x; at < s * kSub * kSub; at += kTileThreads) {
      r[at / kSub * kPitch + s * kSub + at % kSub] = above[at / kSub * kSubPitch + at % kSub];
    }
  }
  for (int s = 1; s < kSubs; s++) {
    __syncthreads();
    for (int i = 0; i < s; i++) {
      Sub product;
      product.add(sub(i, s), kPitch, sub(s, s), kPitch);
#pragma unroll
      for (int e = 0; e < 4; e++) above[(i * kSub + product.i) * kSubPitch + product.j + 8 * e] = product.sums[e];
    }
    __syncthreads();
    for (int i = 0; i < s; i++) {
      Sub product;
      for (int l = i; l < s; l++) product.add(sub(i, l), kPitch, above + l * kSub * kSubPitch, kSubPitch);
#pragma unroll
      for (int e = 0; e < 4; e++) sub(i, s)[product.i * kPitch + product.j + 8 * e] = -product.sums[e];
    }
  }
  __syncthreads();
  for (int at = threadIdx.x; at < kTile * kTile; at += kTileThreads) {
    const int i = at / kTile;
    const int j = at % kTile;
    if (i <= j && j < width) h[static_cast<int64_t>(i) * p.n + j] = r[i * kPitch + j];
  }
}

// What lies above a block: times the transposed inverse of what lies on the diagonal. Also by columns.
extern "C" __global__ __launch_bounds__(kTileThreads, 2) void inverse_factor_panel(const __grid_constant__ FactorParameters p) {
  extern __shared__ __align__(16) float shared[];
  float* h = p.h + static_cast<int64_t>(blockIdx.z) * p.n * p.n + p.first;
  float* columns = p.work + blockIdx.z * p.workNumbers;
  const int width = min(kTile, p.n - p.first);
  const int row = blockIdx.y * kTile;
  Tile tile;
  tile.clear();
  tile.addAll(shared, kTile / kSlab, [&](int slab, uint32_t target) {
    const int from = slab * kSlab;
    fetchColumns(target, h + static_cast<int64_t>(row) * p.n + from, p.n, width == kTile, [&](int k, int) {
      return from + k < width;
    });
    fetchColumns(target + kSecond, h + static_cast<int64_t>(p.first) * p.n + from, p.n, false, [&](int k, int j) {
      return j <= from + k && from + k < width;
    });
  });
#pragma unroll
  for (int j = 0; j < Tile::kEach; j++) {
#pragma unroll
    for (int i = 0; i < Tile::kEach; i += 4) {
      *reinterpret_cast<float4*>(&columns[static_cast<int64_t>(Tile::column(j)) * p.first + row + Tile::row(i)]) =
          make_float4(tile.sums[i][j], tile.sums[i + 1][j], tile.sums[i + 2][j], tile.sums[i + 3][j]);
    }
  }
#pragma unroll
  for (int i = 0; i < Tile::kEach; i++) {
#pragma unroll
    for (int j = 0; j < Tile::kEach; j++) {
      if (Tile::column(j) < width) h[static_cast<int64_t>(row + Tile::row(i)) * p.n + Tile::column(j)] = tile.sums[i][j];
    }
  }
}

// What lies above and before a block, less the products of the panel's rows.
extern "C" __global__ __launch_bounds__(kTileThreads, 2) void inverse_factor_update(const __grid_constant__ FactorParameters p) {
  extern __shared__ __align__(16) float shared[];
  if (blockIdx.y > blockIdx.x) return;
  const float* columns = p.work + blockIdx.z * p.workNumbers;
  const int row = blockIdx.y * kTile;
  const int column = blockIdx.x * kTile;
  Tile tile;
  tile.clear();
  tile.addAll(shared, kTile / kSlab, [&](int slab, uint32_t target) {
    const float* from = columns + static_cast<int64_t>(slab) * kSlab * p.first;
    fetchRows(target, from + row, p.first, kTile, true);
    fetchRows(target + kSecond, from + column, p.first, kTile, true);
  });
  float* h = p.h + (static_cast<int64_t>(blockIdx.z) * p.n + row) * p.n + column;
#pragma unroll
  for (int i = 0; i < Tile::kEach; i++) {
#pragma unroll
    for (int j = 0; j < Tile::kEach; j++) {
      if (row + Tile::row(i) <= column + Tile::column(j)) h[static_cast<int64_t>(Tile::row(i)) * p.n + Tile::column(j)] -= tile.sums[i][j];
    }
  }
}

namespace {

// Two triangles beside each other, and the products of a tile between them.
struct Pair {
  float* rows;      // of the matrix, from the first triangle's first row and column on
  float* products;  // [size, size]
  int width;        // of the second triangle
  int row;          // of the tile, in the first triangle
  int column;       // in the second

  // The tiles that take longest come first.
  __device__ __forceinline__ Pair(const FactorParameters& p, int tileDown, int tileAcross) {
    const int matrix = blockIdx.z / p.pairs;
    const int pair = blockIdx.z % p.pairs;
    const int64_t first = 2 * static_cast<int64_t>(pair) * p.size;
    rows = p.h + (static_cast<int64_t>(matrix) * p.n + first) * p.n + first;
    products = p.work + matrix * p.workNumbers + static_cast<int64_t>(pair) * p.size * p.size;
    width = static_cast<int>(min(static_cast<int64_t>(p.size), p.n - first - p.size));
    row = tileDown * kTile;
    column = tileAcross * kTile;
  }
};

}  // namespace

// What lies above the second triangle, times its inverse.
extern "C" __global__ __launch_bounds__(kTileThreads, 2) void inverse_factor_above(const __grid_constant__ FactorParameters p) {
  extern __shared__ __align__(16) float shared[];
  const Pair pair(p, blockIdx.y, gridDim.x - 1 - blockIdx.x);
  if (pair.column >= pair.width) return;
  const int64_t n = p.n;
  const float* second = pair.rows + p.size * n + p.size;
  const bool inChunks = isAligned(p.h, n * sizeof(float), 16);
  Tile tile;
  tile.clear();
  tile.addAll(shared, (min(pair.column + kTile, pair.width) + kSlab - 1) / kSlab, [&](int slab, uint32_t target) {
    const int from = slab * kSlab;
    fetchColumns(target, pair.rows + pair.row * n + p.size + from, n, from + kSlab <= pair.width, [&](int k, int) {
      return from + k < pair.width;
    });
    const float* rows = second + from * n + pair.column;
    if (from < pair.column) {
      fetchRows(target + kSecond, rows, n, pair.width - pair.column, inChunks);
    } else {
      fetchNumbers(target + kSecond, rows, n, [&](int k, int j) {
        return from + k <= pair.column + j && pair.column + j < pair.width;
      });
    }
  });
#pragma unroll
  for (int i = 0; i < Tile::kEach; i++) {
#pragma unroll
    for (int j = 0; j < Tile::kEach; j += 4) {
      *reinterpret_cast<float4*>(
          &pair.products[static_cast<int64_t>(pair.row + Tile::row(i)) * p.size + pair.column + Tile::column(j)]) =
          *reinterpret_cast<const float4*>(&tile.sums[i][j]);
    }
  }
}

// The inverse above the second triangle: less that of the first times the products.
extern "C" __global__ __launch_bounds__(kTileThreads, 2) void inverse_factor_invert(const __grid_constant__ FactorParameters p) {
  extern __shared__ __align__(16) float shared[];
  const Pair pair(p, blockIdx.y, blockIdx.x);
  if (pair.column >= pair.width) return;
  const int64_t n = p.n;
  Tile tile;
  tile.clear();
  tile.addAll(shared, (p.size - pair.row) / kSlab, [&](int slab, uint32_t target) {
    const int from = slab * kSlab;
    fetchColumns(target, pair.rows + pair.row * n + pair.row + from, n, from >= kTile, [&](int k, int i) { return i <= from + k; });
    fetchRows(
        target + kSecond, pair.products + static_cast<int64_t>(pair.row + from) * p.size + pair.column, p.size, kTile, true);
  });
  float* target = pair.rows + pair.row * n + p.size + pair.column;
#pragma unroll
  for (int i = 0; i < Tile::kEach; i++) {
#pragma unroll
    for (int j = 0; j < Tile::kEach; j++) {
      if (pair.column + Tile::column(j) < pair.width) target[Tile::row(i) * n + Tile::column(j)] = -tile.sums[i][j];
    }
  }
}
