// Scales under which rounding costs least, each squared error weighed by its input channel.
//
// `lanes` has a warp for each tile of one row and at most kMostColumns columns: a lane keeps 16 of its numbers, and as many
// lanes as a tile needs try a scale, several of them at once. `blocks` has a block for any tile, one scale after the other.
// Both keep what is better in the order in which the host tries scales, and add what the host adds in its order. `codes` rounds.
//
// Twin: HostScaleSearch.java.  Launch: grid = tiles / (kThreads / 32) for lanes; tiles for blocks; (bytes of a row / kThreads, rows
// in two dimensions) for codes.
// Targets: all

#include "quantization/code_rounding.cuh"
#include "quantization/scale_format.cuh"

struct SearchParameters {
  const void* weights;      // [rows, columns]
  const float* importance;  // [inputs, columns]
  float* scales;            // [tiles below each other, groups], as they are stored
  int8_t* zeroPoints;       // the same, or null
  uint8_t* codes;           // [rows, bytes of a row]
  int64_t tiles;
  int rows;
  int inputRows;            // of an input, each with importance of its own
  int columns;
  int groups;
  int tileRows;
  int tileColumns;
  int searches;             // whether more than the scale of the largest number is tried
  int below;
  int above;
  int stride;
  int finest;
  float absmax;             // of all that share a scale; 0 where tiles have their own
  float codeDivisor;
  float divisor;
  int weightType;           // Number
  int format;               // Format
  int scaleFormat;          // ScaleFormat
};
OCTAVO_PARAMETERS(
    scale_search, SearchParameters, weights, importance, scales, zeroPoints, codes, tiles, rows, inputRows, columns, groups, tileRows, tileColumns,
    searches, below, above, stride, finest, absmax, codeDivisor, divisor, weightType, format, scaleFormat)

namespace {

constexpr int kThreads = 256;
constexpr int kChunk = 16;  // columns whose losses are added in f32 before they are added in f64
constexpr int kMostColumns = kChunk * kWarp;
constexpr int kMostPlaces = 16;
constexpr int kSumsAtOnce = 2048;
constexpr double kGain = 1.0 - 0x1p-12;

// What rounding makes of a number, less the number: in the operations of Rounding.java, one by one.

struct IntegerErrors {
  float lowest;
  float highest;

  __device__ __forceinline__ explicit IntegerErrors(int format) : lowest(lowestOf(format)), highest(highestOf(format)) {}

  __device__ __forceinline__ float operator()(float number, const Divider& divide, float scale, float zeroPoint) const {
    const float code = fminf(fmaxf(__fadd_rn(divide(number), zeroPoint), lowest), highest);
    const float nearest = __fadd_rn(__fadd_rn(code, kRounder), -kRounder);
    return __fadd_rn(__fmul_rn(__fadd_rn(nearest, -zeroPoint), scale), -number);
  }
};

struct FourBitErrors {
  __device__ __forceinline__ explicit FourBitErrors(int) {}

  static __device__ __forceinline__ float within2(float x) { return fminf(fmaxf(x, -2.0f), 2.0f); }
  static __device__ __forceinline__ float rounded(float x, float rounder) { return __fadd_rn(__fadd_rn(x, rounder), -rounder); }

  __device__ __forceinline__ float operator()(float number, const Divider& divide, float scale, float) const {
    const float exact = divide(number);
    const float inner = within2(exact);
    const float rest = __fadd_rn(exact, -inner);
    const float middle = within2(rest);
    const float outer = within2(__fadd_rn(rest, -middle));
    const float nearest =
        __fadd_rn(__fadd_rn(rounded(inner, 0x1.8p22f), rounded(middle, 0x1.8p23f)), rounded(outer, 0x1.8p24f));
    return __fadd_rn(__fmul_rn(nearest, scale), -number);
  }
};

struct EightBitErrors {
  __device__ __forceinline__ explicit EightBitErrors(int) {}

  __device__ __forceinline__ float operator()(float number, const Divider& divide, float scale, float) const {
    const float magnitude = fabsf(number);
    const float exact = fminf(fabsf(divide(magnitude)), 448.0f);
    const float normal = fmaxf(exact, 0x1p-6f);
    const float split = __fmul_rn(normal, 0x1p20f + 1.0f);
    const float upper = __fadd_rn(split, -__fadd_rn(split, -normal));
    const float lower = __fadd_rn(__fadd_rn(fminf(exact, 0x1p-6f), 0x1.8p14f), -0x1.8p14f);
    const float error = __fadd_rn(__fmul_rn(__fadd_rn(__fadd_rn(upper, -0x1p-6f), lower), scale), -magnitude);
    return number < 0.0f ? -error : number > 0.0f ? error : 0.0f;
  }
};

__device__ __forceinline__ float weighed(float importance, float error) {
  return __fmul_rn(__fmul_rn(importance, error), error);
}

// Where a tile lies.
struct Place {
  int top;
  int left;
  int height;
  int width;

