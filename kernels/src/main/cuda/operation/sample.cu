// Draws one token a row; Sampling.java says how. Weights are integers, so that sums know no order and the CPU draws the same.
//
// The first topK are picked from the few tokens that can be among them, mostly; else where the kept part of the order ends is
// found by 8 bits of the logits at a time. A row's passes after the first read it from the second-level cache.
//
// Source of the generator: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.  Twin: ScalarSampling.java,
// bit for bit.  Launch: grid = rows, block = kThreads.  columns >= 1.
// Targets: all

#include "base/common.cuh"

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
constexpr int kEach = 2;  // vectors of a row that a thread has in flight
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

// The sum of this lane and those below.
__device__ __forceinline__ uint64_t sumThrough(uint64_t value) {
  const int lane = threadIdx.x % kWarp;
#pragma unroll
  for (int offset = 1; offset < kWarp; offset *= 2) {
    const uint64_t below = __shfl_up_sync(kAllLanes, value, offset);
    if (lane >= offset) value += below;
  }
  return value;
}

// What a warp finds in its share of some tokens.
struct Share {
  uint64_t sum;   // of weights above the key
  uint64_t ties;  // tokens that equal it
};

struct Row {
  const float* logits;
  const uint32_t* seen;
  int columns;
  Request request;
  bool inVectors;
  float max;

  __device__ __forceinline__ float changed(float z, bool isSeen) const {
    if (isSeen) z = z > 0.0f ? __fdiv_rn(z, request.repetitionPenalty) : __fmul_rn(z, request.repetitionPenalty);
    if (request.temperature != 0.0f) z = __fdiv_rn(z, request.temperature);
    return __fadd_rn(z, 0.0f);  // -0 becomes 0
  }

  __device__ __forceinline__ float at(int token) const {
    return changed(logits[token], seen[token / 32] >> token % 32 & 1u);
  }

  // A warp visits tokens [begin, end), begin a multiple of 4: use(z, token, is one of them). All lanes call use equally often.
  template <typename Use>
  __device__ __forceinline__ void forEach(int begin, int end, Use use) const {
    const int lane = threadIdx.x % kWarp;
    if (!inVectors) {
      for (int from = begin; from < end; from += kWarp) {
        const int token = from + lane;
        use(token < end ? at(token) : 0.0f, token, token < end);
      }
      return;
    }
    for (int from = begin; from < end; from += kEach * 4 * kWarp) {
      uint4 vectors[kEach];
      uint32_t marks[kEach];
#pragma unroll
      for (int i = 0; i < kEach; i++) {
        const int token = min(from + 4 * (i * kWarp + lane), columns - 4);
        vectors[i] = reinterpret_cast<const uint4*>(logits)[token / 4];
        marks[i] = seen[token / 32] >> token % 32;
      }
#pragma unroll
      for (int i = 0; i < kEach; i++) {
        const int token = from + 4 * (i * kWarp + lane);
#pragma unroll
        for (int e = 0; e < 4; e++) {
          use(changed(elementOf<float>(vectors[i], e), marks[i] >> e & 1u), token + e, token < end);
        }
      }
    }
  }

  // Tokens that a warp has of the whole row; a multiple of 4.
  __device__ __forceinline__ int span() const {
    return ((columns + kWarps - 1) / kWarps + 3) / 4 * 4;
  }

