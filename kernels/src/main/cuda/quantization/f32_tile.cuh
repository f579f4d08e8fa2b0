// A tile of a product of f32 numbers by f32 arithmetic, for what tensor cores would round too much: sums of kTile x kTile, which a
// block of kTileThreads adds up from slabs of kSlab numbers along k, three of which are under way.
#pragma once

#include "base/async_copy.cuh"

namespace {

constexpr int kTile = 128;
constexpr int kSlab = 16;
constexpr int kTileThreads = 256;
constexpr int kStages = 3;
constexpr int kSlabNumbers = 2 * kSlab * kTile;
constexpr int kTileBytes = kStages * kSlabNumbers * sizeof(float);

// A number into shared memory, or zero.
__device__ __forceinline__ void copyNumber(uint32_t target, const float* source, bool exists) {
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(target), "l"(source), "r"(exists ? 4 : 0));
}

// A thread's part of a tile: 8 x 8 numbers, in four groups of 4 x 4.
struct Tile {
  static constexpr int kEach = 8;

  float sums[kEach][kEach];

  __device__ __forceinline__ static int row(int i) {
    return threadIdx.x / 64 * 32 + threadIdx.x % 32 / 8 * 4 + i / 4 * 16 + i % 4;
  }
  __device__ __forceinline__ static int column(int j) {
    return threadIdx.x / 32 % 2 * 64 + threadIdx.x % 8 * 4 + j / 4 * 32 + j % 4;
  }

  __device__ __forceinline__ void clear() {
#pragma unroll
    for (int i = 0; i < kEach; i++) {
#pragma unroll
      for (int j = 0; j < kEach; j++) sums[i][j] = 0.0f;
    }
  }

  // += a^T b of a slab: kSlab rows of kTile numbers of a, then of b.
  __device__ __forceinline__ void add(const float* slab) {
#pragma unroll
    for (int k = 0; k < kSlab; k++) {
      float x[kEach];
      float y[kEach];
#pragma unroll
      for (int i = 0; i < kEach; i += 4) {
        *reinterpret_cast<float4*>(&x[i]) = *reinterpret_cast<const float4*>(&slab[k * kTile + row(i)]);
        *reinterpret_cast<float4*>(&y[i]) = *reinterpret_cast<const float4*>(&slab[(kSlab + k) * kTile + column(i)]);
      }
#pragma unroll
      for (int i = 0; i < kEach; i++) {
#pragma unroll
        for (int j = 0; j < kEach; j++) sums[i][j] = fmaf(x[i], y[j], sums[i][j]);
      }
    }
  }

  // += over all slabs. fetch(slab, at) begins the copies of this thread into shared memory at an address.
  template <typename Fetch>
  __device__ __forceinline__ void addAll(float* shared, int slabs, Fetch fetch) {
#pragma unroll
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

// Begins copying kSlab rows of kTile numbers: what lies in the first `rows` rows and `columns` columns, and zeros. Whole chunks of
// 16 bytes where `inChunks`, so that all rows are aligned; a chunk is then all there, or not at all.
__device__ __forceinline__ void fetchRows(uint32_t target, const float* source, int64_t pitch, int rows, int columns, bool inChunks) {
  if (inChunks) {
#pragma unroll
    for (int i = 0; i < kSlab * kTile / 4 / kTileThreads; i++) {
      const int at = threadIdx.x + i * kTileThreads;
      const int row = at / (kTile / 4);
      const int column = at % (kTile / 4) * 4;
      const bool exists = row < rows && column < columns;
      copyChunk(target + at * 16, exists ? source + row * pitch + column : source, exists);
    }
  } else {
#pragma unroll 1
    for (int at = threadIdx.x; at < kSlab * kTile; at += kTileThreads) {
      const int row = at / kTile;
      const int column = at % kTile;
      const bool exists = row < rows && column < columns;
      copyNumber(target + at * 4, exists ? source + row * pitch + column : source, exists);
    }
  }
}

}  // namespace
