// Causal grouped-query attention for many queries of a sequence over a paged cache, on Hopper's tensor cores.
//
// Blocks stay and go through tiles of kTileRows query rows, kBlockKeys keys at a time from the last that a row sees to the
// first. The first warpgroup serves the others: one warp fetches pages of keys and values with the bulk tensor copy engine
// into a ring, the others bring the next tile's queries, rounded to 16 bits. Two warpgroups compute 64 rows each: scores of
// the next keys, and the values weighted by those before, are multiplied while weights are found; the groups take turns, so
// that one multiplies while the other weighs. Weights are relative to a score that follows the largest only when that is
// 2^8 above it: until then nothing has to be multiplied again.
//
// bf16 caches are multiplied as they are; those of 8 bits come as f16, from kv_cache_expand.cu.
//
// Source: arXiv:2407.08608.  Twin: ScalarAttention.java; fallback: attention_prefill.cu.  Launch: grid = at most tiles x
// kvHeads, block = kHopperThreads, dynamic shared memory = two tiles of queries and kStages stages.
// Targets: sm_90a

#include "attention/attention.cuh"
#include "base/hopper.cuh"

struct HopperParameters {
  TensorMap keyPages;         // [pages * kvHeads * kPageTokens, headDim * 2 bytes] in boxes of kPageTokens x kSlabBytes
  TensorMap valuePages;
  const float* q;             // see attention.cuh
  const int* queryStarts;
  const int* contextLengths;
  const int* pageTable;       // of the pages above
  float* out;
  const float* keyScales;     // [sequences, kvHeads], [kvHeads] or [1]; null for 1
  const float* valueScales;   // the same
  int sequenceStride;         // of scales
  int headStride;
  int tokens;
  int sequences;
  int maxPages;
  int pages;
  int heads;
  int kvHeads;
  int window;
  float scale;
  float softcap;
};
OCTAVO_OVERLAPPING_PARAMETERS(
    attention_hopper, HopperParameters, keyPages, valuePages, q, queryStarts, contextLengths, pageTable, out, keyScales,
    valueScales, sequenceStride, headStride, tokens, sequences, maxPages, pages, heads, kvHeads, window, scale, softcap)

#if !defined(__CUDA_ARCH__) || defined(__CUDA_ARCH_FEAT_SM90_ALL)

namespace {

constexpr int kConsumers = 2;
constexpr int kGroupRows = 64;  // of a warpgroup
constexpr int kTileRows = kConsumers * kGroupRows;
constexpr int kBlockKeys = 128;
constexpr int kBlockPages = kBlockKeys / kPageTokens;
constexpr int kQueryStages = 2;  // tiles of queries
constexpr int kHopperThreads = (1 + kConsumers) * kGroupThreads;
constexpr int kLoaders = 3;      // warps that bring queries
constexpr int kConsumerWarps = kConsumers * kGroupThreads / kWarp;
constexpr int kProducerRegisters = 88;
constexpr int kConsumerRegisters = 208;
constexpr float kSlack = 8.0f;
// Named barriers.
constexpr int kTurns = 1;        // one for each consumer
constexpr int kGroups = 3;       // the same
constexpr int kFirstQueries = 5;

enum State : int { kDone, kImpossible, kPossible };

// What the warps of a block have to know of a tile.
struct Work {
  Tile tile;
  State state;
  int kvHead;
  int firstKey;  // that any of its rows sees
  int lastKey;

  __device__ __forceinline__ int firstBlock() const { return firstKey / kBlockKeys; }
  __device__ __forceinline__ int lastBlock() const { return lastKey / kBlockKeys; }
};

// The tiles of a block. Later ones of a sequence see more keys, so they come first, those of all heads; every second round
// goes through the blocks backwards, which evens out what each has to do.
struct Schedule {
  // Of the sequence that a lane looks at, of the 32 from `from` on.
  int from = -1;
  int start;
  int queries;
  int context;
  int count;  // its tiles
  int upTo;   // and those of the lanes before
  int tiles;  // of all sequences

  __device__ __forceinline__ explicit Schedule(const HopperParameters& p) {
    tiles = 0;
    int first = 0;
    do {
      look(p, first);
      tiles += __shfl_sync(kAllLanes, upTo, kWarp - 1);
      first += kWarp;
    } while (first < p.sequences);
  }