  template <typename Use>
  __device__ __forceinline__ void forEach(Use use) const {
    const int begin = static_cast<int>(threadIdx.x) / kWarp * span();
    forEach(begin, min(begin + span(), columns), use);
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
      forEach([&](float z, int, bool isToken) {
        const uint32_t key = keyOf(z);
        const bool matches = isToken && static_cast<uint64_t>(key) >> (shift + 8) == prefix;
        const uint64_t weight = !matches ? 0 : kByWeight ? weightOf(z, max) : 1;
        const unsigned active = __ballot_sync(kAllLanes, weight != 0);
        if (weight == 0) return;
        // Few digits are frequent, so lanes of one digit add up what they have before one of them adds it.
        const uint32_t digit = key >> shift & 0xFFu;
        const unsigned peers = __match_any_sync(active, digit);
        const uint64_t sum = kByWeight ? sumOf(peers, weight) : __popc(peers);
        if (__ffs(peers) - 1 == threadIdx.x % kWarp) sums.add(digit, sum);
      });
      __syncthreads();
      if (threadIdx.x < kWarp) {
        // Lane 0 has the largest digits.
        constexpr int kLaneDigits = kDigits / kWarp;
        int digit = kDigits - 1 - kLaneDigits * threadIdx.x;
        const int last = digit - (kLaneDigits - 1);
        uint64_t sum = 0;
        for (int d = digit; d >= last; d--) sum += sums.of(d);
        const uint64_t through = sumThrough(sum);
        const unsigned reached = __ballot_sync(kAllLanes, through >= left);
        if (threadIdx.x == (reached == 0 ? kWarp - 1 : __ffs(reached) - 1)) {
          left -= through - sum;
          while (digit > last && sums.of(digit) < left) left -= sums.of(digit--);
          sharedPrefix = prefix << 8 | digit;
          sharedLeft = left;
        }
      }
      __syncthreads();
      prefix = sharedPrefix;
      left = sharedLeft;
    }
    const uint64_t weight = kByWeight ? weightOf(floatOf(prefix), max) : 1;
    const uint64_t each = weight == 0 ? 1 : weight;
    return {prefix, (left + each - 1) / each};
  }

  // Weights and ties of a warp's share of tokens from `begin` on, `span` of them.
  __device__ __forceinline__ Share share(const Part& part, uint64_t smallest, int begin, int span) const {
    const int from = begin + static_cast<int>(threadIdx.x) / kWarp * span;
    Share share = {0, 0};
    forEach(from, min(from + span, columns), [&](float z, int, bool isToken) {
      const uint32_t key = keyOf(z);
      if (!isToken || key < part.key) return;
      if (key == part.key) {
        share.ties++;
        return;
      }
      const uint64_t weight = weightOf(z, max);
      if (weight >= smallest) share.sum += weight;
    });
    return {warpReduce(share.sum, Sum()), warpReduce(share.ties, Sum())};
  }
};

// What all warps have found: where they get it, and what kept ties weigh.
struct Shares {
  Share ofWarp[kWarps];

  __device__ __forceinline__ void put(const Share& share) {
    __syncthreads();
    if (threadIdx.x % kWarp == 0) ofWarp[threadIdx.x / kWarp] = share;
    __syncthreads();
  }

  __device__ __forceinline__ uint64_t sumOf(int warp, uint64_t ties, uint64_t tieWeight) const {
    return ofWarp[warp].sum + min(ties, ofWarp[warp].ties) * tieWeight;
  }

  __device__ __forceinline__ uint64_t total(uint64_t ties, uint64_t tieWeight) const {
    uint64_t total = 0;
    for (int warp = 0; warp < kWarps; warp++) {
      total += sumOf(warp, ties, tieWeight);
      ties -= min(ties, ofWarp[warp].ties);
    }
    return total;
  }

  // The warp whose share holds the draw; what is left of draw and ties is then counted from its begin.
  __device__ __forceinline__ int holder(uint64_t& left, uint64_t& ties, uint64_t tieWeight) const {
    int warp = 0;
    for (; warp < kWarps - 1; warp++) {
      const uint64_t sum = sumOf(warp, ties, tieWeight);
      if (left < sum) break;
      left -= sum;
      ties -= min(ties, ofWarp[warp].ties);
    }
    return warp;
  }
};

// A token's place in the order: larger is earlier. Above all others if the logit is NaN.
__device__ __forceinline__ uint64_t placeOf(float z, int token) {
  return static_cast<uint64_t>(isnan(z) ? 0xFFFFFFFFu : keyOf(z)) << 32 | ~static_cast<uint32_t>(token);
}

