// Where the attention kernels find a batch's sequences; see Attention.java.
#pragma once

#include "attention/kv_cache.cuh"

namespace {

// The sequence that a query row belongs to, -1 for none. Sequences without queries own no row.
__device__ __forceinline__ int sequenceOf(int row, const int* queryStarts, int sequences) {
  int low = 0;
  int high = sequences;
  while (low < high) {
    const int middle = (low + high) / 2;
    if (queryStarts[middle + 1] <= row) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low < sequences && queryStarts[low] <= row ? low : -1;
}

}  // namespace
