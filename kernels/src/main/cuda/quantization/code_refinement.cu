// Codes and scales improved in turn under the second moments of a weight's inputs, until a row's loss d h d^T gains no more.
//
// `begin` finds what rounding changed, by columns, and `update` multiplies it by the moments: the gradients. A sweep takes block
// after block of columns: `block` improves its codes one after the other, kLanes lanes a row, and the scales of the groups that
// lie in it; `update` then moves the gradients of all columns: a product. Groups wider than a block get their scales by
// `numbers`, a product and `scale`. `rows` keeps the list of rows that a sweep still pays for. In the end `pack` makes two codes
// a byte, and `losses` adds up what is left. Each input has moments and as many rows, with a list and changes of its own; rows and
// places in lists are counted through all inputs.
//
// Twin: ScalarCodeRefinement.java.  Launch: grid = all rows for losses and pack (block = kRowThreads); for the others, with inputs in
// the third dimension, an input's rows for scale, (columns, rows) / kSide for begin and numbers, changeRows / kRows for block, tiles
// of (columns, rows) for update, 1 for rows.
// Targets: all

#include "quantization/code_rounding.cuh"
#include "quantization/f32_tile.cuh"
#include "quantization/scale_format.cuh"

struct RefinementParameters {
  const void* weights;       // [all rows, columns]
  const float* moments;      // [inputs, columns, columns]
  float* scales;             // [tiles below each other, groups], as they are stored
  const int8_t* zeroPoints;  // the same, or null
  uint8_t* codes;            // [all rows, columns / 2], of 4 bits
  uint8_t* bytes;            // [all rows, columns]: a code each, as it is stored
  float* gradients;          // [all rows, pitch]: d h
  float* sums;               // [all rows, pitch]: where a fresh product goes, by place in the list
  float* changes;            // [inputs, columns from `first` on, changeRows]: what is multiplied by the moments, by place in the list
  int* active;               // [all rows]: the lists of rows that are not done
  int* count;                // [inputs]: their lengths
  float* left;               // [all rows]: the loss
  float* gains;              // [all rows]: of this sweep, by place in the list
  float* losses;             // [all rows]
  int64_t changeNumbers;     // of an input
  int rows;                  // of an input
  int columns;
  int pitch;                 // a multiple of 4
  int changeRows;            // a multiple of kTile
  int groups;
  int groupColumns;
  int tileRows;
  int first;                 // column of the block or group
  int width;                 // its columns
  int fresh;                 // whether a product replaces sums, or is added to the gradients
  int group;                 // columns whose scale is improved with their codes; 0 for none
  float divisor;             // of stored scales
  int weightType;            // Number
  int format;                // Format
  int scaleFormat;           // ScaleFormat
};
OCTAVO_PARAMETERS(
    code_refinement, RefinementParameters, weights, moments, scales, zeroPoints, codes, bytes, gradients, sums, changes, active, count,
    left, gains, losses, changeNumbers, rows, columns, pitch, changeRows, groups, groupColumns, tileRows, first, width, fresh, group, divisor, weightType,
    format, scaleFormat)

