// What kernels for Hopper's tensor cores share: barriers in shared memory, the bulk tensor copy engine, and wgmma.
// Included where __CUDA_ARCH_FEAT_SM90_ALL holds; the structs are known everywhere.
#pragma once

#include "base/async_copy.cuh"

// As cuTensorMapEncodeTiled writes it.
struct alignas(64) TensorMap {
  uint8_t opaque[128];
};

#if !defined(__CUDA_ARCH__) || defined(__CUDA_ARCH_FEAT_SM90_ALL)

namespace {

constexpr int kSlabBytes = 128;      // of k in shared memory a stage: one row of a tile, and of the swizzle
constexpr int kSwizzleBytes = 1024;  // after which the swizzle repeats
constexpr int kMmaBytes = 32;        // of k that one wgmma consumes
constexpr int kMmaRows = 64;         // of out that one wgmma computes
constexpr int kGroupThreads = 128;   // of a warpgroup

// --- Barriers ---------------------------------------------------------------------------------------------------------

__device__ __forceinline__ void initBarrier(uint32_t barrier, int arrivals) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(barrier), "r"(arrivals));
}

__device__ __forceinline__ void publishBarriers() { asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory"); }

// At a barrier of any block of the cluster. What is released was read by wgmma or copied to, so no memory of this thread's has
// to be ordered: a fence of the cluster's scope would cost as much as the products of a slab.
__device__ __forceinline__ void arrive(uint32_t barrier) {
  asm volatile("mbarrier.arrive.shared::cluster.b64 _, [%0];" ::"r"(barrier) : "memory");
}

__device__ __forceinline__ void arriveAndExpect(uint32_t barrier, int bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(barrier), "r"(bytes) : "memory");
}

__device__ __forceinline__ void await(uint32_t barrier, uint32_t parity) {
  uint32_t done;
  do {
    asm volatile(
        "{\n.reg .pred p;\n"
        "mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2;\n"
        "selp.u32 %0, 1, 0, p;\n}"
        : "=r"(done)
        : "r"(barrier), "r"(parity)
        : "memory");
  } while (done == 0);
}

// Waits for `threads` threads of this block that name the same barrier of 1 to 15.
__device__ __forceinline__ void syncThreads(int barrier, int threads) {
  asm volatile("bar.sync %0, %1;" ::"r"(barrier), "r"(threads) : "memory");
}

// Says so to those that wait, and goes on.
__device__ __forceinline__ void arriveThreads(int barrier, int threads) {
  asm volatile("bar.arrive %0, %1;" ::"r"(barrier), "r"(threads) : "memory");
}

// What ordinary stores put into shared memory, wgmma and the copy engine shall see.
__device__ __forceinline__ void publishStores() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }

// --- Registers --------------------------------------------------------------------------------------------------------
// By all threads of a warpgroup; a block may take no more than it was launched with.

template <int kRegisters>
__device__ __forceinline__ void giveRegisters() {
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(kRegisters));
}

template <int kRegisters>
__device__ __forceinline__ void takeRegisters() {
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(kRegisters));
}

// --- Clusters ---------------------------------------------------------------------------------------------------------

__device__ __forceinline__ int rankInCluster() {
  int rank;
  asm volatile("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
  return rank;
}

// Where `address` of this block is in block `rank` of the cluster.
__device__ __forceinline__ uint32_t addressIn(uint32_t address, int rank) {
  uint32_t there;
  asm volatile("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(there) : "r"(address), "r"(rank));
  return there;
}

// Orders execution alone.
__device__ __forceinline__ void syncCluster() {
  asm volatile("barrier.cluster.arrive.relaxed;\nbarrier.cluster.wait;" ::: "memory");
}

// --- Copies -----------------------------------------------------------------------------------------------------------

// The box of `map` that starts at byte `byte` of row `row`, into shared memory.
__device__ __forceinline__ void fetchBox(uint32_t target, const TensorMap& map, int byte, int row, uint32_t barrier) {
  asm volatile(
      "cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3}], [%4];" ::"r"(target),
      "l"(reinterpret_cast<uint64_t>(&map)), "r"(byte), "r"(row), "r"(barrier)
      : "memory");
}

// The same into every block of the cluster whose bit is set in `ranks`.
__device__ __forceinline__ void fetchBoxFor(
    uint16_t ranks, uint32_t target, const TensorMap& map, int byte, int row, uint32_t barrier) {
  asm volatile(
      "cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster "
      "[%0], [%1, {%2, %3}], [%4], %5;" ::"r"(target),
      "l"(reinterpret_cast<uint64_t>(&map)), "r"(byte), "r"(row), "r"(barrier), "h"(ranks)
      : "memory");
}

// Where a role is in a ring of stages.
template <int kStages>
struct Ring {
  int stage = 0;
  uint32_t parity = 0;

  __device__ __forceinline__ void advance() {
    if (++stage == kStages) {
      stage = 0;
      parity ^= 1;
    }
  }

  __device__ __forceinline__ Ring next() const {
    Ring ring = *this;
    ring.advance();
    return ring;
  }
};

// --- wgmma ------------------------------------------------------------------------------------------------------------

// A tile of rows of 128 swizzled bytes: groups of 8 rows follow each other. A row holds k of one row of the operand or, of a
// transposed operand of 16-bit numbers, 64 of its rows; then such tiles lie columnBytes apart.
__device__ __forceinline__ uint64_t describe(uint32_t address, int columnBytes = 16) {
  constexpr uint64_t kStride = kSwizzleBytes >> 4;
  constexpr uint64_t kSwizzle128 = 1;
  return (address & 0x3FFFFu) >> 4 | static_cast<uint64_t>(columnBytes >> 4) << 16 | kStride << 32 | kSwizzle128 << 62;
}

__device__ __forceinline__ void beginMultiplying() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }

__device__ __forceinline__ void commitProducts() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }

