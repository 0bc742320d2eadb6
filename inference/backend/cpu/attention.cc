#include "inference/backend/cpu/attention.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "inference/backend/cpu/kernels.h"

namespace citeseek::inference {
namespace {

constexpr int kRows = 48;       // queries times heads that go through the keys together
constexpr int kFewRows = 16;    // up to here memory is waited for, not arithmetic
constexpr int kTileBlocks = 8;  // blocks of keys between two updates of the maximum
constexpr int kTile = kTileBlocks * kKvBlock;
static_assert(kKvBlock == kPanel, "a block of keys is a panel of outputs");

std::size_t Size(std::int64_t n) { return static_cast<std::size_t>(n); }

void Prefetch(const float* begin, std::int64_t floats) {
  for (std::int64_t i = 0; i < floats; i += 16) __builtin_prefetch(begin + i);
}

}  // namespace

struct CpuAttention::Scratch {
  // The rows, set by the caller of Attend.
  std::vector<const float*> q;
  std::vector<float*> y;
  std::vector<int> first_key;  // a row sees keys [first_key, end_key)
  std::vector<int> end_key;
  // Attend's own.
  std::vector<float> scores;  // [rows, kTile]
  std::vector<float> sums;    // [rows, value_width]
  std::vector<float> max;
  std::vector<float> total;
  std::vector<float*> score_rows;
  std::vector<const float*> weight_rows;
  std::vector<float*> sum_rows;
  std::vector<float> keys;  // transposed keys
  // Rows of one head side by side: rows of all heads, often a multiple of 512 bytes long, would
  // fall into a few sets of the first cache.
  std::vector<float> values;
  std::vector<float> queries;

  void Clear() {
    q.clear();
    y.clear();
    first_key.clear();
    end_key.clear();
  }
  void AddRow(const float* query, float* out, int first, int end) {
    q.push_back(query);
    y.push_back(out);
    first_key.push_back(first);
    end_key.push_back(end);
  }
};

// One head's keys and values as blocks of 16.
struct CpuAttention::Keys {
  const float* keys = nullptr;
  const float* values = nullptr;
  const std::int32_t* blocks = nullptr;  // null: block i is number i
  std::int64_t key_block = 0;            // floats from one block's keys to the next
  std::int64_t value_block = 0;
  std::int64_t value_stride = 0;  // floats from one key's value to the next
  bool transpose = false;         // keys lie [16, key_dim], not [key_dim, 16]
  int key_dim = 0;
  int value_dim = 0;

