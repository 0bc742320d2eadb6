#include "indexer/store/vector_scan.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "indexer/store/vector_scan.cc"
#include <hwy/foreach_target.h>  // includes this file once for each instruction set
// After foreach_target.h:
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace citeseek::indexer::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

void ScanCodes(const std::uint8_t* codes, const std::int16_t* query, int dimension, int rows,
               std::int32_t* sums) {
  const hn::ScalableTag<std::int16_t> d16;
  const hn::Rebind<std::uint8_t, decltype(d16)> d8;
  const hn::RepartitionToWide<decltype(d16)> d32;
  const int step = static_cast<int>(hn::Lanes(d16));
  const auto center = hn::Set(d16, std::int16_t{127});
  for (int row = 0; row < rows; ++row) {
    auto sum0 = hn::Zero(d32);
    auto sum1 = hn::Zero(d32);
    int i = 0;
    for (; i + step <= dimension; i += step) {
      const auto code = hn::Sub(hn::PromoteTo(d16, hn::LoadU(d8, codes + i)), center);
      sum0 = hn::ReorderWidenMulAccumulate(d32, code, hn::LoadU(d16, query + i), sum0, sum1);
    }
    std::int32_t sum = hn::GetLane(hn::SumOfLanes(d32, hn::Add(sum0, sum1)));
    for (; i < dimension; ++i) sum += (codes[i] - 127) * query[i];
    sums[row] = sum;
    codes += dimension;
  }
}

}  // namespace citeseek::indexer::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace citeseek::indexer {

HWY_EXPORT(ScanCodes);

void ScanCodes(const std::uint8_t* codes, const std::int16_t* query, int dimension, int rows,
               std::int32_t* sums) {
  HWY_DYNAMIC_DISPATCH(ScanCodes)(codes, query, dimension, rows, sums);
}

}  // namespace citeseek::indexer
#endif
