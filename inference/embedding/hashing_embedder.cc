#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "absl/strings/str_cat.h"
#include "inference/embedder.h"
#include "inference/embedding/words.h"
#include "inference/utf8.h"

namespace citeseek::inference {
namespace {

constexpr int kDimension = 512;
// What the n-grams of a word weigh together beside the word itself.
constexpr float kSubwordShare = 0.7f;
// What a Han character weighs beside the two bigrams that it stands in.
constexpr float kCharacterShare = 0.5f;
constexpr std::size_t kMinGram = 3, kMaxGram = 5;

class HashingEmbedder final : public Embedder {
 public:
  std::string Name() const override { return "citeseek-hash-512-v1"; }
  int Dimension() const override { return kDimension; }

  absl::Status Embed(const EmbedRequest& request, std::span<float> out) override {
    if (out.size() != request.texts.size() * kDimension) {
      return absl::InvalidArgumentError(absl::StrCat(
          "out of ", out.size(), " floats is not ", request.texts.size(), " rows of ", kDimension));
    }
    for (std::size_t i = 0; i < request.texts.size(); ++i) {
      if (request.stop.stop_requested()) return absl::CancelledError("embedding was cancelled");
      if (request.deadline != absl::InfiniteFuture() && absl::Now() >= request.deadline) {
        return absl::DeadlineExceededError("deadline passed while embedding");
      }
      const std::string& text = request.texts[i];
      if (const std::size_t valid = ValidUtf8Prefix(text); valid != text.size()) {
        return absl::InvalidArgumentError(
            absl::StrCat("text ", i, " is not UTF-8 at byte ", valid));
      }
      EmbedOne(text, out.subspan(i * kDimension, kDimension));
    }
    return absl::OkStatus();
  }

 private:
  static void Add(std::uint64_t hash, float weight, std::span<float> row) {
    row[hash % kDimension] += (hash >> 63) != 0 ? weight : -weight;
  }

  static void EmbedOne(std::string_view text, std::span<float> row) {
    std::fill(row.begin(), row.end(), 0.0f);
    WordList list = ReadWords(text);
    std::sort(list.words.begin(), list.words.end(),
              [](const Word& a, const Word& b) { return a.hash < b.hash; });
    for (std::size_t i = 0; i < list.words.size();) {
      std::size_t end = i + 1;
      while (end < list.words.size() && list.words[end].hash == list.words[i].hash) ++end;
      const float times = 1 + std::log(static_cast<float>(end - i));
      AddWord(list, list.words[i], times * list.words[i].idf, row);
      i = end;
    }
    float squares = 0;
    for (const float x : row) squares += x * x;
    if (squares <= 0) return;
    const float scale = 1 / std::sqrt(squares);
    for (float& x : row) x *= scale;
  }

  static void AddWord(const WordList& list, const Word& word, float weight, std::span<float> row) {
    const bool character = word.kind == Word::Kind::kCharacter;
    Add(word.hash, character ? weight * kCharacterShare : weight, row);
    if (word.kind != Word::Kind::kLetters) return;
    std::array<char32_t, 64> marked;  // <word>
    const auto text = list.Text(word);
    marked[0] = U'<';
    std::copy(text.begin(), text.end(), marked.begin() + 1);
    marked[text.size() + 1] = U'>';
    const std::size_t length = text.size() + 2;
    std::size_t grams = 0;
    for (std::size_t n = kMinGram; n <= std::min(kMaxGram, length); ++n) grams += length - n + 1;
    const float share = weight * kSubwordShare / std::sqrt(static_cast<float>(grams));
    for (std::size_t n = kMinGram; n <= std::min(kMaxGram, length); ++n) {
      for (std::size_t i = 0; i + n <= length; ++i) {
        Add(HashCodePoints(std::span(marked).subspan(i, n), n), share, row);
      }
    }
  }
};

}  // namespace

std::unique_ptr<Embedder> MakeHashingEmbedder() { return std::make_unique<HashingEmbedder>(); }

}  // namespace citeseek::inference