  __device__ __forceinline__ void look(const HopperParameters& p, int first) {
    if (first == from) return;
    from = first;
    const int s = first + threadIdx.x % kWarp;
    start = queries = context = 0;
    if (s < p.sequences) {
      start = p.queryStarts[s];
      queries = max(0, p.queryStarts[s + 1] - start);
      context = p.contextLengths[s];
    }
    count = (queries * (p.heads / p.kvHeads) + kTileRows - 1) / kTileRows;
    upTo = count;
#pragma unroll
    for (int offset = 1; offset < kWarp; offset *= 2) {
      const int below = __shfl_up_sync(kAllLanes, upTo, offset);
      if (threadIdx.x % kWarp >= offset) upTo += below;
    }
  }

  // By a whole warp.
  __device__ __forceinline__ Work find(const HopperParameters& p, int round) {
    Work work;
    work.state = kDone;
    const int inRound = round % 2 == 0 ? blockIdx.x : gridDim.x - 1 - blockIdx.x;
    const int64_t index = static_cast<int64_t>(round) * gridDim.x + inRound;
    if (index >= static_cast<int64_t>(tiles) * p.kvHeads) return work;
    work.kvHead = static_cast<int>(index % p.kvHeads);
    int left = tiles - 1 - static_cast<int>(index / p.kvHeads);
    Tile& tile = work.tile;
    for (int first = 0;; first += kWarp) {
      look(p, first);
      const unsigned reached = __ballot_sync(kAllLanes, upTo > left);
      if (reached != 0) {
        const int source = __ffs(reached) - 1;
        tile.group = p.heads / p.kvHeads;
        tile.first = (left - __shfl_sync(kAllLanes, upTo - count, source)) * kTileRows;
        tile.start = __shfl_sync(kAllLanes, start, source);
        tile.queries = __shfl_sync(kAllLanes, queries, source);
        tile.context = __shfl_sync(kAllLanes, context, source);
        tile.rows = tile.queries * tile.group;
        tile.sequence = first + source;
        break;
      }
      left -= __shfl_sync(kAllLanes, upTo, kWarp - 1);
    }
    work.lastKey = tile.position(min(tile.first + kTileRows, tile.rows) - 1);
    work.firstKey = tile.firstSeen(p, tile.first);
    const bool fits = tile.context >= tile.queries && (tile.context + kPageTokens - 1) / kPageTokens <= p.maxPages;
    work.state = fits ? kPossible : kImpossible;
    return work;
  }
};

// --- Products ---------------------------------------------------------------------------------------------------------

#define MULTIPLY_VALUES(count, dims, type, a0, a1, a2, a3, values)                                                     \
  asm volatile("wgmma.mma_async.sync.aligned.m64n" #dims "k16.f32." type "." type " {" OPERANDS_##count "}, {%" a0 ", %" a1 \
               ", %" a2 ", %" a3 "}, %" values ", 1, 1, 1, 1;"                                                         \
               : REGISTERS_##count(FLOAT_1, d)                                                                         \
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(v))

#define MULTIPLY_KEYS(type)                                                                            \
  asm volatile(                                                                                        \
      "{\n.reg .pred p;\n"                                                                             \
      "setp.ne.b32 p, %66, 0;\n"                                                                       \
      "wgmma.mma_async.sync.aligned.m64n128k16.f32." type "." type " {" OPERANDS_64                    \
      "}, %64, %65, p, 1, 1, 0, 0;\n}"                                                                 \
      : REGISTERS_64(FLOAT_1, d)                                                                       \
      : "l"(q), "l"(k), "r"(keeps))

// d (+)= q k^T over 16 dimensions; d += a v over 16 keys.
struct Bf16Wgmma : Bf16Product {
  static constexpr bool kScalesRows = false;

  static __device__ __forceinline__ void keys(float (&d)[64], uint64_t q, uint64_t k, int keeps) { MULTIPLY_KEYS("bf16"); }

  static __device__ __forceinline__ void values(float (&d)[64], const uint32_t* a, uint64_t v) {
    MULTIPLY_VALUES(64, 128, "bf16", "64", "65", "66", "67", "68");
  }

