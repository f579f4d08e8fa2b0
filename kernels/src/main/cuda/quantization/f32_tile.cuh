// A tile of a product of f32 numbers, by tensor cores that take them in two parts: sums of kTile x kTile, which a block of
// kTileThreads adds up from slabs of kSlab numbers along k, three of which are under way.
#pragma once

#include "base/async_copy.cuh"

namespace {

constexpr int kTile = 128;
constexpr int kSlab = 16;
constexpr int kTileThreads = 256;
constexpr int kStages = 3;
constexpr int kTilePitch = kTile + 8;  // four columns of eight rows lie in different banks
constexpr int kSlabNumbers = 2 * kSlab * kTilePitch;
constexpr int kSecond = kSlab * kTilePitch * sizeof(float);  // where the second operand of a slab begins
constexpr int kTileBytes = kStages * kSlabNumbers * sizeof(float);

// A number into shared memory, or zero.
__device__ __forceinline__ void copyNumber(uint32_t target, const float* source, bool exists) {
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(target), "l"(source), "r"(exists ? 4 : 0));
}

// A number as the sum of two that tensor cores take: 11 bits, and 11 of what those leave, which they cut off themselves.
struct Split {
  uint32_t high;
  uint32_t low;

  __device__ __forceinline__ explicit Split(float x) {
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(high) : "f"(x));
    low = __float_as_uint(x - __uint_as_float(high));
  }
};