namespace {

constexpr int kSide = 32;
constexpr int kBlockNumbers = kBlock * kBlock + kBlock + kBlock * kErrorPitch;
constexpr int kBlockBytes = kBlockNumbers * sizeof(float);
constexpr float kWorthwhile = 1e-3f;  // CodeRefinement.WORTHWHILE
static_assert(kTile == kBlock && kBlock % kSlab == 0, "an update has the changes of a block");

// The first row of the block's input, and its place in the list.
__device__ __forceinline__ int firstRow(const RefinementParameters& p) { return blockIdx.z * p.rows; }

__device__ __forceinline__ const float* momentsOf(const RefinementParameters& p) {
  return p.moments + static_cast<int64_t>(blockIdx.z) * p.columns * p.columns;
}

__device__ __forceinline__ float* changesOf(const RefinementParameters& p) { return p.changes + blockIdx.z * p.changeNumbers; }

__device__ __forceinline__ int64_t tileAt(const RefinementParameters& p, int row, int column) {
  return static_cast<int64_t>(row / p.tileRows) * p.groups + min(column / p.groupColumns, p.groups - 1);
}

__device__ __forceinline__ float scaleAt(const RefinementParameters& p, int64_t tile) {
  return __fmul_rn(p.scales[tile], __frcp_rn(p.divisor));
}

__device__ __forceinline__ float zeroPointAt(const RefinementParameters& p, int64_t tile) {
  return p.zeroPoints == nullptr ? 0.0f : p.zeroPoints[tile];
}

__device__ __forceinline__ float numberOf(uint32_t code, int format) {
  return format == kFormatE4M3   ? Floats8::number(code, format)
         : format == kFormatE2M1 ? Floats4::number(code, format)
                                 : Integers::number(code, format);
}

// What a code of a row stands for, before scaling, without its zero point.
__device__ __forceinline__ float numberAt(const RefinementParameters& p, int row, int column) {
  return numberOf(p.bytes[static_cast<int64_t>(row) * p.columns + column], p.format) - zeroPointAt(p, tileAt(p, row, column));
}

__device__ __forceinline__ float differenceAt(const RefinementParameters& p, int row, int column) {
  const float weight = loadNumber(p.weights, p.weightType, static_cast<int64_t>(row) * p.columns + column);
  return weight - numberAt(p, row, column) * scaleAt(p, tileAt(p, row, column));
}

// Sums of a row's lanes, in an order that depends on nothing.
__device__ __forceinline__ float laneSum(float value) {
#pragma unroll
  for (int offset = kLanes / 2; offset > 0; offset /= 2) value += __shfl_xor_sync(kAllLanes, value, offset, kLanes);
  return value;
}

// What a better scale is, by how much it moves what codes stand for, and what that gains.
struct Move {
  float stored;
  float step;
  float gain;

  __device__ __forceinline__ Move(const RefinementParameters& p, float old, float slope, float curvature) {
    const float inverse = __frcp_rn(p.divisor);
    const float exact = fmaf(old, inverse, __fdiv_rn(slope, curvature));
    const bool possible = exact > 0.0f && exact < __uint_as_float(kInfinityBits);
    stored = possible ? nearestScale(exact * p.divisor, p.scaleFormat) : old;
    step = (stored - old) * inverse;
    gain = step * fmaf(-step, curvature, 2.0f * slope);
    if (!(gain > 0.0f)) {
      stored = old;
      step = gain = 0.0f;
    }
  }
};

// What a lane has of its row's block.
template <typename Codes>
struct Columns {
  float g[kEach];        // gradients
  float numbers[kEach];  // what codes stand for, without zero points
  float scales[kEach];
  float inverses[kEach];
  uint32_t zeroPoints[kEach / 4];  // a byte each
  float gain = 0.0f;

  __device__ __forceinline__ float zeroPoint(int r) const {
    return static_cast<float>(static_cast<int8_t>(zeroPoints[r / 4] >> r % 4 * 8));
  }

  __device__ __forceinline__ Columns(const RefinementParameters& p, int row, bool active, int lane) {
#pragma unroll
    for (int r = 0; r < kEach; r++) {
      const int i = columnOf(lane, r);
      const bool exists = active && i < p.width;
      const int column = exists ? p.first + i : 0;
      const int64_t tile = exists ? tileAt(p, row, column) : 0;
      g[r] = exists ? p.gradients[static_cast<int64_t>(row) * p.pitch + column] : 0.0f;
      scales[r] = exists ? scaleAt(p, tile) : 1.0f;
      inverses[r] = __frcp_rn(scales[r]);
      if (r % 4 == 0) zeroPoints[r / 4] = 0;
      if (exists && p.zeroPoints != nullptr) {
        zeroPoints[r / 4] |= static_cast<uint32_t>(static_cast<uint8_t>(p.zeroPoints[tile])) << r % 4 * 8;
      }
      const uint32_t code = exists ? p.bytes[static_cast<int64_t>(row) * p.columns + column] : 0u;
      numbers[r] = exists ? Codes::number(code, p.format) - zeroPoint(r) : 0.0f;
    }
  }