  static __device__ __forceinline__ void values(float (&d)[32], const uint32_t* a, uint64_t v) {
    MULTIPLY_VALUES(32, 64, "bf16", "32", "33", "34", "35", "36");
  }
};

// f16 rows of queries are brought near 1; their factors undo that.
struct HalfWgmma : HalfProduct {
  static constexpr bool kScalesRows = true;

  static __device__ __forceinline__ void keys(float (&d)[64], uint64_t q, uint64_t k, int keeps) { MULTIPLY_KEYS("f16"); }

  static __device__ __forceinline__ void values(float (&d)[64], const uint32_t* a, uint64_t v) {
    MULTIPLY_VALUES(64, 128, "f16", "64", "65", "66", "67", "68");
  }

  static __device__ __forceinline__ void values(float (&d)[32], const uint32_t* a, uint64_t v) {
    MULTIPLY_VALUES(32, 64, "f16", "32", "33", "34", "35", "36");
  }
};

// --- The kernel -------------------------------------------------------------------------------------------------------

template <typename Product, int kHeadDim>
struct Attention {
  static constexpr int kSlabs = kHeadDim * 2 / kSlabBytes;  // tiles of 64 dimensions
  static constexpr int kQuerySlabBytes = kTileRows * kSlabBytes;
  static constexpr int kQueryBytes = kSlabs * kQuerySlabBytes;
  static constexpr int kKeySlabBytes = kBlockKeys * kSlabBytes;
  static constexpr int kStageBytes = kSlabs * kKeySlabBytes;  // of keys, or of values
  static constexpr int kPageSlabBytes = kPageTokens * kSlabBytes;
  static constexpr int kPageBytes = kSlabs * kPageSlabBytes;
  static constexpr int kStages = kHeadDim == 128 ? 5 : 8;
  static constexpr int kSharedBytes = kQueryStages * kQueryBytes + kStages * kStageBytes + kSwizzleBytes;
  static constexpr int kScores = kBlockKeys / 2;  // of a thread
  static constexpr int kSums = kHeadDim / 2;
  using PageRing = Ring<kStages>;
  using QueryRing = Ring<kQueryStages>;

  struct Control {
    uint64_t full[kStages];
    uint64_t empty[kStages];
    uint64_t queriesFull[kQueryStages];
    uint64_t queriesEmpty[kQueryStages];
    Work works[kQueryStages];
    int poisoned[kQueryStages];  // whether a page of the tile does not exist
    float factors[kQueryStages][kTileRows];
  };

  // Addresses in shared memory.
  struct Shared {
    Control* control;
    uint8_t* bytes;  // of queries, then the ring
    uint32_t queries;
    uint32_t ring;
    uint32_t barriers;

    __device__ __forceinline__ uint32_t full(int stage) const { return barriers + 8 * stage; }
    __device__ __forceinline__ uint32_t empty(int stage) const { return barriers + 8 * (kStages + stage); }
    __device__ __forceinline__ uint32_t queriesFull(int stage) const { return barriers + 8 * (2 * kStages + stage); }
    __device__ __forceinline__ uint32_t queriesEmpty(int stage) const {
      return barriers + 8 * (2 * kStages + kQueryStages + stage);
    }
  };

  static __device__ __forceinline__ void run(const HopperParameters& p) {
    extern __shared__ uint8_t dynamic[];
    __shared__ __align__(16) Control control;
    Shared shared;
    shared.control = &control;
    shared.queries = (sharedAddress(dynamic) + kSwizzleBytes - 1) / kSwizzleBytes * kSwizzleBytes;
    shared.ring = shared.queries + kQueryStages * kQueryBytes;
    shared.barriers = sharedAddress(&control);
    shared.bytes = dynamic + (shared.queries - sharedAddress(dynamic));
    if (threadIdx.x == 0) {
      for (int stage = 0; stage < kStages; stage++) {
        initBarrier(shared.full(stage), 1);
        initBarrier(shared.empty(stage), kConsumerWarps);
      }
      for (int stage = 0; stage < kQueryStages; stage++) {
        initBarrier(shared.queriesFull(stage), kLoaders);
        initBarrier(shared.queriesEmpty(stage), kConsumerWarps);
      }
      publishBarriers();
    }
    __syncthreads();
    enterStream();
    const int group = threadIdx.x / kGroupThreads;
    if (group == 0) {
      giveRegisters<kProducerRegisters>();
      const int warp = threadIdx.x / kWarp;
      if (warp == 0) {
        fetch(p, shared);
      } else {
        load(p, shared, warp - 1);
      }
    } else {
      takeRegisters<kConsumerRegisters>();
      consume(p, shared, group - 1);
    }
  }

