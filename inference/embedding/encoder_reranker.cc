#include <cmath>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "inference/embedding/pair_scorer.h"
#include "inference/reranker.h"

namespace citeseek::inference {
namespace {

// The chance of the second of two classes.
float Chance(float first, float second) { return 1 / (1 + std::exp(first - second)); }

class EncoderReranker final : public Reranker {
 public:
  explicit EncoderReranker(std::unique_ptr<PairScorer> scorer) : scorer_(std::move(scorer)) {}

  std::string Name() const override { return scorer_->name(); }

  absl::Status Score(const RerankRequest& request, std::span<float> out) override {
    if (out.size() != request.passages.size()) {
      return absl::InvalidArgumentError(
          absl::StrCat("out has ", out.size(), " numbers, not ", request.passages.size()));
    }
    const auto width = static_cast<std::size_t>(scorer_->classes());
    return scorer_->Run(request, [&](std::size_t begin, std::span<const float> rows) {
      for (std::size_t i = 0; i * width < rows.size(); ++i) {
        const std::span<const float> row = rows.subspan(i * width, width);
        out[begin + i] = Chance(width == 1 ? 0 : row[0], row.back());
      }
    });
  }

 private:
  const std::unique_ptr<PairScorer> scorer_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Reranker>> OpenReranker(const std::string& path,
                                                       const ModelOptions& options) {
  auto files = OpenModel(path);
  if (!files.ok()) return files.status();
  auto scorer = PairScorer::Load(*std::move(files), options);
  if (!scorer.ok()) return scorer.status();
  if ((*scorer)->classes() > 2) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, " has ", (*scorer)->classes(), " labels, a reranker has 1 or 2"));
  }
  return std::make_unique<EncoderReranker>(*std::move(scorer));
}

}  // namespace citeseek::inference