  // Codes of the columns [from, to) of the block, one after the other.
  __device__ __forceinline__ void improveCodes(
      const RefinementParameters& p, const float* h, const float* inverseDiagonal, float* changes, int lane, int from, int to) {
#pragma unroll
    for (int quarter = 0; quarter < kEach / 4; quarter++) {
#pragma unroll 1
      for (int source = 0; source < kLanes; source++) {
        const int cell = quarter * 32 + source * 4;
        if (cell >= to || cell + 4 <= from) continue;
#pragma unroll
        for (int s = 0; s < 4; s++) {
          const int r = quarter * 4 + s;
          const int i = cell + s;
          if (i < from || i >= to) continue;
          const float wanted = fmaf(g[r] * inverseDiagonal[i], inverses[r], numbers[r]);
          const float number = Codes::round(wanted, zeroPoint(r), p.format).number - zeroPoint(r);
          const float own = (number - numbers[r]) * scales[r];
          const float better = own * fmaf(-own, h[i * kBlock + i], 2.0f * g[r]);
          const bool taken = lane == source && better > 0.0f;
          if (taken) {
            numbers[r] = number;
            gain += better;
            changes[i * kErrorPitch] = -own;
          }
          const float step = __shfl_sync(kAllLanes, taken ? own : 0.0f, source, kLanes);
          add(h, lane, i, -step, g);
        }
      }
    }
  }

  // target += factor times a row of the moments.
  __device__ __forceinline__ static void add(const float* h, int lane, int i, float factor, float (&target)[kEach]) {
#pragma unroll
    for (int q = 0; q < kEach / 4; q++) {
      const float4 v = *reinterpret_cast<const float4*>(&h[i * kBlock + q * 32 + lane * 4]);
      target[q * 4] = fmaf(factor, v.x, target[q * 4]);
      target[q * 4 + 1] = fmaf(factor, v.y, target[q * 4 + 1]);
      target[q * 4 + 2] = fmaf(factor, v.z, target[q * 4 + 2]);
      target[q * 4 + 3] = fmaf(factor, v.w, target[q * 4 + 3]);
    }
  }

