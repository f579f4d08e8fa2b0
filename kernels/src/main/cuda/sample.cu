// Draws one token a row; Sampling.java says how. Weights are integers, so that sums know no order and the CPU draws the same.
//
// Where the kept part of the order ends is found by 8 bits of the logits at a time. A row's passes after the first read it from
// the second-level cache.
//
// Source of the generator: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.  Twin: ScalarSampling.java,
// bit for bit.  Launch: grid = rows, block = kThreads.  columns >= 1.

#include "common.cuh"

struct Parameters {
  const float* logits;       // [rows, columns]
  const uint32_t* requests;  // [rows, 10]: Sampling.Request.encode
  uint32_t* seen;            // [rows, ceil(columns / 32)], bits; that of the drawn token becomes set
  int* tokens;               // [rows]; -1 if a logit is NaN
  int64_t columns;
};
OCTAVO_OVERLAPPING_PARAMETERS(sample, Parameters, logits, requests, seen, tokens, columns)

namespace {

constexpr int kThreads = 1024;
constexpr int kWarps = kThreads / kWarp;
constexpr int kRequestWords = 10;
constexpr int kDigits = 256;
constexpr uint64_t kOne = 1ull << 40;

struct Request {
  float temperature;
  int topK;
  float topP;
  float minP;
  float repetitionPenalty;
  uint32_t seed[2];
  uint32_t sequence[2];
  uint32_t step;

  __device__ __forceinline__ explicit Request(const uint32_t* words)
      : temperature(__uint_as_float(words[0])),
        topK(static_cast<int>(words[1])),
        topP(__uint_as_float(words[2])),
        minP(__uint_as_float(words[3])),
        repetitionPenalty(__uint_as_float(words[4])),
        seed{words[5], words[6]},
        sequence{words[7], words[8]},
        step(words[9]) {}

