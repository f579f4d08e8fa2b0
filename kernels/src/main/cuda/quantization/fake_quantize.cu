// Rounding of activations to what a code format can hold: (code - zeroPoint) * scale, with one scale a run of columns.
//
// Twin: ScalarFakeQuantize.java, bit for bit.  Launch: as quantize_tiles.cu. out may be x: a tile is read before any of it
// is written, by the same threads.
// Targets: all

#include "quantization/tiles.cuh"

OCTAVO_OVERLAPPING_PARAMETERS(
    fake_quantize, Parameters, x, out, scales, zeroPoints, nonFinite, rows, columns, tileRows, tileColumns, scaleRows,
    acrossTiles, format, scaling, scaleType, divisor, factor, offset, zeroPoint)

OCTAVO_CONSTANTS(fake_quantize, kLaneThreads, kEach, kBlockThreads, kKept)

#define LANES(name, bothEnds, run)                                                                              \
  extern "C" __global__ __launch_bounds__(kLaneThreads, 4) void fake_quantize_lanes_##run##_##name(                \
      const __grid_constant__ Parameters p) {                                                                   \
    enterStream();                                                                                              \
    quantizeInLanes<float, bothEnds, run, ToNumbers>(p, AnyScales(p), {p, blockIdx.x});                            \
  }

#define FAKE_QUANTIZE(name, bothEnds)                                                                           \
  LANES(name, bothEnds, 1) LANES(name, bothEnds, 2) LANES(name, bothEnds, 4)                                    \
  extern "C" __global__ __launch_bounds__(kBlockThreads, 3) void fake_quantize_blocks_any_##name(                   \
      const __grid_constant__ Parameters p) {                                                                   \
    enterStream();                                                                                              \
    quantizeInBlock<float, bothEnds, ToNumbers>(p);                                                             \
  }

FAKE_QUANTIZE(f32, false)
FAKE_QUANTIZE(range_f32, true)