  // --- The serving warps ------------------------------------------------------------------------------------------------

  // The pages of a block of keys; below 0 one that is not needed or does not exist.
  struct Pages {
    int numbers[kBlockPages];
    int kvHead;
    bool isLast;  // of a tile
    bool exist;
  };

  // Goes through the blocks of tile after tile.
  struct Reader {
    Schedule schedule;
    Work work;
    int round = 0;
    int block = 0;
    const int* table;

    __device__ __forceinline__ explicit Reader(const HopperParameters& p) : schedule(p) { enter(p); }

    __device__ __forceinline__ void enter(const HopperParameters& p) {
      do {
        work = schedule.find(p, round++);
      } while (work.state == kImpossible);
      block = work.lastBlock();
      table = p.pageTable + static_cast<int64_t>(work.tile.sequence) * p.maxPages;
    }

    __device__ __forceinline__ Pages next(const HopperParameters& p) {
      Pages pages;
      pages.exist = work.state != kDone;
      if (!pages.exist) return pages;
      pages.kvHead = work.kvHead;
#pragma unroll
      for (int i = 0; i < kBlockPages; i++) {
        const int page = block * kBlockPages + i;
        pages.numbers[i] = page >= work.firstKey / kPageTokens && page <= work.lastKey / kPageTokens ? table[page] : -1;
      }
      pages.isLast = block == work.firstBlock();
      if (pages.isLast) {
        enter(p);
      } else {
        block--;
      }
      return pages;
    }
  };

  static __device__ __forceinline__ void fetchPages(
      const HopperParameters& p, const Shared& shared, const TensorMap& map, const Pages& pages, PageRing& at) {
    if (threadIdx.x == 0) {
      // A fresh barrier counts as having passed the phase before its first.
      await(shared.empty(at.stage), at.parity ^ 1);
      int count = 0;
#pragma unroll
      for (int i = 0; i < kBlockPages; i++) count += pages.numbers[i] >= 0 && pages.numbers[i] < p.pages;
      const uint32_t barrier = shared.full(at.stage);
      arriveAndExpect(barrier, count * kPageBytes);
      const uint32_t target = shared.ring + at.stage * kStageBytes;
#pragma unroll
      for (int i = 0; i < kBlockPages; i++) {
        if (pages.numbers[i] < 0 || pages.numbers[i] >= p.pages) continue;
        const int row = (pages.numbers[i] * p.kvHeads + pages.kvHead) * kPageTokens;
#pragma unroll
        for (int slab = 0; slab < kSlabs; slab++) {
          fetchBox(target + slab * kKeySlabBytes + i * kPageSlabBytes, map, slab * kSlabBytes, row, barrier);
        }
      }
    }
    __syncwarp();
    at.advance();
  }

  // In the order in which they are multiplied: the keys of a block before the values of the one before.
  static __device__ __forceinline__ void fetch(const HopperParameters& p, const Shared& shared) {
    Reader reader(p);
    PageRing at;
    Pages pages = reader.next(p);
    if (!pages.exist) return;
    Pages next = reader.next(p);
    fetchPages(p, shared, p.keyPages, pages, at);
    while (true) {
      const Pages afterNext = reader.next(p);
      if (!pages.isLast) fetchPages(p, shared, p.keyPages, next, at);
      fetchPages(p, shared, p.valuePages, pages, at);
      if (pages.isLast) {
        if (!next.exist) return;
        fetchPages(p, shared, p.keyPages, next, at);
      }
      pages = next;
      next = afterNext;
    }
  }

