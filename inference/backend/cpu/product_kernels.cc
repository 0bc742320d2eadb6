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
constexpr int kMaxRows = kAccumulators / 2 / (kVectors > 2 ? 2 : 1);

HWY_INLINE V LoadWeights(const float* w) { return hn::LoadU(D(), w); }
template <typename T>
HWY_INLINE V LoadWeights(const T* w) {
  return hn::PromoteTo(D(), hn::LoadU(hn::Rebind<T, D>(), w));
}

// kRows rows times kPanels panels, all in registers.
template <int kRows, int kPanels, typename T>
HWY_INLINE void Tile(const Product& p, int row, const T* w, std::int64_t column) {
  constexpr int kWide = kPanels * kVectors;
  V sum[kRows][kWide];
  const float* x[kRows];
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
    x[r] = p.x[row + r];
#pragma GCC unroll 16
    for (int c = 0; c < kWide; ++c) {
      sum[r][c] = hn::LoadU(D(), p.y[row + r] + column + c * kLanes);
    }
  }
  for (std::int64_t i = 0; i < p.k; ++i) {
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
  const T* w = static_cast<const T*>(p.w);
  int panel = 0;
  for (; panel + kPanels <= p.panels; panel += kPanels) {
    Tile<kRows, kPanels>(p, row, w + panel * p.panel_stride, panel * std::int64_t{kPanel});
  }
  for (; panel < p.panels; ++panel) {
    Tile<kRows, 1>(p, row, w + panel * p.panel_stride, panel * std::int64_t{kPanel});
  }
}

template <int kRows, typename T>
HWY_INLINE void LastRows(const Product& p, int row) {
  if constexpr (kRows > 0) {
    if (p.rows - row == kRows) {
      Panels<kRows, T>(p, row);
    } else {
      LastRows<kRows - 1, T>(p, row);
    }
  }
}

template <typename T>
HWY_INLINE void Multiply(const Product& p) {
  int row = 0;
  for (; row + kMaxRows <= p.rows; row += kMaxRows) Panels<kMaxRows, T>(p, row);
  LastRows<kMaxRows - 1, T>(p, row);
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
