// Rotary position embedding, half-split form, in place: channel i of a head turns with channel i + headDim / 2.
//
// Source: arXiv:2104.09864.  Twin: ScalarRope.java.  Launch: grid = (tokens), block = any.
// A position outside the tables makes its token's row NaN.

#include "common.cuh"

struct Parameters {
  float* x;              // [tokens, heads * headDim]
  const int* positions;  // [tokens]
  const float* cosines;  // [tablePositions, headDim / 2]
  const float* sines;    // [tablePositions, headDim / 2]
  int64_t columns;       // heads * headDim
  int64_t tablePositions;
  int headDim;
};
OCTAVO_OVERLAPPING_PARAMETERS(rope, Parameters, x, positions, cosines, sines, columns, tablePositions, headDim)

extern "C" __global__ void rope(const __grid_constant__ Parameters p) {
  enterStream();
  const int half = p.headDim / 2;
  float* row = p.x + blockIdx.x * p.columns;
  const int position = p.positions[blockIdx.x];
  const bool known = position >= 0 && position < p.tablePositions;
  const float* cosines = p.cosines + (known ? position : 0) * static_cast<int64_t>(half);
  const float* sines = p.sines + (known ? position : 0) * static_cast<int64_t>(half);
  for (int64_t pair = threadIdx.x; pair < p.columns / 2; pair += blockDim.x) {
    const int i = static_cast<int>(pair % half);
    float* first = row + pair / half * p.headDim + i;
    const float a = first[0];
    const float b = first[half];
    const float c = known ? cosines[i] : nanf("");
    const float s = known ? sines[i] : nanf("");
    first[0] = a * c - b * s;
    first[half] = b * c + a * s;
  }
}
