// Quantization of a weight with one scale a tile, into codes as checkpoints store them.
//
// Twin: ScalarQuantizeTiles.java, bit for bit.  Launch: _lanes with grid = ceil(vectors / (kLaneThreads * kEach)) and block =
// kLaneThreads, where tiles.cuh says that it can; _blocks with grid = tiles and block = a whole number of warps, at most
// kBlockThreads. Kernels named range give zero points, the others take every other kind of scaling; bytes and e4m3 make such
// codes, any those of every format. _relative, with kRelativeRounds times fewer
// blocks than _lanes, are for E2M1 in tiles of kRelativeTile by kRelative.
// Targets: all

#include "quantization/tiles.cuh"

OCTAVO_PARAMETERS(
    quantize_tiles, Parameters, x, out, scales, zeroPoints, nonFinite, rows, columns, tileRows, tileColumns, scaleRows,
    acrossTiles, format, scaling, scaleType, divisor, factor, offset, zeroPoint)

constexpr int kRelativeTile = 16;
constexpr int kRelativeRounds = 8;  // that find the table of scales once
constexpr int64_t kNowhere = 1LL << 40;  // a block past the end

OCTAVO_CONSTANTS(quantize_tiles, kLaneThreads, kEach, kBlockThreads, kKept, kRelativeTile, kRelativeRounds)

#define LANES(name, type, bothEnds, run)                                                                        \
  extern "C" __global__ __launch_bounds__(kLaneThreads, 4) void quantize_tiles_lanes_##run##_##name(               \
      const __grid_constant__ Parameters p) {                                                                   \
    quantizeInLanes<type, bothEnds, run, ToCodes<kAnyFormat>>(p, AnyScales(p), {p, blockIdx.x});                \
  }

#define BLOCKS(name, type, bothEnds, format, blocks)                                                            \
  extern "C" __global__ __launch_bounds__(kBlockThreads, blocks) void quantize_tiles_blocks_##name(                 \
      const __grid_constant__ Parameters p) {                                                                   \
    quantizeInBlock<type, bothEnds, ToCodes<format>>(p);                                                        \
  }

// The more blocks a multiprocessor has, the less often all of them wait for their last numbers. On devices before
// sm_90 registers for a fourth would spill.
#if __CUDA_ARCH__ >= 900
constexpr int kBlocks = 4;
#else
constexpr int kBlocks = 3;
#endif

// While one round is encoded, which takes as long as memory does, the next is on its way.
template <typename X, typename Scales>
__device__ __forceinline__ void quantizeRounds(const Parameters& p, const Scales& scales) {
  using Codes = ToCodes<kFormatE2M1, false>;
  constexpr int kRun = kRelativeTile / Vector<X>::kCount;
  using Vectors = LaneVectors<X, kRun, Codes::kBeside>;
  Vectors now(p, blockIdx.x);
#pragma unroll 1
  for (int64_t round = 1; round <= kRelativeRounds; round++) {
    const Vectors next(p, round < kRelativeRounds ? round * gridDim.x + blockIdx.x : kNowhere);
    quantizeInLanes<X, false, kRun, Codes>(p, scales, now);
    now = next;
  }
}

template <typename X>
__device__ __forceinline__ void quantizeRelatively(const Parameters& p) {
  const RelativeTable table(p);
  if (table.isNear()) {
    quantizeRounds<X>(p, RelativeScales<true>{table});
  } else {
    quantizeRounds<X>(p, RelativeScales<false>{table});
  }
}

#define RELATIVE(name, type)                                                                                    \
  extern "C" __global__ __launch_bounds__(kLaneThreads, 3) void quantize_tiles_relative_##name(                    \
      const __grid_constant__ Parameters p) {                                                                   \
    quantizeRelatively<type>(p);                                                                                \
  }

RELATIVE(f32, float)
RELATIVE(bf16, __nv_bfloat16)
RELATIVE(f16, __half)

#define QUANTIZE(name, type, bothEnds)                                                                          \
  LANES(name, type, bothEnds, 1) LANES(name, type, bothEnds, 2) LANES(name, type, bothEnds, 4)                  \
  BLOCKS(any_##name, type, bothEnds, kAnyFormat, 3)                                                             \
  BLOCKS(bytes_##name, type, bothEnds, kFormatI8, bothEnds ? 3 : kBlocks)

BLOCKS(e4m3_f32, float, false, kFormatE4M3, 3)
BLOCKS(e4m3_bf16, __nv_bfloat16, false, kFormatE4M3, kBlocks)
BLOCKS(e4m3_f16, __half, false, kFormatE4M3, kBlocks)

QUANTIZE(f32, float, false)
QUANTIZE(bf16, __nv_bfloat16, false)
QUANTIZE(f16, __half, false)
QUANTIZE(range_f32, float, true)
QUANTIZE(range_bf16, __nv_bfloat16, true)
QUANTIZE(range_f16, __half, true)
