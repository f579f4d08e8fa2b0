// Products of few tiles: k is shared out among blocks in slices, and each block of a tile adds up a share of it, always in the same
// order.
#pragma once

#include "base/common.cuh"

namespace {

// The slabs of k that are this block's; there are at least as many slabs as slices.
struct Slice {
  int from;
  int slabs;

  __device__ __forceinline__ explicit Slice(int all)
      : from(all * static_cast<int>(blockIdx.y) / static_cast<int>(gridDim.y)),
        slabs(all * (static_cast<int>(blockIdx.y) + 1) / static_cast<int>(gridDim.y) - from) {}
};

// Who adds up which share of a tile's sums, once all its blocks have left theirs in memory: of share i that of slice i % slices, if
// the others come in time, else the last of them. So all share out the work, and none depends on one that may not run yet.
struct Shares {
  static constexpr int kPatience = 4000;  // clocks

  int* tickets;  // a zero for each owner, and a zero again afterwards
  int slices;
  int slice;     // this block's
  int owners;    // at most a warp's lanes

  // By a whole warp, once the block's sums are in memory: bits of the owners whose shares are the block's to add up.
  __device__ __forceinline__ uint32_t arrive() const {
    const int lane = threadIdx.x % kWarp;
    bool mine = false;
    if (lane < owners && lane != slice) mine = arriveAt(lane);
    __syncwarp();  // nobody waits for a block that waits itself
    if (lane < owners && lane == slice) mine = (owners > 1 && othersCome()) || arriveAt(lane);
    if (mine) tickets[lane] = 0;
    return __ballot_sync(kAllLanes, mine);
  }

  __device__ __forceinline__ bool has(uint32_t taken, int share) const { return taken >> share % slices & 1; }

 private:
  // Whether as the last.
  __device__ __forceinline__ bool arriveAt(int owner) const { return atomicAdd(tickets + owner, 1) == slices - 1; }

  __device__ __forceinline__ bool othersCome() const {
    const volatile int* arrived = tickets + slice;
    bool come = false;
    for (const long long begun = clock64(); !come && clock64() - begun < kPatience;) come = *arrived == slices - 1;
    return come;
  }
};

__device__ __forceinline__ uint32_t bitsOf(float value) { return __float_as_uint(value); }
__device__ __forceinline__ uint32_t bitsOf(int value) { return static_cast<uint32_t>(value); }

template <typename Number>
__device__ __forceinline__ Number numberOf(uint32_t bits);
template <>
__device__ __forceinline__ float numberOf(uint32_t bits) {
  return __uint_as_float(bits);
}
template <>
__device__ __forceinline__ int numberOf(uint32_t bits) {
  return static_cast<int>(bits);
}

// Stores a tile's sums, which kThreads threads of each block have that has a slice of it, blockIdx.y of gridDim.y. They call it
// together, and use the block's barrier 1.
template <int kThreads, typename Number, int kBlocks, int kSums>
class Slices {
 public:
  using Sums = Number[kBlocks][kSums];
  using Four = Number[4];

  // parts: kThreads * kBlocks * kSums numbers for each slice of each tile; tickets: a zero for each slice of each tile, and a
  // zero again afterwards; both unused where there is one slice.
  __device__ __forceinline__ Slices(float* parts, int* tickets, int thread)
      : quads_(reinterpret_cast<uint4*>(parts) + thread), tickets_(tickets), thread_(thread) {}

  // store(i, four): sums 4 i to 4 i + 3 of a thread, counted over its blocks, of all slices.
  template <typename Store>
  __device__ __forceinline__ void finish(const Sums& sums, int tile, const Store& store) const {
    if (gridDim.y == 1) {
#pragma unroll
      for (int i = 0; i < kQuads; i++) {
        const Number* four = &sums[4 * i / kSums][4 * i % kSums];
        const Four values = {four[0], four[1], four[2], four[3]};
        store(i, values);
      }
      return;
    }
    const int slices = static_cast<int>(gridDim.y);
    const Shares shares = {tickets_ + tile * slices, slices, static_cast<int>(blockIdx.y), min(kShares, slices)};
    uint4* there = quads_ + static_cast<int64_t>(tile) * slices * kSize;
    write(sums, there + static_cast<int64_t>(blockIdx.y) * kSize);
    const uint32_t taken = arrive(shares);
#pragma unroll 1
    for (int share = 0; share < kShares; share++) {
      if (!shares.has(taken, share)) continue;
      Four values[kAtOnce] = {};
#pragma unroll 2
      for (int slice = 0; slice < slices; slice++) {
        add(values, there + static_cast<int64_t>(slice) * kSize + share * kAtOnce * kThreads);
      }
#pragma unroll
      for (int j = 0; j < kAtOnce; j++) store(share * kAtOnce + j, values[j]);
    }
  }

 private:
  static constexpr int kQuads = kBlocks * kSums / 4;
  static constexpr int kSize = kQuads * kThreads;
  static constexpr int kAtOnce = kQuads % 8 == 0 ? 8 : 7;
  static constexpr int kShares = kQuads / kAtOnce;
  static_assert(kQuads % kAtOnce == 0, "no sum is left over");

  static __device__ __forceinline__ void write(const Sums& sums, uint4* quads) {
#pragma unroll
    for (int i = 0; i < kQuads; i++) {
      const Number* four = &sums[4 * i / kSums][4 * i % kSums];
      __stcg(quads + i * kThreads, make_uint4(bitsOf(four[0]), bitsOf(four[1]), bitsOf(four[2]), bitsOf(four[3])));
    }
  }

  __device__ __forceinline__ uint32_t arrive(const Shares& shares) const {
    __shared__ uint32_t taken;
    __threadfence();
    sync();
    if (thread_ < kWarp) {
      const uint32_t bits = shares.arrive();
      if (thread_ == 0) taken = bits;
    }
    sync();
    __threadfence();
    return taken;
  }

  static __device__ __forceinline__ void sync() { asm volatile("bar.sync 1, %0;" ::"n"(kThreads) : "memory"); }

  static __device__ __forceinline__ void add(Four (&values)[kAtOnce], const uint4* quads) {
    uint4 more[kAtOnce];
#pragma unroll
    for (int j = 0; j < kAtOnce; j++) more[j] = __ldcg(quads + j * kThreads);
#pragma unroll
    for (int j = 0; j < kAtOnce; j++) {
      const uint32_t bits[4] = {more[j].x, more[j].y, more[j].z, more[j].w};
#pragma unroll
      for (int e = 0; e < 4; e++) values[j][e] += numberOf<Number>(bits[e]);
    }
  }

  uint4* quads_;
  int* tickets_;
  int thread_;
};

}  // namespace
