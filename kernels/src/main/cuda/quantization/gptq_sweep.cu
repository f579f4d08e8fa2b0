// Quantization of a weight column by column, where columns that come later make up for the error of each (GPTQ).
//
// `gather` copies the weight, columns in the order in which they are quantized. Then for each block of kBlock columns `block`
// quantizes its columns one after the other, kLanes lanes a row, and `update` adds what its errors do to all columns behind it:
// a product. Codes are bytes where their columns were; of formats of 4 bits, `pack` makes two a byte. Each input has a factor, an
// order and as many rows.
//
// Twin: ScalarGptqSweep.java.  Launch: grid = rows for gather and pack (block = kRowThreads); errorRows / kRows for block;
// (tiles of columns behind, tiles of rows) for update; inputs in the third dimension.
// Targets: all

#include "quantization/code_rounding.cuh"
#include "quantization/f32_tile.cuh"

struct SweepParameters {
  const void* weights;       // [rows, columns]
  const float* factor;       // [columns, columns], upper
  const int* order;          // [columns], or null
  const float* scales;       // [rows, groups]
  const int8_t* zeroPoints;  // [rows, groups], or null
  float* numbers;            // [rows, pitch]: what is left of the weight, in the order of quantization
  float* errors;             // [kBlock, errorRows]: with the opposite sign
  uint8_t* bytes;            // [rows, columns]: a code each
  uint8_t* codes;            // [rows, columns / 2], of 4 bits
  float* losses;             // [rows]
  int rows;
  int columns;
  int pitch;                 // a multiple of 4
  int errorRows;             // a multiple of kTile
  int groups;
  int groupColumns;
  int first;                 // column of the block
  int weightType;            // Number
  int format;                // Format
};
OCTAVO_PARAMETERS(
    gptq_sweep, SweepParameters, weights, factor, order, scales, zeroPoints, numbers, errors, bytes, codes, losses, rows, columns,
    pitch, errorRows, groups, groupColumns, first, weightType, format)

namespace {

constexpr int kBlockNumbers = kBlock * kBlock + kBlock + kBlock * kErrorPitch;
constexpr int kBlockBytes = kBlockNumbers * sizeof(float) + kRows * kBlock;
static_assert(kTile == kBlock, "an update has the errors of a block");

__device__ __forceinline__ int columnAt(const SweepParameters& p, int i) {
  return p.order == nullptr ? i : p.order[i];
}

// Inside the scales whatever the order says.
__device__ __forceinline__ int groupAt(const SweepParameters& p, int i) {
  return min(static_cast<unsigned>(columnAt(p, i)) / p.groupColumns, p.groups - 1u);
}

// What is of the block's input; all arrays begin with a dimension of inputs.
__device__ __forceinline__ SweepParameters ofInput(const SweepParameters& all) {
  SweepParameters p = all;
  const int64_t input = blockIdx.z;
  const int64_t rows = input * p.rows;
  p.weights = static_cast<const uint8_t*>(p.weights) + rows * p.columns * bytesOf(p.weightType);
  p.factor += input * p.columns * p.columns;
  if (p.order != nullptr) p.order += input * p.columns;
  p.scales += rows * p.groups;
  if (p.zeroPoints != nullptr) p.zeroPoints += rows * p.groups;
  p.numbers += rows * p.pitch;
  p.errors += input * kBlock * p.errorRows;
  p.bytes += rows * p.columns;
  p.codes += rows * (p.columns / 2);
  p.losses += rows;
  return p;
}

// What a lane has of its row's block: numbers still to come, what divides them, and what became of them.
struct Columns {
  float w[kEach];
  float scales[kEach];
  float inverses[kEach];  // of the scales
  float zeroPoints[kEach];
  float errors[kEach];
  uint32_t codes[kEach / 4];  // a byte each
  float loss = 0.0f;

  __device__ __forceinline__ Columns(const SweepParameters& p, int row, int lane, int width) {
#pragma unroll
    for (int r = 0; r < kEach; r++) {
      const int i = columnOf(lane, r);
      const bool exists = row < p.rows && i < width;
      w[r] = exists ? p.numbers[static_cast<int64_t>(row) * p.pitch + p.first + i] : 0.0f;
      const int64_t group = exists ? row * static_cast<int64_t>(p.groups) + groupAt(p, p.first + i) : 0;
      scales[r] = exists ? p.scales[group] : 1.0f;
      inverses[r] = __frcp_rn(scales[r]);
      zeroPoints[r] = exists && p.zeroPoints != nullptr ? p.zeroPoints[group] : 0.0f;
      errors[r] = 0.0f;
      codes[r / 4] = 0;
    }
  }

