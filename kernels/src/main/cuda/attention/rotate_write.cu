// Queries and keys are rotated in place, then keys and values stored in their cache slots.
//
// Bit for bit what rope.cu and kv_cache_write.cu give.
// Twin: ComposedSteps.java.  Launch: grid = (tokens, heads and twice kvHeads shared out among warps), block = kThreads.
// Slots below 0 or past the last page are skipped; a position outside the tables makes its token's heads NaN.
// Targets: all

#include "attention/kv_cache.cuh"
#include "attention/rotation.cuh"

struct Parameters {
  float* q;              // [tokens, heads * headDim]
  float* k;              // [tokens, kvHeads * headDim]
  const float* v;        // [tokens, kvHeads * headDim]
  const int* positions;  // [tokens]
  const float* cosines;  // [tablePositions, half]
  const float* sines;    // [tablePositions, half]
  const int* slots;      // [tokens]
  void* keys;            // [pages, kvHeads, kPageTokens, headDim]
  float* keyScales;      // see CacheScales; written where every row has its own
  void* values;
  float* valueScales;
  int64_t tablePositions;
  int64_t pages;
  int heads;
  int kvHeads;
  int headDim;
  int half;              // pairs of channels that turn; at most headDim / 2
  int keyType;           // Number
  int keyHeadStride;
  int keyTokenStride;
  float keyDivisor;
  int valueType;
  int valueHeadStride;
  int valueTokenStride;
  float valueDivisor;
};
OCTAVO_OVERLAPPING_PARAMETERS(
    rotate_write, Parameters, q, k, v, positions, cosines, sines, slots, keys, keyScales, values, valueScales,
    tablePositions, pages, heads, kvHeads, headDim, half, keyType, keyHeadStride, keyTokenStride, keyDivisor, valueType,
    valueHeadStride, valueTokenStride, valueDivisor)

namespace {

constexpr int kThreads = 256;

}  // namespace

OCTAVO_LAUNCH(rotate_write, kThreads, 0)

extern "C" __global__ __launch_bounds__(kThreads, 6) void rotate_write(const __grid_constant__ Parameters p) {
  enterStream();
  const int64_t token = blockIdx.x;
  const int lane = threadIdx.x % kWarp;
  int head = (blockIdx.y * blockDim.x + threadIdx.x) / kWarp;
  const RopeTable table = {p.cosines, p.sines, p.tablePositions};
  if (head < p.heads) {
    rotateHead(p.q + (token * p.heads + head) * p.headDim, table, p.positions + token, p.half, lane, kWarp);
    return;
  }
  head -= p.heads;
  if (head >= 2 * p.kvHeads) return;
  const bool isKey = head < p.kvHeads;
  if (!isKey) head -= p.kvHeads;
  const int64_t at = (token * p.kvHeads + head) * p.headDim;
  if (isKey) {
    rotateHead(p.k + at, table, p.positions + token, p.half, lane, kWarp);
    __syncwarp();
  }
  const int slot = p.slots[token];
  if (slot < 0 || slot >= p.pages * kPageTokens) return;
  // Member by member: whole structs that are chosen at run time would lie in memory.
  const CacheScales scales = {
      isKey ? p.keyScales : p.valueScales, isKey ? p.keyHeadStride : p.valueHeadStride,
      isKey ? p.keyTokenStride : p.valueTokenStride};
  const Cache cache = {
      isKey ? p.keys : p.values, isKey ? p.keyType : p.valueType, scales, isKey ? p.keyDivisor : p.valueDivisor};
  const int64_t row = (slot / kPageTokens * static_cast<int64_t>(p.kvHeads) + head) * kPageTokens + slot % kPageTokens;
  writeHead(cache, isKey ? p.k + at : p.v + at, row, head, p.headDim);
}