__device__ __forceinline__ uint32_t keyOf(uint64_t place) {
  return static_cast<uint32_t>(place >> 32);
}

__device__ __forceinline__ int tokenOf(uint64_t place) {
  return static_cast<int>(~static_cast<uint32_t>(place));
}

// What a first part must reach of what the part holds; SampleRules.wanted.
__device__ __forceinline__ uint64_t wantedOf(float topP, uint64_t total) {
  const double wanted = ceil(__dmul_rn(static_cast<double>(topP), static_cast<double>(total)));
  return min(max(static_cast<uint64_t>(wanted), uint64_t{1}), total);
}

// SampleRules.smallest.
__device__ __forceinline__ uint64_t smallestOf(float minP) {
  return static_cast<uint64_t>(ceil(static_cast<double>(minP) * static_cast<double>(kOne)));
}

// Tokens that may be among the first topK, one a thread, in no order.
struct Candidates {
  uint64_t places[kThreads];
  uint64_t weights[kThreads];
  int count;
  int drawn;

  // Whether all found their places. At least topK tokens are as large as the topK-th of what the threads have seen each.
  __device__ __forceinline__ bool find(const Row& row, uint32_t largestSeen) {
    uint32_t least = 0;
    for (uint32_t bit = 1u << 31; bit != 0; bit >>= 1) {
      if (__syncthreads_count(largestSeen >= (least | bit)) >= row.request.topK) least |= bit;
    }
    if (threadIdx.x == 0) count = 0;
    __syncthreads();
    row.forEach([&](float z, int token, bool isToken) {
      if (!isToken || keyOf(z) < least || *static_cast<volatile int*>(&count) >= kThreads + 1) return;
      const int at = atomicAdd(&count, 1);
      if (at < kThreads) places[at] = placeOf(z, token);
    });
    __syncthreads();
    return count <= kThreads;
  }

  // The weights of those that come before a place.
  template <typename Before>
  __device__ __forceinline__ uint64_t sum(Before before) const {
    uint64_t sum = 0;
    for (int i = 0; i < count; i++) {
      if (before(places[i])) sum += weights[i];
    }
    return sum;
  }

  __device__ __forceinline__ uint64_t total(uint64_t weight) {
    __syncthreads();
    weights[threadIdx.x] = weight;
    return blockReduce(weight, Sum(), uint64_t{0});
  }

  __device__ __forceinline__ int draw(const Row& row) {
    const Request& request = row.request;
    const uint64_t mine = threadIdx.x < count ? places[threadIdx.x] : 0;
    int rank = 0;
    if (threadIdx.x < count) {
      for (int i = 0; i < count; i++) rank += places[i] > mine ? 1 : 0;
    }
    uint64_t weight = threadIdx.x < count && rank < request.topK ? weightOf(floatOf(keyOf(mine)), row.max) : 0;
    uint64_t whole = total(weight);
    if (request.topP < 1.0f && weight != 0) {
      const uint64_t above = sum([&](uint64_t place) { return place > mine; });
      if (above >= wantedOf(request.topP, whole)) weight = 0;
    }
    if (weight < smallestOf(request.minP)) weight = 0;
    whole = total(weight);
    const uint64_t left = __umul64hi(request.random(), whole);
    if (weight != 0) {
      const uint64_t before = sum([&](uint64_t place) { return tokenOf(place) < tokenOf(mine); });
      if (before <= left && left < before + weight) drawn = tokenOf(mine);
    }
    __syncthreads();
    return drawn;
  }
};

// Draws from any part of the order.
struct Search {
  DigitSums sums;
  Shares shares;
  int drawn;

