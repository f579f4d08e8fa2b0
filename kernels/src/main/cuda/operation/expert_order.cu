// Stable counting sort of the tokens' choices by expert. A block finds the rows of one expert; the last one the end.
//
// Twin: ScalarExpertOrder.java.  Launch: grid = experts + 1, block = a whole number of warps.  Choices of no expert get
// no row.
// Targets: all

#include "base/common.cuh"

struct Parameters {
  const int* chosen;  // [choices]
  int* sources;       // [choices]: token of each ordered row
  int* rows;          // [choices]: ordered row of each choice
  int* starts;        // [experts + 1]
  int choices;        // tokens * perToken
  int perToken;
};
OCTAVO_PARAMETERS(expert_order, Parameters, chosen, sources, rows, starts, choices, perToken)

extern "C" __global__ __launch_bounds__(kMostThreads) void expert_order(const __grid_constant__ Parameters p) {
  __shared__ int before[kWarp];
  const int expert = blockIdx.x;
  int count = 0;
  for (int i = threadIdx.x; i < p.choices; i += blockDim.x) {
    const int choice = p.chosen[i];
    count += choice >= 0 && choice < expert;
  }
  int next = blockReduce(count, Sum(), 0);
  if (threadIdx.x == 0) p.starts[expert] = next;
  if (expert == gridDim.x - 1) return;

  const int warp = threadIdx.x / kWarp;
  const unsigned lowerLanes = (1u << threadIdx.x % kWarp) - 1;
  for (int from = 0; from < p.choices; from += blockDim.x) {
    const int i = from + threadIdx.x;
    const bool mine = i < p.choices && p.chosen[i] == expert;
    const unsigned lanes = __ballot_sync(kAllLanes, mine);
    if (threadIdx.x % kWarp == 0) before[warp] = __popc(lanes);
    __syncthreads();
    int row = next + __popc(lanes & lowerLanes);
    for (int w = 0; w < blockDim.x / kWarp; w++) {
      if (w < warp) row += before[w];
      next += before[w];
    }
    if (mine) {
      p.rows[i] = row;
      p.sources[row] = i / p.perToken;
    }
    __syncthreads();
  }
}
