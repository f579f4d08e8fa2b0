// out[t, :] = sum over j of weights[t, j] * x[rows[t, j], :], in ascending order of j.
//
// Twin: ScalarExpertCombine.java, bit for bit.  Launch: grid = (tokens, ceil(columns / threads)).
// Targets: all

#include "base/common.cuh"

struct Parameters {
  const float* x;        // [ordered, columns]
  const int* rows;       // [tokens, perToken]; rows that x has not give NaN
  const float* weights;  // [tokens, perToken]
  float* out;            // [tokens, columns]
  int64_t ordered;
  int perToken;
  int columns;
};
OCTAVO_PARAMETERS(expert_combine, Parameters, x, rows, weights, out, ordered, perToken, columns)

extern "C" __global__ void expert_combine(const __grid_constant__ Parameters p) {
  const int64_t token = blockIdx.x;
  const int column = blockIdx.y * blockDim.x + threadIdx.x;
  if (column >= p.columns) return;
  float sum = 0.0f;
  for (int j = 0; j < p.perToken; j++) {
    const int row = p.rows[token * p.perToken + j];
    const bool known = row >= 0 && row < p.ordered;
    const float term =
        known ? __fmul_rn(p.weights[token * p.perToken + j], p.x[static_cast<int64_t>(row) * p.columns + column])
              : nanf("");
    sum = __fadd_rn(sum, term);
  }
  p.out[token * p.columns + column] = sum;
}
