#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <vector>

#include "absl/strings/str_cat.h"
#include "inference/embedding/words.h"
#include "inference/reranker.h"
#include "inference/utf8.h"

namespace citeseek::inference {
namespace {

constexpr float kProximityShare = 0.15f;    // of the score; the rest is coverage
constexpr std::uint32_t kNear = 6;          // neighbours in the query at most this far apart
constexpr float kMinOverlap = 0.5f;         // of n-grams, for two words to be forms of one
constexpr std::size_t kMaxQueryWords = 64;  // the heaviest; more is no question

using Grams = std::vector<std::uint64_t>;  // sorted

Grams Trigrams(const WordList& list, const Word& word) {
  const auto text = list.Text(word);
  std::vector<char32_t> marked(text.begin(), text.end());
  marked.insert(marked.begin(), U'<');
  Grams grams;
  for (std::size_t i = 0; i + 3 <= marked.size(); ++i) {
    grams.push_back(HashCodePoints(std::span(marked).subspan(i, 3), 0));
  }
  std::sort(grams.begin(), grams.end());
  return grams;
}

// Dice's coefficient.
float Overlap(const Grams& a, const Grams& b) {
  if (a.empty() || b.empty()) return 0;
  std::size_t both = 0;
  for (auto i = a.begin(), j = b.begin(); i != a.end() && j != b.end();) {
    if (*i == *j) {
      ++both;
      ++i, ++j;
    } else if (*i < *j) {
      ++i;
    } else {
      ++j;
    }
  }
  return 2 * static_cast<float>(both) / static_cast<float>(a.size() + b.size());
}

struct QueryWord {
  Word word;
  Grams grams;  // of words of letters that are long enough to have forms
};

class CoverageReranker final : public Reranker {
 public:
  std::string Name() const override { return "citeseek-coverage-v1"; }

  absl::Status Score(const RerankRequest& request, std::span<float> out) override {
    if (out.size() != request.passages.size()) {
      return absl::InvalidArgumentError(absl::StrCat("out of ", out.size(), " floats is not ",
                                                     request.passages.size(), " scores"));
    }
    if (const std::size_t valid = ValidUtf8Prefix(request.query); valid != request.query.size()) {
      return absl::InvalidArgumentError(absl::StrCat("query is not UTF-8 at byte ", valid));
    }
    const std::vector<QueryWord> query = ReadQuery(request.query);
    for (std::size_t i = 0; i < request.passages.size(); ++i) {
      if (request.stop.stop_requested()) return absl::CancelledError("reranking was cancelled");
      if (request.deadline != absl::InfiniteFuture() && absl::Now() >= request.deadline) {
        return absl::DeadlineExceededError("deadline passed while reranking");
      }
      const std::string& passage = request.passages[i];
      if (const std::size_t valid = ValidUtf8Prefix(passage); valid != passage.size()) {
        return absl::InvalidArgumentError(
            absl::StrCat("passage ", i, " is not UTF-8 at byte ", valid));
      }
      out[i] = ScoreOne(query, passage);
    }
    return absl::OkStatus();
  }

 private:
  // In the order of the query, each once.
  static std::vector<QueryWord> ReadQuery(const std::string& text) {
    const WordList list = ReadWords(text);
    std::vector<QueryWord> query;
    for (const Word& word : list.words) {
      const bool seen = std::any_of(query.begin(), query.end(), [&](const QueryWord& other) {
        return other.word.hash == word.hash;
      });
      if (seen || query.size() == kMaxQueryWords) continue;
      const bool forms = word.kind == Word::Kind::kLetters && word.end - word.begin >= 4;
      query.push_back({.word = word, .grams = forms ? Trigrams(list, word) : Grams{}});
    }
    return query;
  }

  static float ScoreOne(const std::vector<QueryWord>& query, const std::string& passage) {
    const WordList list = ReadWords(passage);
    std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> positions;
    for (const Word& word : list.words) positions[word.hash].push_back(word.position);
    std::vector<std::pair<Grams, std::uint32_t>> forms;  // made when first needed
    bool forms_made = false;
    float weight = 0, covered = 0, near_weight = 0, near = 0;
    std::vector<std::uint32_t> before;
    float before_idf = 0;
    for (const QueryWord& wanted : query) {
      const float idf = wanted.word.idf;
      float match = 0;
      std::vector<std::uint32_t> at;
      if (const auto found = positions.find(wanted.word.hash); found != positions.end()) {
        match = 1;
        at = found->second;
      } else if (!wanted.grams.empty()) {
        if (!forms_made) {
          for (const Word& word : list.words) {
            const bool first = positions[word.hash].front() == word.position;
            if (first && word.kind == Word::Kind::kLetters && word.end - word.begin >= 4) {
              forms.emplace_back(Trigrams(list, word), word.position);
            }
          }
          forms_made = true;
        }
        for (const auto& [grams, position] : forms) {
          const float overlap = Overlap(wanted.grams, grams);
          if (overlap >= kMinOverlap && overlap > match) {
            match = overlap;
            at = {position};
          }
        }
      }
      weight += idf;
      covered += idf * match;
      if (before_idf > 0) {
        const float pair = std::min(before_idf, idf);
        near_weight += pair;
        if (AreNear(before, at)) near += pair;
      }
      before = std::move(at);
      before_idf = idf;
    }
    if (weight <= 0) return 0;
    const float coverage = covered / weight;
    const float proximity = near_weight > 0 ? near / near_weight : coverage;
    return std::clamp((1 - kProximityShare) * coverage + kProximityShare * proximity, 0.0f, 1.0f);
  }

  // Both sorted.
  static bool AreNear(const std::vector<std::uint32_t>& a, const std::vector<std::uint32_t>& b) {
    for (auto i = a.begin(), j = b.begin(); i != a.end() && j != b.end();) {
      if ((*i < *j ? *j - *i : *i - *j) <= kNear) return true;
      if (*i < *j) {
        ++i;
      } else {
        ++j;
      }
    }
    return false;
  }
};

}  // namespace

std::unique_ptr<Reranker> MakeCoverageReranker() { return std::make_unique<CoverageReranker>(); }

}  // namespace citeseek::inference