  std::int64_t Number(int block) const { return blocks == nullptr ? block : blocks[block]; }
};

CpuAttention::CpuAttention(ThreadPool& pool) : pool_(pool), scratch_(Size(pool.threads())) {}
CpuAttention::~CpuAttention() = default;

void CpuAttention::Append(const KvCache& cache, Tensor k, Tensor v, const std::int32_t* slots) {
  pool_.Run((k.rows + 31) / 32, [&](int part, int) {
    for (int t = part * 32; t < std::min(k.rows, part * 32 + 32); ++t) {
      const std::int64_t block = slots[t] / kKvBlock;
      const int offset = slots[t] % kKvBlock;
      for (int h = 0; h < cache.heads; ++h) {
        const std::int64_t at = (block * cache.heads + h) * kKvBlock;
        const float* key = k.Row(t) + h * cache.key_dim;
        if (cache.values_in_keys) {
          std::memcpy(cache.keys + (at + offset) * cache.key_dim, key,
                      Size(cache.key_dim) * sizeof(float));
          continue;
        }
        float* column = cache.keys + at * cache.key_dim + offset;
        for (int d = 0; d < cache.key_dim; ++d) column[d * kKvBlock] = key[d];
        std::memcpy(cache.values + (at + offset) * cache.value_dim, v.Row(t) + h * cache.value_dim,
                    Size(cache.value_dim) * sizeof(float));
      }
    }
  });
}

void CpuAttention::Paged(Tensor y, Tensor q, const KvCache& cache, const PagedBatch& batch,
                         const AttendArgs& args) {
  const int group = args.heads / cache.heads;
  // Latent keys are turned round anew for each item.
  const int at_once = cache.values_in_keys ? 2 * kRows : kRows;
  items_.clear();
  for (int s = 0; s < batch.sequences; ++s) {
    const int rows = (batch.query_start[s + 1] - batch.query_start[s]) * group;
    for (int h = 0; h < cache.heads; ++h) {
      for (int first = 0; first < rows; first += at_once) {
        items_.push_back({s, h, first, std::min(at_once, rows - first)});
      }
    }
  }
  // The longest, which are the last of each sequence, first.
  std::reverse(items_.begin(), items_.end());
  pool_.Run(static_cast<int>(items_.size()), [&](int part, int thread) {
    const Item& item = items_[Size(part)];
    const int start = batch.query_start[item.sequence];
    const int count = batch.query_start[item.sequence + 1] - start;
    const int before = batch.context[item.sequence] - count;
    Scratch& scratch = scratch_[Size(thread)];
    scratch.Clear();
    for (int r = item.first_row; r < item.first_row + item.rows; ++r) {
      const int query = r / group;
      const std::int64_t head = item.kv_head * group + r % group;
      const int end = before + query + 1;
      const int first = args.window > 0 ? std::max(0, end - args.window) : 0;
      scratch.AddRow(q.Row(start + query) + head * cache.key_dim,
                     y.Row(start + query) + head * cache.value_dim, first, end);
    }
    const std::int64_t head_keys = std::int64_t{kKvBlock} * cache.key_dim;
    const std::int64_t head_values = std::int64_t{kKvBlock} * cache.value_dim;
    Keys keys = {
        .keys = cache.keys + item.kv_head * head_keys,
        .values = cache.values + item.kv_head * head_values,
        .blocks = batch.blocks + std::int64_t{item.sequence} * batch.max_blocks,
        .key_block = cache.heads * head_keys,
        .value_block = cache.heads * head_values,
        .value_stride = cache.value_dim,
        .key_dim = cache.key_dim,
        .value_dim = cache.value_dim,
    };
    if (cache.values_in_keys) {
      keys.values = keys.keys;
      keys.value_block = keys.key_block;
      keys.value_stride = cache.key_dim;
      keys.transpose = true;
    }
    Attend(keys, args.scale, scratch);
  });
}

void CpuAttention::Full(Tensor y, Tensor q, Tensor k, Tensor v, const std::int32_t* starts,
                        int sequences, const AttendArgs& args) {
  const int dim = q.cols / args.heads;
  pool_.Run(sequences * args.heads, [&](int part, int thread) {
    const int s = part / args.heads;
    const std::int64_t column = std::int64_t{part % args.heads} * dim;
    const int start = starts[s];
    const int length = starts[s + 1] - start;
    Scratch& scratch = scratch_[Size(thread)];
    // Keys of this head, transposed block by block.
    scratch.keys.assign(Size((length + kKvBlock - 1) / kKvBlock) * Size(kKvBlock * dim), 0.0f);
    scratch.values.resize(Size(length) * Size(dim) + kPanel);  // the last panel may be wider
    scratch.queries.resize(kRows * Size(dim));
    const std::size_t row_bytes = Size(dim) * sizeof(float);
    for (int i = 0; i < length; ++i) {
      std::memcpy(scratch.values.data() + Size(i) * Size(dim), v.Row(start + i) + column,
                  row_bytes);
      const float* key = k.Row(start + i) + column;
      float* target =
          scratch.keys.data() + Size(i / kKvBlock) * Size(kKvBlock * dim) + i % kKvBlock;
      for (int d = 0; d < dim; ++d) target[d * kKvBlock] = key[d];
    }
    const Keys keys = {
        .keys = scratch.keys.data(),
        .values = scratch.values.data(),
        .key_block = std::int64_t{kKvBlock} * dim,
        .value_block = std::int64_t{kKvBlock} * dim,
        .value_stride = dim,
        .key_dim = dim,
        .value_dim = dim,
    };
    for (int first = 0; first < length; first += kRows) {
      scratch.Clear();
      for (int i = first; i < std::min(length, first + kRows); ++i) {
        const bool all = args.window <= 0;
        float* query = scratch.queries.data() + Size(i - first) * Size(dim);
        std::memcpy(query, q.Row(start + i) + column, row_bytes);
        scratch.AddRow(query, y.Row(start + i) + column, all ? 0 : std::max(0, i - args.window + 1),
                       all ? length : std::min(length, i + args.window));
      }
      Attend(keys, args.scale, scratch);
    }
  });
}

void CpuAttention::Attend(const Keys& keys, float scale, Scratch& scratch) {
  const std::size_t rows = scratch.q.size();
  const int value_panels = (keys.value_dim + kPanel - 1) / kPanel;
  const std::size_t width = Size(value_panels) * kPanel;
  scratch.scores.resize(rows * kTile);
  scratch.sums.assign(rows * width, 0.0f);
  scratch.max.assign(rows, -std::numeric_limits<float>::infinity());
  scratch.total.assign(rows, 0.0f);
  scratch.score_rows.resize(rows);
  scratch.weight_rows.resize(rows);
  scratch.sum_rows.resize(rows);
  for (std::size_t r = 0; r < rows; ++r) scratch.sum_rows[r] = scratch.sums.data() + r * width;
  if (keys.transpose) scratch.keys.resize(Size(kPanel) * Size(keys.key_dim));
  const int last = *std::max_element(scratch.end_key.begin(), scratch.end_key.end());
  int tile = *std::min_element(scratch.first_key.begin(), scratch.first_key.end());
  for (tile = tile / kTile * kTile; tile < last; tile += kTile) {
    const int blocks = std::min(kTileBlocks, (last - tile + kKvBlock - 1) / kKvBlock);
    for (int b = 0; b < blocks; ++b) {
      const int block = tile / kKvBlock + b;
      const float* panel = keys.keys + keys.Number(block) * keys.key_block;
      if (rows <= kFewRows) {
        // The next keys and these values: the processor does not find them by itself, as each
        // block lies elsewhere.
        if ((block + 1) * kKvBlock < last) {
          Prefetch(keys.keys + keys.Number(block + 1) * keys.key_block, kKvBlock * keys.key_dim);
        }
        if (keys.values != keys.keys) {
          Prefetch(keys.values + keys.Number(block) * keys.value_block,
                   kKvBlock * keys.value_stride);
        }
      }
      if (keys.transpose) {
        for (int j = 0; j < kKvBlock; ++j) {
          for (int d = 0; d < keys.key_dim; ++d) {
            scratch.keys[Size(d * kKvBlock + j)] = panel[j * keys.key_dim + d];
          }
        }
        panel = scratch.keys.data();
      }
      for (std::size_t r = 0; r < rows; ++r) {
        scratch.score_rows[r] = scratch.scores.data() + r * kTile + b * kKvBlock;
      }
      ProductF32({.x = scratch.q.data(),
                  .y = scratch.score_rows.data(),
                  .rows = static_cast<int>(rows),
                  .start = {.accumulate = false},
                  .w = panel,
                  .k = keys.key_dim,
                  .panels = 1});
    }
    for (std::size_t r = 0; r < rows; ++r) {
      float* score = scratch.scores.data() + r * kTile;
      const int begin = std::clamp(scratch.first_key[r] - tile, 0, kTile);
      const int end = std::clamp(scratch.end_key[r] - tile, 0, kTile);
      std::fill(score, score + begin, 0.0f);
      std::fill(score + std::max(begin, end), score + kTile, 0.0f);
      if (begin >= end) continue;
      const float shrink =
          SoftmaxTile(score + begin, end - begin, scale, scratch.max[r], scratch.total[r]);
      if (shrink != 1.0f) ScaleRow(scratch.sum_rows[r], static_cast<int>(width), shrink);
    }
    const float* values[kTileBlocks];
    for (int b = 0; b < blocks; ++b) {
      values[b] = keys.values + keys.Number(tile / kKvBlock + b) * keys.value_block;
    }
    for (std::size_t r = 0; r < rows; ++r) {
      scratch.weight_rows[r] = scratch.scores.data() + r * kTile;
    }
    ProductF32({.x = scratch.weight_rows.data(),
                .y = scratch.sum_rows.data(),
                .rows = static_cast<int>(rows),
                .w_blocks = values,
                .panel_stride = kPanel,
                .k_stride = keys.value_stride,
                .k = std::min(kTile, last - tile),
                .panels = value_panels});
  }
  for (std::size_t r = 0; r < rows; ++r) {
    const float factor = 1.0f / scratch.total[r];
    for (int d = 0; d < keys.value_dim; ++d) scratch.y[r][d] = scratch.sum_rows[r][d] * factor;
  }
}

}  // namespace citeseek::inference
