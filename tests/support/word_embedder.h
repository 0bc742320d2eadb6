// WordEmbedder: each word adds 1 to a dimension chosen by its first two bytes; rows normalised. For
// tests that need vectors whose similarity can be told in the head. `Fail` makes it fail.
#pragma once

#include <atomic>
#include <cmath>
#include <string>

#include "absl/status/status.h"
#include "inference/embedder.h"
#include "tests/support/memory_segment.h"

namespace citeseek::tests {

class WordEmbedder : public inference::Embedder {
 public:
  explicit WordEmbedder(std::string name = "words") : name_(std::move(name)) {}

  std::string Name() const override { return name_; }
  int Dimension() const override { return 64; }
  absl::Status Embed(const inference::EmbedRequest& request, std::span<float> out) override {
    ++calls_;
    if (!failure_.ok()) return failure_;
    std::size_t row = 0;
    for (const std::string& text : request.texts) {
      const std::span<float> vector = out.subspan(row++ * 64, 64);
      std::fill(vector.begin(), vector.end(), 0.0F);
      for (const auto& term : WordAnalyzer().Analyze(text)) {
        const auto at = [&](std::size_t i) {
          return i < term.text.size() ? static_cast<unsigned char>(term.text[i]) : 0U;
        };
        vector[(at(0) * 7 + at(1)) % 64] += 1;
      }
      float squares = 0;
      for (const float x : vector) squares += x * x;
      for (float& x : vector) x = squares > 0 ? x / std::sqrt(squares) : 0;
    }
    return absl::OkStatus();
  }

  void Fail(absl::Status failure) { failure_ = std::move(failure); }
  int calls() const { return calls_; }

 private:
  std::string name_;
  absl::Status failure_;
  std::atomic<int> calls_ = 0;
};

}  // namespace citeseek::tests
