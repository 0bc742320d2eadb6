#include "inference/batch/sampler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>

namespace citeseek::inference {
namespace {

using testing::HasSubstr;

constexpr int kDraws = 20000;

// How often each token comes up.
std::map<std::int32_t, double> Shares(const Sampling& sampling, const std::vector<float>& logits) {
  Sampler sampler(sampling, 42, {});
  std::map<std::int32_t, double> shares;
  for (int i = 0; i < kDraws; ++i) {
    std::vector<float> row = logits;
    shares[sampler.Sample(row).id] += 1.0 / kDraws;
  }
  return shares;
}

std::vector<float> Logs(const std::vector<double>& probabilities) {
  std::vector<float> out;
  for (const double p : probabilities) out.push_back(static_cast<float>(std::log(p)));
  return out;
}

TEST(SamplerTest, TemperatureZeroTakesTheBestAndReportsItsProbability) {
  Sampler sampler({.temperature = 0}, 1, {}, 0);
  std::vector<float> logits = Logs({0.2, 0.5, 0.3});
  const SampledToken token = sampler.Sample(logits);
  EXPECT_EQ(token.id, 1);
  EXPECT_NEAR(token.log_probability, std::log(0.5), 1e-6);
  EXPECT_TRUE(token.top.empty());
}

TEST(SamplerTest, LogProbabilitiesAreTheModelsOwnWhateverChangesTheChoice) {
  Sampler sampler({.temperature = 0, .repetition_penalty = 50}, 1, std::vector<std::int32_t>{1}, 2);
  // 1 is penalised, 2 forbidden.
  std::vector<float> logits = {2.0f, 5.0f, 4.0f, 1.0f};
  const double total = std::log(std::exp(2.0) + std::exp(5.0) + std::exp(4.0) + std::exp(1.0));
  const std::vector<std::int32_t> forbidden = {2};
  const SampledToken token = sampler.Sample(logits, {AllowedTokens::Kind::kAllBut, forbidden});
  EXPECT_EQ(token.id, 0);
  EXPECT_NEAR(token.log_probability, 2 - total, 1e-6);
  ASSERT_EQ(token.top.size(), 2u);
  EXPECT_EQ(token.top[0].id, 1);
  EXPECT_NEAR(token.top[0].log_probability, 5 - total, 1e-6);
  EXPECT_EQ(token.top[1].id, 2);
}

TEST(SamplerTest, OnlyWhatIsAllowedIsDrawn) {
  const std::vector<std::int32_t> some = {0, 3, 99, -1};
  for (const double temperature : {0.0, 1.0}) {
    Sampler sampler({.temperature = temperature, .top_p = 1}, 7, {});
    std::map<std::int32_t, double> shares;
    for (int i = 0; i < kDraws; ++i) {
      std::vector<float> row = Logs({0.1, 0.6, 0.1, 0.2});
      shares[sampler.Sample(row, {AllowedTokens::Kind::kOnly, some}).id] += 1.0 / kDraws;
    }
    EXPECT_NEAR(shares[3], temperature == 0 ? 1 : 2.0 / 3, 0.015);
    EXPECT_NEAR(shares[0], temperature == 0 ? 0 : 1.0 / 3, 0.015);
    std::vector<float> row = Logs({0.1, 0.6, 0.1, 0.2});
    const std::int32_t id = sampler.Sample(row, {AllowedTokens::Kind::kAllBut, some}).id;
    EXPECT_TRUE(id == 1 || id == 2);
  }
}

TEST(SamplerTest, ForcedTokensCountForThePenalties) {
  Sampler sampler({.temperature = 0, .presence_penalty = 2}, 1, {});
  EXPECT_EQ(sampler.Force(0).id, 0);
  std::vector<float> row = {3.0f, 2.0f};
  EXPECT_EQ(sampler.Sample(row).id, 1);
}

TEST(SamplerTest, RowsThatAreNotNumbersDoNoHarm) {
  for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity()}) {
    for (const double temperature : {0.0, 0.7}) {
      Sampler sampler({.temperature = temperature, .top_k = 3}, 1, {}, 5);
      std::vector<float> row(20, bad);
      const std::int32_t id = sampler.Sample(row).id;
      EXPECT_TRUE(id >= 0 && id < 20);
    }
  }
}

TEST(SamplerTest, DrawsFollowTheDistributionAtTheTemperature) {
  const std::vector<float> logits = Logs({0.1, 0.6, 0.3});
  auto shares = Shares({.temperature = 1, .top_p = 1}, logits);
  EXPECT_NEAR(shares[0], 0.1, 0.01);
  EXPECT_NEAR(shares[1], 0.6, 0.015);
  shares = Shares({.temperature = 0.5, .top_p = 1}, logits);
  const double total = 0.01 + 0.36 + 0.09;
  EXPECT_NEAR(shares[0], 0.01 / total, 0.01);
  EXPECT_NEAR(shares[1], 0.36 / total, 0.015);
}