  // Whether two steps of Newton's divide as exactly as Divider's do.
  __device__ __forceinline__ bool isNear() const {
    bool near = true;
#pragma unroll
    for (int r = 0; r < kEach; r++) near &= scales[r] > 0x1p-40f && scales[r] < 0x1p40f;
    return __all_sync(kAllLanes, near);
  }

  template <typename Codes, bool kNear>
  __device__ __forceinline__ void sweep(const SweepParameters& p, const float* u, const float* diagonal, int lane) {
#pragma unroll
    for (int quarter = 0; quarter < kEach / 4; quarter++) {
#pragma unroll 1
      for (int source = 0; source < kLanes; source++) {
#pragma unroll
        for (int s = 0; s < 4; s++) {
          const int r = quarter * 4 + s;
          const int i = columnOf(source, r);
          const float scale = __shfl_sync(kAllLanes, scales[r], source, kLanes);
          const float inverse = __shfl_sync(kAllLanes, inverses[r], source, kLanes);
          const float zeroPoint = __shfl_sync(kAllLanes, zeroPoints[r], source, kLanes);
          const float number = __shfl_sync(kAllLanes, w[r], source, kLanes);
          float quotient;
          if constexpr (kNear) {
            quotient = number * inverse;
            quotient = fmaf(fmaf(-quotient, scale, number), inverse, quotient);
            quotient = copysignf(fmaf(fmaf(-quotient, scale, number), inverse, quotient), number);
          } else {
            quotient = __fdiv_rn(number, scale);
          }
          const Rounded rounded = Codes::round(quotient, zeroPoint, p.format);
          const float error = ((rounded.number - zeroPoint) * scale - number) * diagonal[i];
          loss = fmaf(error, error, loss);
          errors[r] = lane == source ? error : errors[r];
          codes[quarter] |= lane == source ? (rounded.code & 0xFFu) << 8 * s : 0u;
#pragma unroll
          for (int q = quarter; q < kEach / 4; q++) {
            const float4 v = *reinterpret_cast<const float4*>(&u[i * kBlock + q * 32 + lane * 4]);
            w[q * 4] = fmaf(error, v.x, w[q * 4]);
            w[q * 4 + 1] = fmaf(error, v.y, w[q * 4 + 1]);
            w[q * 4 + 2] = fmaf(error, v.z, w[q * 4 + 2]);
            w[q * 4 + 3] = fmaf(error, v.w, w[q * 4 + 3]);
          }
        }
      }
    }
  }
};

template <typename Codes>
__device__ __forceinline__ void sweepBlock(const SweepParameters& p) {
  extern __shared__ __align__(16) float shared[];
  float* u = shared;                          // [kBlock, kBlock], zeros up to the diagonal
  float* diagonal = u + kBlock * kBlock;      // its inverse
  float* errors = diagonal + kBlock;          // [kBlock, kErrorPitch]
  uint32_t* codes = reinterpret_cast<uint32_t*>(errors + kBlock * kErrorPitch);  // [kRows, kBlock / 4], of bytes
  const int width = min(kBlock, p.columns - p.first);
#pragma unroll 16
  for (int at = threadIdx.x; at < kBlock * kBlock; at += kRowThreads) {
    const int i = at / kBlock;
    const int j = at % kBlock;
    const bool above = i <= j && j < width;
    const float number = above ? p.factor[static_cast<int64_t>(p.first + i) * p.columns + p.first + j] : 0.0f;
    u[at] = i == j ? 0.0f : number;
    if (i == j) diagonal[i] = j < width ? __frcp_rn(number) : 0.0f;
  }
  const int lane = threadIdx.x % kLanes;
  const int inBlock = threadIdx.x / kLanes;
  const int row = blockIdx.x * kRows + inBlock;
  Columns columns(p, row, lane, width);
  __syncthreads();
  if (columns.isNear()) {
    columns.sweep<Codes, true>(p, u, diagonal, lane);
  } else {
    columns.sweep<Codes, false>(p, u, diagonal, lane);
  }
  if (lane == 0 && row < p.rows) p.losses[row] = p.first == 0 ? columns.loss : p.losses[row] + columns.loss;
#pragma unroll
  for (int r = 0; r < kEach; r++) errors[columnOf(lane, r) * kErrorPitch + inBlock] = columns.errors[r];
#pragma unroll
  for (int q = 0; q < kEach / 4; q++) codes[inBlock * (kBlock / 4) + q * kLanes + lane] = columns.codes[q];
  __syncthreads();
#pragma unroll 4
  for (int at = threadIdx.x; at < kBlock * kRows; at += kRowThreads) {
    const int i = at / kRows;
    p.errors[static_cast<int64_t>(i) * p.errorRows + blockIdx.x * kRows + at % kRows] = errors[i * kErrorPitch + at % kRows];
  }
#pragma unroll 4
  for (int at = threadIdx.x; at < kBlock * kRows; at += kRowThreads) {
    const int i = at % kBlock;
    const int target = blockIdx.x * kRows + at / kBlock;
    if (i < width && target < p.rows) {
      const int column = columnAt(p, p.first + i);
      if (static_cast<unsigned>(column) < static_cast<unsigned>(p.columns)) {
        p.bytes[static_cast<int64_t>(target) * p.columns + column] = reinterpret_cast<const uint8_t*>(codes)[at];
      }
    }
  }
}

}  // namespace

