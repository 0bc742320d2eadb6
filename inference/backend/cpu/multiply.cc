#include "inference/backend/cpu/multiply.h"

#include <algorithm>
#include <cstring>

namespace citeseek::inference {
namespace {

// Weights that one thread goes through for all rows before it moves on: a quarter of a small L2
// cache, which two threads may share.
constexpr std::size_t kChunkBytes = 128u << 10;
// Rows that go through a chunk together: they and their sums stay in the rest of that cache.
constexpr int kPartRows = 128;
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
  const std::size_t blocks = Blocks();
  quantized_.resize(inputs_.size() * blocks);
  const QuantInputs rounding = w_->storage() == Storage::kQ8   ? Q8Inputs()
                               : w_->storage() == Storage::kQ5 ? Q5Inputs()
                                                               : Q4Inputs();
  constexpr std::size_t kRowsAtATime = 8;
  pool_.Run(static_cast<int>((inputs_.size() + kRowsAtATime - 1) / kRowsAtATime),
            [&](int part, int) {
              const std::size_t begin = static_cast<std::size_t>(part) * kRowsAtATime;
              const std::size_t end = std::min(inputs_.size(), begin + kRowsAtATime);
              for (std::size_t i = begin; i < end; ++i) {
                QuantizeRow(inputs_[i], w_->k, rounding, &quantized_[i * blocks]);
              }
            });
}

void Multiplier::ForParts(int panels, int together,
                          absl::FunctionRef<void(const Part&, Scratch&)> body) {
  if (product_y_.empty()) return;
  if (w_->quantized()) Quantize();
  int rows = 0;
  for (const Segment& segment : segments_) rows = std::max(rows, segment.end - segment.begin);
  const bool few = segments_.size() == 1 && rows <= kFewRows;
  const int at_once = w_->quantized() ? kBlocksAtOnce * kQuantBlock : kInputs;
  const std::size_t deep_bytes = w_->panel_bytes() / static_cast<std::size_t>(w_->k) *
                                 static_cast<std::size_t>(std::min(w_->k, at_once));
  // A chunk fits the cache, unless rows are few; and enough parts keep all threads busy to the end.
  const int row_parts = (rows + kPartRows - 1) / kPartRows;
  const int groups = static_cast<int>(segments_.size());
  const int share = panels * groups * row_parts / (pool_.threads() * 16);
  const int fit = few ? panels : static_cast<int>(kChunkBytes / deep_bytes) / together;
  const int per_chunk = std::max(std::min(share, fit), few ? 4 : 1);
  const int chunks = (panels + per_chunk - 1) / per_chunk;
  // The parts with the same weights follow each other, so that only the first reads them from
  // memory.
  pool_.Run(groups * chunks * row_parts, [&](int number, int thread) {
    const Segment& segment = segments_[static_cast<std::size_t>(number / (chunks * row_parts))];
    const int begin = segment.begin + number % row_parts * kPartRows;
    const int first = number / row_parts % chunks * per_chunk;
    if (begin >= segment.end) return;
    body({.matrix = segment.matrix,
          .begin = begin,
          .end = std::min(segment.end, begin + kPartRows),
          .panel = first,
          .panels = std::min(per_chunk, panels - first)},
         scratch_[static_cast<std::size_t>(thread)]);
  });
}

void Multiplier::Run(const float* bias, bool accumulate) {
  ForParts(w_->panels(), 1, [&](const Part& part, Scratch& scratch) {
    Inputs(part, scratch);
    Write(part, {accumulate, bias}, scratch);
  });
}

void Multiplier::RunActivated(const float* bias, Nonlinearity nonlinearity, bool gated) {
  const int halves = gated ? 2 : 1;
  const int half = w_->panels() / halves;
  ForParts(half, halves, [&](const Part& part, Scratch& scratch) {
    Inputs(part, scratch);
    const auto rows = static_cast<std::size_t>(part.end - part.begin);
    const int columns = part.panels * kPanel;
    const std::size_t width = static_cast<std::size_t>(columns) * static_cast<std::size_t>(halves);
    scratch.inner.resize(rows * width);
    for (int h = 0; h < halves; ++h) {
      Part products = part;
      products.panel += h * half;
      for (std::size_t r = 0; r < rows; ++r) {
        scratch.y[r] = scratch.inner.data() + r * width + h * columns;
        if (h > 0) scratch.x[r] = inputs_[InputOf(part, r)];
      }
      Panels(products, {false, bias == nullptr ? nullptr : bias + products.panel * kPanel},
             scratch);
    }
    for (std::size_t r = 0; r < rows; ++r) {
      const float* inner = scratch.inner.data() + r * width;
      ActivateRow(product_y_[static_cast<std::size_t>(part.begin) + r] + part.panel * kPanel, inner,
                  gated ? inner + columns : nullptr, columns, nonlinearity);
    }
  });
}

std::size_t Multiplier::Blocks() const {
  return static_cast<std::size_t>((w_->k + kQuantBlock - 1) / kQuantBlock);
}

std::size_t Multiplier::InputOf(const Part& part, std::size_t row) const {
  return static_cast<std::size_t>(product_input_[static_cast<std::size_t>(part.begin) + row]);
}

void Multiplier::Inputs(const Part& part, Scratch& scratch) const {
  const auto rows = static_cast<std::size_t>(part.end - part.begin);
  scratch.x.resize(rows);
  scratch.quant_x.resize(rows);
  scratch.y.resize(rows);
  for (std::size_t r = 0; r < rows; ++r) {
    const std::size_t input = InputOf(part, r);
    scratch.x[r] = inputs_[input];
    if (w_->quantized()) scratch.quant_x[r] = &quantized_[input * Blocks()];
  }
}

void Multiplier::Write(const Part& part, ProductStart start, Scratch& scratch) {
  const auto rows = static_cast<std::size_t>(part.end - part.begin);
  const int column = part.panel * kPanel;
  Part full = part;
  full.panels = std::min(part.panels, w_->n / kPanel - part.panel);
  const auto y = [&](std::size_t r) {
    return product_y_[static_cast<std::size_t>(part.begin) + r] + column;
  };
  for (std::size_t r = 0; r < rows; ++r) scratch.y[r] = y(r);
  if (start.bias != nullptr) start.bias += column;
  Panels(full, start, scratch);
  if (full.panels == part.panels) return;
  // The last panel is wider than y: compute beside it.
  const int last = full.panels * kPanel;
  const auto rest_bytes = static_cast<std::size_t>(w_->n % kPanel) * sizeof(float);
  scratch.edge.assign(rows * kPanel, 0.0f);
  for (std::size_t r = 0; r < rows; ++r) {
    float* edge = scratch.edge.data() + r * kPanel;
    std::memcpy(edge, y(r) + last, rest_bytes);
    scratch.y[r] = edge;
    scratch.x[r] = inputs_[InputOf(part, r)];
  }
  if (start.bias != nullptr) start.bias += last;
  full.panel += full.panels;
  full.panels = 1;
  Panels(full, start, scratch);
  for (std::size_t r = 0; r < rows; ++r) {
    std::memcpy(y(r) + last, scratch.edge.data() + r * kPanel, rest_bytes);
  }
}

void Multiplier::Panels(const Part& part, ProductStart start, Scratch& scratch) {
  if (part.panels == 0) return;
  const int rows = part.end - part.begin;
  const std::byte* w = w_->Panel(part.matrix, part.panel);
  if (w_->quantized()) {
    const QuantProduct product = {.x = scratch.quant_x.data(),
                                  .y = scratch.y.data(),
                                  .rows = rows,
                                  .start = start,
                                  .w = w,
                                  .blocks = static_cast<int>(Blocks()),
                                  .panels = part.panels};
    switch (w_->storage()) {
      case Storage::kQ8:
        return ProductQ8(product);
      case Storage::kQ5:
        return ProductQ5(product);
      default:
        return ProductQ4(product);
    }
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
        .panels = part.panels,
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
