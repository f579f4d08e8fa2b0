// What products on Hopper have in common: of a block's three warpgroups the first fetches and the two others multiply.
#pragma once

#include "base/hopper.cuh"

namespace {

constexpr int kConsumers = 2;
constexpr int kConsumerThreads = kConsumers * kGroupThreads;
constexpr int kConsumerWarps = kConsumerThreads / kWarp;
constexpr int kThreads = kGroupThreads + kConsumerThreads;
constexpr int kProducerRegisters = 40;
constexpr int kConsumerRegisters = 232;

// Consumers that take turns: while one multiplies, the other one works on what it has multiplied or prepares what it will.
// Both take the same number of turns. Barriers 2 and 3 of the block.
class Turns {
 public:
  __device__ __forceinline__ explicit Turns(int group) : group_(group) {
    if (group == 1) pass();
  }

  __device__ __forceinline__ void await() const { syncThreads(2 + group_, kConsumerThreads); }

  __device__ __forceinline__ void pass() const { arriveThreads(3 - group_, kConsumerThreads); }

  // After the last one: takes what the other one passed without need.
  __device__ __forceinline__ void end() const {
    if (group_ == 0) await();
  }

 private:
  int group_;
};

// The threads of a consumer wait for each other. Barriers 4 and 5 of the block.
__device__ __forceinline__ void syncConsumer(int group) { syncThreads(4 + group, kGroupThreads); }

}  // namespace