OCTAVO_CONSTANTS(gptq_sweep, kBlock, kRows)
OCTAVO_LAUNCH(gptq_sweep_gather, kRowThreads, 0)
OCTAVO_LAUNCH(gptq_sweep_pack, kRowThreads, 0)
OCTAVO_LAUNCH(gptq_sweep_update, kTileThreads, kTileBytes)

#define BLOCK(name, codes)                                                                                                  \
  OCTAVO_LAUNCH(gptq_sweep_block_##name, kRowThreads, kBlockBytes)                                                          \
  extern "C" __global__ __launch_bounds__(kRowThreads, 2) void gptq_sweep_block_##name(const __grid_constant__ SweepParameters all) { \
    sweepBlock<codes>(ofInput(all));                                                                                        \
  }

BLOCK(integers, Integers)
BLOCK(e4m3, Floats8)
BLOCK(e2m1, Floats4)

extern "C" __global__ __launch_bounds__(kRowThreads) void gptq_sweep_gather(const __grid_constant__ SweepParameters all) {
  const SweepParameters p = ofInput(all);
  const int64_t row = blockIdx.x;
  for (int i = threadIdx.x; i < p.columns; i += kRowThreads) {
    const int column = columnAt(p, i);
    const bool exists = static_cast<unsigned>(column) < static_cast<unsigned>(p.columns);
    p.numbers[row * p.pitch + i] = exists ? loadNumber(p.weights, p.weightType, row * p.columns + column) : nanf("");
  }
}

// numbers += errors^T times the block's rows of the factor.
extern "C" __global__ __launch_bounds__(kTileThreads, 2) void gptq_sweep_update(const __grid_constant__ SweepParameters all) {
  const SweepParameters p = ofInput(all);
  extern __shared__ __align__(16) float shared[];
  const int row = blockIdx.y * kTile;
  const int column = p.first + kBlock + blockIdx.x * kTile;
  const bool inChunks = isAligned(p.factor, p.columns * sizeof(float), 16);
  Tile tile;
  tile.clear();
  tile.addAll(shared, kBlock / kSlab, [&](int slab, uint32_t target) {
    const int k = slab * kSlab;
    fetchRows(target, p.errors + static_cast<int64_t>(k) * p.errorRows + row, p.errorRows, kTile, true);
    fetchRows(
        target + kSecond, p.factor + static_cast<int64_t>(p.first + k) * p.columns + column, p.columns, p.columns - column, inChunks);
  });
#pragma unroll
  for (int i = 0; i < Tile::kEach; i++) {
#pragma unroll
    for (int j = 0; j < Tile::kEach; j += 4) {
      const int64_t at = static_cast<int64_t>(row + Tile::row(i)) * p.pitch + column + Tile::column(j);
      if (row + Tile::row(i) < p.rows && column + Tile::column(j) < p.pitch) {
        // Once, after all products, since tensor cores cut sums off.
        float4& numbers = *reinterpret_cast<float4*>(&p.numbers[at]);
        numbers.x += tile.sums[i][j];
        numbers.y += tile.sums[i][j + 1];
        numbers.z += tile.sums[i][j + 2];
        numbers.w += tile.sums[i][j + 3];
      }
    }
  }
}

extern "C" __global__ __launch_bounds__(kRowThreads) void gptq_sweep_pack(const __grid_constant__ SweepParameters all) {
  const SweepParameters p = ofInput(all);
  const int64_t row = blockIdx.x;
  const uint8_t* bytes = p.bytes + row * p.columns;
  for (int at = threadIdx.x; at < p.columns / 2; at += kRowThreads) {
    p.codes[row * (p.columns / 2) + at] = (bytes[2 * at] & 15) | bytes[2 * at + 1] << 4;
  }
}
