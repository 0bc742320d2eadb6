#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "inference/backend/backend.h"
#include "inference/backend/cpu/attention.h"
#include "inference/backend/cpu/cpu_matrix.h"
#include "inference/backend/cpu/kernels.h"
#include "inference/backend/cpu/multiply.h"
#include "inference/backend/cpu/thread_pool.h"

namespace citeseek::inference {
namespace {

constexpr std::size_t kReadableBehind = 64;  // the end of a buffer

class CpuBuffer : public Buffer {
 public:
  explicit CpuBuffer(AlignedMemory memory) : memory_(std::move(memory)) {
    data = memory_.data();
    bytes = memory_.bytes();
  }

 private:
  AlignedMemory memory_;
};

// The indices of the count largest of scores [n], best first, ties to the lower index.
void TopIndices(const float* scores, int n, int count, std::int32_t* out) {
  for (int slot = 0; slot < count; ++slot) {
    int best = -1;
    for (int i = 0; i < n; ++i) {
      if (std::find(out, out + slot, i) != out + slot) continue;
      if (best < 0 || scores[i] > scores[best]) best = i;
    }
    out[slot] = best;
  }
}

// Scores of experts outside the best groups become -infinity.
void KeepBestGroups(std::vector<float>& scores, const RouteArgs& args) {
  if (args.top_groups >= args.groups) return;
  const int size = static_cast<int>(scores.size()) / args.groups;
  std::vector<float> group_scores(static_cast<std::size_t>(args.groups));
  for (int g = 0; g < args.groups; ++g) {
    std::int32_t best[2] = {};
    TopIndices(scores.data() + g * size, size, std::min(2, size), best);
    float score = scores[static_cast<std::size_t>(g * size + best[0])];
    if (args.group_by_top2 && size > 1)
      score += scores[static_cast<std::size_t>(g * size + best[1])];
    group_scores[static_cast<std::size_t>(g)] = score;
  }
  std::vector<std::int32_t> kept(static_cast<std::size_t>(args.top_groups));
  TopIndices(group_scores.data(), args.groups, args.top_groups, kept.data());
  for (int g = 0; g < args.groups; ++g) {
    if (std::find(kept.begin(), kept.end(), g) != kept.end()) continue;
    std::fill_n(scores.begin() + g * size, size, -std::numeric_limits<float>::infinity());
  }
}

void RouteToken(float* weights, std::int32_t* ids, int slots, const float* logits, int experts,
                const RouteArgs& args) {
  std::vector<float> scores(logits, logits + experts);
  if (args.sigmoid) {
    for (float& s : scores) s = 1.0f / (1.0f + std::exp(-s));
  } else {
    const float total = ExpRow(scores.data(), experts, MaxRow(logits, experts));
    for (float& s : scores) s /= total;
  }
  std::vector<float> choice = scores;
  if (args.bias != nullptr) {
    for (int i = 0; i < experts; ++i) choice[static_cast<std::size_t>(i)] += args.bias[i];
  }
  KeepBestGroups(choice, args);
  TopIndices(choice.data(), experts, slots, ids);
  float sum = 0;
  for (int s = 0; s < slots; ++s) sum += weights[s] = scores[static_cast<std::size_t>(ids[s])];
  const float factor = args.normalize ? args.scale / (sum + 1e-20f) : args.scale;
  for (int s = 0; s < slots; ++s) weights[s] *= factor;
}

void RotateRow(float* x, const float* angles, const RopeArgs& args) {
  const int half = args.rotary_dim / 2;
  const float* cosines = angles;
  const float* sines = angles + half;
  const int step = args.interleaved ? 2 : 1;
  const int other = args.interleaved ? 1 : half;
  for (int i = 0; i < half; ++i) {
    float* first = x + i * step;
    const float a = first[0];
    const float b = first[other];
    first[0] = a * cosines[i] - b * sines[i];
    first[other] = b * cosines[i] + a * sines[i];
  }
}

class CpuBackend : public Backend {
 public:
  explicit CpuBackend(const CpuOptions& options)
      : pool_(options.threads), multiplier_(pool_), attention_(pool_) {}

  std::string Name() const override {
    return absl::StrCat("cpu (", InstructionSetName(), ", ", pool_.threads(), " threads)");
  }