TEST(SamplerTest, TopKTopPAndMinPCutTheTail) {
  const std::vector<float> logits = Logs({0.05, 0.5, 0.15, 0.3});
  EXPECT_EQ(Shares({.temperature = 1, .top_p = 1, .top_k = 2}, logits).size(), 2u);
  EXPECT_EQ(Shares({.temperature = 1, .top_p = 0.79}, logits).size(), 2u);
  EXPECT_EQ(Shares({.temperature = 1, .top_p = 0.81}, logits).size(), 3u);
  EXPECT_EQ(Shares({.temperature = 1, .top_p = 1, .min_p = 0.4}, logits).size(), 2u);
  auto shares = Shares({.temperature = 1, .top_p = 1, .top_k = 2}, logits);
  EXPECT_NEAR(shares[1], 0.5 / 0.8, 0.015);
}

TEST(SamplerTest, TopPIsExactOverALargeVocabulary) {
  // 1000 equal tokens: half of the mass is 500 of them.
  const std::vector<float> logits(1000, 0.25f);
  Sampler sampler({.temperature = 1, .top_p = 0.5}, 3, {});
  for (int i = 0; i < 2000; ++i) {
    std::vector<float> row = logits;
    EXPECT_LT(sampler.Sample(row).id, 500);
  }
}

TEST(SamplerTest, PenaltiesAreOfThePromptAndOfWhatWasGenerated) {
  const std::vector<std::int32_t> prompt = {0};
  Sampler repetition({.temperature = 0, .repetition_penalty = 2.0}, 1, prompt);
  std::vector<float> row = {3.0f, 2.0f, -1.0f};
  EXPECT_EQ(repetition.Sample(row).id, 1);  // 3 / 2 < 2
  row = {3.0f, 2.0f, -1.0f};
  EXPECT_EQ(repetition.Sample(row).id, 0);  // 3 / 2 > 2 / 2
  row = {-3.0f, -2.5f, -4.0f};
  EXPECT_EQ(repetition.Sample(row).id, 2);  // -6, -5, -4

  Sampler presence({.temperature = 0, .presence_penalty = 1.5}, 1, prompt);
  row = {3.0f, 2.0f, -1.0f};
  EXPECT_EQ(presence.Sample(row).id, 0);  // the prompt does not count
  row = {3.0f, 2.0f, -1.0f};
  EXPECT_EQ(presence.Sample(row).id, 1);
}

TEST(SamplerTest, AFrequencyPenaltyGrowsWithEachTime) {
  const std::vector<std::int32_t> prompt = {0};
  Sampler frequency({.temperature = 0, .frequency_penalty = 0.75}, 1, prompt);
  const auto next = [&] {
    std::vector<float> row = {3.0f, 1.0f, 1.5f};
    return frequency.Sample(row).id;
  };
  EXPECT_EQ(next(), 0);  // 3
  EXPECT_EQ(next(), 0);  // 2.25
  EXPECT_EQ(next(), 0);  // 1.5, the first of the best
  EXPECT_EQ(next(), 2);  // 0.75 against 1.5
  EXPECT_EQ(next(), 1);  // 0.75 and 0.75 against 1
  EXPECT_TRUE(absl::IsInvalidArgument(CheckSampling({.frequency_penalty = 2.5})));
}

TEST(SamplerTest, TheSameSeedDrawsTheSameTokens) {
  const std::vector<float> logits(50, 0.0f);
  const auto draw = [&](std::uint64_t seed) {
    Sampler sampler({.temperature = 1, .top_p = 1}, seed, {});
    std::vector<std::int32_t> ids;
    for (int i = 0; i < 20; ++i) {
      std::vector<float> row = logits;
      ids.push_back(sampler.Sample(row).id);
    }
    return ids;
  };
  EXPECT_EQ(draw(5), draw(5));
  EXPECT_NE(draw(5), draw(6));
}

TEST(SamplerTest, ValuesOutOfRangeAreNamedWithTheirLimits) {
  EXPECT_TRUE(CheckSampling({}).ok());
  EXPECT_THAT(CheckSampling({.temperature = -1}).message(),
              HasSubstr("temperature -1 is not in [0, 100]"));
  EXPECT_THAT(CheckSampling({.top_p = 0}).message(), HasSubstr("top_p 0 is not in (0, 1]"));
  EXPECT_FALSE(CheckSampling({.temperature = std::nan("")}).ok());
  EXPECT_FALSE(CheckSampling({.top_k = -1}).ok());
  EXPECT_FALSE(CheckSampling({.min_p = 1}).ok());
  EXPECT_FALSE(CheckSampling({.max_tokens = 0}).ok());
}

}  // namespace
}  // namespace citeseek::inference
