// RerankingRetriever: a Retriever whose first hits are put in the order that a Reranker gives them.
//
// The reranker reads the passages of the first `depth` hits; those behind them keep their order.
// Without time for it, or if it fails, the order stays and Result::degraded says so. Thread-safe.
// Errors: the inner retriever's.
#pragma once

#include <memory>

#include "inference/reranker.h"
#include "retrieval/retriever.h"

namespace citeseek::retrieval {

struct RerankingOptions {
  Retriever* retriever = nullptr;  // both outlive the retriever made of them
  inference::Reranker* reranker = nullptr;
  int depth = 20;  // a reranker reads some thousand tokens a second on two processors
};

std::unique_ptr<Retriever> MakeRerankingRetriever(const RerankingOptions& options);

}  // namespace citeseek::retrieval
