// Attention over cached keys and values, in parts of kPart keys at absolute positions. A block of
// threads has one token and up to kMostHeads query heads that share a key head; of a part it
// computes all scores (a thread a key), their softmax (a warp a head) and the weighted values (a
// thread a dimension). Parts are merged in order with running maxima (Milakov and Gimelshein 2018),
// by the block that went through them or, where one token's parts are spread over blocks, by
// MergeParts, with the same arithmetic: the result is the same bits (Flash-Decoding's split without
// its change of sums).
#include "inference/backend/cuda/kernels.h"
#include "inference/backend/cuda/words.cuh"

namespace citeseek::inference::cuda {
namespace {

constexpr int kThreads = 128;
constexpr int kMostHeads = 8;
constexpr int kPart = 256;
static_assert(kPart % kKvBlock == 0 && kPart % kThreads == 0);

__device__ int Thread() { return static_cast<int>(threadIdx.x); }
unsigned Ceil(std::int64_t a, int b) { return static_cast<unsigned>((a + b - 1) / b); }

// The sequence that a token belongs to: the last that starts at it or before and is not empty.
__device__ int FindSequence(const std::int32_t* starts, int sequences, int token) {
  int low = 0;
  for (int high = sequences; high - low > 1;) {
    const int middle = (low + high) / 2;
    (starts[middle] <= token ? low : high) = middle;
  }
  return low;
}

// The keys [begin, end) that a token sees.
struct Range {
  int begin;
  int end;
};
__device__ Range VisibleTo(const Attention& a, int sequence, int token) {
  const int window = a.args.window;
  const int start = a.starts[sequence];
  const int count = a.starts[sequence + 1] - start;
  if (a.context != nullptr) {
    const int end = a.context[sequence] - count + token - start + 1;
    return {window > 0 ? max(0, end - window) : 0, end};
  }
  const int at = token - start;
  if (window <= 0) return {0, count};
  return {max(0, at - window + 1), min(count, at + window)};
}

// How much an earlier and a later part weigh in the sum of both.
struct Shares {
  float max, earlier, later;
};
__device__ Shares ShareOf(float earlier_max, float later_max) {
  const float top = fmaxf(earlier_max, later_max);
  return {top, expf(earlier_max - top), expf(later_max - top)};
}

// Where a part's results wait for MergeParts: maximum, total, then value_dim sums.
__device__ float* PartAt(const Attention& a, int parts, int token, int head, int part) {
  const std::int64_t number = (std::int64_t{token} * a.args.heads + head) * parts + part;
  return a.scratch + number * (a.cache.value_dim + 2);
}

// What the threads of a block share.
struct Shared {
  float* q;        // [key_dim, heads]
  float* weights;  // [heads, kPart]
  float* part_max;
  float* part_total;
  float* max;  // of the parts so far
  float* total;
};

// Scores of keys [begin, end) of a part.
template <int kHeads>
__device__ void Score(const Attention& a, const std::int32_t* blocks, std::int64_t first_block,
                      int kv_head, const Shared& s, int part, int begin, int end) {
  const std::int64_t head_size = std::int64_t{a.cache.key_dim} * kKvBlock;
  for (int key = part * kPart + Thread(); key < end; key += kThreads) {
    if (key < begin) continue;
    const std::int64_t block =
        blocks != nullptr ? blocks[key / kKvBlock] : first_block + key / kKvBlock;
    const float* k = a.cache.keys + (block * a.cache.heads + kv_head) * head_size + key % kKvBlock;
    float sums[kHeads] = {};
    for (int d = 0; d < a.cache.key_dim; ++d) {
      const float value = k[d * kKvBlock];
#pragma unroll
      for (int h = 0; h < kHeads; ++h) sums[h] = fmaf(s.q[d * kHeads + h], value, sums[h]);
    }
#pragma unroll
    for (int h = 0; h < kHeads; ++h) {
      s.weights[h * kPart + key - part * kPart] = sums[h] * a.args.scale;
    }
  }
}

// Scores [begin, end) of a part, counted from its first key, become weights.
template <int kHeads>
__device__ void Softmax(const Shared& s, int begin, int end) {
  const int lane = Thread() % kWarp;
  for (int h = Thread() / kWarp; h < kHeads; h += kThreads / kWarp) {
    float* weights = s.weights + h * kPart;
    float top = -INFINITY;
    for (int i = begin + lane; i < end; i += kWarp) top = fmaxf(top, weights[i]);
    top = WarpMax(top);
    float total = 0;
    for (int i = begin + lane; i < end; i += kWarp) total += weights[i] = expf(weights[i] - top);
    total = WarpSum(total);
    if (lane == 0) {
      s.part_max[h] = top;
      s.part_total[h] = total;
    }
  }
}

// sums = weighted sum of dimension d over the keys [begin, end) of a part.
template <int kHeads>
__device__ void Weigh(const Attention& a, const std::int32_t* blocks, std::int64_t first_block,
                      int kv_head, const Shared& s, int part, int begin, int end, int d,
                      float (&sums)[kHeads]) {
  const bool in_keys = a.cache.values_in_keys;
  const float* base = in_keys ? a.cache.keys : a.cache.values;
  const std::int64_t head_size =
      std::int64_t{in_keys ? a.cache.key_dim : a.cache.value_dim} * kKvBlock;
  for (int key = begin / kKvBlock * kKvBlock; key < end; key += kKvBlock) {
    const std::int64_t block =
        blocks != nullptr ? blocks[key / kKvBlock] : first_block + key / kKvBlock;
    const float4* values = reinterpret_cast<const float4*>(
        base + (block * a.cache.heads + kv_head) * head_size + std::int64_t{d} * kKvBlock);
    for (int quarter = 0; quarter < kKvBlock / 4; ++quarter) {
      const float4 four = values[quarter];
      const float value[4] = {four.x, four.y, four.z, four.w};
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const int at = key + 4 * quarter + i;
        if (at < begin || at >= end) continue;  // what was never written may be no number
#pragma unroll
        for (int h = 0; h < kHeads; ++h) {
          sums[h] = fmaf(s.weights[h * kPart + at - part * kPart], value[i], sums[h]);
        }
      }
    }
  }
}

// Grid: tokens; key heads times groups of query heads; parts, or 1 for all parts in order.
template <int kHeads>
__global__ void __launch_bounds__(kThreads) AttendToken(const Attention a, int parts) {
  const int token = static_cast<int>(blockIdx.x);
  const int group = a.args.heads / a.cache.heads;
  const int groups = (group + kHeads - 1) / kHeads;  // of a key head
  const int kv_head = static_cast<int>(blockIdx.y) / groups;
  const int first = static_cast<int>(blockIdx.y) % groups * kHeads;
  const int heads = min(kHeads, group - first);
  const int first_head = kv_head * group + first;
  const int sequence = FindSequence(a.starts, a.sequences, token);
  const Range seen = VisibleTo(a, sequence, token);
  const std::int32_t* blocks =
      a.blocks == nullptr ? nullptr : a.blocks + std::int64_t{sequence} * a.max_blocks;
  const std::int64_t first_block = a.starts[sequence] / kKvBlock + sequence;
  const bool alone = gridDim.z == 1;
  const int first_part = alone ? seen.begin / kPart : static_cast<int>(blockIdx.z);
  const int end_part = alone ? (seen.end + kPart - 1) / kPart : first_part + 1;

  if (first_part * kPart >= seen.end || end_part * kPart <= seen.begin) return;

  Shared s;
  s.q = BlockMemory();
  s.weights = s.q + a.cache.key_dim * kHeads;
  s.part_max = s.weights + kHeads * kPart;
  s.part_total = s.part_max + kHeads;
  s.max = s.part_total + kHeads;
  s.total = s.max + kHeads;
  for (int i = Thread(); i < a.cache.key_dim * kHeads; i += kThreads) {
    const int head = first_head + i % kHeads;
    s.q[i] = i % kHeads < heads
                 ? a.q.data[token * a.q.stride + std::int64_t{head} * a.cache.key_dim + i / kHeads]
                 : 0.0f;
  }
  if (Thread() < kHeads) {
    s.max[Thread()] = -INFINITY;
    s.total[Thread()] = 0;
  }
  float* y = a.y.data + token * a.y.stride + std::int64_t{first_head} * a.cache.value_dim;

  bool begun = false;
  for (int part = first_part; part < end_part; ++part) {
    const int begin = max(seen.begin, part * kPart);
    const int end = min(seen.end, (part + 1) * kPart);
    if (begin >= end) continue;
    __syncthreads();
    Score<kHeads>(a, blocks, first_block, kv_head, s, part, begin, end);
    __syncthreads();
    Softmax<kHeads>(s, begin - part * kPart, end - part * kPart);
    __syncthreads();
    for (int d = Thread(); d < a.cache.value_dim; d += kThreads) {
      float sums[kHeads] = {};
      Weigh(a, blocks, first_block, kv_head, s, part, begin, end, d, sums);
#pragma unroll
      for (int h = 0; h < kHeads; ++h) {
        if (h >= heads) continue;
        if (!alone) {
          PartAt(a, parts, token, first_head + h, part)[2 + d] = sums[h];
          continue;
        }
        float* out = y + h * a.cache.value_dim + d;
        const Shares share = ShareOf(s.max[h], s.part_max[h]);
        *out = fmaf(sums[h], share.later, begun ? *out * share.earlier : 0.0f);
      }
    }
    begun = true;
    __syncthreads();
    if (Thread() >= heads) continue;
    const int h = Thread();
    if (alone) {
      const Shares share = ShareOf(s.max[h], s.part_max[h]);
      s.max[h] = share.max;
      s.total[h] = fmaf(s.part_total[h], share.later, s.total[h] * share.earlier);
    } else {
      PartAt(a, parts, token, first_head + h, part)[0] = s.part_max[h];
      PartAt(a, parts, token, first_head + h, part)[1] = s.part_total[h];
    }
  }
  if (!alone) return;
  __syncthreads();
  for (int d = Thread(); d < a.cache.value_dim; d += kThreads) {
    for (int h = 0; h < heads; ++h) y[h * a.cache.value_dim + d] /= s.total[h];
  }
}

// Grid: tokens, heads.
__global__ void MergeParts(const Attention a, int parts) {
  const int token = static_cast<int>(blockIdx.x);
  const int head = static_cast<int>(blockIdx.y);
  const Range seen = VisibleTo(a, FindSequence(a.starts, a.sequences, token), token);
  float* y = a.y.data + token * a.y.stride + std::int64_t{head} * a.cache.value_dim;
  for (int d = Thread(); d < a.cache.value_dim; d += kThreads) {
    float top = -INFINITY;
    float total = 0;
    float sum = 0;
    bool begun = false;
    for (int part = seen.begin / kPart; part * kPart < seen.end; ++part) {
      const float* later = PartAt(a, parts, token, head, part);
      const Shares share = ShareOf(top, later[0]);
      sum = fmaf(later[2 + d], share.later, begun ? sum * share.earlier : 0.0f);
      total = fmaf(later[1], share.later, total * share.earlier);
      top = share.max;
      begun = true;
    }
    y[d] = sum / total;
  }
}

// Grid: columns of all heads, tokens. Without slots: as PackKv says.
__global__ void PutToken(float* cache, int heads, int dim, const Tensor x,
                         const std::int32_t* slots, const std::int32_t* starts, int sequences) {
  const int i = static_cast<int>(blockIdx.x) * kThreads + Thread();
  const int token = static_cast<int>(blockIdx.y);
  if (i >= heads * dim) return;
  std::int64_t slot = 0;
  if (slots != nullptr) {
    slot = slots[token];
  } else {
    const int sequence = FindSequence(starts, sequences, token);
    const std::int64_t block = starts[sequence] / kKvBlock + sequence;
    slot = block * kKvBlock + token - starts[sequence];
  }
  const std::int64_t block = slot / kKvBlock;
  cache[((block * heads + i / dim) * dim + i % dim) * kKvBlock + slot % kKvBlock] =
      x.data[token * x.stride + i];
}

void Put(Stream stream, const KvCache& cache, Tensor k, Tensor v, const std::int32_t* slots,
         const std::int32_t* starts, int sequences) {
  const auto put = [&](float* target, int dim, Tensor x) {
    const dim3 grid(Ceil(std::int64_t{cache.heads} * dim, kThreads), static_cast<unsigned>(k.rows));
    Launch(stream, PutToken, grid, kThreads, 0, target, cache.heads, dim, x, slots, starts,
           sequences);
  };
  put(cache.keys, cache.key_dim, k);
  if (!cache.values_in_keys) put(cache.values, cache.value_dim, v);
}

// So many blocks keep a large device busy.
constexpr std::int64_t kEnoughBlocks = 512;

template <int kHeads>
void LaunchAttend(Stream stream, const Attention& attention) {
  const KvCache& cache = attention.cache;
  const int heads = attention.args.heads;
  const int group = heads / cache.heads;
  const unsigned rows = static_cast<unsigned>(cache.heads) * Ceil(group, kHeads);
  const std::size_t memory =
      sizeof(float) * static_cast<std::size_t>(kHeads * (cache.key_dim + kPart + 4));
  const auto tokens = static_cast<unsigned>(attention.q.rows);
  // The context's length is known to the device alone; the table tells how long it may be.
  const int parts = attention.context == nullptr
                        ? 1
                        : static_cast<int>(Ceil(attention.max_blocks, kPart / kKvBlock));
  const std::size_t needed = sizeof(float) * std::size_t{tokens} * static_cast<std::size_t>(heads) *
                             static_cast<std::size_t>(parts) *
                             static_cast<std::size_t>(cache.value_dim + 2);
  const bool spread = parts > 1 && parts <= 65535 && needed <= attention.scratch_bytes &&
                      std::int64_t{tokens} * rows < kEnoughBlocks;
  const dim3 grid(tokens, rows, spread ? static_cast<unsigned>(parts) : 1);
  Launch(stream, AttendToken<kHeads>, grid, kThreads, memory, attention, parts);
  if (spread) {
    Launch(stream, MergeParts, dim3(tokens, static_cast<unsigned>(heads)), kThreads, 0, attention,
           parts);
  }
}

}  // namespace

void AppendKv(Stream stream, const KvCache& cache, Tensor k, Tensor v, const std::int32_t* slots) {
  Put(stream, cache, k, v, slots, nullptr, 0);
}

void PackKv(Stream stream, const KvCache& cache, Tensor k, Tensor v, const std::int32_t* starts,
            int sequences) {
  Put(stream, cache, k, v, nullptr, starts, sequences);
}

void Attend(Stream stream, const Attention& attention) {
  const int group = attention.args.heads / attention.cache.heads;
  if (group == 1) {
    LaunchAttend<1>(stream, attention);
  } else if (group <= 4) {
    LaunchAttend<4>(stream, attention);
  } else {
    LaunchAttend<kMostHeads>(stream, attention);
  }
}

}  // namespace citeseek::inference::cuda