  // The scale of the columns [from, to), a group.
  __device__ __forceinline__ void improveScale(
      const RefinementParameters& p, const float* h, float* changes, int row, bool active, int lane, int from, int to) {
    float products[kEach];
#pragma unroll
    for (int r = 0; r < kEach; r++) products[r] = 0.0f;
#pragma unroll
    for (int quarter = 0; quarter < kEach / 4; quarter++) {
#pragma unroll 1
      for (int source = 0; source < kLanes; source++) {
        const int cell = quarter * 32 + source * 4;
        if (cell >= to || cell + 4 <= from) continue;
#pragma unroll
        for (int s = 0; s < 4; s++) {
          const int i = cell + s;
          if (i >= from && i < to) add(h, lane, i, __shfl_sync(kAllLanes, numbers[quarter * 4 + s], source, kLanes), products);
        }
      }
    }
    float slope = 0.0f;
    float curvature = 0.0f;
#pragma unroll
    for (int r = 0; r < kEach; r++) {
      const int i = columnOf(lane, r);
      if (i >= from && i < to) {
        slope = fmaf(numbers[r], g[r], slope);
        curvature = fmaf(numbers[r], products[r], curvature);
      }
    }
    const int64_t tile = active ? tileAt(p, row, p.first + from) : 0;
    const Move move(p, active ? p.scales[tile] : 1.0f, laneSum(slope), laneSum(curvature));
    const bool moves = active && move.step != 0.0f;
    const float step = moves ? move.step : 0.0f;
    if (moves && lane == 0) {
      p.scales[tile] = move.stored;
      gain += move.gain;
    }
#pragma unroll
    for (int r = 0; r < kEach; r++) {
      g[r] = fmaf(-step, products[r], g[r]);
      const int i = columnOf(lane, r);
      if (moves && i >= from && i < to) {
        changes[i * kErrorPitch] = fmaf(-step, numbers[r], changes[i * kErrorPitch]);
        scales[r] = __fmul_rn(move.stored, __frcp_rn(p.divisor));
        inverses[r] = __frcp_rn(scales[r]);
      }
    }
  }
};

template <typename Codes>
__device__ __forceinline__ void refineBlock(const RefinementParameters& p) {
  extern __shared__ __align__(16) float shared[];
  float* h = shared;                              // [kBlock, kBlock]
  float* inverseDiagonal = h + kBlock * kBlock;   // 0 where a column weighs nothing
  float* changes = inverseDiagonal + kBlock;      // [kBlock, kErrorPitch], with the opposite sign
  const int count = p.count[blockIdx.z];
  if (static_cast<int>(blockIdx.x) / (kTile / kRows) * kTile >= count) return;
  const float* moments = momentsOf(p);
#pragma unroll 16
  for (int at = threadIdx.x; at < kBlock * kBlock; at += kRowThreads) {
    const int i = at / kBlock;
    const int j = at % kBlock;
    const bool exists = i < p.width && j < p.width;
    const float number = exists ? moments[static_cast<int64_t>(p.first + i) * p.columns + p.first + j] : 0.0f;
    h[at] = number;
    if (i == j) {
      const float inverse = __frcp_rn(number);
      inverseDiagonal[i] = number > 0.0f && inverse < __uint_as_float(kInfinityBits) ? inverse : 0.0f;
    }
  }
  for (int at = threadIdx.x; at < kBlock * kErrorPitch; at += kRowThreads) changes[at] = 0.0f;
  const int lane = threadIdx.x % kLanes;
  const int inBlock = threadIdx.x / kLanes;
  const int place = blockIdx.x * kRows + inBlock;
  const bool active = place < count;
  const int row = active ? p.active[firstRow(p) + place] : 0;
  Columns<Codes> columns(p, row, active, lane);
  __syncthreads();
  const int group = p.group == 0 ? p.width : p.group;
#pragma unroll 1
  for (int from = 0; from < p.width; from += group) {
    const int to = min(from + group, p.width);
    columns.improveCodes(p, h, inverseDiagonal, changes + inBlock, lane, from, to);
    if (p.group != 0) columns.improveScale(p, h, changes + inBlock, row, active, lane, from, to);
  }
  const float gain = laneSum(columns.gain);
  if (lane == 0 && active) {
    float* gains = p.gains + firstRow(p) + place;
    *gains = p.first == 0 ? gain : *gains + gain;
  }
  if (active) {
#pragma unroll
    for (int r = 0; r < kEach; r++) {
      const int i = columnOf(lane, r);
      if (i < p.width) {
        // Of a number that a code stands for, exactly that code.
        const uint32_t code = Codes::round(columns.numbers[r], columns.zeroPoint(r), p.format).code;
        p.bytes[static_cast<int64_t>(row) * p.columns + p.first + i] = static_cast<uint8_t>(code);
      }
    }
  }
  __syncthreads();
  float* target = changesOf(p);
#pragma unroll 4
  for (int at = threadIdx.x; at < kBlock * kRows; at += kRowThreads) {
    const int i = at / kRows;
    target[static_cast<int64_t>(i) * p.changeRows + blockIdx.x * kRows + at % kRows] = changes[i * kErrorPitch + at % kRows];
  }
}

// Numbers of kSide x kSide places, transposed: value(place, column) for places in the list and columns from `first` on.
template <typename Value>
__device__ __forceinline__ void transpose(const RefinementParameters& p, Value value) {
  __shared__ float tile[kSide][kSide + 1];
  const int left = blockIdx.x * kSide;
  const int top = blockIdx.y * kSide;
  for (int i = threadIdx.x / kSide; i < kSide; i += kRowThreads / kSide) {
    tile[i][threadIdx.x % kSide] = value(top + i, left + static_cast<int>(threadIdx.x) % kSide);
  }
  __syncthreads();
  for (int i = threadIdx.x / kSide; i < kSide; i += kRowThreads / kSide) {
    changesOf(p)[static_cast<int64_t>(left + i) * p.changeRows + top + threadIdx.x % kSide] = tile[threadIdx.x % kSide][i];
  }
}

}  // namespace

OCTAVO_CONSTANTS(code_refinement, kBlock, kRows, kSide)
OCTAVO_LAUNCH(code_refinement_begin, kRowThreads, 0)
OCTAVO_LAUNCH(code_refinement_numbers, kRowThreads, 0)
OCTAVO_LAUNCH(code_refinement_update, kTileThreads, kTileBytes)
OCTAVO_LAUNCH(code_refinement_scale, kRowThreads, 0)
OCTAVO_LAUNCH(code_refinement_rows, kMostThreads, 0)
OCTAVO_LAUNCH(code_refinement_losses, kRowThreads, 0)
OCTAVO_LAUNCH(code_refinement_pack, kRowThreads, 0)

