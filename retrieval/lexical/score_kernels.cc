#include "retrieval/lexical/score_kernels.h"

#include <bit>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "retrieval/lexical/score_kernels.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// Highway wants itself included after foreach_target.h.
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace citeseek::retrieval::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

void AddScores(const PostingRun& run, indexer::PassageId first, std::span<float> scores) {
  const hn::ScalableTag<float> df;
  const hn::RebindToSigned<decltype(df)> di;
  const std::size_t lanes = hn::Lanes(df);
  const std::size_t count = run.passages.size();
  const std::uint32_t* HWY_RESTRICT passages = run.passages.data();
  const std::uint32_t* HWY_RESTRICT frequencies = run.frequencies.data();
  HWY_ALIGN float added[indexer::PostingCursor::kBlockSize];

  const auto weight = hn::Set(df, run.weight);
  const auto base = hn::Set(df, run.norm.base);
  const auto slope = hn::Set(df, run.norm.slope);
  // Lengths and frequencies are far below 2^31, so the signed conversions are exact enough.
  const auto* lengths = reinterpret_cast<const std::int32_t*>(run.lengths);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto passage = hn::LoadU(di, reinterpret_cast<const std::int32_t*>(passages + i));
    const auto f =
        hn::ConvertTo(df, hn::LoadU(di, reinterpret_cast<const std::int32_t*>(frequencies + i)));
    const auto length = hn::ConvertTo(df, hn::GatherIndex(di, lengths, passage));
    const auto norm = hn::Add(base, hn::Mul(slope, length));
    hn::Store(hn::Mul(weight, hn::Div(f, hn::Add(f, norm))), df, added + i);
  }
  for (; i < count; ++i) {
    added[i] = TermScore(run.weight, frequencies[i], run.norm(run.lengths[passages[i]]));
  }
  float* HWY_RESTRICT sums = scores.data();
  for (i = 0; i < count; ++i) sums[passages[i] - first] += added[i];
}

std::size_t CollectAbove(std::span<const float> scores, float threshold,
                         std::span<std::uint32_t> offsets) {
  const hn::ScalableTag<float> df;
  const std::size_t lanes = hn::Lanes(df);
  const auto limit = hn::Set(df, threshold);
  const float* HWY_RESTRICT from = scores.data();
  std::uint32_t* HWY_RESTRICT to = offsets.data();
  std::size_t found = 0;
  for (std::size_t i = 0; i < scores.size(); i += lanes) {
    std::uint8_t bytes[8] = {};
    hn::StoreMaskBits(df, hn::Gt(hn::Load(df, from + i), limit), bytes);
    std::uint64_t bits;
    std::memcpy(&bits, bytes, sizeof(bits));
    for (; bits != 0; bits &= bits - 1) {
      to[found++] =
          static_cast<std::uint32_t>(i) + static_cast<std::uint32_t>(std::countr_zero(bits));
    }
  }
  return found;
}

}  // namespace citeseek::retrieval::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace citeseek::retrieval {

HWY_EXPORT(AddScores);
HWY_EXPORT(CollectAbove);

void AddScores(const PostingRun& run, indexer::PassageId first, std::span<float> scores) {
  HWY_DYNAMIC_DISPATCH(AddScores)(run, first, scores);
}

std::size_t CollectAbove(std::span<const float> scores, float threshold,
                         std::span<std::uint32_t> offsets) {
  return HWY_DYNAMIC_DISPATCH(CollectAbove)(scores, threshold, offsets);
}

}  // namespace citeseek::retrieval
#endif  // HWY_ONCE
