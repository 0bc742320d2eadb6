// Evaluation: turns a ranking and relevance judgements into nDCG@10, Recall@100 and MRR@10.
//
// As trec_eval computes them: gains linear in the grade, log2 discount, ideal ranking from all
// judged documents, queries without a relevant document left out. Free functions, thread-safe.
#pragma once

#include <map>
#include <span>
#include <string>

namespace citeseek::retrieval {

using Judgements = std::map<std::string, int>;  // document id -> grade; > 0 is relevant

struct Metrics {
  double ndcg10 = 0;
  double recall100 = 0;
  double mrr10 = 0;
};

// `ranking`: document ids, best first, without repeats.
Metrics Evaluate(std::span<const std::string> ranking, const Judgements& judgements);

}  // namespace citeseek::retrieval
