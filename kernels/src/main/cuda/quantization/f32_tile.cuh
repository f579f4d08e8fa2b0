// A tile of a product of f32 numbers by f32 arithmetic, for what tensor cores would round too much: sums of kTile x kTile, which a
// block of kTileThreads adds up from slabs of kSlab numbers along k, three of which are under way.
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
        *reinterpret_cast<float4*>(&x[i]) = *reinterpret_cast<const float4*>(&slab[k * kTilePitch + row(i)]);
        *reinterpret_cast<float4*>(&y[i]) = *reinterpret_cast<const float4*>(&slab[(kSlab + k) * kTilePitch + column(i)]);
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