  __device__ __forceinline__ Place(const SearchParameters& p, int64_t tile)
      : top(static_cast<int>(tile / p.groups * p.tileRows)),
        left(static_cast<int>(tile % p.groups) * p.tileColumns),
        height(min(p.tileRows, p.rows - top)),
        width(min(p.tileColumns, p.columns - left)) {}
};

__device__ __forceinline__ const float* importanceOf(const SearchParameters& p, const Place& place) {
  return p.importance + static_cast<int64_t>(place.top / p.inputRows) * p.columns;
}

__device__ __forceinline__ float zeroPointFor(const SearchParameters& p, float exact) {
  return rintf(fminf(fmaxf(exact, lowestOf(p.format)), highestOf(p.format)));
}

// That of plain rounding.
__device__ __forceinline__ float plainScale(const SearchParameters& p, float least, float most) {
  if (p.zeroPoints != nullptr) {
    const float width = highestOf(p.format) - lowestOf(p.format);
    return nearestScale(__fmul_rn(p.divisor, __fdiv_rn(__fadd_rn(most, -least), width)), p.scaleFormat);
  }
  const float absmax = p.absmax > 0.0f ? p.absmax : fmaxf(-least, most);
  if (p.scaleFormat != kScalesE8M0) return nearestScale(__fmul_rn(p.divisor, __fdiv_rn(absmax, p.codeDivisor)), p.scaleFormat);
  const int exponent = static_cast<int>((__float_as_uint(absmax) + (1u << 21)) >> 23);
  return scaleOf(exponent - (static_cast<int>(__float_as_uint(p.codeDivisor) >> 23) - 127), kScalesE8M0);
}

// The search over a tile. A judge has kAtOnce scales judged at once: judge(scale, zeroPoint) of the one that a thread is to try,
// and judge.lossOf(i) of the i-th.
template <typename Judge>
__device__ __forceinline__ void searchTile(const SearchParameters& p, float least, float most, Judge& judge, bool writes, int64_t tile) {
  const float plain = plainScale(p, least, most);
  const bool shifts = p.zeroPoints != nullptr;
  const float lowest = lowestOf(p.format);
  const float highest = highestOf(p.format);
  int rung = rungOf(plain, p.scaleFormat);
  float zeroPoint = shifts ? zeroPointFor(p, __fadd_rn(lowest, -__fdiv_rn(least, plain))) : 0.0f;
  double best = __longlong_as_double(0x7FF0000000000000LL);
  // Candidates [0, count): the rung and the zero point of each.
  const auto offer = [&](int count, auto rungAt, auto zeroPointAt) {
    for (int from = 0; from < count; from += judge.atOnce()) {
      const int own = min(from + judge.own(), count - 1);
      judge(__fdiv_rn(scaleOf(rungAt(own), p.scaleFormat), p.divisor), zeroPointAt(own));
      for (int i = 0; i < judge.atOnce() && from + i < count; i++) {
        const double loss = judge.lossOf(i);
        if (loss < best * kGain) {
          best = loss;
          rung = rungAt(from + i);
          zeroPoint = zeroPointAt(from + i);
        }
      }
    }
  };
  if (p.searches != 0) {
    const int center = rung;
    const float plainZeroPoint = zeroPoint;
    const int steps = (p.below + p.above) / p.stride + 1;
    if (!shifts) {
      offer(
          steps + 1, [&](int i) { return i == 0 ? center : center - p.below + (i - 1) * p.stride; }, [&](int) { return 0.0f; });
    } else {
      offer(1, [&](int) { return center; }, [&](int) { return plainZeroPoint; });
      for (int step = 0; step < steps; step++) {
        const int tried = center - p.below + step * p.stride;
        const float scale = scaleOf(tried, p.scaleFormat);
        const float keepsLeast = zeroPointFor(p, __fadd_rn(lowest, -__fdiv_rn(least, scale)));
        const float keepsMost = zeroPointFor(p, __fadd_rn(highest, -__fdiv_rn(most, scale)));
        const float first = fminf(keepsLeast, keepsMost);
        const float last = fmaxf(keepsLeast, keepsMost);
        offer(
            min(static_cast<int>(last - first) + 1, kMostPlaces), [&](int) { return tried; },
            [&](int i) { return first + static_cast<float>(i); });
      }
    }
    for (int step = p.stride / 2; step >= p.finest; step /= 2) {
      const int around = rung;
      const float shift = zeroPoint;
      if (!shifts) {
        offer(2, [&](int i) { return i == 0 ? around - step : around + step; }, [&](int) { return 0.0f; });
      } else {
        offer(
            9, [&](int i) { return around + (i / 3 - 1) * step; },
            [&](int i) { return zeroPointFor(p, shift + static_cast<float>(i % 3 - 1)); });
      }
    }
  }
  if (writes) {
    p.scales[tile] = scaleOf(rung, p.scaleFormat);
    if (shifts) p.zeroPoints[tile] = static_cast<int8_t>(zeroPoint);
  }
}

// A lane's numbers, of a tile that `width` lanes have.
template <typename Errors>
struct LaneJudge {
  float numbers[kChunk];
  float importance[kChunk];
  Errors errors;
  int chunks;
  int width;
  double sum = 0.0;

