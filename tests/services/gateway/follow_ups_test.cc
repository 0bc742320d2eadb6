#include "services/gateway/follow_ups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/overlap_retriever.h"

namespace citeseek::gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> Questions(const std::string& text, bool chinese,
                                   const std::string& title = "",
                                   const std::vector<Citation>& citations = {}) {
  const std::vector<retrieval::Hit> hits = {{.document_id = "d", .title = title, .text = text}};
  std::vector<std::string> questions;
  for (const FollowUp& f : FindFollowUps("Where is it?", chinese, hits, citations)) {
    EXPECT_LT(f.start, f.end);
    EXPECT_LE(f.end, text.size());
    questions.push_back(f.question);
  }
  return questions;
}

TEST(FollowUps, AskForWhatSentencesState) {
  EXPECT_THAT(Questions("Halden Bridge was built by Thomas Orrell in 1931. The Moon Bridge is 97 "
                        "metres long. Kestrel Tower stands on a hill.",
                        false),
              ElementsAre("Who built Halden Bridge?", "When was Halden Bridge built?",
                          "How long is the Moon Bridge?", "Where is Kestrel Tower?"));
  EXPECT_THAT(Questions("望月桥建成于1998年。望月桥全长214米。海州图书馆位于滨江路12号。", true),
              ElementsAre("望月桥是什么时候建成的？", "望月桥全长是多少？", "海州图书馆在哪里？"));
}

TEST(FollowUps, AskForHeadings) {
  const std::string text =
      "# Ferry\n\nIntro.\n\n## Fares\n\nA crossing costs 1.50.\n\n## 2. [x](y)!\n\nOdd.\n";
  EXPECT_THAT(Questions(text, false, "The ferry"),
              ElementsAre("What does “The ferry” say about fares?"));
  EXPECT_THAT(Questions(text, false), IsEmpty());
  EXPECT_THAT(Questions("## 开放时间\n\n九点到五点。\n", true, "海州图书馆"),
              ElementsAre("关于开放时间，《海州图书馆》怎么说？"));
}

TEST(FollowUps, RatherNoneThanAnOddOne) {
  for (const char* text :
       {"It was built in 1931.", "He was born there.", "Nothing was built by anybody, ever.",
        "Halden Bridge, which was old, was built well.", "", "###", "## \n\n",
        "In 1931 Halden Bridge was opened."}) {
    EXPECT_THAT(Questions(text, false, "T"), IsEmpty()) << text;
  }
  for (const char* text : {"它建成于1998年。", "该馆位于滨江路。", "望月桥建成于很久以前。"}) {
    EXPECT_THAT(Questions(text, true, "题"), IsEmpty()) << text;
  }
}

TEST(FollowUps, NothingIsAskedOfWhatTheAnswerHasQuoted) {
  EXPECT_THAT(Questions("Halden Bridge was opened in 1931. Moon Bridge was opened in 1950.", false,
                        "", {{.document_id = "d", .start = 0, .end = 33}}),
              ElementsAre("When was Moon Bridge opened?"));
}

TEST(FollowUps, AreToldOnlyIfTheDocumentsAnswerThem) {
  const auto analyzer = indexer::MakeAnalyzer();
  testing::OverlapRetriever retriever(
      {{.id = "halden",
        .title = "Halden Bridge",
        .text = "Halden Bridge was opened in 1931. Halden Bridge is 412 metres long."},
       {.id = "moon", .title = "Moon Bridge", .text = "Moon Bridge was opened in 1950."}});
  const auto answerer = MakeAnswerer({.retriever = &retriever, .analyzer = analyzer.get()});
  std::vector<std::size_t> order;
  std::vector<std::string> told;
  const auto take = [&](const Event& event) {
    if (const auto* f = std::get_if<FollowUpsEvent>(&event)) told = f->questions;
    order.push_back(event.index());
    return true;
  };
  Question question{.text = "When was Halden Bridge opened?", .follow_ups = true};
  const auto answer = answerer->Ask(question, take);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->follow_ups, told);
  EXPECT_THAT(told, ::testing::Contains("How long is Halden Bridge?"));
  EXPECT_THAT(told, ::testing::Not(::testing::Contains(question.text)));
  EXPECT_LE(told.size(), kMaxFollowUps);
  EXPECT_EQ(order[order.size() - 2], Event(FollowUpsEvent{}).index()) << "just before finished";
  for (const std::string& follow_up : told) {
    const auto next = answerer->Ask({.text = follow_up}, [](const Event&) { return true; });
    EXPECT_EQ(next->reason, "answered") << follow_up;
    EXPECT_FALSE(next->citations.empty()) << follow_up;
  }
  question.follow_ups = false;
  EXPECT_TRUE(answerer->Ask(question, take)->follow_ups.empty());
}

}  // namespace
}  // namespace citeseek::gateway