  // A tile's queries in 16 bits, a warp for each row: those that fall to `loader` of so many.
  static __device__ __forceinline__ void loadRows(
      const HopperParameters& p, const Shared& shared, const Work& work, int stage, int loader, int loaders) {
    constexpr int kEach = kHeadDim / kWarp;
    constexpr int kAtOnce = 8;
    const int lane = threadIdx.x % kWarp;
    const Tile& tile = work.tile;
    const float sign = p.scale < 0.0f ? -1.0f : 1.0f;
    uint8_t* target = shared.bytes + stage * kQueryBytes;
    const int rows = tile.start < 0 ? 0 : min(tile.rows, (p.tokens - tile.start) * tile.group) - tile.first;
#pragma unroll 1
    for (int from = loader * kAtOnce; from < kTileRows; from += loaders * kAtOnce) {
      float values[kAtOnce][kEach];
      const float* q = p.q + tile.outRow(p, work.kvHead, tile.first + from) * kHeadDim + lane * kEach;
      int left = tile.group - (tile.first + from) % tile.group;
#pragma unroll
      for (int i = 0; i < kAtOnce; i++) {
        const bool exists = from + i < rows;
        if constexpr (kEach == 4) {
          const float4 four = exists ? *reinterpret_cast<const float4*>(q) : float4();
          values[i][0] = four.x;
          values[i][1] = four.y;
          values[i][2] = four.z;
          values[i][3] = four.w;
        } else {
          const float2 two = exists ? *reinterpret_cast<const float2*>(q) : float2();
          values[i][0] = two.x;
          values[i][1] = two.y;
        }
        const bool last = --left == 0;
        left = last ? tile.group : left;
        q += (last ? p.heads - tile.group + 1 : 1) * kHeadDim;
      }
#pragma unroll
      for (int i = 0; i < kAtOnce; i++) {
        float scale = sign;
        if constexpr (Product::kScalesRows) {
          float absmax = 0.0f;
#pragma unroll
          for (int e = 0; e < kEach; e++) absmax = fmaxf(absmax, fabsf(values[i][e]));
          const int exponent = exponentOf(warpReduce(absmax, Max()));
          scale *= powerOf(-exponent);
          if (lane == 0) shared.control->factors[stage][from + i] = powerOf(exponent);
        }
        const int byte = lane * kEach * 2;
        const int chunk = byte % kSlabBytes / 16 ^ (from + i) % 8;
        uint8_t* to = target + byte / kSlabBytes * kQuerySlabBytes + (from + i) * kSlabBytes + chunk * 16 + byte % 16;
#pragma unroll
        for (int e = 0; e < kEach; e += 2) {
          *reinterpret_cast<uint32_t*>(to + 2 * e) = Product::round(values[i][e] * scale, values[i][e + 1] * scale);
        }
      }
    }
    publishStores();
  }

  static __device__ __forceinline__ bool lacksPages(const HopperParameters& p, const Work& work) {
    bool unknown = false;
    const int* table = p.pageTable + static_cast<int64_t>(work.tile.sequence) * p.maxPages;
#pragma unroll 4
    for (int i = work.firstKey / kPageTokens + threadIdx.x % kWarp; i <= work.lastKey / kPageTokens; i += kWarp) {
      const int page = table[i];
      unknown |= page < 0 || page >= p.pages;
    }
    return __any_sync(kAllLanes, unknown);
  }

  // Queries of tile after tile. Those of the first are brought by all warps that have nothing else to do yet.
  static __device__ __forceinline__ void load(const HopperParameters& p, const Shared& shared, int loader) {
    const int lane = threadIdx.x % kWarp;
    Schedule schedule(p);
    QueryRing at;
    for (int round = 0;; round++) {
      const Work work = schedule.find(p, round);
      schedule.from = -1;  // looks again the next time, rather than hold registers
      await(shared.queriesEmpty(at.stage), at.parity ^ 1);
      if (loader == 0 && lane == 0) shared.control->works[at.stage] = work;
      if (work.state == kPossible) {
        loadRows(p, shared, work, at.stage, loader, round == 0 ? kLoaders + kConsumerWarps : kLoaders);
        if (loader == 0) {
          __syncwarp();
          const bool poisoned = lacksPages(p, shared.control->works[at.stage]);
          if (lane == 0) shared.control->poisoned[at.stage] = poisoned;
        }
      }
      if (round == 0) syncThreads(kFirstQueries, (kLoaders + kConsumerWarps) * kWarp);
      __syncwarp();
      if (lane == 0) arrive(shared.queriesFull(at.stage));
      if (work.state == kDone) return;
      at.advance();
    }
  }