#define BLOCK(name, codes)                                                                                                       \
  OCTAVO_LAUNCH(code_refinement_block_##name, kRowThreads, kBlockBytes)                                                          \
  extern "C" __global__ __launch_bounds__(kRowThreads, 2) void code_refinement_block_##name(                                     \
      const __grid_constant__ RefinementParameters p) {                                                                          \
    refineBlock<codes>(p);                                                                                                       \
  }

BLOCK(integers, Integers)
BLOCK(e4m3, Floats8)
BLOCK(e2m1, Floats4)

// Codes a byte each, what rounding changed, zeros around it, and all rows in the list.
extern "C" __global__ __launch_bounds__(kRowThreads) void code_refinement_begin(const __grid_constant__ RefinementParameters p) {
  transpose(p, [&](int inInput, int column) {
    if (inInput >= p.rows || column >= p.columns) return 0.0f;
    const int row = firstRow(p) + inInput;
    if (isNibble(p.format)) {
      const uint8_t both = p.codes[static_cast<int64_t>(row) * (p.columns / 2) + column / 2];
      p.bytes[static_cast<int64_t>(row) * p.columns + column] = column % 2 == 0 ? both & 15 : both >> 4;
    }
    return differenceAt(p, row, column);
  });
  const int row = blockIdx.y * kSide + threadIdx.x;
  if (blockIdx.x == 0 && threadIdx.x < kSide && row < p.rows) p.active[firstRow(p) + row] = firstRow(p) + row;
  if (blockIdx.x == 0 && blockIdx.y == 0 && threadIdx.x == 0) p.count[blockIdx.z] = p.rows;
}

// What the codes of a wide group stand for.
extern "C" __global__ __launch_bounds__(kRowThreads) void code_refinement_numbers(const __grid_constant__ RefinementParameters p) {
  const int count = p.count[blockIdx.z];
  if (static_cast<int>(blockIdx.y) * kSide / kTile * kTile >= count) return;
  transpose(p, [&](int place, int column) {
    return place < count && column < p.width ? numberAt(p, p.active[firstRow(p) + place], p.first + column) : 0.0f;
  });
}

// changes^T times their rows of the moments, in place of sums or added to the gradients.
extern "C" __global__ __launch_bounds__(kTileThreads, 2) void code_refinement_update(const __grid_constant__ RefinementParameters p) {
  extern __shared__ __align__(16) float shared[];
  const int count = p.count[blockIdx.z];
  const int top = blockIdx.y * kTile;
  const int left = blockIdx.x * kTile;
  if (top >= count) return;
  const float* changes = changesOf(p);
  const float* moments = momentsOf(p);
  Tile tile;
  tile.clear();
  const auto target = [&](int i, int j) {
    const int place = firstRow(p) + top + Tile::row(i);
    const int64_t row = p.fresh != 0 ? place : p.active[place];
    return reinterpret_cast<float4*>((p.fresh != 0 ? p.sums : p.gradients) + row * p.pitch + left + Tile::column(j));
  };
  const auto exists = [&](int i, int j) { return top + Tile::row(i) < count && left + Tile::column(j) < p.pitch; };
  const bool inChunks = isAligned(moments, p.columns * sizeof(float), 16);
  tile.addAll(shared, (p.width + kSlab - 1) / kSlab, [&](int slab, uint32_t at) {
    const int k = slab * kSlab;
    fetchRows(at, changes + static_cast<int64_t>(k) * p.changeRows + top, p.changeRows, kTile, true);
    const float* source = moments + static_cast<int64_t>(p.first + k) * p.columns + left;
    if (k + kSlab <= p.width) {
      fetchRows(at + kSecond, source, p.columns, p.columns - left, inChunks);
    } else {
      fetchNumbers(at + kSecond, source, p.columns, [&](int down, int i) { return k + down < p.width && i < p.columns - left; });
    }
  });
#pragma unroll
  for (int i = 0; i < Tile::kEach; i++) {
#pragma unroll
    for (int j = 0; j < Tile::kEach; j += 4) {
      if (!exists(i, j)) continue;
      float4 sum = *reinterpret_cast<const float4*>(&tile.sums[i][j]);
      if (p.fresh == 0) {
        // Once, after all products, since tensor cores cut sums off.
        const float4 before = *target(i, j);
        sum = make_float4(before.x + sum.x, before.y + sum.y, before.z + sum.z, before.w + sum.w);
      }
      *target(i, j) = sum;
    }
  }
}