  absl::StatusOr<std::unique_ptr<Buffer>> Allocate(std::size_t bytes) override {
    auto memory = AlignedMemory::Make(bytes + kReadableBehind);
    if (!memory.ok()) return memory.status();
    return std::make_unique<CpuBuffer>(*std::move(memory));
  }

  absl::StatusOr<std::unique_ptr<Matrix>> MakeMatrix(std::span<const MatrixParts> matrices,
                                                     Storage storage) override {
    return CpuMatrix::Pack(matrices, storage, pool_);
  }

  std::size_t BufferBytes(std::size_t bytes) const override {
    return AlignedMemory::Taken(bytes + kReadableBehind);
  }

  absl::StatusOr<std::size_t> MatrixBytes(std::span<const MatrixParts> matrices,
                                          Storage storage) const override {
    const auto source = MatrixSource::Make(matrices, storage);
    if (!source.ok()) return source.status();
    return CpuMatrix::Bytes(*source);
  }

  void Write(void* target, const void* source, std::size_t bytes) override {
    if (bytes > 0) std::memcpy(target, source, bytes);  // no bytes may be at null
  }

  void Read(void* target, const void* source, std::size_t bytes) override {
    if (bytes > 0) std::memcpy(target, source, bytes);  // no bytes may be at null
  }

  void EmbedRows(Tensor y, const Matrix& table, const std::int32_t* ids, bool accumulate) override {
    const auto& rows = static_cast<const CpuMatrix&>(table);
    ForRows(y.rows, [&](int t) { rows.UnpackRow(ids[t], y.Row(t), accumulate); });
  }

  void Norm(Tensor y, Tensor x, const float* weight, const float* bias, float eps,
            NormKind kind) override {
    ForRows(y.rows, [&](int t) { NormRow(y.Row(t), x.Row(t), x.cols, weight, bias, eps, kind); });
  }

  void Linear(Tensor y, Tensor x, const Matrix& w, const float* bias, bool accumulate) override {
    AddRows(y, x, w);
    multiplier_.Run(bias, accumulate);
  }

  void HeadLinear(Tensor y, int y_step, Tensor x, int x_step, const Matrix& w) override {
    multiplier_.Begin(static_cast<const CpuMatrix&>(w));
    for (int h = 0; h < (x_step == 0 ? 1 : w.count); ++h) {
      for (int t = 0; t < x.rows; ++t) multiplier_.AddInput(x.Row(t) + std::int64_t{h} * x_step);
    }
    for (int h = 0; h < w.count; ++h) {
      for (int t = 0; t < x.rows; ++t) {
        multiplier_.AddProduct(h, (x_step == 0 ? 0 : h * x.rows) + t,
                               y.Row(t) + std::int64_t{h} * y_step);
      }
    }
    multiplier_.Run(nullptr, false);
  }

  void Rope(Tensor x, const float* angles, const RopeArgs& args) override {
    ForRows(x.rows, [&](int t) {
      for (int h = 0; h < args.heads; ++h) {
        float* head = x.Row(t) + std::int64_t{h} * args.head_dim;
        if (args.norm != nullptr) {
          NormRow(head, head, args.head_dim, args.norm, nullptr, args.norm_eps, NormKind::kRms);
        }
        RotateRow(head + args.rotary_begin, angles + std::int64_t{t} * args.rotary_dim, args);
      }
    });
  }

  void AppendKv(const KvCache& cache, Tensor k, Tensor v, const std::int32_t* slots) override {
    attention_.Append(cache, k, v, slots);
  }

  void AttendPaged(Tensor y, Tensor q, const KvCache& cache, const PagedBatch& batch,
                   const AttendArgs& args) override {
    attention_.Paged(y, q, cache, batch, args);
  }

  void AttendFull(Tensor y, Tensor q, Tensor k, Tensor v, const std::int32_t* starts, int sequences,
                  const AttendArgs& args) override {
    attention_.Full(y, q, k, v, starts, sequences, args);
  }

  void Activate(Tensor y, Tensor x, Nonlinearity nonlinearity) override {
    const bool gated = x.cols == 2 * y.cols;
    ForRows(y.rows, [&](int t) {
      ActivateRow(y.Row(t), x.Row(t), gated ? x.Row(t) + y.cols : nullptr, y.cols, nonlinearity);
    });
  }