template <int kPending>
__device__ __forceinline__ void awaitProducts() {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(kPending) : "memory");
}

// Keeps the compiler from reading sums before they are awaited, and from computing operands after wgmma's fence.
template <int kCount>
__device__ __forceinline__ void settle(float (&sums)[kCount]) {
#pragma unroll
  for (int i = 0; i < kCount; i++) asm volatile("" : "+f"(sums[i])::"memory");
}

template <int kCount>
__device__ __forceinline__ void settle(int (&sums)[kCount]) {
#pragma unroll
  for (int i = 0; i < kCount; i++) asm volatile("" : "+r"(sums[i])::"memory");
}

template <int kCount>
__device__ __forceinline__ void settle(uint32_t (&operands)[kCount]) {
#pragma unroll
  for (int i = 0; i < kCount; i++) asm volatile("" : "+r"(operands[i])::"memory");
}

// The registers of an accumulator, for asm.
#define FLOAT_1(d, i) "+f"(d[i])
#define INT_1(d, i) "+r"(d[i])
#define EIGHT(one, d, i) \
  one(d, i), one(d, i + 1), one(d, i + 2), one(d, i + 3), one(d, i + 4), one(d, i + 5), one(d, i + 6), one(d, i + 7)
#define THIRTY_TWO(one, d, i) EIGHT(one, d, i), EIGHT(one, d, i + 8), EIGHT(one, d, i + 16), EIGHT(one, d, i + 24)
#define REGISTERS_32(one, d) THIRTY_TWO(one, d, 0)
#define REGISTERS_56(one, d) REGISTERS_32(one, d), EIGHT(one, d, 32), EIGHT(one, d, 40), EIGHT(one, d, 48)
#define REGISTERS_64(one, d) REGISTERS_32(one, d), THIRTY_TWO(one, d, 32)
#define REGISTERS_112(one, d) REGISTERS_64(one, d), THIRTY_TWO(one, d, 64), EIGHT(one, d, 96), EIGHT(one, d, 104)
#define REGISTERS_128(one, d) REGISTERS_64(one, d), THIRTY_TWO(one, d, 64), THIRTY_TWO(one, d, 96)
#define OPERANDS_32                                                                 \
  "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "          \
  "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31"
#define OPERANDS_56                                                                                          \
  OPERANDS_32                                                                                                \
  ", %32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, "                       \
  "%48, %49, %50, %51, %52, %53, %54, %55"
#define OPERANDS_64 OPERANDS_56 ", %56, %57, %58, %59, %60, %61, %62, %63"
#define OPERANDS_112                                                                                                 \
  OPERANDS_64                                                                                                        \
  ", %64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79, "                               \
  "%80, %81, %82, %83, %84, %85, %86, %87, %88, %89, %90, %91, %92, %93, %94, %95, "                                 \
  "%96, %97, %98, %99, %100, %101, %102, %103, %104, %105, %106, %107, %108, %109, %110, %111"
#define OPERANDS_128 \
  OPERANDS_112 ", %112, %113, %114, %115, %116, %117, %118, %119, %120, %121, %122, %123, %124, %125, %126, %127"

}  // namespace

#endif
