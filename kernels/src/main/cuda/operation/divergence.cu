// How far the distributions of one model's next tokens lie from those of another, and whether both find the same token most
// likely. With a and b logits less a base of their row, sum(p (log p - log q)) is
//
//   sum(e^a (a - b)) / sum(e^a) - log(sum(e^a)) + log(sum(e^b))
//
// Both rows are read once: a thread's base follows the largest logit that it has seen, at most kSlack behind it, so that what
// was summed before is converted rarely (M. Milakov and N. Gimelshein, arXiv:1805.02867, with a tolerance).
//
// Twin: ScalarDivergence.java.  Launch: grid = rows, block = kThreads.  columns >= 1.
// Targets: all

#include "base/common.cuh"

struct Parameters {
  const float* reference;  // [rows, columns]
  const float* logits;     // like reference
  float* divergence;       // [rows]; NaN if a logit of either row is NaN
  int* agreement;          // [rows]; 1 or 0, -1 if a logit of either row is NaN
  int64_t columns;
};
OCTAVO_PARAMETERS(divergence, Parameters, reference, logits, divergence, agreement, columns)

namespace {

constexpr int kThreads = 512;
constexpr int kEach = 4;          // vectors of either row that a thread has in flight
constexpr float kSlack = 16.0f;   // e^16 times a few hundred logits is far from the largest float
constexpr float kLowest = -3.402823466e38f;

// Larger keys win: ordered bits of the value above, the index inverted below, so that the smallest index wins a tie.
__device__ __forceinline__ unsigned long long key(float value, int index) {
  uint32_t bits = __float_as_uint(value == 0.0f ? 0.0f : value);
  bits = bits & 0x80000000u ? ~bits : bits | 0x80000000u;
  return static_cast<unsigned long long>(bits) << 32 | ~static_cast<uint32_t>(index);
}

__device__ __forceinline__ float valueOf(unsigned long long key) {
  const uint32_t bits = static_cast<uint32_t>(key >> 32);
  return __uint_as_float(bits & 0x80000000u ? bits & 0x7FFFFFFFu : ~bits);
}

// What a thread has seen of one row.
struct Seen {
  float largest;
  int index;      // of the first that is as large
  float base;     // what exponents are relative to
  float total;    // sum of e^(x - base), NaN once a logit was

  __device__ __forceinline__ explicit Seen(int first) : largest(-INFINITY), index(first), base(kLowest), total(0.0f) {}

  // e^(x - base), 1 at the base even where that is infinite.
  __device__ __forceinline__ float weightOf(float x) const {
    return x == base ? 1.0f : expf(x - base);
  }

  __device__ __forceinline__ bool leaves(float x) const {
    return x > base + kSlack;
  }

  __device__ __forceinline__ void moveTo(float x) {
    total *= expf(base - x);
    base = x;
  }
};

struct Comparison {
  Seen reference;
  Seen logits;
  float weighted;  // sum of e^a (a - b)

  __device__ __forceinline__ explicit Comparison(int first) : reference(first), logits(first), weighted(0.0f) {}

  // columnOf(i): of element i; ascending.
  template <int kCount, typename ColumnOf>
  __device__ __forceinline__ void add(const float (&a)[kCount], const float (&b)[kCount], ColumnOf columnOf) {
    const float mostA = find(reference, a, columnOf);
    const float mostB = find(logits, b, columnOf);
    if (reference.leaves(mostA)) {
      const float factor = expf(reference.base - mostA);
      // What is impossible costs nothing, however impossible it is to the other.
      weighted = factor == 0.0f ? 0.0f : factor * (weighted + reference.total * (reference.base - mostA));
      reference.moveTo(mostA);
    }
    if (logits.leaves(mostB)) {
      if (reference.total > 0.0f) weighted += reference.total * (mostB - logits.base);
      logits.moveTo(mostB);
    }
#pragma unroll
    for (int i = 0; i < kCount; i++) {
      const float weight = reference.weightOf(a[i]);
      reference.total += weight;
      logits.total += logits.weightOf(b[i]);
      if (weight != 0.0f) weighted += weight * (a[i] - reference.base - (b[i] - logits.base));
    }
  }

