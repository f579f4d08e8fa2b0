// How far the distributions of one model's next tokens lie from those of another, and whether both find the same token most
// likely. With a and b logits less their maxima, sum(p (log p - log q)) is
//
//   sum(e^a (a - b)) / sum(e^a) - log(sum(e^a)) + log(sum(e^b))
//
// Twin: ScalarDivergence.java.  Launch: grid = rows, block = kThreads.  columns >= 1.

#include "common.cuh"

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
constexpr unsigned long long kNan = 0xFFFFFFFF00000000ull;

// Larger keys win: ordered bits of the value above, the index inverted below, so that the smallest index wins a tie; NaN is
// above everything.
__device__ __forceinline__ unsigned long long key(float value, int index) {
  uint32_t bits = __float_as_uint(value == 0.0f ? 0.0f : value);
  bits = bits & 0x80000000u ? ~bits : bits | 0x80000000u;
  if (isnan(value)) bits = 0xFFFFFFFFu;
  return static_cast<unsigned long long>(bits) << 32 | ~static_cast<uint32_t>(index);
}

__device__ __forceinline__ float valueOf(unsigned long long key) {
  const uint32_t bits = static_cast<uint32_t>(key >> 32);
  return __uint_as_float(bits & 0x80000000u ? bits & 0x7FFFFFFFu : ~bits);
}

// e^(x - max), 1 at the maximum even where that is infinite.
__device__ __forceinline__ float weightOf(float x, float max) {
  return x == max ? 1.0f : expf(x - max);
}

constexpr int kEach = 4;  // vectors of either row that a thread has in flight

// Visits what a thread sees of both rows: use(a, b, column).
template <typename Use>
__device__ __forceinline__ void forEach(const float* a, const float* b, int columns, bool inVectors, Use use) {
  const int vectors = inVectors ? columns / 4 : 0;
  const uint4* wideA = reinterpret_cast<const uint4*>(a);
  const uint4* wideB = reinterpret_cast<const uint4*>(b);
  for (int at = threadIdx.x; at < vectors; at += kEach * kThreads) {
    uint4 fromA[kEach];
    uint4 fromB[kEach];
#pragma unroll
    for (int i = 0; i < kEach; i++) {
      const int vector = min(at + i * kThreads, vectors - 1);
      fromA[i] = wideA[vector];
      fromB[i] = wideB[vector];
    }
#pragma unroll
    for (int i = 0; i < kEach; i++) {
      if (at + i * kThreads >= vectors) break;
#pragma unroll
      for (int e = 0; e < 4; e++) {
        use(elementOf<float>(fromA[i], e), elementOf<float>(fromB[i], e), 4 * (at + i * kThreads) + e);
      }
    }
  }
  for (int c = 4 * vectors + threadIdx.x; c < columns; c += kThreads) use(a[c], b[c], c);
}

}  // namespace

extern "C" __global__ __launch_bounds__(kThreads) void divergence(const __grid_constant__ Parameters p) {
  const float* reference = p.reference + blockIdx.x * p.columns;
  const float* logits = p.logits + blockIdx.x * p.columns;
  const int columns = static_cast<int>(p.columns);
  unsigned long long wanted = 0;
  unsigned long long found = 0;
  const bool inVectors = isAligned(p.reference, p.columns * sizeof(float), 16) && isAligned(p.logits, 0, 16);
  forEach(reference, logits, columns, inVectors, [&](float a, float b, int column) {
    wanted = max(wanted, key(a, column));
    found = max(found, key(b, column));
  });
  wanted = blockReduce(wanted, Max(), 0ull);
  found = blockReduce(found, Max(), 0ull);
  if (wanted >= kNan || found >= kNan) {
    if (threadIdx.x == 0) {
      p.divergence[blockIdx.x] = nanf("");
      p.agreement[blockIdx.x] = -1;
    }
    return;
  }
  const float firstMax = valueOf(wanted);
  const float secondMax = valueOf(found);
  // A row is read again from the second-level cache.
  float firstTotal = 0.0f;
  float secondTotal = 0.0f;
  float weighted = 0.0f;
  forEach(reference, logits, columns, inVectors, [&](float a, float b, int) {
    const float weight = weightOf(a, firstMax);
    firstTotal += weight;
    secondTotal += weightOf(b, secondMax);
    // What is impossible costs nothing, however impossible it is to the other.
    if (weight != 0.0f) weighted += weight * (a - firstMax - (b - secondMax));
  });
  const double first = blockReduce(static_cast<double>(firstTotal), Sum(), 0.0);
  const double second = blockReduce(static_cast<double>(secondTotal), Sum(), 0.0);
  const double sum = blockReduce(static_cast<double>(weighted), Sum(), 0.0);
  if (threadIdx.x == 0) {
    p.divergence[blockIdx.x] = static_cast<float>(sum / first - log(first) + log(second));
    p.agreement[blockIdx.x] = static_cast<uint32_t>(wanted) == static_cast<uint32_t>(found) ? 1 : 0;
  }
}
