#include "services/gateway/meaning.h"

#include <algorithm>
#include <utility>

namespace citeseek::gateway {
namespace {

constexpr int kMostAsked = 32;     // for one answer: a model reads some thousand tokens a second
constexpr float kRelevant = 0.5f;  // of a reranker: what it was trained to call relevant
constexpr float kApart = 0.25f;    // above the others' median
constexpr float kSimilar = 0.6f;   // of an embedder: cosine
constexpr float kCloser = 0.12f;   // above the others' median

float Median(std::vector<float> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

Meaning::Meaning(const MeaningModels& models, absl::Time deadline, std::stop_token stop)
    : models_(models), deadline_(deadline), stop_(std::move(stop)) {
  if (models_.embedder != nullptr && !models_.embedder->KnowsMeaning()) models_.embedder = nullptr;
}

bool Meaning::Says(const std::string& passage, const std::string& sentence,
                   std::span<const std::string> others) {
  // Without others there is nothing to tell a high score by.
  if (!Known() || others.empty() || asked_ >= kMostAsked) return false;
  ++asked_;
  std::vector<std::string> passages = {passage};
  passages.insert(passages.end(), others.begin(), others.end());
  std::vector<float> scores(passages.size());
  if (!ScoreAll(sentence, passages, scores).ok()) return false;
  const bool reranked = models_.reranker != nullptr;
  return scores[0] >= (reranked ? kRelevant : kSimilar) &&
         scores[0] - Median({scores.begin() + 1, scores.end()}) >= (reranked ? kApart : kCloser);
}

absl::Status Meaning::ScoreAll(const std::string& sentence, std::span<const std::string> passages,
                               std::span<float> scores) {
  if (models_.reranker != nullptr) {
    return models_.reranker->Score(
        {.query = sentence, .passages = passages, .deadline = deadline_, .stop = stop_}, scores);
  }
  // Both sides are statements.
  std::vector<std::string> texts = {sentence};
  texts.insert(texts.end(), passages.begin(), passages.end());
  const auto dimension = static_cast<std::size_t>(models_.embedder->Dimension());
  std::vector<float> rows(texts.size() * dimension);
  const absl::Status status = models_.embedder->Embed({.texts = texts,
                                                       .kind = inference::EmbedKind::kPassage,
                                                       .deadline = deadline_,
                                                       .stop = stop_},
                                                      rows);
  for (std::size_t i = 0; status.ok() && i < passages.size(); ++i) {
    scores[i] = 0;
    for (std::size_t d = 0; d < dimension; ++d) {
      scores[i] += rows[d] * rows[(i + 1) * dimension + d];
    }
  }
  return status;
}

}  // namespace citeseek::gateway