// The scale of a wide group; sums has the product of its numbers with the moments.
extern "C" __global__ __launch_bounds__(kRowThreads) void code_refinement_scale(const __grid_constant__ RefinementParameters p) {
  if (static_cast<int>(blockIdx.x) >= p.count[blockIdx.z]) return;
  const int place = firstRow(p) + blockIdx.x;
  const int row = p.active[place];
  float* gradients = p.gradients + static_cast<int64_t>(row) * p.pitch;
  const float* sums = p.sums + static_cast<int64_t>(place) * p.pitch;
  double slope = 0.0;
  double curvature = 0.0;
  for (int column = p.first + threadIdx.x; column < p.first + p.width; column += kRowThreads) {
    const float number = numberAt(p, row, column);
    slope += static_cast<double>(number) * gradients[column];
    curvature += static_cast<double>(number) * sums[column];
  }
  slope = blockReduce(slope, Sum(), 0.0);
  curvature = blockReduce(curvature, Sum(), 0.0);
  const int64_t tile = tileAt(p, row, p.first);
  const Move move(p, p.scales[tile], static_cast<float>(slope), static_cast<float>(curvature));
  __syncthreads();
  if (move.step == 0.0f) return;
  if (threadIdx.x == 0) {
    p.scales[tile] = move.stored;
    p.gains[place] += move.gain;
  }
  for (int column = threadIdx.x; column < p.columns; column += kRowThreads) {
    gradients[column] = fmaf(-move.step, sums[column], gradients[column]);
  }
}

// Leaves out rows for which the sweep hardly paid; the others stay in order.
extern "C" __global__ __launch_bounds__(kMostThreads) void code_refinement_rows(const __grid_constant__ RefinementParameters p) {
  __shared__ int warps[kMostThreads / kWarp];
  const int count = p.count[blockIdx.z];
  int* active = p.active + firstRow(p);
  const float* gains = p.gains + firstRow(p);
  int kept = 0;
  for (int from = 0; from < count; from += kMostThreads) {
    const int place = from + threadIdx.x;
    const int row = place < count ? active[place] : 0;
    bool keeps = false;
    if (place < count) {
      const float left = p.left[row] - gains[place];
      p.left[row] = left;
      keeps = gains[place] > kWorthwhile * left;
    }
    const unsigned votes = __ballot_sync(kAllLanes, keeps);
    if (threadIdx.x % kWarp == 0) warps[threadIdx.x / kWarp] = __popc(votes);
    __syncthreads();
    int before = kept;
    for (int warp = 0; warp < kMostThreads / kWarp; warp++) {
      if (warp < static_cast<int>(threadIdx.x) / kWarp) before += warps[warp];
      kept += warps[warp];
    }
    if (keeps) active[before + __popc(votes & ((1u << threadIdx.x % kWarp) - 1u))] = row;
    __syncthreads();
  }
  if (threadIdx.x == 0) p.count[blockIdx.z] = kept;
}

extern "C" __global__ __launch_bounds__(kRowThreads) void code_refinement_losses(const __grid_constant__ RefinementParameters p) {
  const int row = blockIdx.x;
  const float* gradients = p.gradients + static_cast<int64_t>(row) * p.pitch;
  double loss = 0.0;
  for (int column = threadIdx.x; column < p.columns; column += kRowThreads) {
    loss += static_cast<double>(differenceAt(p, row, column)) * gradients[column];
  }
  loss = blockReduce(loss, Sum(), 0.0);
  if (threadIdx.x == 0) p.left[row] = p.losses[row] = static_cast<float>(loss);
}

extern "C" __global__ __launch_bounds__(kRowThreads) void code_refinement_pack(const __grid_constant__ RefinementParameters p) {
  const int64_t row = blockIdx.x;
  const uint8_t* bytes = p.bytes + row * p.columns;
  for (int at = threadIdx.x; at < p.columns / 2; at += kRowThreads) {
    p.codes[row * (p.columns / 2) + at] = bytes[2 * at] | bytes[2 * at + 1] << 4;
  }
}
