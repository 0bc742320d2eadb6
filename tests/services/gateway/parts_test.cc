#include "services/gateway/parts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace citeseek::gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr auto kIgnore = [](std::size_t, PartEvent::State) { return absl::OkStatus(); };

absl::StatusOr<std::vector<Part>> SearchThem(const std::vector<std::string>& questions, int top_k,
                                             const SearchPassages& search, const TellPart& tell,
                                             const indexer::Analyzer& analyzer,
                                             std::vector<retrieval::Hit>* hits) {
  return SearchParts(questions,
                     {.top_k = top_k, .search = search, .tell = tell, .analyzer = &analyzer}, hits);
}

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
  const auto parts = SearchThem({"Who founded Acme Tools?", "When did Acme Tools start?"}, 4,
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
  const auto parts = SearchThem({"When was the Borealis launched?", "where is it?"}, 4, search,
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
  const auto parts = SearchThem({"What is Tea?", "Where is Tea?", "Who is Tea?", "Why is Tea?"}, 4,
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
  const auto parts = SearchThem({"When was the Borealis launched?", "where is it?"}, 4, search,
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
      SearchThem({"What is Tea?", "Where is Tea?", "When was the Borealis launched?"}, 2, search,
                 kIgnore, *analyzer, &hits);
  ASSERT_TRUE(parts.ok()) << parts.status();
  ASSERT_THAT((*parts)[2].extract.sentences, SizeIs(1));
  EXPECT_EQ(hits[static_cast<std::size_t>((*parts)[2].extract.sentences[0].source)].document_id,
            "b");
  EXPECT_THAT(hits, SizeIs(4));
}

TEST(Parts, AQuestionThatIsItsOnlyPartKeepsWhatWasFoundAndIsToldOfWhenSearchedAgain) {
  const auto analyzer = indexer::MakeAnalyzer();
  std::vector<retrieval::Hit> hits;
  for (int i = 0; i < 4; ++i) hits.push_back(MakeHit(std::to_string(i), "Tea is a hot drink."));
  std::vector<std::string> searched, order;
  PartSearch how{.top_k = 2, .analyzer = analyzer.get()};
  how.search = [&](const std::string& text) -> absl::StatusOr<std::vector<retrieval::Hit>> {
    searched.push_back(text);
    if (text == "the ship") return std::vector{MakeHit("b", "The Borealis was launched in 1989.")};
    return std::vector{MakeHit("c", "Coffee is a hot drink."), MakeHit("0", "Tea.")};
  };
  how.tell = [&](std::size_t part, PartEvent::State state) {
    EXPECT_EQ(part, 0u);
    order.push_back(std::to_string(static_cast<int>(state)));
    return absl::OkStatus();
  };
  how.propose = [&](const std::string& question, const std::vector<std::string>& tried) {
    EXPECT_EQ(question, "When was the Borealis launched?");
    EXPECT_THAT(tried, ::testing::ElementsAre(question, "Borealis"));
    return "the ship";
  };
  const auto parts = SearchParts({"When was the Borealis launched?"}, how, &hits);
  ASSERT_TRUE(parts.ok()) << parts.status();
  EXPECT_THAT(searched, ::testing::ElementsAre("Borealis", "the ship"));
  EXPECT_THAT(order, ::testing::ElementsAre("1", "1", "2"));  // again, again, evidence
  ASSERT_THAT(*parts, SizeIs(1));
  EXPECT_EQ((*parts)[0].searches, 3);
  ASSERT_THAT((*parts)[0].extract.sentences, SizeIs(1));
  // All four stay, and as many as were asked for join, the evidence first.
  ASSERT_THAT(hits, SizeIs(6));
  EXPECT_EQ(hits[4].document_id, "b");
  EXPECT_EQ((*parts)[0].extract.sentences[0].source, 4);
  EXPECT_EQ(hits[5].document_id, "c");
}

TEST(Parts, EvidenceOfTooLittleConfidenceIsKeptUnlessTheSecondSearchFindsBetter) {
  const auto analyzer = indexer::MakeAnalyzer();
  const std::vector<retrieval::Hit> first = {MakeHit("a", "The Borealis was launched in 1989.")};
  int searches = 0;
  PartSearch how{.top_k = 2, .tell = kIgnore, .enough = 2, .analyzer = analyzer.get()};
  how.search = [&](const std::string&) -> absl::StatusOr<std::vector<retrieval::Hit>> {
    ++searches;
    return std::vector{MakeHit("c", "Coffee is a hot drink.")};
  };
  how.propose = [](const auto&, const auto&) { return absl::InternalError("not to be asked"); };
  std::vector<retrieval::Hit> hits = first;
  auto parts = SearchParts({"When was the Borealis launched?"}, how, &hits);
  ASSERT_TRUE(parts.ok()) << parts.status();
  EXPECT_EQ(searches, 1);
  ASSERT_THAT((*parts)[0].extract.sentences, SizeIs(1));
  EXPECT_EQ((*parts)[0].extract.sentences[0].source, 0);
  how.enough = 0;
  hits = first;
  parts = SearchParts({"When was the Borealis launched?"}, how, &hits);
  EXPECT_EQ(searches, 1);
  EXPECT_EQ((*parts)[0].searches, 1);
  EXPECT_THAT(hits, SizeIs(1));
}

TEST(Parts, InAHurryNothingIsSearchedAgain) {
  const auto analyzer = indexer::MakeAnalyzer();
  std::stop_source hurry;
  int searches = 0;
  PartSearch how{
      .top_k = 2, .tell = kIgnore, .hurry = hurry.get_token(), .analyzer = analyzer.get()};
  how.search = [&](const std::string&) -> absl::StatusOr<std::vector<retrieval::Hit>> {
    if (++searches == 1) hurry.request_stop();
    return std::vector<retrieval::Hit>{};
  };
  how.propose = [](const auto&, const auto&) { return absl::InternalError("not to be asked"); };
  std::vector<retrieval::Hit> hits;
  EXPECT_TRUE(SearchParts({"When was the Borealis launched?"}, how, &hits).ok());
  EXPECT_EQ(searches, 1);
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
      SearchThem({"Where is it?", "When was it?"}, 4, search, tell, *analyzer, &hits).status()));
  EXPECT_EQ(searches, 1);
}

TEST(Parts, AFailedSearchFails) {
  const auto analyzer = indexer::MakeAnalyzer();
  std::vector<retrieval::Hit> hits;
  const auto search = [](const std::string&) -> absl::StatusOr<std::vector<retrieval::Hit>> {
    return absl::UnavailableError("the index is gone");
  };
  EXPECT_TRUE(absl::IsUnavailable(
      SearchThem({"Where is it?", "When was it?"}, 4, search, kIgnore, *analyzer, &hits).status()));
}

}  // namespace
}  // namespace citeseek::gateway