  static __device__ __forceinline__ void loadFirst(const HopperParameters& p, const Shared& shared, int warp) {
    Schedule schedule(p);
    const Work work = schedule.find(p, 0);
    if (work.state == kPossible) loadRows(p, shared, work, 0, kLoaders + warp, kLoaders + kConsumerWarps);
    syncThreads(kFirstQueries, (kLoaders + kConsumerWarps) * kWarp);
  }

  // --- The computing warpgroups -----------------------------------------------------------------------------------------

  // Rows h of a thread: lane / 4 + 8 h of its warp's.
  struct Rows {
    float factor[2];  // of scores
    float reference[2];
    float total[2];
    float kept[2];  // what sums are multiplied by, if the reference moved
  };

  static __device__ __forceinline__ void multiplyQueries(float (&scores)[kScores], uint32_t queries, uint32_t keys) {
    const uint64_t q = describe(queries);
    const uint64_t k = describe(keys);
    beginMultiplying();
#pragma unroll
    for (int step = 0; step < kHeadDim / 16; step++) {
      const int slab = step / 4;
      const int byte = step % 4 * 32;
      Product::keys(
          scores, q + ((slab * kQuerySlabBytes + byte) >> 4), k + ((slab * kKeySlabBytes + byte) >> 4), step > 0);
    }
    commitProducts();
  }

  static __device__ __forceinline__ void multiplyWeights(
      float (&sums)[kSums], const uint32_t (&weights)[kScores / 2], uint32_t values) {
    const uint64_t v = describe(values, kKeySlabBytes);
    beginMultiplying();
#pragma unroll
    for (int step = 0; step < kBlockKeys / 16; step++) {
      Product::values(sums, &weights[4 * step], v + step * (16 * kSlabBytes >> 4));
    }
    commitProducts();
  }

  // Turns scores into weights; true for a warp whose sums have to follow a reference.
  static __device__ __forceinline__ bool weigh(
      float (&scores)[kScores], Rows& rows, float capped, bool masked, const int (&from)[2], const int (&to)[2]) {
    float factor[2] = {rows.factor[0], rows.factor[1]};
    if (capped != 0.0f) {
#pragma unroll
      for (int i = 0; i < kScores; i++) {
        // tanh(x) = 1 - 2 / (e^2x + 1)
        const float power2 = power(scores[i] * (2.0f * kLog2E * factor[i / 2 % 2]));
        scores[i] = capped - __fdividef(2.0f * capped, power2 + 1.0f);
      }
      factor[0] = factor[1] = 1.0f;
    }
    if (masked) {
#pragma unroll
      for (int i = 0; i < kScores; i++) {
        const int key = i / 4 * 8 + i % 2;
        const int h = i / 2 % 2;
        if (key > to[h] || key < from[h]) scores[i] = -INFINITY;
      }
    }
    float best[4] = {scores[0], scores[1], scores[2], scores[3]};
#pragma unroll
    for (int i = 4; i < kScores; i++) best[i % 4] = fmaxf(best[i % 4], scores[i]);
    best[0] = fmaxf(best[0], best[1]) * factor[0];
    best[1] = fmaxf(best[2], best[3]) * factor[1];
    const bool moves =
        __any_sync(kAllLanes, best[0] > rows.reference[0] + kSlack || best[1] > rows.reference[1] + kSlack);
    if (moves) {
#pragma unroll
      for (int h = 0; h < 2; h++) {
        best[h] = fmaxf(best[h], __shfl_xor_sync(kAllLanes, best[h], 1));
        best[h] = fmaxf(best[h], __shfl_xor_sync(kAllLanes, best[h], 2));
        const float before = rows.reference[h];
        const float after = fmaxf(before, best[h]);
        // Before the first key that a row sees there is no reference, and nothing to keep.
        rows.kept[h] = before == -INFINITY ? 0.0f : power(before - after);
        rows.reference[h] = after;
        rows.total[h] *= rows.kept[h];
      }
    }
    const float reference[2] = {
        rows.reference[0] == -INFINITY ? 0.0f : rows.reference[0], rows.reference[1] == -INFINITY ? 0.0f : rows.reference[1]};
    float totals[4] = {};
#pragma unroll
    for (int i = 0; i < kScores; i++) {
      const int h = i / 2 % 2;
      scores[i] = power(fmaf(scores[i], factor[h], -reference[h]));
      totals[i % 4] += scores[i];
    }
    rows.total[0] += totals[0] + totals[1];
    rows.total[1] += totals[2] + totals[3];
    return moves;
  }