  __device__ __forceinline__ int draw(const Row& row) {
    const Request& request = row.request;
    Part part = {0, static_cast<uint64_t>(row.columns)};
    if (request.topK > 0 && request.topK < row.columns) part = row.firstOf<false>(request.topK, sums);
    if (request.topP < 1.0f) {
      shares.put(row.share(part, 0, 0, row.span()));
      const uint64_t total = shares.total(part.ties, weightOf(floatOf(part.key), row.max));
      part = row.firstOf<true>(wantedOf(request.topP, total), sums);
    }
    const uint64_t smallest = smallestOf(request.minP);
    uint64_t tieWeight = weightOf(floatOf(part.key), row.max);
    if (tieWeight < smallest) tieWeight = 0;
    int begin = 0;
    int span = row.span();
    shares.put(row.share(part, smallest, begin, span));
    uint64_t left = __umul64hi(request.random(), shares.total(part.ties, tieWeight));
    begin += shares.holder(left, part.ties, tieWeight) * span;
    // Once more among all warps, then one looks at what is left.
    const int end = min(begin + span, row.columns);
    span = ((span + kWarps - 1) / kWarps + 3) / 4 * 4;
    shares.put(row.share(part, smallest, begin, span));
    const int holder = shares.holder(left, part.ties, tieWeight);
    if (threadIdx.x / kWarp == holder) find(row, part, smallest, left, begin + holder * span, end);
    __syncthreads();
    return drawn;
  }

  // A warp finds the token at which the cumulated weight passes `left`.
  __device__ __forceinline__ void find(const Row& row, Part part, uint64_t smallest, uint64_t left, int begin, int end) {
    const int lane = threadIdx.x % kWarp;
    for (int from = begin; from < end; from += kWarp) {
      const int token = from + lane;
      const float z = token < end ? row.at(token) : 0.0f;
      const uint32_t key = keyOf(z);
      const bool isTie = token < end && key == part.key;
      const unsigned tied = __ballot_sync(kAllLanes, isTie);
      const bool kept = isTie ? __popc(tied & ((1u << lane) - 1)) < part.ties : token < end && key > part.key;
      uint64_t weight = kept ? weightOf(z, row.max) : 0;
      if (weight < smallest) weight = 0;
      const uint64_t through = sumThrough(weight);
      const unsigned reached = __ballot_sync(kAllLanes, through > left);
      if (reached != 0) {
        if (lane == 0) drawn = from + __ffs(reached) - 1;
        return;
      }
      left -= __shfl_sync(kAllLanes, through, kWarp - 1);
      part.ties -= min(part.ties, static_cast<uint64_t>(__popc(tied)));
    }
  }
};

}  // namespace

OCTAVO_LAUNCH(sample, kThreads, 0)

extern "C" __global__ __launch_bounds__(kThreads) void sample(const __grid_constant__ Parameters p) {
  __shared__ union {
    Candidates candidates;
    Search search;
  } shared;
  enterStream();
  const int columns = static_cast<int>(p.columns);
  uint32_t* seen = p.seen + static_cast<int64_t>(blockIdx.x) * ((columns + 31) / 32);
  Row row = {
      p.logits + blockIdx.x * p.columns, seen, columns, Request(p.requests + blockIdx.x * kRequestWords),
      isAligned(p.logits, p.columns * sizeof(float), 16), 0.0f};
  uint64_t mine = 0;
  row.forEach([&](float z, int token, bool isToken) {
    if (isToken) mine = max(mine, placeOf(z, token));
  });
  const uint64_t first = blockReduce(mine, Max(), uint64_t{0});
  int token = keyOf(first) == 0xFFFFFFFFu ? -1 : tokenOf(first);
  if (token >= 0 && row.request.temperature != 0.0f) {
    row.max = floatOf(keyOf(first));
    const int topK = row.request.topK;
    const bool fromFew = topK > 0 && topK <= kThreads && shared.candidates.find(row, keyOf(mine));
    __syncthreads();
    token = fromFew ? shared.candidates.draw(row) : shared.search.draw(row);
  }
  if (threadIdx.x == 0) {
    p.tokens[blockIdx.x] = token;
    if (token >= 0) seen[token / 32] |= 1u << token % 32;
  }
}
