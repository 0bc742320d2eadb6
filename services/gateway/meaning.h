// Meaning: asks the loaded reranker or embedder whether a passage says what a sentence says.
//
// A model's score alone means little from one model to the next, so that it counts only beside
// those of other passages: the passage must stand out among them. What cannot be asked (no model,
// an error, too late) is not found to mean the same. The embedder is asked where there is no
// reranker, and only if it knows meaning. Single-threaded; the models outlive it.
#pragma once

#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "inference/embedder.h"
#include "inference/reranker.h"

namespace citeseek::gateway {

struct MeaningModels {
  inference::Reranker* reranker = nullptr;  // null: none is loaded
  inference::Embedder* embedder = nullptr;
};

class Meaning {
 public:
  Meaning(const MeaningModels& models, absl::Time deadline, std::stop_token stop);

  bool Known() const { return models_.reranker != nullptr || models_.embedder != nullptr; }
  // At most kMostAsked times true or false by a model, then false.
  bool Says(const std::string& passage, const std::string& sentence,
            std::span<const std::string> others);

 private:
  absl::Status ScoreAll(const std::string& sentence, std::span<const std::string> passages,
                        std::span<float> scores);

  MeaningModels models_;
  absl::Time deadline_;
  std::stop_token stop_;
  int asked_ = 0;
};

}  // namespace citeseek::gateway
