// BM25: turns a term's frequency and a passage's length into a score.
//
// score = weight * f / (f + k1 * (1 - b + b * length / mean length)), summed over the query's
// terms; weight = (k1 + 1) * idf * (times in the query), idf = ln(1 + (N - n + 0.5) / (n + 0.5)) as
// in Lucene (Robertson & Zaragoza 2009). Every score is > 0 and rises with f, falls with the
// length.
#pragma once

#include <cmath>
#include <cstdint>

namespace citeseek::retrieval {

struct Bm25Parameters {
  double k1 = 1.0;
  double b = 0.4;
};

// The part of the formula that depends on the passage: base + slope * length.
struct LengthNorm {
  float base = 1;
  float slope = 0;

  float operator()(std::uint32_t length) const { return base + slope * static_cast<float>(length); }
};

inline LengthNorm MakeLengthNorm(const Bm25Parameters& bm25, std::uint64_t passages,
                                 std::uint64_t total_length) {
  const double mean = passages == 0 || total_length == 0
                          ? 1.0
                          : static_cast<double>(total_length) / static_cast<double>(passages);
  return {.base = static_cast<float>(bm25.k1 * (1 - bm25.b)),
          .slope = static_cast<float>(bm25.k1 * bm25.b / mean)};
}

inline double Idf(std::uint64_t passages, std::uint64_t with_term) {
  const double n = static_cast<double>(with_term);
  return std::log1p((static_cast<double>(passages) - n + 0.5) / (n + 0.5));
}

// One term in one passage. `norm` is LengthNorm of the passage's length.
inline float TermScore(float weight, std::uint32_t frequency, float norm) {
  const float f = static_cast<float>(frequency);
  return weight * (f / (f + norm));
}

}  // namespace citeseek::retrieval
