#include "inference/backend/cpu/multiply.h"

#include <algorithm>
#include <cstring>

namespace citeseek::inference {
namespace {

// Weights that one thread goes through for all rows before it moves on: a quarter of a small L2
// cache, which two threads may share.
constexpr std::size_t kChunkBytes = 128u << 10;
// Inputs of f32 rows that are taken at a time, so that they stay in the L1 cache.
constexpr int kInputs = 512;
// Up to here weights are read once and nothing needs to stay anywhere.
constexpr int kFewRows = 12;

}  // namespace

Multiplier::Multiplier(ThreadPool& pool)
    : pool_(pool), scratch_(static_cast<std::size_t>(pool.threads())) {}

void Multiplier::Begin(const CpuMatrix& w) {
  w_ = &w;
  inputs_.clear();
  product_input_.clear();
  product_y_.clear();
  segments_.clear();
}

int Multiplier::AddInput(const float* x) {
  inputs_.push_back(x);
  return static_cast<int>(inputs_.size()) - 1;
}

void Multiplier::AddProduct(int matrix, int input, float* y) {
  const int at = static_cast<int>(product_y_.size());
  if (segments_.empty() || segments_.back().matrix != matrix) segments_.push_back({matrix, at, at});
  segments_.back().end = at + 1;
  product_input_.push_back(input);
  product_y_.push_back(y);
}

void Multiplier::Quantize() {
  const auto width =
      static_cast<std::size_t>((w_->k + kQuantBlock - 1) / kQuantBlock) * kQuantBlock;
  const std::size_t blocks = width / kQuantBlock;
  values_.resize(inputs_.size() * width);
  scales_.resize(inputs_.size() * blocks);
  sums_.resize(inputs_.size() * blocks);
  offsets_.resize(inputs_.size() * blocks);
  const QuantInputs rounding = w_->storage() == Storage::kQ8 ? Q8Inputs() : Q4Inputs();
  quantized_.resize(inputs_.size());
  constexpr std::size_t kRowsAtATime = 8;
  pool_.Run(static_cast<int>((inputs_.size() + kRowsAtATime - 1) / kRowsAtATime),
            [&](int part, int) {
              const std::size_t begin = static_cast<std::size_t>(part) * kRowsAtATime;
              const std::size_t end = std::min(inputs_.size(), begin + kRowsAtATime);
              for (std::size_t i = begin; i < end; ++i) {
                const QuantTarget target = {&values_[i * width], &scales_[i * blocks],
                                            &sums_[i * blocks], &offsets_[i * blocks]};
                QuantizeRow(inputs_[i], w_->k, rounding, target);
                quantized_[i] = {target.values, target.scales, target.sums, target.offsets};
              }
            });
}

void Multiplier::Run(const float* bias, bool accumulate) {
  if (product_y_.empty()) return;
  if (w_->quantized()) Quantize();
  const bool few = segments_.size() == 1 && product_y_.size() <= kFewRows;
  const int at_once = w_->quantized() ? kBlocksAtOnce * kQuantBlock : kInputs;
  const std::size_t deep_bytes = w_->panel_bytes() / static_cast<std::size_t>(w_->k) *
                                 static_cast<std::size_t>(std::min(w_->k, at_once));
  // A chunk fits the cache, unless rows are few; and enough of them keep all threads busy to the
  // end.
  const int share = w_->panels() * static_cast<int>(segments_.size()) / (pool_.threads() * 16);
  const int fit = few ? w_->panels() : static_cast<int>(kChunkBytes / deep_bytes);
  const int per_chunk = std::max(std::min(share, fit), few ? 4 : 1);
  const int chunks = (w_->panels() + per_chunk - 1) / per_chunk;
  pool_.Run(chunks * static_cast<int>(segments_.size()), [&](int part, int thread) {
    const Segment& segment = segments_[static_cast<std::size_t>(part / chunks)];
    const int first = part % chunks * per_chunk;
    Chunk(segment, first, std::min(per_chunk, w_->panels() - first), {accumulate, bias},
          scratch_[static_cast<std::size_t>(thread)]);
  });
}

void Multiplier::Chunk(const Segment& segment, int first_panel, int panels, ProductStart start,
                       Scratch& scratch) {
  const auto rows = static_cast<std::size_t>(segment.end - segment.begin);
  const int column = first_panel * kPanel;
  const int full = std::min(panels, w_->n / kPanel - first_panel);
  scratch.x.resize(rows);
  scratch.quant_x.resize(rows);
  scratch.y.resize(rows);
  for (std::size_t r = 0; r < rows; ++r) {
    const std::size_t product = static_cast<std::size_t>(segment.begin) + r;
    const auto input = static_cast<std::size_t>(product_input_[product]);
    scratch.x[r] = inputs_[input];
    if (w_->quantized()) scratch.quant_x[r] = quantized_[input];
    scratch.y[r] = product_y_[product] + column;
  }
  if (start.bias != nullptr) start.bias += column;
  Panels(segment, first_panel, full, start, scratch);
  if (full == panels) return;
  // The last panel is wider than y: compute beside it.
  const int last = full * kPanel;
  const auto rest_bytes = static_cast<std::size_t>(w_->n % kPanel) * sizeof(float);
  scratch.edge.assign(rows * kPanel, 0.0f);
  for (std::size_t r = 0; r < rows; ++r) {
    const std::size_t product = static_cast<std::size_t>(segment.begin) + r;
    float* edge = scratch.edge.data() + r * kPanel;
    std::memcpy(edge, product_y_[product] + column + last, rest_bytes);
    scratch.y[r] = edge;
    scratch.x[r] = inputs_[static_cast<std::size_t>(product_input_[product])];
  }
  if (start.bias != nullptr) start.bias += last;
  Panels(segment, first_panel + full, 1, start, scratch);
  for (std::size_t r = 0; r < rows; ++r) {
    std::memcpy(product_y_[static_cast<std::size_t>(segment.begin) + r] + column + last,
                scratch.edge.data() + r * kPanel, rest_bytes);
  }
}

void Multiplier::Panels(const Segment& segment, int first_panel, int panels, ProductStart start,
                        Scratch& scratch) {
  if (panels == 0) return;
  const int rows = segment.end - segment.begin;
  const std::byte* w = w_->Panel(segment.matrix, first_panel);
  if (w_->quantized()) {
    const QuantProduct product = {.x = scratch.quant_x.data(),
                                  .y = scratch.y.data(),
                                  .rows = rows,
                                  .start = start,
                                  .w = w,
                                  .blocks = (w_->k + kQuantBlock - 1) / kQuantBlock,
                                  .panels = panels};
    w_->storage() == Storage::kQ8 ? ProductQ8(product) : ProductQ4(product);
    return;
  }
  const int step = rows <= kFewRows ? w_->k : kInputs;
  const std::size_t element = w_->storage() == Storage::kF32 ? 4 : 2;
  for (int begin = 0; begin < w_->k; begin += step) {
    const int inputs = std::min(step, w_->k - begin);
    const Product product = {
        .x = scratch.x.data(),
        .y = scratch.y.data(),
        .rows = rows,
        .start = start,
        .w = w + static_cast<std::size_t>(begin) * kPanel * element,
        .panel_stride = std::int64_t{w_->k} * kPanel,
        .k_stride = kPanel,
        .k = inputs,
        .panels = panels,
    };
    switch (w_->storage()) {
      case Storage::kF16:
        ProductF16(product);
        break;
      case Storage::kBF16:
        ProductBF16(product);
        break;
      default:
        ProductF32(product);
    }
    for (const float*& x : scratch.x) x += inputs;
    start = {};
  }
}

}  // namespace citeseek::inference
