// Row gather: out[t, :] = table[ids[t], :] * multiplier; an id outside the table gives a row of NaN.
//
// Twin: ScalarEmbedding.java.  Launch: grid = tokens, block = any.
// Targets: all

#include "base/common.cuh"

struct Parameters {
  const void* table;  // [vocabulary, columns], F32, BF16 or F16
  const int* ids;     // [tokens]
  float* out;         // [tokens, columns]
  int64_t vocabulary;
  int64_t columns;
  float multiplier;
  int tableType;      // Number
};
OCTAVO_OVERLAPPING_PARAMETERS(embedding, Parameters, table, ids, out, vocabulary, columns, multiplier, tableType)

extern "C" __global__ void embedding(const __grid_constant__ Parameters p) {
  enterStream();
  const int id = p.ids[blockIdx.x];
  const bool known = id >= 0 && id < p.vocabulary;
  const int64_t source = (known ? id : 0) * p.columns;
  float* out = p.out + blockIdx.x * p.columns;
  for (int64_t c = threadIdx.x; c < p.columns; c += blockDim.x) {
    out[c] = known ? loadNumber(p.table, p.tableType, source + c) * p.multiplier : nanf("");
  }
}
