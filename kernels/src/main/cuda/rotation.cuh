// Rotary position embedding of one pair of channels; arXiv:2104.09864.
#pragma once

#include "common.cuh"

namespace {

struct RopeTable {
  const float* cosines;  // [positions, half]
  const float* sines;    // [positions, half]
  int64_t positions;
};

// Turns channels i of a head together with channels i + half, for i = first, first + step, ... An unknown position makes
// them NaN.
__device__ __forceinline__ void rotateHead(float* head, const RopeTable& table, int position, int half, int first, int step) {
  const bool known = position >= 0 && position < table.positions;
  const int64_t row = (known ? position : 0) * static_cast<int64_t>(half);
  for (int i = first; i < half; i += step) {
    const float a = head[i];
    const float b = head[i + half];
    const float c = known ? table.cosines[row + i] : nanf("");
    const float s = known ? table.sines[row + i] : nanf("");
    head[i] = fmaf(a, c, -(b * s));
    head[i + half] = fmaf(b, c, a * s);
  }
}

}  // namespace
