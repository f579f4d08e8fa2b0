// The experts of each token: the largest router logits in descending order, and their weights.
//
//   p = softmax(logits[t, :]);  e = the perToken largest;  w = p[e], or p[e] / sum(p[e])
//
// Twin: ScalarExpertRouting.java.  Launch: grid = tokens, block = one warp.  1 <= perToken <= experts.
// Targets: all

#include "base/common.cuh"

struct Parameters {
  const float* logits;  // [tokens, experts]
  int* chosen;          // [tokens, perToken]
  float* weights;       // [tokens, perToken]
  int experts;
  int perToken;
  int normalize;        // whether the weights of a token sum to 1
};
OCTAVO_PARAMETERS(expert_routing, Parameters, logits, chosen, weights, experts, perToken, normalize)

namespace {

// Larger keys come first: larger logits, then smaller indices. Never 0.
__device__ __forceinline__ unsigned long long key(float logit, int expert) {
  uint32_t bits = __float_as_uint(logit == 0.0f ? 0.0f : logit);
  bits = bits & 0x80000000u ? ~bits : bits | 0x80000000u;
  return static_cast<unsigned long long>(bits) << 32 | ~static_cast<uint32_t>(expert);
}

}  // namespace

extern "C" __global__ __launch_bounds__(kWarp) void expert_routing(const __grid_constant__ Parameters p) {
  const float* logits = p.logits + blockIdx.x * static_cast<int64_t>(p.experts);
  int* chosen = p.chosen + blockIdx.x * static_cast<int64_t>(p.perToken);
  float* weights = p.weights + blockIdx.x * static_cast<int64_t>(p.perToken);
  float largest = -INFINITY;
  for (int e = threadIdx.x; e < p.experts; e += kWarp) largest = fmaxf(largest, logits[e]);
  largest = warpReduce(largest, Max());
  float sum = 0.0f;
  for (int e = threadIdx.x; e < p.experts; e += kWarp) sum += expf(logits[e] - largest);
  sum = warpReduce(sum, Sum());
  // A NaN or positive infinity among the logits, or nothing finite, makes the sum NaN.
  const bool defined = !isnan(sum);

  unsigned long long last = ~0ull;
  float chosenSum = 0.0f;
  for (int j = 0; j < p.perToken; j++) {
    int expert = j;
    float weight = nanf("");
    if (defined) {
      unsigned long long best = 0;
      for (int e = threadIdx.x; e < p.experts; e += kWarp) {
        const unsigned long long candidate = key(logits[e], e);
        if (candidate < last) best = Max()(best, candidate);
      }
      last = warpReduce(best, Max());
      expert = static_cast<int>(~static_cast<uint32_t>(last));
      weight = expf(logits[expert] - largest);
      chosenSum += weight;
    }
    if (threadIdx.x == 0) {
      chosen[j] = expert;
      weights[j] = weight;
    }
  }
  // Lane 0 alone wrote what it reads.
  const float divisor = p.normalize ? chosenSum : sum;
  for (int j = 0; threadIdx.x == 0 && j < p.perToken; j++) weights[j] /= divisor;
}