  // The first two of four words.
  __device__ __forceinline__ uint64_t random() const {
    uint32_t x[4] = {step, sequence[0], sequence[1], 0u};
    uint32_t key0 = seed[0];
    uint32_t key1 = seed[1];
#pragma unroll
    for (int round = 0; round < 10; round++) {
      const uint32_t high0 = __umulhi(0xD2511F53u, x[0]);
      const uint32_t low0 = 0xD2511F53u * x[0];
      const uint32_t high1 = __umulhi(0xCD9E8D57u, x[2]);
      const uint32_t low1 = 0xCD9E8D57u * x[2];
      x[0] = high1 ^ x[1] ^ key0;
      x[1] = low1;
      x[2] = high0 ^ x[3] ^ key1;
      x[3] = low0;
      key0 += 0x9E3779B9u;
      key1 += 0xBB67AE85u;
    }
    return static_cast<uint64_t>(x[1]) << 32 | x[0];
  }
};

// Larger logits have larger keys.
__device__ __forceinline__ uint32_t keyOf(float z) {
  const uint32_t bits = __float_as_uint(z);
  return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

__device__ __forceinline__ float floatOf(uint32_t key) {
  return __uint_as_float(key & 0x80000000u ? key & 0x7FFFFFFFu : ~key);
}

// SampleRules.weight, operation by operation.
__device__ __forceinline__ uint64_t weightOf(float z, float max) {
  if (z == max) return kOne;
  const float exponent = __fmul_rn(__fsub_rn(z, max), 1.442695f);
  if (!(exponent > -41.0f)) return 0;
  const float whole = rintf(exponent);
  const float rest = __fsub_rn(exponent, whole);
  float power = 1.540353e-4f;
  power = __fmaf_rn(power, rest, 1.3333558e-3f);
  power = __fmaf_rn(power, rest, 0.009618129f);
  power = __fmaf_rn(power, rest, 0.05550411f);
  power = __fmaf_rn(power, rest, 0.2402265f);
  power = __fmaf_rn(power, rest, 0.6931472f);
  power = __fmaf_rn(power, rest, 1.0f);
  return __float2ull_rz(__fmul_rn(power, __uint_as_float(static_cast<uint32_t>(static_cast<int>(whole) + 167) << 23)));
}

// The first part of the order: all above a key, and the first `ties` tokens that equal it.
struct Part {
  uint32_t key;
  uint64_t ties;
};

// 64-bit sums of 256 digits out of two halves each: shared memory adds 32 bits natively.
struct DigitSums {
  uint32_t low[kDigits];
  uint32_t high[kDigits];

  __device__ __forceinline__ void clear() {
    for (int i = threadIdx.x; i < kDigits; i += kThreads) low[i] = high[i] = 0;
  }

  __device__ __forceinline__ void add(uint32_t digit, uint64_t value) {
    const uint32_t part = static_cast<uint32_t>(value);
    const uint32_t before = atomicAdd(&low[digit], part);
    const uint32_t carry = before + part < before ? 1u : 0u;
    atomicAdd(&high[digit], static_cast<uint32_t>(value >> 32) + carry);
  }

  __device__ __forceinline__ uint64_t of(int digit) const {
    return static_cast<uint64_t>(high[digit]) << 32 | low[digit];
  }
};

// Weights of the lanes of `mask`, added up: each is at most 2^41.
__device__ __forceinline__ uint64_t sumOf(unsigned mask, uint64_t weight) {
  const uint64_t low = __reduce_add_sync(mask, static_cast<uint32_t>(weight) & 0xFFFFFu);
  const uint64_t high = __reduce_add_sync(mask, static_cast<uint32_t>(weight >> 20));
  return (high << 20) + low;
}

// What a warp finds in its share of a row.
struct Share {
  uint64_t sum;   // of weights above the key
  uint64_t ties;  // tokens that equal it
};

struct Row {
  const float* logits;
  const uint32_t* seen;
  int columns;
  Request request;
  float max;

  __device__ __forceinline__ float at(int token) const {
    float z = logits[token];
    if (seen[token / 32] >> token % 32 & 1u) {
      z = z > 0.0f ? __fdiv_rn(z, request.repetitionPenalty) : __fmul_rn(z, request.repetitionPenalty);
    }
    if (request.temperature != 0.0f) z = __fdiv_rn(z, request.temperature);
    return __fadd_rn(z, 0.0f);  // -0 becomes 0
  }

  // The shortest first part of the whole order whose tokens, or their weights, make `left`.
  template <bool kByWeight>
  __device__ __forceinline__ Part firstOf(uint64_t left, DigitSums& sums) const {
    __shared__ uint32_t sharedPrefix;
    __shared__ uint64_t sharedLeft;
    uint32_t prefix = 0;
    for (int shift = 24; shift >= 0; shift -= 8) {
      sums.clear();
      __syncthreads();
      for (int from = 0; from < columns; from += kThreads) {
        const int token = from + threadIdx.x;
        const float z = token < columns ? at(token) : 0.0f;
        const uint32_t key = keyOf(z);
        const bool matches = token < columns && static_cast<uint64_t>(key) >> (shift + 8) == prefix;
        const uint64_t weight = !matches ? 0 : kByWeight ? weightOf(z, max) : 1;
        const unsigned active = __ballot_sync(kAllLanes, weight != 0);
        if (weight == 0) continue;
        // Few digits are frequent, so lanes of one digit add up what they have before one of them adds it.
        const uint32_t digit = key >> shift & 0xFFu;
        const unsigned peers = __match_any_sync(active, digit);
        const uint64_t sum = kByWeight ? sumOf(peers, weight) : __popc(peers);
        if (__ffs(peers) - 1 == threadIdx.x % kWarp) sums.add(digit, sum);
      }
      __syncthreads();
      if (threadIdx.x == 0) {
        int digit = kDigits - 1;
        while (digit > 0 && sums.of(digit) < left) left -= sums.of(digit--);
        sharedPrefix = prefix << 8 | digit;
        sharedLeft = left;
      }
      __syncthreads();
      prefix = sharedPrefix;
      left = sharedLeft;
    }
    const uint64_t weight = kByWeight ? weightOf(floatOf(prefix), max) : 1;
    const uint64_t each = weight == 0 ? 1 : weight;
    return {prefix, (left + each - 1) / each};
  }

  // Weights and ties of a warp's share, tokens [warp * span, (warp + 1) * span).
  __device__ __forceinline__ Share share(const Part& part, uint64_t smallest, int span) const {
    const int from = threadIdx.x / kWarp * span;
    const int to = min(from + span, columns);
    Share share = {0, 0};
    for (int token = from + threadIdx.x % kWarp; token < to; token += kWarp) {
      const float z = at(token);
      const uint32_t key = keyOf(z);
      if (key == part.key) {
        share.ties++;
      } else if (key > part.key) {
        const uint64_t weight = weightOf(z, max);
        if (weight >= smallest) share.sum += weight;
      }
    }
    return {warpReduce(share.sum, Sum()), warpReduce(share.ties, Sum())};
  }
};

// Index of the largest logit, the smallest on a tie, and its value; the index is negative if there is a NaN.
__device__ __forceinline__ int largestOf(const Row& row, float& max) {
  unsigned long long best = 0;
  for (int token = threadIdx.x; token < row.columns; token += kThreads) {
    const float z = row.at(token);
    const unsigned long long high = isnan(z) ? 0xFFFFFFFFu : keyOf(z);
    const unsigned long long key = high << 32 | ~static_cast<uint32_t>(token);
    best = key > best ? key : best;
  }
  best = blockReduce(best, Max(), 0ull);
  max = floatOf(static_cast<uint32_t>(best >> 32));
  return best >> 32 == 0xFFFFFFFFu ? -1 : static_cast<int>(~static_cast<uint32_t>(best));
}

// What a first part must reach of what the part holds; SampleRules.wanted.
__device__ __forceinline__ uint64_t wantedOf(float topP, uint64_t total) {
  const double wanted = ceil(__dmul_rn(static_cast<double>(topP), static_cast<double>(total)));
  return min(max(static_cast<uint64_t>(wanted), uint64_t{1}), total);
}

}  // namespace

extern "C" __global__ __launch_bounds__(kThreads) void sample(const __grid_constant__ Parameters p) {
  __shared__ DigitSums sums;
  __shared__ Share shares[kWarps];
  __shared__ int drawn;
  enterStream();
  const int columns = static_cast<int>(p.columns);
  uint32_t* seen = p.seen + static_cast<int64_t>(blockIdx.x) * ((columns + 31) / 32);
  Row row = {
      p.logits + blockIdx.x * p.columns, seen, columns, Request(p.requests + blockIdx.x * kRequestWords), 0.0f};
  const Request& request = row.request;
  int token = largestOf(row, row.max);
  if (token >= 0 && request.temperature != 0.0f) {
    const int span = (columns + kWarps - 1) / kWarps;
    const int lane = threadIdx.x % kWarp;
    const int warp = threadIdx.x / kWarp;
    Part part = {0, static_cast<uint64_t>(columns)};
    if (request.topK > 0 && request.topK < columns) part = row.firstOf<false>(request.topK, sums);
    // By weight first, so that topP can cut; then by minP too.
    for (int pass = request.topP < 1.0f ? 0 : 1; pass < 2; pass++) {
      const uint64_t smallest =
          pass == 0 ? 0 : static_cast<uint64_t>(ceil(static_cast<double>(request.minP) * static_cast<double>(kOne)));
      const Share share = row.share(part, smallest, span);
      __syncthreads();
      if (lane == 0) shares[warp] = share;
      __syncthreads();
      uint64_t tieWeight = weightOf(floatOf(part.key), row.max);
      if (tieWeight < smallest) tieWeight = 0;
      uint64_t total = 0;
      uint64_t ties = part.ties;
      for (int w = 0; w < kWarps; w++) {
        const uint64_t kept = min(ties, shares[w].ties);
        total += shares[w].sum + kept * tieWeight;
        ties -= kept;
      }
      if (pass == 0) {
        part = row.firstOf<true>(wantedOf(request.topP, total), sums);
        continue;
      }
      uint64_t left = __umul64hi(request.random(), total);
      ties = part.ties;
      int holder = 0;
      for (; holder < kWarps - 1; holder++) {
        const uint64_t kept = min(ties, shares[holder].ties);
        const uint64_t sum = shares[holder].sum + kept * tieWeight;
        if (left < sum) break;
        left -= sum;
        ties -= kept;
      }
      if (warp == holder) {
        const int to = min((warp + 1) * span, columns);
        for (int from = warp * span; from < to; from += kWarp) {
          const int mine = from + lane;
          const float z = mine < to ? row.at(mine) : 0.0f;
          const uint32_t key = keyOf(z);
          const bool isTie = mine < to && key == part.key;
          const unsigned tied = __ballot_sync(kAllLanes, isTie);
          const bool kept = isTie ? __popc(tied & ((1u << lane) - 1)) < ties : mine < to && key > part.key;
          uint64_t weight = kept ? weightOf(z, row.max) : 0;
          if (weight < smallest) weight = 0;
          uint64_t before = weight;
#pragma unroll
          for (int offset = 1; offset < kWarp; offset *= 2) {
            const uint64_t below = __shfl_up_sync(kAllLanes, before, offset);
            if (lane >= offset) before += below;
          }
          const unsigned reached = __ballot_sync(kAllLanes, before > left);
          if (reached != 0) {
            if (lane == 0) drawn = from + __ffs(reached) - 1;
            break;
          }
          left -= __shfl_sync(kAllLanes, before, kWarp - 1);
          ties -= min(ties, static_cast<uint64_t>(__popc(tied)));
        }
      }
      __syncthreads();
      token = drawn;
    }
  }
  if (threadIdx.x == 0) {
    p.tokens[blockIdx.x] = token;
    if (token >= 0) seen[token / 32] |= 1u << token % 32;
  }
}
