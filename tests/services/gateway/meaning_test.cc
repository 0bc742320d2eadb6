#include "services/gateway/meaning.h"

#include <gtest/gtest.h>

#include "services/gateway/verify.h"

namespace citeseek::gateway {
namespace {

// Scores a passage by a word that it holds.
class WordReranker final : public inference::Reranker {
 public:
  explicit WordReranker(std::string word, float high = 0.97f, float low = 0.02f)
      : word_(std::move(word)), high_(high), low_(low) {}
  std::string Name() const override { return "word"; }
  absl::Status Score(const inference::RerankRequest& request, std::span<float> out) override {
    ++calls;
    if (!status.ok()) return status;
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = request.passages[i].find(word_) != std::string::npos ? high_ : low_;
    }
    return absl::OkStatus();
  }
  int calls = 0;
  absl::Status status;

 private:
  const std::string word_;
  const float high_, low_;
};

// A unit vector along the axis that a text's first byte names.
class ByteEmbedder final : public inference::Embedder {
 public:
  explicit ByteEmbedder(bool knows) : knows_(knows) {}
  std::string Name() const override { return "byte"; }
  int Dimension() const override { return 256; }
  bool KnowsMeaning() const override { return knows_; }
  absl::Status Embed(const inference::EmbedRequest& request, std::span<float> out) override {
    std::fill(out.begin(), out.end(), 0.0f);
    for (std::size_t i = 0; i < request.texts.size(); ++i) {
      out[i * 256 + static_cast<unsigned char>(request.texts[i][0])] = 1;
    }
    return absl::OkStatus();
  }

 private:
  const bool knows_;
};

const std::vector<std::string> kOthers = {"Tea grows in hills.", "The ferry leaves at nine."};

TEST(Meaning, APassageThatStandsOutAmongOthersSaysTheSame) {
  WordReranker reranker("harbour");
  Meaning meaning({.reranker = &reranker}, absl::InfiniteFuture(), {});
  EXPECT_TRUE(meaning.Says("The harbour froze.", "The port was closed by ice.", kOthers));
  EXPECT_FALSE(meaning.Says("The lake froze.", "The port was closed by ice.", kOthers));
}

TEST(Meaning, AModelThatScoresEverythingHighTellsNothing) {
  WordReranker reranker("e");
  Meaning meaning({.reranker = &reranker}, absl::InfiniteFuture(), {});
  EXPECT_FALSE(meaning.Says("The harbour froze.", "The port was closed by ice.", kOthers));
}

TEST(Meaning, ALowScoreIsNotEnoughHoweverLowTheOthersAre) {
  WordReranker reranker("harbour", 0.4f, 0.0f);
  Meaning meaning({.reranker = &reranker}, absl::InfiniteFuture(), {});
  EXPECT_FALSE(meaning.Says("The harbour froze.", "The port was closed by ice.", kOthers));
}

TEST(Meaning, WithoutOthersOrAfterAnErrorNothingIsFound) {
  WordReranker reranker("harbour");
  Meaning meaning({.reranker = &reranker}, absl::InfiniteFuture(), {});
  EXPECT_FALSE(meaning.Says("The harbour froze.", "Ice closed the port.", {}));
  EXPECT_EQ(reranker.calls, 0);
  reranker.status = absl::UnavailableError("gone");
  EXPECT_FALSE(meaning.Says("The harbour froze.", "Ice closed the port.", kOthers));
}

TEST(Meaning, AModelIsAskedABoundedNumberOfTimes) {
  WordReranker reranker("harbour");
  Meaning meaning({.reranker = &reranker}, absl::InfiniteFuture(), {});
  for (int i = 0; i < 100; ++i) meaning.Says("The harbour froze.", "Ice closed it.", kOthers);
  EXPECT_EQ(reranker.calls, 32);
}

TEST(Meaning, AnEmbedderIsAskedOnlyIfItKnowsMeaning) {
  ByteEmbedder spells(false), knows(true);
  Meaning by_spelling({.embedder = &spells}, absl::InfiniteFuture(), {});
  Meaning by_meaning({.embedder = &knows}, absl::InfiniteFuture(), {});
  EXPECT_FALSE(by_spelling.Known());
  EXPECT_FALSE(by_spelling.Says("Ice held.", "It froze.", kOthers));
  EXPECT_TRUE(by_meaning.Says("Ice held.", "It froze.", kOthers));
  EXPECT_FALSE(by_meaning.Says("Snow fell.", "It froze.", kOthers));
}

class MeaningInVerdicts : public ::testing::Test {
 protected:
  Support Check(std::string_view sentence, inference::Reranker* reranker) {
    Evidence evidence(hits_, *analyzer_);
    Meaning meaning({.reranker = reranker}, absl::InfiniteFuture(), {});
    Verifier verifier(&evidence, analyzer_.get(), &meaning);
    return verifier.Check(sentence, 0);
  }
  const std::vector<retrieval::Hit> hits_ = {
      {.document_id = "a",
       .title = "Skarv",
       .text = "The station on Skarv is manned all year round. Its harbour freezes in December."},
      {.document_id = "b",
       .title = "Tea",
       .text = "Green tea is picked before the rains. The leaves are dried the same day."}};
  const std::unique_ptr<const indexer::Analyzer> analyzer_ = indexer::MakeAnalyzer();
};

TEST_F(MeaningInVerdicts, OtherWordsForTheSameBecomeSupported) {
  const std::string said = "The station is staffed throughout the whole year.";
  WordReranker reranker("manned");
  const Support before = Check(said, nullptr);
  EXPECT_NE(before.verdict, Verdict::kSupported);
  const Support after = Check(said, &reranker);
  EXPECT_EQ(after.verdict,
            before.verdict == Verdict::kPartly ? Verdict::kSupported : Verdict::kPartly);
  EXPECT_EQ(after.range.start, before.range.start);
}

TEST_F(MeaningInVerdicts, NoModelOutweighsAWrongDate) {
  WordReranker reranker("harbour");
  EXPECT_EQ(Check("Its harbour freezes in March.", &reranker).verdict, Verdict::kUnsupported);
  EXPECT_EQ(Check("The station on Skarv has 14 rooms and is manned.", &reranker).verdict,
            Verdict::kUnsupported);
}

TEST_F(MeaningInVerdicts, NoModelIsAskedAboutWhatFormDecides) {
  WordReranker reranker("harbour");
  EXPECT_EQ(Check("Its harbour freezes in December.", &reranker).verdict, Verdict::kSupported);
  EXPECT_EQ(Check("Prices doubled overnight.", &reranker).verdict, Verdict::kUnsupported);
  EXPECT_EQ(reranker.calls, 0);
}

}  // namespace
}  // namespace citeseek::gateway