  __device__ __forceinline__ LaneJudge(const SearchParameters& p, const Place& place) : errors(p.format) {
    chunks = (place.width + kChunk - 1) / kChunk;
    width = 1;
    while (width < chunks) width *= 2;
    const int from = static_cast<int>(threadIdx.x) % width * kChunk;
    const float* own = importanceOf(p, place);
#pragma unroll
    for (int i = 0; i < kChunk; i++) {
      const bool exists = from + i < place.width;
      const int column = place.left + from + i;
      numbers[i] = exists ? loadNumber(p.weights, p.weightType, static_cast<int64_t>(place.top) * p.columns + column) : 0.0f;
      importance[i] = exists ? own[column] : 0.0f;
    }
  }

  __device__ __forceinline__ int atOnce() const { return kWarp / width; }
  __device__ __forceinline__ int own() const { return static_cast<int>(threadIdx.x) % kWarp / width; }

  __device__ __forceinline__ void operator()(float scale, float zeroPoint) {
    const Divider divide(scale);
    float partial = 0.0f;
#pragma unroll
    for (int i = 0; i < kChunk; i++) partial = __fadd_rn(partial, weighed(importance[i], errors(numbers[i], divide, scale, zeroPoint)));
    sum = 0.0;
    for (int chunk = 0; chunk < chunks; chunk++) sum += static_cast<double>(__shfl_sync(kAllLanes, partial, chunk, width));
  }

  __device__ __forceinline__ double lossOf(int i) const { return __shfl_sync(kAllLanes, sum, i * width); }
};

// A block's tile; sums of chunks by their rows, some rows at a time.
template <typename Errors>
struct BlockJudge {
  const SearchParameters& p;
  const Place place;
  Errors errors;
  double sum = 0.0;

  __device__ __forceinline__ BlockJudge(const SearchParameters& parameters, const Place& where)
      : p(parameters), place(where), errors(parameters.format) {}

  __device__ __forceinline__ int atOnce() const { return 1; }
  __device__ __forceinline__ int own() const { return 0; }

  __device__ __forceinline__ void operator()(float scale, float zeroPoint) {
    __shared__ float partials[kSumsAtOnce];
    __shared__ double rowSums[kThreads];
    __shared__ double all;
    const Divider divide(scale);
    const int chunks = (place.width + kChunk - 1) / kChunk;
    const int rowsAtOnce = max(min(min(kSumsAtOnce / chunks, kThreads), place.height), 1);
    if (threadIdx.x == 0) all = 0.0;
    for (int from = 0; from < place.height; from += rowsAtOnce) {
      const int rows = min(rowsAtOnce, place.height - from);
      if (threadIdx.x < static_cast<unsigned>(rows)) rowSums[threadIdx.x] = 0.0;
      for (int firstChunk = 0; firstChunk < chunks; firstChunk += kSumsAtOnce) {
        const int count = min(chunks - firstChunk, kSumsAtOnce);
        for (int at = threadIdx.x; at < rows * count; at += kThreads) {
          const int row = place.top + from + at / count;
          const int begin = (firstChunk + at % count) * kChunk;
          float partial = 0.0f;
          for (int i = begin; i < min(begin + kChunk, place.width); i++) {
            const int column = place.left + i;
            const float number = loadNumber(p.weights, p.weightType, static_cast<int64_t>(row) * p.columns + column);
            partial = __fadd_rn(partial, weighed(importanceOf(p, place)[column], errors(number, divide, scale, zeroPoint)));
          }
          partials[at] = partial;
        }
        __syncthreads();
        if (threadIdx.x < static_cast<unsigned>(rows)) {
          for (int i = 0; i < count; i++) rowSums[threadIdx.x] += static_cast<double>(partials[threadIdx.x * count + i]);
        }
        __syncthreads();
      }
      if (threadIdx.x == 0) {
        for (int row = 0; row < rows; row++) all += rowSums[row];
      }
      __syncthreads();
    }
    sum = all;
    __syncthreads();
  }