  void LinearActivate(Tensor y, Tensor products, Tensor x, const Matrix& w, const float* bias,
                      Nonlinearity nonlinearity) override {
    if (y.cols % kPanel != 0) {
      Backend::LinearActivate(y, products, x, w, bias, nonlinearity);
      return;
    }
    AddRows(y, x, w);
    multiplier_.RunActivated(bias, nonlinearity, w.n == 2 * y.cols);
  }

  void Route(Tensor y, std::int32_t* ids, Tensor logits, const RouteArgs& args) override {
    for (int t = 0; t < y.rows; ++t) {
      RouteToken(y.Row(t), ids + std::int64_t{t} * y.cols, y.cols, logits.Row(t), logits.cols,
                 args);
    }
  }

  void ExpertLinear(Tensor y, Tensor x, const Matrix& w, const std::int32_t* ids,
                    int slots) override {
    multiplier_.Begin(static_cast<const CpuMatrix&>(w));
    const int shared = x.rows == y.rows ? 1 : slots;  // rows of y that have the same input
    for (int row = 0; row < x.rows; ++row) multiplier_.AddInput(x.Row(row));
    // Rows of y ordered by expert, in one counting pass.
    const auto experts = static_cast<std::size_t>(w.count);
    expert_begin_.assign(experts + 1, 0);
    for (int i = 0; i < y.rows; ++i) ++expert_begin_[static_cast<std::size_t>(ids[i]) + 1];
    for (std::size_t e = 0; e < experts; ++e) expert_begin_[e + 1] += expert_begin_[e];
    expert_rows_.resize(static_cast<std::size_t>(y.rows));
    for (int i = 0; i < y.rows; ++i) {
      const auto at = expert_begin_[static_cast<std::size_t>(ids[i])]++;
      expert_rows_[static_cast<std::size_t>(at)] = i;
    }
    for (const std::int32_t i : expert_rows_) {
      multiplier_.AddProduct(ids[i], i / shared, y.Row(i));
    }
    multiplier_.Run(nullptr, false);
  }

  void Combine(Tensor y, Tensor x, Tensor weights) override {
    ForRows(y.rows, [&](int t) {
      for (int s = 0; s < weights.cols; ++s) {
        AddScaledRow(y.Row(t), x.Row(std::int64_t{t} * weights.cols + s), y.cols,
                     weights.Row(t)[s]);
      }
    });
  }

  void GatherRows(Tensor y, Tensor x, const std::int32_t* rows) override {
    for (int r = 0; r < y.rows; ++r) {
      std::memcpy(y.Row(r), x.Row(rows[r]), static_cast<std::size_t>(y.cols) * sizeof(float));
    }
  }

  void Pool(Tensor y, Tensor x, const std::int32_t* starts, Pooling pooling) override {
    for (int s = 0; s < y.rows; ++s) {
      std::memcpy(y.Row(s), x.Row(starts[s]), static_cast<std::size_t>(y.cols) * sizeof(float));
      if (pooling == Pooling::kFirst) continue;
      for (int t = starts[s] + 1; t < starts[s + 1]; ++t) {
        AddScaledRow(y.Row(s), x.Row(t), y.cols, 1.0f);
      }
      ScaleRow(y.Row(s), y.cols, 1.0f / static_cast<float>(starts[s + 1] - starts[s]));
    }
  }

 private:
  // Each row of y is a product of w and that row of x.
  void AddRows(Tensor y, Tensor x, const Matrix& w) {
    multiplier_.Begin(static_cast<const CpuMatrix&>(w));
    for (int t = 0; t < x.rows; ++t) {
      multiplier_.AddProduct(0, multiplier_.AddInput(x.Row(t)), y.Row(t));
    }
  }

  // Small steps stay on one thread: waking the others costs more than a row.
  template <typename Body>
  void ForRows(int rows, const Body& body) {
    constexpr int kRowsAtATime = 8;
    pool_.Run((rows + kRowsAtATime - 1) / kRowsAtATime, [&](int part, int) {
      const int end = std::min(rows, (part + 1) * kRowsAtATime);
      for (int t = part * kRowsAtATime; t < end; ++t) body(t);
    });
  }

  ThreadPool pool_;
  Multiplier multiplier_;
  CpuAttention attention_;
  std::vector<int> expert_begin_;
  std::vector<std::int32_t> expert_rows_;
};

}  // namespace

std::unique_ptr<Backend> MakeCpuBackend(const CpuOptions& options) {
  return std::make_unique<CpuBackend>(options);
}

}  // namespace citeseek::inference
