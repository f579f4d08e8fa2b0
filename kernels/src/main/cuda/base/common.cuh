// What the kernels share: number types, 16-byte vectors, reductions, and the tables that tell launchers of structs and numbers.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_fp8.h>
#include <stddef.h>
#include <stdint.h>

// --- Parameter structs ------------------------------------------------------------------------------------------------
// Every kernel takes one struct by value. OCTAVO_PARAMETERS(file, Struct, members...) puts its size and each member's
// offset and size into a table that the launcher reads from the module and writes by. OCTAVO_OVERLAPPING_PARAMETERS also
// says that every kernel of the file keeps the rules of "Overlapping launches" below.

#define OCTAVO_PARENTHESES ()
#define OCTAVO_EXPAND(...) OCTAVO_EXPAND3(OCTAVO_EXPAND3(OCTAVO_EXPAND3(OCTAVO_EXPAND3(__VA_ARGS__))))
#define OCTAVO_EXPAND3(...) OCTAVO_EXPAND2(OCTAVO_EXPAND2(OCTAVO_EXPAND2(OCTAVO_EXPAND2(__VA_ARGS__))))
#define OCTAVO_EXPAND2(...) OCTAVO_EXPAND1(OCTAVO_EXPAND1(OCTAVO_EXPAND1(OCTAVO_EXPAND1(__VA_ARGS__))))
#define OCTAVO_EXPAND1(...) __VA_ARGS__
#define OCTAVO_MEMBERS(type, member, ...) \
  , offsetof(type, member), sizeof(type::member) __VA_OPT__(OCTAVO_MORE_MEMBERS OCTAVO_PARENTHESES(type, __VA_ARGS__))
#define OCTAVO_MORE_MEMBERS() OCTAVO_MEMBERS

#define OCTAVO_PARAMETERS(file, type, ...) OCTAVO_PARAMETER_TABLE(file, type, 0u, __VA_ARGS__)
#define OCTAVO_OVERLAPPING_PARAMETERS(file, type, ...) OCTAVO_PARAMETER_TABLE(file, type, 1u << 31, __VA_ARGS__)
#define OCTAVO_PARAMETER_TABLE(file, type, flags, ...)                                          \
  static_assert(sizeof(type) <= 4096, "a kernel takes at most 4 KiB of parameters");           \
  extern "C" {                                                                                  \
  __constant__ unsigned int file##_parameters[] = {                                             \
      sizeof(type) | flags OCTAVO_EXPAND(OCTAVO_MEMBERS(type, __VA_ARGS__))};                   \
  }

// --- Numbers for launchers --------------------------------------------------------------------------------------------
// A number that the launcher needs is spelled in the .cu alone: the launcher reads it from the module.

struct OctavoConstant {
  char name[36];
  int value;
};

// Integers of a file, by their spelling: OCTAVO_CONSTANTS(matmul, kSlabBytes, Flat::kRows).
#define OCTAVO_CONSTANTS(file, ...) \
  extern "C" { \
  __constant__ OctavoConstant file##_constants[] = {OCTAVO_EXPAND(OCTAVO_NAMED(__VA_ARGS__))}; \
  }
#define OCTAVO_NAMED(number, ...) {#number, number}, __VA_OPT__(OCTAVO_MORE_NAMED OCTAVO_PARENTHESES(__VA_ARGS__))
#define OCTAVO_MORE_NAMED() OCTAVO_NAMED

// How a kernel is launched: threads of a block, and bytes of dynamic shared memory, last since they may hold commas.
#define OCTAVO_LAUNCH(kernel, threads, ...)                       \
  extern "C" {                                                    \
  __constant__ int kernel##_launch[] = {threads, __VA_ARGS__};    \
  }

// --- Overlapping launches ---------------------------------------------------------------------------------------------
// From sm_90 on a kernel may begin while the one before it in the stream still runs (programmatic dependent launch), if both
// allow it: then the gap between launches, and what a kernel does before it needs its inputs, cost nothing.
//
// A file that declares OCTAVO_OVERLAPPING_PARAMETERS promises of its kernels: they call awaitEarlierKernels() in every block
// before they read or write what another kernel may have to do with, which is all but weights, and admitNextKernel() only
// after that; and they never write what a kernel reads as the codes of a weight. So a weight that one of them reads before
// it waits was complete before the kernel in front of it began.

// Until all kernels before this one are complete.
__device__ __forceinline__ void awaitEarlierKernels() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

// Lets the next kernel begin once every block has come here or ended.
__device__ __forceinline__ void admitNextKernel() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}

// Before waiting: brings a line into the second-level cache, where it may still be written.
__device__ __forceinline__ void prefetch(const void* address) {
#if __CUDA_ARCH__ >= 900
  asm volatile("prefetch.global.L2 [%0];" ::"l"(address));
#endif
}

// What most kernels begin with.
__device__ __forceinline__ void enterStream() {
  awaitEarlierKernels();
  admitNextKernel();
}

// --- Number types -----------------------------------------------------------------------------------------------------

enum Number : int { kF32 = 0, kBF16 = 1, kF16 = 2, kE4M3 = 3, kI8 = 4, kU8 = 5 };