  static __device__ __forceinline__ void pack(uint32_t (&weights)[kScores / 2], const float (&scores)[kScores]) {
#pragma unroll
    for (int i = 0; i < kScores / 2; i++) weights[i] = Product::round(scores[2 * i], scores[2 * i + 1]);
  }

  static __device__ __forceinline__ void rescale(float (&sums)[kSums], const Rows& rows) {
#pragma unroll
    for (int i = 0; i < kSums; i++) sums[i] *= rows.kept[i / 2 % 2];
  }

  // Zeros in place of values that no row of the tile sees: 0 times what lies there might not be 0. Every group does so for
  // itself.
  static __device__ __forceinline__ void clear(const Shared& shared, const Work& work, int block, const PageRing& at, int group) {
    const int first = work.firstKey - block * kBlockKeys;
    const int last = work.lastKey - block * kBlockKeys;
    if (first <= 0 && last >= kBlockKeys - 1) return;
    await(shared.full(at.stage), at.parity);
    uint4* values = reinterpret_cast<uint4*>(shared.bytes + kQueryStages * kQueryBytes + at.stage * kStageBytes);
    constexpr int kChunks = kSlabBytes / 16;
    for (int i = threadIdx.x % kGroupThreads; i < kBlockKeys * kChunks * kSlabs; i += kGroupThreads) {
      const int key = i / kChunks % kBlockKeys;
      if (key < first || key > last) values[i] = make_uint4(0, 0, 0, 0);
    }
    publishStores();
    syncThreads(kGroups + group, kGroupThreads);
  }

