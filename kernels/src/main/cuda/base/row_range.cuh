// Which rows a product computes: all, or a group whose bounds only the device knows.
#pragma once

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

}  // namespace