struct E4M3 {
  uint8_t bits;
};

template <typename T>
__device__ __forceinline__ float toFloat(T value);
template <>
__device__ __forceinline__ float toFloat(float value) {
  return value;
}
template <>
__device__ __forceinline__ float toFloat(__nv_bfloat16 value) {
  return __bfloat162float(value);
}
template <>
__device__ __forceinline__ float toFloat(__half value) {
  return __half2float(value);
}
template <>
__device__ __forceinline__ float toFloat(int8_t value) {
  return static_cast<float>(value);
}
template <>
__device__ __forceinline__ float toFloat(E4M3 value) {
  return __half2float(__half(__nv_cvt_fp8_to_halfraw(value.bits, __NV_E4M3)));
}

template <typename T>
__device__ __forceinline__ T fromFloat(float value);
template <>
__device__ __forceinline__ float fromFloat(float value) {
  return value;
}
template <>
__device__ __forceinline__ __nv_bfloat16 fromFloat(float value) {
  return __float2bfloat16_rn(value);
}
template <>
__device__ __forceinline__ __half fromFloat(float value) {
  return __float2half_rn(value);
}

__device__ __forceinline__ int bytesOf(int type) {
  return type == kF32 ? 4 : type <= kF16 ? 2 : 1;
}

// Element `index` of an array whose type is known at run time only.
__device__ __forceinline__ float loadNumber(const void* data, int type, int64_t index) {
  switch (type) {
    case kF32:
      return static_cast<const float*>(data)[index];
    case kBF16:
      return toFloat(static_cast<const __nv_bfloat16*>(data)[index]);
    case kF16:
      return toFloat(static_cast<const __half*>(data)[index]);
    case kE4M3:
      return toFloat(static_cast<const E4M3*>(data)[index]);
    default:
      return toFloat(static_cast<const int8_t*>(data)[index]);
  }
}

// --- Vectors of 16 bytes ----------------------------------------------------------------------------------------------

template <typename T>
struct Vector {
  static constexpr int kCount = 16 / sizeof(T);
};

// Streams through memory once: other data has more use for the caches. Not for kernels that write as much as they read, which
// that slows down: 16384 x 16384 rows are quantized in 208 us by such loads on an H200, in 189 by others.
__device__ __forceinline__ uint4 loadStreaming(const uint4* address) {
  return __ldcs(address);
}

// The value of element `i` of 16 bytes of T.
template <typename T>
__device__ __forceinline__ float elementOf(const uint4& vector, int i);
template <>
__device__ __forceinline__ float elementOf<float>(const uint4& vector, int i) {
  return __uint_as_float(reinterpret_cast<const uint32_t*>(&vector)[i]);
}
template <>
__device__ __forceinline__ float elementOf<__nv_bfloat16>(const uint4& vector, int i) {
  const uint32_t word = reinterpret_cast<const uint32_t*>(&vector)[i / 2];
  return __uint_as_float(i % 2 == 0 ? word << 16 : word & 0xFFFF0000u);
}
template <>
__device__ __forceinline__ float elementOf<__half>(const uint4& vector, int i) {
  const uint32_t word = reinterpret_cast<const uint32_t*>(&vector)[i / 2];
  const __half2 pair = *reinterpret_cast<const __half2*>(&word);
  return i % 2 == 0 ? __low2float(pair) : __high2float(pair);
}

__device__ __forceinline__ bool isAligned(const void* address, int64_t rowBytes, int bytes) {
  return ((reinterpret_cast<uint64_t>(address) | static_cast<uint64_t>(rowBytes)) & (bytes - 1)) == 0;
}

// --- Reductions -------------------------------------------------------------------------------------------------------

constexpr int kWarp = 32;
constexpr int kMostThreads = 1024;
constexpr unsigned kAllLanes = 0xFFFFFFFFu;

struct Sum {
  template <typename T>
  __device__ __forceinline__ T operator()(T a, T b) const {
    return a + b;
  }
};

struct Max {
  template <typename T>
  __device__ __forceinline__ T operator()(T a, T b) const {
    return a > b ? a : b;
  }
};

// Every lane gets the result; the order of operations does not depend on anything.
template <typename T, typename Operation>
__device__ __forceinline__ T warpReduce(T value, Operation operation) {
#pragma unroll
  for (int offset = kWarp / 2; offset > 0; offset /= 2) {
    value = operation(value, __shfl_xor_sync(kAllLanes, value, offset));
  }
  return value;
}

// Every thread gets the result. The block is a whole number of warps; `neutral` changes nothing. Two calls in a row
// are safe.
template <typename T, typename Operation>
__device__ __forceinline__ T blockReduce(T value, Operation operation, T neutral) {
  __shared__ T partial[kWarp];
  value = warpReduce(value, operation);
  if (blockDim.x == kWarp) return value;
  const int lane = threadIdx.x % kWarp;
  if (lane == 0) partial[threadIdx.x / kWarp] = value;
  __syncthreads();
  value = lane < blockDim.x / kWarp ? partial[lane] : neutral;
  value = warpReduce(value, operation);
  __syncthreads();
  return value;
}
