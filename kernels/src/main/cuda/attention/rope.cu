// Rotary position embedding, half-split form, in place: channel i of a head turns with channel i + half, for i < half.
//
// Source: arXiv:2104.09864.  Twin: ScalarRope.java.  Launch: grid = (tokens), block = a whole number of warps.
// A position outside the tables makes its token's row NaN.
// Targets: all

#include "attention/rotation.cuh"

struct Parameters {
  float* x;              // [tokens, heads * headDim]
  const int* positions;  // [tokens]
  const float* cosines;  // [tablePositions, half]
  const float* sines;    // [tablePositions, half]
  int64_t columns;       // heads * headDim
  int64_t tablePositions;
  int headDim;
  int half;              // at most headDim / 2
};
OCTAVO_OVERLAPPING_PARAMETERS(rope, Parameters, x, positions, cosines, sines, columns, tablePositions, headDim, half)

extern "C" __global__ void rope(const __grid_constant__ Parameters p) {
  enterStream();
  const RopeTable table = {p.cosines, p.sines, p.tablePositions};
  const int heads = static_cast<int>(p.columns / p.headDim);
  const int lane = threadIdx.x % kWarp;
  float* row = p.x + blockIdx.x * p.columns;
  for (int head = threadIdx.x / kWarp; head < heads; head += blockDim.x / kWarp) {
    rotateHead(row + static_cast<int64_t>(head) * p.headDim, table, p.positions + blockIdx.x, p.half, lane, kWarp);
  }
}
