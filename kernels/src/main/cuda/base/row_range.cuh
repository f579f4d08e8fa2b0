// Which rows a product computes: all, or those of groups whose bounds only the device knows.
#pragma once

#include "base/common.cuh"

namespace {

struct RowRange {
  int from;
  int to;

  // bounds: [2], or null for all rows. Whatever they hold, no row outside [0, rows) is touched.
  __device__ __forceinline__ RowRange(const int* bounds, int rows) {
    from = bounds == nullptr ? 0 : min(max(bounds[0], 0), rows);
    to = bounds == nullptr ? rows : min(max(bounds[1], from), rows);
  }
};

// Of one of the weights of a grouped product.
struct GroupWeight {
  const void* w;
  const void* wScales;
};

// The rows of a block of a grouped product. Every group is cut into tiles of at most kRows rows; blockIdx.z counts the tiles of
// all groups in order, and those that are too many get no rows. Called by whole warps, p being a copy that gets the group's weight
// in place of the first. Without weights, p.bounds are those of one product.
template <int kRows, typename Parameters>
__device__ __forceinline__ RowRange rowsOfTile(Parameters& p) {
  if (p.weights == nullptr) return RowRange(p.bounds, p.m);
  const int tile = blockIdx.z;
  const int lane = threadIdx.x % kWarp;
  RowRange found(nullptr, 0);
  int before = 0;
#pragma unroll 1
  for (int first = 0; first < p.weightCount; first += kWarp) {
    RowRange range(nullptr, 0);
    if (first + lane < p.weightCount) range = RowRange(p.bounds + first + lane, p.m);
    const int tiles = (range.to - range.from + kRows - 1) / kRows;
    int sum = tiles;
#pragma unroll
    for (int distance = 1; distance < kWarp; distance *= 2) {
      const int lower = __shfl_up_sync(kAllLanes, sum, distance);
      if (lane >= distance) sum += lower;
    }
    const unsigned reached = __ballot_sync(kAllLanes, before + sum > tile);
    if (reached != 0) {
      const int owner = __ffs(reached) - 1;
      const int from = range.from + (tile - before - (sum - tiles)) * kRows;
      found.from = __shfl_sync(kAllLanes, from, owner);
      found.to = min(__shfl_sync(kAllLanes, range.to, owner), found.from + kRows);
      p.w = p.weights[first + owner].w;
      p.wScales = p.weights[first + owner].wScales;
      break;
    }
    before += __shfl_sync(kAllLanes, sum, kWarp - 1);
  }
  return found;
}

}  // namespace
