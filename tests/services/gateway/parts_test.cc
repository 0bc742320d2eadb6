#include "services/gateway/parts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace citeseek::gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr auto kIgnore = [](std::size_t, PartEvent::State) { return absl::OkStatus(); };

retrieval::Hit MakeHit(std::string id, std::string text) {
  return {.document_id = std::move(id), .text = std::move(text)};
}

TEST(Parts, EachPartIsAnsweredFromItsOwnPassagesUnderTheirCommonNumbers) {
  const auto analyzer = indexer::MakeAnalyzer();
  std::vector<retrieval::Hit> hits = {MakeHit("tea", "Green tea is not fermented.")};
  const auto search = [](const std::string& text) -> absl::StatusOr<std::vector<retrieval::Hit>> {
    if (text.find("founded") != std::string::npos) {
      return std::vector{MakeHit("founder", "Acme Tools was founded by Ida Berg.")};
    }
    return std::vector{MakeHit("start", "Acme Tools started in 1956."),
                       MakeHit("founder", "Acme Tools was founded by Ida Berg.")};
  };
  const auto parts = SearchParts({"Who founded Acme Tools?", "When did Acme Tools start?"}, 4,
                                 search, kIgnore, *analyzer, &hits);
  ASSERT_TRUE(parts.ok()) << parts.status();
  ASSERT_THAT(hits, SizeIs(3));
  ASSERT_THAT(*parts, SizeIs(2));
  ASSERT_FALSE((*parts)[0].extract.sentences.empty());
  ASSERT_FALSE((*parts)[1].extract.sentences.empty());
  const auto source = [&](int part) {
    return hits[static_cast<std::size_t>(
                    (*parts)[static_cast<std::size_t>(part)].extract.sentences[0].source)]
        .document_id;
  };
  EXPECT_EQ(source(0), "founder");
  EXPECT_EQ(source(1), "start");
}

TEST(Parts, APartWithoutEvidenceIsSearchedOnceMoreByItsNames) {
  const auto analyzer = indexer::MakeAnalyzer();
  std::vector<retrieval::Hit> hits;
  std::map<std::string, int> asked;
  const auto search = [&](const std::string& text) -> absl::StatusOr<std::vector<retrieval::Hit>> {
    ++asked[text];
    if (text == "Borealis") return std::vector{MakeHit("b", "The Borealis was launched in 1989.")};
    return std::vector<retrieval::Hit>{};
  };
  const auto parts = SearchParts({"When was the Borealis launched?", "where is it?"}, 4, search,
                                 kIgnore, *analyzer, &hits);
  ASSERT_TRUE(parts.ok());
  EXPECT_EQ(asked["Borealis"], 1);
  EXPECT_THAT(asked, SizeIs(3));
  ASSERT_FALSE((*parts)[0].extract.sentences.empty());
  EXPECT_THAT((*parts)[0].extract.sentences[0].text, HasSubstr("1989"));
  EXPECT_TRUE((*parts)[1].extract.sentences.empty());
}

TEST(Parts, ThereAreNeverMorePassagesThanTwiceThoseAskedFor) {
  const auto analyzer = indexer::MakeAnalyzer();
  std::vector<retrieval::Hit> hits;
  int next = 0;
  for (int i = 0; i < 4; ++i) hits.push_back(MakeHit(std::to_string(next++), "Tea is a drink."));
  const auto search = [&](const std::string&) -> absl::StatusOr<std::vector<retrieval::Hit>> {
    std::vector<retrieval::Hit> found;
    for (int i = 0; i < 9; ++i) found.push_back(MakeHit(std::to_string(next++), "Tea is hot."));
    return found;
  };
  const auto parts = SearchParts({"What is Tea?", "Where is Tea?", "Who is Tea?", "Why is Tea?"}, 4,
                                 search, kIgnore, *analyzer, &hits);
  ASSERT_TRUE(parts.ok());
  EXPECT_THAT(hits, SizeIs(8));
  for (const Part& part : *parts) {
    for (const ExtractedSentence& sentence : part.extract.sentences) {
      EXPECT_LT(sentence.source, 8);
      EXPECT_GE(sentence.source, 0);
    }
  }
}

