// HybridRetriever: BM25 and vectors over one snapshot, fused into one ranking.
//
// Fusion is a weighted combination of normalised scores (Bruch et al. 2023, "An Analysis of Fusion
// Functions for Hybrid Retrieval"), not of ranks: a weak dense leg must not outvote BM25.
#pragma once

#include <memory>
#include <optional>

#include "indexer/analyzer.h"
#include "indexer/snapshot.h"
#include "inference/embedder.h"
#include "retrieval/retriever.h"

namespace citeseek::retrieval {

struct HybridOptions {
  indexer::SnapshotSource* snapshots = nullptr;  // the three outlive the retriever
  const indexer::Analyzer* analyzer = nullptr;
  inference::Embedder* embedder = nullptr;  // null: lexical only
  // [0, 1], the vectors' share of the score; nullopt: what suits the embedder, see DenseLeg.
  std::optional<double> dense_weight = std::nullopt;
  double bm25_k1 = 1.0;
  double bm25_b = 0.4;
};

std::unique_ptr<Retriever> MakeHybridRetriever(const HybridOptions& options);

}  // namespace citeseek::retrieval
