// Products of f32 rows with panels of f32, f16 or bf16 weights, for every target of Highway.
#include "inference/backend/cpu/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "inference/backend/cpu/product_kernels.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace citeseek::inference::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::CappedTag<float, kPanel>;
using V = hn::Vec<D>;
constexpr int kLanes = static_cast<int>(hn::MaxLanes(D()));
constexpr int kVectors = kPanel / kLanes;  // in a panel
// Accumulators that fit the registers beside the weights and one input.
constexpr int kAccumulators = kLanes >= 16 ? 24 : 12;
constexpr int kMaxRows = kLanes >= 16 ? 8 : (kVectors > 2 ? 3 : 6);

HWY_INLINE V LoadWeights(const float* w) { return hn::LoadU(D(), w); }
template <typename T>
HWY_INLINE V LoadWeights(const T* w) {
  return hn::PromoteTo(D(), hn::LoadU(hn::Rebind<T, D>(), w));
}

// kRows rows times kPanels panels, all in registers.
template <int kRows, int kPanels, typename T>
HWY_INLINE void Tile(const Product& p, int row, int panel) {
  const std::int64_t column = std::int64_t{panel} * kPanel;
  constexpr int kWide = kPanels * kVectors;
  V sum[kRows][kWide];
  const float* x[kRows];
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
    x[r] = p.x[row + r];
#pragma GCC unroll 16
    for (int c = 0; c < kWide; ++c) {
      const std::int64_t at = column + c * kLanes;
      sum[r][c] = p.start.accumulate ? hn::LoadU(D(), p.y[row + r] + at) : hn::Zero(D());
      if (p.start.bias != nullptr) {
        sum[r][c] = hn::Add(sum[r][c], hn::LoadU(D(), p.start.bias + at));
      }
    }
  }
  // Without blocks, all of k is one.
  const std::int64_t block = p.w_blocks != nullptr ? kPanel : p.k;
  for (std::int64_t begin = 0; begin < p.k; begin += block) {
    const T* w = static_cast<const T*>(p.w);
    if constexpr (sizeof(T) == sizeof(float)) {
      if (p.w_blocks != nullptr) w = p.w_blocks[begin / kPanel];
    }
    w += panel * p.panel_stride;
    const std::int64_t end = HWY_MIN(begin + block, p.k);
    // Counting and jumping would be a sixth of the instructions.
#pragma GCC unroll 4
    for (std::int64_t i = begin; i < end; ++i) {
      V weights[kWide];
#pragma GCC unroll 16
      for (int c = 0; c < kWide; ++c) {
        weights[c] = LoadWeights(w + (c / kVectors) * p.panel_stride + (c % kVectors) * kLanes);
      }
      w += p.k_stride;
#pragma GCC unroll 16
      for (int r = 0; r < kRows; ++r) {
        const V input = hn::Set(D(), x[r][i]);
#pragma GCC unroll 16
        for (int c = 0; c < kWide; ++c) sum[r][c] = hn::MulAdd(input, weights[c], sum[r][c]);
      }
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 16
    for (int c = 0; c < kWide; ++c) {
      hn::StoreU(sum[r][c], D(), p.y[row + r] + column + c * kLanes);
    }
  }
}

template <int kRows, typename T>
HWY_NOINLINE void Panels(const Product& p, int row) {
  constexpr int kFit = kAccumulators / (kRows * kVectors);
  constexpr int kPanels = kFit < 1 ? 1 : (kFit > 4 ? 4 : kFit);
  int panel = 0;
  for (; panel + kPanels <= p.panels; panel += kPanels) Tile<kRows, kPanels, T>(p, row, panel);
  for (; panel < p.panels; ++panel) Tile<kRows, 1, T>(p, row, panel);
}

template <int kRows, typename T>
HWY_INLINE void SomeRows(const Product& p, int row, int rows) {
  if constexpr (kRows > 0) {
    if (rows == kRows) {
      Panels<kRows, T>(p, row);
    } else {
      SomeRows<kRows - 1, T>(p, row, rows);
    }
  }
}

template <typename T>
HWY_INLINE void Multiply(const Product& p) {
  // Rows in groups of nearly the same size: a group of one would wait for every sum.
  const int groups = (p.rows + kMaxRows - 1) / kMaxRows;
  for (int group = 0, row = 0; group < groups; ++group) {
    const int rows = (p.rows - row) / (groups - group);
    SomeRows<kMaxRows, T>(p, row, rows);
    row += rows;
  }
}

void MultiplyF32(const Product& p) { Multiply<float>(p); }
void MultiplyF16(const Product& p) { Multiply<hwy::float16_t>(p); }
void MultiplyBF16(const Product& p) { Multiply<hwy::bfloat16_t>(p); }

}  // namespace citeseek::inference::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace citeseek::inference {

HWY_EXPORT(MultiplyF32);
HWY_EXPORT(MultiplyF16);
HWY_EXPORT(MultiplyBF16);

void ProductF32(const Product& product) { HWY_DYNAMIC_DISPATCH(MultiplyF32)(product); }
void ProductF16(const Product& product) { HWY_DYNAMIC_DISPATCH(MultiplyF16)(product); }
void ProductBF16(const Product& product) { HWY_DYNAMIC_DISPATCH(MultiplyBF16)(product); }

}  // namespace citeseek::inference
#endif