TEST(Parts, WhatHappensToEachPartIsToldAsItHappens) {
  const auto analyzer = indexer::MakeAnalyzer();
  std::vector<retrieval::Hit> hits;
  std::string order;
  const auto search = [&](const std::string& text) -> absl::StatusOr<std::vector<retrieval::Hit>> {
    order += "?";
    if (text == "Borealis") return std::vector{MakeHit("b", "The Borealis was launched in 1989.")};
    return std::vector<retrieval::Hit>{};
  };
  using State = PartEvent::State;
  const auto tell = [&](std::size_t part, State state) {
    order += " " + std::to_string(part) +
             (state == State::kSearching        ? "s"
              : state == State::kSearchingAgain ? "a"
              : state == State::kEvidence       ? "e"
                                                : "n");
    return absl::OkStatus();
  };
  const auto parts = SearchParts({"When was the Borealis launched?", "where is it?"}, 4, search,
                                 tell, *analyzer, &hits);
  ASSERT_TRUE(parts.ok()) << parts.status();
  EXPECT_EQ(order, " 0s? 0a? 0e 1s? 1n");
  EXPECT_EQ((*parts)[0].searches, 2);
  EXPECT_EQ((*parts)[1].searches, 1);
}

TEST(Parts, WhatTheSecondSearchFindsHasRoomHoweverMuchTheOthersFind) {
  const auto analyzer = indexer::MakeAnalyzer();
  std::vector<retrieval::Hit> hits;
  int next = 0;
  const auto other = [&] { return MakeHit(std::to_string(next++), "Tea is a hot drink."); };
  for (int i = 0; i < 2; ++i) hits.push_back(other());
  const auto search = [&](const std::string& text) -> absl::StatusOr<std::vector<retrieval::Hit>> {
    if (text == "Borealis") return std::vector{MakeHit("b", "The Borealis was launched in 1989.")};
    return std::vector{other(), other()};
  };
  const auto parts =
      SearchParts({"What is Tea?", "Where is Tea?", "When was the Borealis launched?"}, 2, search,
                  kIgnore, *analyzer, &hits);
  ASSERT_TRUE(parts.ok()) << parts.status();
  ASSERT_THAT((*parts)[2].extract.sentences, SizeIs(1));
  EXPECT_EQ(hits[static_cast<std::size_t>((*parts)[2].extract.sentences[0].source)].document_id,
            "b");
  EXPECT_THAT(hits, SizeIs(4));
}

TEST(Parts, WhoIsNoLongerThereEndsTheSearch) {
  const auto analyzer = indexer::MakeAnalyzer();
  std::vector<retrieval::Hit> hits;
  int searches = 0;
  const auto search = [&](const std::string&) -> absl::StatusOr<std::vector<retrieval::Hit>> {
    ++searches;
    return std::vector<retrieval::Hit>{};
  };
  const auto tell = [](std::size_t part, PartEvent::State) {
    return part == 1 ? absl::CancelledError("left") : absl::OkStatus();
  };
  EXPECT_TRUE(absl::IsCancelled(
      SearchParts({"Who made it?", "When was it?"}, 4, search, tell, *analyzer, &hits).status()));
  EXPECT_EQ(searches, 1);
}

TEST(Parts, AFailedSearchFails) {
  const auto analyzer = indexer::MakeAnalyzer();
  std::vector<retrieval::Hit> hits;
  const auto search = [](const std::string&) -> absl::StatusOr<std::vector<retrieval::Hit>> {
    return absl::UnavailableError("the index is gone");
  };
  EXPECT_TRUE(absl::IsUnavailable(
      SearchParts({"Who made it?", "When was it?"}, 4, search, kIgnore, *analyzer, &hits)
          .status()));
}

}  // namespace
}  // namespace citeseek::gateway