// sums += a^T b of 16 x 8 by 8 numbers, lanes as mma.sync has them.
__device__ __forceinline__ void multiplyTf32(float (&sums)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

// A thread's part of a tile: 8 x 8 numbers, of which rows lie in runs of four and columns in a row. A warp has 64 rows by 32 columns,
// four by four products of 16 x 8; which row or column of a tile is which one of those suits how operands are read.
struct Tile {
  static constexpr int kEach = 8;
  static constexpr int kDepth = 8;   // numbers along k of a product
  static constexpr int kAcross = 4;  // products side by side

  float sums[kEach][kEach];

  __device__ __forceinline__ static int row(int i) {
    return threadIdx.x / 128 * 64 + threadIdx.x % 32 / 4 * 4 + i / 4 * 32 + i % 4;
  }
  __device__ __forceinline__ static int column(int j) { return threadIdx.x / 32 % 4 * 32 + threadIdx.x % 4 * 8 + j; }

  __device__ __forceinline__ void clear() {
#pragma unroll
    for (int i = 0; i < kEach; i++) {
#pragma unroll
      for (int j = 0; j < kEach; j++) sums[i][j] = 0.0f;
    }
  }

  // += a^T b of a slab: kSlab rows of kTile numbers of a, then of b. What both leave of 22 bits is left out, and the product of
  // what both leave of 11: 2^-20 of a product.
  __device__ __forceinline__ void add(const float* slab) {
    const int down = threadIdx.x % 4;
    const int across = threadIdx.x / 32 % 4 * 32 + threadIdx.x % 32 / 4 * kAcross;
#pragma unroll
    for (int k = 0; k < kSlab; k += kDepth) {
      uint32_t b[2][kAcross][2];  // high, low
#pragma unroll
      for (int half = 0; half < 2; half++) {
        float y[kAcross];
        *reinterpret_cast<float4*>(y) =
            *reinterpret_cast<const float4*>(&slab[(kSlab + k + down + half * 4) * kTilePitch + across]);
#pragma unroll
        for (int t = 0; t < kAcross; t++) {
          const Split split(y[t]);
          b[0][t][half] = split.high;
          b[1][t][half] = split.low;
        }
      }
#pragma unroll
      for (int i = 0; i < kEach; i += 4) {
        uint32_t a[2][2][4];
#pragma unroll
        for (int half = 0; half < 2; half++) {
          float x[4];
          *reinterpret_cast<float4*>(x) =
              *reinterpret_cast<const float4*>(&slab[(k + down + half * 4) * kTilePitch + row(i)]);
#pragma unroll
          for (int r = 0; r < 4; r++) {
            const Split split(x[r]);
            a[0][r / 2][half * 2 + r % 2] = split.high;
            a[1][r / 2][half * 2 + r % 2] = split.low;
          }
        }
#pragma unroll
        for (int m = 0; m < 2; m++) {
#pragma unroll
          for (int t = 0; t < kAcross; t++) {
            float(&upper)[kEach] = sums[i + 2 * m];
            float(&lower)[kEach] = sums[i + 2 * m + 1];
            float c[4] = {upper[t], upper[kAcross + t], lower[t], lower[kAcross + t]};
            multiplyTf32(c, a[1][m], b[0][t]);
            multiplyTf32(c, a[0][m], b[1][t]);
            multiplyTf32(c, a[0][m], b[0][t]);
            upper[t] = c[0];
            upper[kAcross + t] = c[1];
            lower[t] = c[2];
            lower[kAcross + t] = c[3];
          }
        }
      }
    }
  }

  // += over all slabs. fetch(slab, at) begins the copies of this thread into shared memory at an address.
  template <typename Fetch>
  __device__ __forceinline__ void addAll(float* shared, int slabs, Fetch fetch) {
#pragma unroll 1
    for (int s = 0; s < kStages - 1; s++) {
      if (s < slabs) fetch(s, sharedAddress(shared + s * kSlabNumbers));
      commitCopies();
    }
    for (int s = 0; s < slabs; s++) {
      awaitCopies<kStages - 2>();
      __syncthreads();
      const int next = s + kStages - 1;
      if (next < slabs) fetch(next, sharedAddress(shared + next % kStages * kSlabNumbers));
      commitCopies();
      add(shared + s % kStages * kSlabNumbers);
    }
  }
};

// What follows begins to copy kSlab x kTile numbers of an operand into a slab, zeros where exists(k, i) says that there are none.
// Most slabs are whole, and addresses then a constant apart.

// Of rows along k, number by number.
template <typename Exists>
__device__ __forceinline__ void fetchNumbers(uint32_t target, const float* source, int64_t pitch, Exists exists) {
#pragma unroll 1
  for (int at = threadIdx.x; at < kSlab * kTile; at += kTileThreads) {
    const int k = at / kTile;
    const int i = at % kTile;
    const bool there = exists(k, i);
    copyNumber(target + (k * kTilePitch + i) * sizeof(float), there ? source + k * pitch + i : source, there);
  }
}

// The same for rows of which `width` numbers are there, in chunks of 16 bytes where those are aligned and whole.
__device__ __forceinline__ void fetchRows(uint32_t target, const float* source, int64_t pitch, int width, bool inChunks) {
  if (!inChunks) {
    fetchNumbers(target, source, pitch, [&](int, int i) { return i < width; });
    return;
  }
  const int k = threadIdx.x / (kTile / 4);
  const int i = threadIdx.x % (kTile / 4) * 4;
  const bool there = i < width;
  const float* from = there ? source + k * pitch + i : source;
  const uint32_t to = target + (k * kTilePitch + i) * sizeof(float);
  constexpr int kStep = kTileThreads / (kTile / 4);
#pragma unroll
  for (int step = 0; step < kSlab; step += kStep) {
    copyChunk(to + step * kTilePitch * sizeof(float), there ? from + step * pitch : source, there);
  }
}

// Of columns along k: source[i * pitch + k]. All are there if `whole`.
template <typename Exists>
__device__ __forceinline__ void fetchColumns(uint32_t target, const float* source, int64_t pitch, bool whole, Exists exists) {
  // Four numbers along k by eight columns a warp.
  const int k = threadIdx.x % 4;
  const int i = threadIdx.x / 4;
  constexpr int kStep = kTileThreads / 4;
  if (whole) {
#pragma unroll
    for (int right = 0; right < kTile; right += kStep) {
      const float* from = source + (i + right) * pitch + k;
      const uint32_t to = target + (k * kTilePitch + i + right) * sizeof(float);
#pragma unroll
      for (int down = 0; down < kSlab; down += 4) copyNumber(to + down * kTilePitch * sizeof(float), from + down, true);
    }
  } else {
#pragma unroll 1
    for (int right = 0; right < kTile; right += kStep) {
#pragma unroll 1
      for (int down = 0; down < kSlab; down += 4) {
        const bool there = exists(k + down, i + right);
        copyNumber(
            target + ((k + down) * kTilePitch + i + right) * sizeof(float), there ? source + (i + right) * pitch + k + down : source,
            there);
      }
    }
  }
}

}  // namespace
