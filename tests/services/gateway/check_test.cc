#include "services/gateway/check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/overlap_retriever.h"

namespace citeseek::gateway {
namespace {

using ::testing::ElementsAre;
using testing::OverlapRetriever;

class CheckTest : public ::testing::Test {
 protected:
  CheckReport Check(CheckRequest request) {
    const auto report = CheckText(request, &retriever_, *analyzer_);
    EXPECT_TRUE(report.ok()) << report.status();
    for (const CheckedSentence& sentence : report->sentences) {
      EXPECT_LE(sentence.end, request.text.size());
    }
    return report.value_or(CheckReport{});
  }
  static std::vector<Verdict> Verdicts(const CheckReport& report) {
    std::vector<Verdict> verdicts;
    for (const CheckedSentence& sentence : report.sentences) verdicts.push_back(sentence.verdict);
    return verdicts;
  }

  const std::vector<indexer::Document> documents_ = {
      {.id = "bridge",
       .title = "Harbour Bridge",
       .uri = "docs/bridge.md",
       .text = "The Harbour Bridge was opened on 3 May 1998. It is 1,120 metres long."},
      {.id = "tea", .title = "Tea", .text = "Green tea is not fermented. Black tea is."}};
  const std::unique_ptr<const indexer::Analyzer> analyzer_ = indexer::MakeAnalyzer();
  OverlapRetriever retriever_{documents_};
};

TEST_F(CheckTest, AMarkerStandsForTheDocumentOfItsNumber) {
  const CheckReport report =
      Check({.text = "The bridge is 1,120 metres long [1]. Green tea is fermented [2]. Right?",
             .documents = documents_});
  EXPECT_THAT(Verdicts(report),
              ElementsAre(Verdict::kSupported, Verdict::kUnsupported, Verdict::kUnchecked));
  ASSERT_EQ(report.citations.size(), 1u);
  EXPECT_EQ(report.citations[0].document_id, "bridge");
  EXPECT_EQ(report.citations[0].quote, "It is 1,120 metres long.");
  EXPECT_EQ(report.citations[0].start, 45u);
  EXPECT_EQ(report.sentences[1].start, 37u);
}

TEST_F(CheckTest, WithoutMarkersTheSourceIsFound) {
  const CheckReport report = Check({.text = "The Harbour Bridge is 1,120 metres long.\n"
                                            "The Harbour Bridge is 1,121 metres long.",
                                    .documents = documents_});
  EXPECT_THAT(Verdicts(report), ElementsAre(Verdict::kSupported, Verdict::kUnsupported));
  EXPECT_EQ(report.citations.at(0).marker, 1);
}

TEST_F(CheckTest, WithoutDocumentsTheIndexIsSearched) {
  const CheckReport report = Check({.text = "The Harbour Bridge is 1,120 metres long. "
                                            "Elephants weigh 6 tonnes."});
  EXPECT_THAT(Verdicts(report), ElementsAre(Verdict::kSupported, Verdict::kUnsupported));
  EXPECT_EQ(report.citations.at(0).marker, 0);
  EXPECT_EQ(report.citations.at(0).document_id, "bridge");
}

TEST_F(CheckTest, TheListOfSourcesSaysWhatANumberStandsFor) {
  const CheckReport report = Check({.text = "Green tea is not fermented [7]. The bridge opened in "
                                            "1998 [7].\n\n## References\n\n[7] Green teas (tea)\n"
                                            "[8] Harbour Bridge, docs/bridge.md\n"});
  ASSERT_EQ(report.sentences.size(), 2u);
  EXPECT_EQ(report.citations.at(0).marker, 7);
  EXPECT_EQ(report.citations.at(1).marker, 8);
  EXPECT_THAT(report.sentences[1].problems, ElementsAre("[7] moved to [8], whose source says it"));
}

TEST(FindSourceList, TakesTheLastLinesThatAreNumbered) {
  const auto numbers = [](std::string_view text) {
    std::vector<int> found;
    for (const ListedSource& source : FindSourceList(text).sources) found.push_back(source.number);
    return found;
  };
  EXPECT_THAT(numbers("A [1].\n\n[1] Title  file.md\n    \"quote\"\n\n[2] Other\n"),
              ElementsAre(1, 2));
  EXPECT_THAT(numbers("A。[1]\n参考资料：\n1、甲\n2. 乙\n"), ElementsAre(1, 2));
  EXPECT_THAT(numbers("Steps:\n1. Open it.\n2. Close it.\n"), ElementsAre());
  EXPECT_THAT(numbers("A [1]."), ElementsAre());
  EXPECT_THAT(numbers(""), ElementsAre());
  EXPECT_EQ(FindSourceList("A [1].\nSources\n[1] x").start, 7u);
}

TEST_F(CheckTest, RefusesByNameValueAndLimit) {
  const auto message = [&](CheckRequest request) {
    return std::string(CheckText(request, &retriever_, *analyzer_).status().message());
  };
  EXPECT_EQ(message({.text = " \n"}), "text to check is empty");
  EXPECT_EQ(message({.text = "a\xFF"}), "text to check is not UTF-8 at byte 1");
  EXPECT_EQ(message({.text = std::string(kMaxCheckedBytes + 1, 'a')}),
            "text to check, in bytes, of 1048577 is over the limit of 1048576");
  EXPECT_EQ(message({.text = "a",
                     .documents = std::vector<indexer::Document>(257, {.id = "a", .text = "x"})}),
            "number of documents of 257 is over the limit of 256");
  EXPECT_EQ(CheckText({.text = "a"}, nullptr, *analyzer_).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(CheckTest, KeepsDeadlinesAndStops) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(CheckText({.text = "Tea is green.", .stop = stop.get_token()}, &retriever_, *analyzer_)
                .status()
                .code(),
            absl::StatusCode::kCancelled);
  EXPECT_EQ(CheckText({.text = "Tea is green.", .deadline = absl::InfinitePast()}, &retriever_,
                      *analyzer_)
                .status()
                .code(),
            absl::StatusCode::kDeadlineExceeded);
}

}  // namespace
}  // namespace citeseek::gateway