  // The largest of x, and where the row has it if it is the largest of all.
  template <int kCount, typename ColumnOf>
  __device__ static __forceinline__ float find(Seen& seen, const float (&x)[kCount], ColumnOf columnOf) {
    float most = x[0];
#pragma unroll
    for (int i = 1; i < kCount; i++) most = fmaxf(most, x[i]);
    if (most > seen.largest) {
      seen.largest = most;
#pragma unroll
      for (int i = kCount - 1; i >= 0; i--) {
        if (x[i] == most) seen.index = columnOf(i);
      }
    }
    return most;
  }
};

// What a thread sees of both rows.
__device__ __forceinline__ Comparison compare(const float* a, const float* b, int columns, bool inVectors) {
  const int vectors = inVectors ? columns / 4 : 0;
  const uint4* wideA = reinterpret_cast<const uint4*>(a);
  const uint4* wideB = reinterpret_cast<const uint4*>(b);
  Comparison seen(inVectors ? 4 * threadIdx.x : threadIdx.x);
  int at = threadIdx.x;
  for (; at + (kEach - 1) * kThreads < vectors; at += kEach * kThreads) {
    uint4 fromA[kEach];
    uint4 fromB[kEach];
#pragma unroll
    for (int i = 0; i < kEach; i++) {
      fromA[i] = loadStreaming(wideA + at + i * kThreads);
      fromB[i] = loadStreaming(wideB + at + i * kThreads);
    }
    float x[4 * kEach];
    float y[4 * kEach];
#pragma unroll
    for (int i = 0; i < 4 * kEach; i++) {
      x[i] = elementOf<float>(fromA[i / 4], i % 4);
      y[i] = elementOf<float>(fromB[i / 4], i % 4);
    }
    seen.add(x, y, [&](int i) { return 4 * (at + i / 4 * kThreads) + i % 4; });
  }
  for (; at < vectors; at += kThreads) {
    const uint4 fromA = loadStreaming(wideA + at);
    const uint4 fromB = loadStreaming(wideB + at);
    float x[4];
    float y[4];
#pragma unroll
    for (int i = 0; i < 4; i++) {
      x[i] = elementOf<float>(fromA, i);
      y[i] = elementOf<float>(fromB, i);
    }
    seen.add(x, y, [&](int i) { return 4 * at + i; });
  }
  for (int c = 4 * vectors + threadIdx.x; c < columns; c += kThreads) {
    const float x[] = {a[c]};
    const float y[] = {b[c]};
    seen.add(x, y, [&](int) { return c; });
  }
  return seen;
}

// From a thread's base to that of the row; NaN where that is infinite.
__device__ __forceinline__ double factorTo(float max, const Seen& seen) {
  return exp(static_cast<double>(seen.base) - max);
}

}  // namespace

OCTAVO_LAUNCH(divergence, kThreads, 0)

extern "C" __global__ __launch_bounds__(kThreads) void divergence(const __grid_constant__ Parameters p) {
  const float* reference = p.reference + blockIdx.x * p.columns;
  const float* logits = p.logits + blockIdx.x * p.columns;
  const bool inVectors = isAligned(p.reference, p.columns * sizeof(float), 16) && isAligned(p.logits, 0, 16);
  const Comparison seen = compare(reference, logits, static_cast<int>(p.columns), inVectors);
  if (__syncthreads_or(isnan(seen.reference.total) || isnan(seen.logits.total))) {
    if (threadIdx.x == 0) {
      p.divergence[blockIdx.x] = nanf("");
      p.agreement[blockIdx.x] = -1;
    }
    return;
  }
  const unsigned long long wanted = blockReduce(key(seen.reference.largest, seen.reference.index), Max(), 0ull);
  const unsigned long long found = blockReduce(key(seen.logits.largest, seen.logits.index), Max(), 0ull);
  const float firstMax = valueOf(wanted);
  const float secondMax = valueOf(found);
  const double factor = factorTo(firstMax, seen.reference);
  const double total = seen.reference.total;
  const double moved =
      static_cast<double>(seen.reference.base) - firstMax - (static_cast<double>(seen.logits.base) - secondMax);
  const double difference = factor == 0.0 || total == 0.0 ? 0.0 : factor * (seen.weighted + total * moved);
  const double first = blockReduce(factor * total, Sum(), 0.0);
  const double second = blockReduce(factorTo(secondMax, seen.logits) * seen.logits.total, Sum(), 0.0);
  const double sum = blockReduce(difference, Sum(), 0.0);
  if (threadIdx.x == 0) {
    p.divergence[blockIdx.x] = static_cast<float>(sum / first - log(first) + log(second));
    p.agreement[blockIdx.x] = static_cast<uint32_t>(wanted) == static_cast<uint32_t>(found) ? 1 : 0;
  }
}