  static __device__ __forceinline__ void consume(const HopperParameters& p, const Shared& shared, int group) {
    const int lane = threadIdx.x % kWarp;
    const int ownRow = group * kGroupRows + threadIdx.x % kGroupThreads / kWarp * 16 + lane / 4;
    loadFirst(p, shared, threadIdx.x / kWarp - kGroupThreads / kWarp);
    const Scores toScore(p);
    PageRing at;
    QueryRing queryAt;
    if (group == 1) arriveThreads(kTurns, kConsumers * kGroupThreads);
    while (true) {
      await(shared.queriesFull(queryAt.stage), queryAt.parity);
      const Work work = shared.control->works[queryAt.stage];
      if (work.state == kDone) return;
      const Tile& tile = work.tile;
      bool exists = false;
      float sums[kSums];
      Rows rows;
      if (work.state == kPossible) {
        exists = shared.control->poisoned[queryAt.stage] == 0;
        // What this group's rows see, all of it, and what a thread's rows do.
        const int groupFirst = tile.first + group * kGroupRows;
        const int allSeeFrom = tile.firstSeen(p, groupFirst + kGroupRows - 1);
        const int allSeeTo = tile.position(groupFirst);
        int rowFrom[2];
        int rowTo[2];
        float factor = fabsf(toScore.factor);
        if (p.keyScales != nullptr) factor *= p.keyScales[tile.sequence * p.sequenceStride + work.kvHead * p.headStride];
#pragma unroll
        for (int h = 0; h < 2; h++) {
          rowFrom[h] = tile.firstSeen(p, tile.first + ownRow + 8 * h) - lane % 4 * 2;
          rowTo[h] = tile.position(tile.first + ownRow + 8 * h) - lane % 4 * 2;
          rows.factor[h] = factor;
          if constexpr (Product::kScalesRows) rows.factor[h] *= shared.control->factors[queryAt.stage][ownRow + 8 * h];
          rows.factor[h] = fmaxf(rows.factor[h], 1e-30f);
          rows.reference[h] = -INFINITY;
          rows.total[h] = 0.0f;
        }
#pragma unroll
        for (int i = 0; i < kSums; i++) sums[i] = 0.0f;
        const uint32_t ownQueries = shared.queries + queryAt.stage * kQueryBytes + group * kGroupRows * kSlabBytes;
        float scores[kScores];
        uint32_t weights[kScores / 2];
        const auto weighBlock = [&](int block) {
          const int first = block * kBlockKeys;
          const bool masked = first < allSeeFrom || first + kBlockKeys - 1 > allSeeTo;
          const int from[2] = {rowFrom[0] - first, rowFrom[1] - first};
          const int to[2] = {rowTo[0] - first, rowTo[1] - first};
          return weigh(scores, rows, toScore.capped, masked, from, to);
        };
        int block = work.lastBlock();
        await(shared.full(at.stage), at.parity);
        syncThreads(kTurns + group, kConsumers * kGroupThreads);
        multiplyQueries(scores, ownQueries, shared.ring + at.stage * kStageBytes);
        arriveThreads(kTurns + 1 - group, kConsumers * kGroupThreads);
        awaitProducts<0>();
        if (lane == 0) arrive(shared.empty(at.stage));
        at.advance();
        weighBlock(block);
        pack(weights, scores);
        // The next block's keys lie in front of this one's values.
        clear(shared, work, block, block > work.firstBlock() ? at.next() : at, group);
#pragma unroll 1
        for (block--; block >= work.firstBlock(); block--) {
          const PageRing valuesAt = at.next();
          await(shared.full(at.stage), at.parity);
          syncThreads(kTurns + group, kConsumers * kGroupThreads);
          multiplyQueries(scores, ownQueries, shared.ring + at.stage * kStageBytes);
          await(shared.full(valuesAt.stage), valuesAt.parity);
          multiplyWeights(sums, weights, shared.ring + valuesAt.stage * kStageBytes);
          arriveThreads(kTurns + 1 - group, kConsumers * kGroupThreads);
          awaitProducts<1>();
          if (lane == 0) arrive(shared.empty(at.stage));
          const bool moved = weighBlock(block);
          awaitProducts<0>();
          if (lane == 0) arrive(shared.empty(valuesAt.stage));
          if (moved) rescale(sums, rows);
          pack(weights, scores);
          at = valuesAt.next();
          clear(shared, work, block, block > work.firstBlock() ? at.next() : at, group);
        }
        if (lane == 0) arrive(shared.queriesEmpty(queryAt.stage));
        await(shared.full(at.stage), at.parity);
        multiplyWeights(sums, weights, shared.ring + at.stage * kStageBytes);
        awaitProducts<0>();
        if (lane == 0) arrive(shared.empty(at.stage));
        at.advance();
      } else {
        __syncwarp();
        if (lane == 0) arrive(shared.queriesEmpty(queryAt.stage));
      }
      float valueScale = 1.0f;
      if (p.valueScales != nullptr) {
        valueScale = p.valueScales[tile.sequence * p.sequenceStride + work.kvHead * p.headStride];
      }
#pragma unroll
      for (int h = 0; h < 2; h++) {
        float total = rows.total[h];
        total += __shfl_xor_sync(kAllLanes, total, 1);
        total += __shfl_xor_sync(kAllLanes, total, 2);
        const int row = tile.first + ownRow + 8 * h;
        if (!tile.exists(p, row)) continue;
        const float inverse = exists ? valueScale / total : nanf("");
        float* out = p.out + tile.outRow(p, work.kvHead, row) * kHeadDim + lane % 4 * 2;
#pragma unroll
        for (int j = 0; j < kHeadDim / 8; j++) {
          *reinterpret_cast<float2*>(out + 8 * j) =
              make_float2(sums[4 * j + 2 * h] * inverse, sums[4 * j + 2 * h + 1] * inverse);
        }
      }
      queryAt.advance();
    }
  }
};

}  // namespace

OCTAVO_CONSTANTS(attention_hopper, kTileRows, kSlabBytes)

#define ATTENTION_HOPPER(name, product, headDim)                                                              \
  OCTAVO_LAUNCH(attention_hopper_##name##_##headDim, kHopperThreads, Attention<product, headDim>::kSharedBytes) \
  extern "C" __global__ __launch_bounds__(kHopperThreads, 1) void attention_hopper_##name##_##headDim(       \
      const __grid_constant__ HopperParameters p) {                                                          \
    Attention<product, headDim>::run(p);                                                                     \
  }

ATTENTION_HOPPER(bf16, Bf16Wgmma, 64)
ATTENTION_HOPPER(bf16, Bf16Wgmma, 128)
ATTENTION_HOPPER(f16, HalfWgmma, 64)
ATTENTION_HOPPER(f16, HalfWgmma, 128)

#endif
