#include "retrieval/evaluation.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

namespace citeseek::retrieval {

Metrics Evaluate(std::span<const std::string> ranking, const Judgements& judgements) {
  std::vector<int> ideal;
  for (const auto& [id, grade] : judgements) {
    if (grade > 0) ideal.push_back(grade);
  }
  Metrics metrics;
  if (ideal.empty()) return metrics;
  std::sort(ideal.begin(), ideal.end(), std::greater<>());
  const auto discounted = [](int grade, std::size_t rank) {
    return grade / std::log2(static_cast<double>(rank) + 2.0);
  };
  double dcg = 0, ideal_dcg = 0, found = 0;
  for (std::size_t r = 0; r < std::min<std::size_t>(10, ideal.size()); ++r) {
    ideal_dcg += discounted(ideal[r], r);
  }
  for (std::size_t r = 0; r < std::min<std::size_t>(100, ranking.size()); ++r) {
    const auto judged = judgements.find(ranking[r]);
    if (judged == judgements.end() || judged->second <= 0) continue;
    found += 1;
    if (r < 10) {
      dcg += discounted(judged->second, r);
      if (metrics.mrr10 == 0) metrics.mrr10 = 1.0 / static_cast<double>(r + 1);
    }
  }
  metrics.ndcg10 = dcg / ideal_dcg;
  metrics.recall100 = found / static_cast<double>(ideal.size());
  return metrics;
}

}  // namespace citeseek::retrieval
