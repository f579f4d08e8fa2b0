// Rotary position embedding of one pair of channels; arXiv:2104.09864.
#pragma once

#include "base/common.cuh"

namespace {

struct RopeTable {
  const float* cosines;  // [positions, half]
  const float* sines;    // [positions, half]
  int64_t positions;

  // Where a position's row begins; below 0 if there is none.
  __device__ __forceinline__ int64_t rowOf(int position, int half) const {
    return position >= 0 && position < positions ? position * static_cast<int64_t>(half) : -1;
  }

  __device__ __forceinline__ bool inPairs() const {
    return isAligned(cosines, 0, sizeof(float2)) && isAligned(sines, 0, sizeof(float2));
  }
};

// Channels i and i + half of a head, turned by one angle.
__device__ __forceinline__ void turn(float& a, float& b, float c, float s) {
  const float first = fmaf(a, c, -(b * s));
  b = fmaf(b, c, a * s);
  a = first;
}

// Turns channels i of a head together with channels i + half, for those that thread `first` of `step` has. An unknown
// position makes them NaN. The head is asked for before the position must be known.
__device__ __forceinline__ void rotateHead(
    float* head, const RopeTable& table, const int* positions, int half, int first, int step) {
  if (half % 2 == 0 && isAligned(head, 0, sizeof(float2)) && table.inPairs()) {
    for (int i = 2 * first; i < half; i += 2 * step) {
      float2* left = reinterpret_cast<float2*>(head + i);
      float2* right = reinterpret_cast<float2*>(head + half + i);
      float2 a = *left;
      float2 b = *right;
      const int64_t row = table.rowOf(*positions, half);
      const float2 c = row < 0 ? make_float2(nanf(""), nanf("")) : *reinterpret_cast<const float2*>(table.cosines + row + i);
      const float2 s = row < 0 ? make_float2(nanf(""), nanf("")) : *reinterpret_cast<const float2*>(table.sines + row + i);
      turn(a.x, b.x, c.x, s.x);
      turn(a.y, b.y, c.y, s.y);
      *left = a;
      *right = b;
    }
    return;
  }
  for (int i = first; i < half; i += step) {
    float a = head[i];
    float b = head[i + half];
    const int64_t row = table.rowOf(*positions, half);
    turn(a, b, row < 0 ? nanf("") : table.cosines[row + i], row < 0 ? nanf("") : table.sines[row + i]);
    head[i] = a;
    head[i + half] = b;
  }
}

}  // namespace