  __device__ __forceinline__ double lossOf(int) const { return sum; }
};

template <typename Errors>
__device__ __forceinline__ void searchByLanes(const SearchParameters& p) {
  const int64_t tile = static_cast<int64_t>(blockIdx.x) * (kThreads / kWarp) + threadIdx.x / kWarp;
  if (tile >= p.tiles) return;
  LaneJudge<Errors> judge(p, Place(p, tile));
  float least = 0.0f;
  float most = 0.0f;
#pragma unroll
  for (int i = 0; i < kChunk; i++) {
    least = fminf(least, judge.numbers[i]);
    most = fmaxf(most, judge.numbers[i]);
  }
  most = warpReduce(most, Max());
  least = -warpReduce(-least, Max());
  searchTile(p, least, most, judge, threadIdx.x % kWarp == 0, tile);
}

template <typename Errors>
__device__ __forceinline__ void searchByBlocks(const SearchParameters& p) {
  const int64_t tile = blockIdx.x;
  const Place place(p, tile);
  float least = 0.0f;
  float most = 0.0f;
  for (int at = threadIdx.x; at < place.height * place.width; at += kThreads) {
    const int64_t row = place.top + at / place.width;
    const float number = loadNumber(p.weights, p.weightType, row * p.columns + place.left + at % place.width);
    least = fminf(least, number);
    most = fmaxf(most, number);
  }
  most = blockReduce(most, Max(), 0.0f);
  least = -blockReduce(-least, Max(), 0.0f);
  BlockJudge<Errors> judge(p, place);
  searchTile(p, least, most, judge, threadIdx.x == 0, tile);
}

template <typename Codes>
__device__ __forceinline__ uint32_t codeAt(const SearchParameters& p, int row, int column) {
  const int64_t tile = static_cast<int64_t>(row / p.tileRows) * p.groups + column / p.tileColumns;
  const float scale = __fmul_rn(p.scales[tile], __frcp_rn(p.divisor));
  const float number = loadNumber(p.weights, p.weightType, static_cast<int64_t>(row) * p.columns + column);
  return Codes::round(__fdiv_rn(number, scale), p.zeroPoints == nullptr ? 0.0f : p.zeroPoints[tile], p.format).code & 0xFFu;
}

template <typename Codes>
__device__ __forceinline__ void roundAll(const SearchParameters& p) {
  const int row = blockIdx.z * gridDim.y + blockIdx.y;
  const int at = blockIdx.x * kThreads + threadIdx.x;
  const int rowBytes = isNibble(p.format) ? p.columns / 2 : p.columns;
  if (at >= rowBytes || row >= p.rows) return;
  const uint32_t code = isNibble(p.format) ? codeAt<Codes>(p, row, 2 * at) | codeAt<Codes>(p, row, 2 * at + 1) << 4
                                           : codeAt<Codes>(p, row, at);
  p.codes[static_cast<int64_t>(row) * rowBytes + at] = static_cast<uint8_t>(code);
}

}  // namespace

OCTAVO_CONSTANTS(scale_search, kMostColumns)

#define SEARCH(name, errors, codes)                                                                                               \
  OCTAVO_LAUNCH(scale_search_lanes_##name, kThreads, 0)                                                                           \
  OCTAVO_LAUNCH(scale_search_blocks_##name, kThreads, 0)                                                                          \
  OCTAVO_LAUNCH(scale_search_codes_##name, kThreads, 0)                                                                           \
  extern "C" __global__ __launch_bounds__(kThreads) void scale_search_lanes_##name(const __grid_constant__ SearchParameters p) {  \
    searchByLanes<errors>(p);                                                                                                     \
  }                                                                                                                               \
  extern "C" __global__ __launch_bounds__(kThreads, 2) void scale_search_blocks_##name(const __grid_constant__ SearchParameters p) { \
    searchByBlocks<errors>(p);                                                                                                    \
  }                                                                                                                               \
  extern "C" __global__ __launch_bounds__(kThreads) void scale_search_codes_##name(const __grid_constant__ SearchParameters p) {  \
    roundAll<codes>(p);                                                                                                           \
  }

SEARCH(integers, IntegerErrors, Integers)
SEARCH(e4m3, EightBitErrors, Floats8)
SEARCH(e2m1, FourBitErrors, Floats4)
