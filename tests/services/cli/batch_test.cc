#include "services/cli/batch.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/fake_doors.h"
#include "tests/support/temp_directory.h"

namespace citeseek::services {
namespace {

TEST(Batch, QrelsAreReadInBeirAndTrecForm) {
  const TempDirectory directory;
  const std::string path = directory.path() / "qrels";
  std::ofstream(path) << "query-id\tcorpus-id\tscore\nq1\td1\t2\r\nq1\td2\t0\n\nq2\td1\t1\n";
  const auto beir = ReadQrels(path);
  ASSERT_TRUE(beir.ok()) << beir.status();
  EXPECT_EQ(beir->at("q1").at("d1"), 2);
  EXPECT_EQ(beir->at("q1").at("d2"), 0);
  EXPECT_EQ(beir->at("q2").size(), 1u);
  std::ofstream(path) << "q1 0 d1 2\nq1 0 d2 0\nq2 0 d1 1\n";
  const auto trec = ReadQrels(path);
  ASSERT_TRUE(trec.ok()) << trec.status();
  EXPECT_EQ(*trec, *beir);
}

TEST(Batch, ABadLineIsNamed) {
  const TempDirectory directory;
  const std::string path = directory.path() / "file";
  std::ofstream(path) << "q1 d1 1\nq1 d2 much\n";
  EXPECT_EQ(ReadQrels(path).status(),
            absl::InvalidArgumentError(path + ":2: grade 'much' is not a number"));
  std::ofstream(path) << "q1 d1 1\nq1\n";
  EXPECT_EQ(ReadQrels(path).status(),
            absl::InvalidArgumentError(path + ":2: 1 columns are not 3 or 4"));
  std::ofstream(path) << "{\"_id\":\"a\",\"text\":\"x\"}\n\nnonsense\n";
  EXPECT_EQ(ReadQueries(path).status(), absl::InvalidArgumentError(path + ":3: not a JSON object"));
  EXPECT_EQ(ReadQueries(directory.path() / "none").status().code(), absl::StatusCode::kNotFound);
}

TEST(Batch, RankingsAreInTheOrderOfTheQueriesWhateverTheThreads) {
  testing::FakeRetriever retriever;
  std::vector<QueryLine> queries;
  for (int i = 0; i < 50; ++i) queries.push_back({std::to_string(i), "x"});
  const auto rankings = RunQueries(retriever, queries, {.top_k = 2}, 4);
  ASSERT_TRUE(rankings.ok()) << rankings.status();
  ASSERT_EQ(rankings->size(), 50u);
  for (const Ranking& ranking : *rankings) EXPECT_EQ(ranking.hits.size(), 2u);
}

TEST(Batch, AQueryWithoutTextIsNamedAndHasNoHits) {
  const TempDirectory directory;
  const std::string path = directory.path() / "queries.jsonl";
  std::ofstream(path) << R"({"_id":"q1","text":"x"})"
                      << "\n"
                      << R"({"_id":"q2","text":""})"
                      << "\n"
                      << R"({"_id":"q3","text":"y"})"
                      << "\n";
  ::testing::internal::CaptureStderr();
  const auto queries = ReadQueries(path);
  EXPECT_EQ(::testing::internal::GetCapturedStderr(),
            "citeseek: " + path + ":2: query q2 is empty and gets no hits\n");
  ASSERT_TRUE(queries.ok()) << queries.status();
  testing::FakeRetriever retriever;
  const auto rankings = RunQueries(retriever, *queries, {.top_k = 2}, 1);
  ASSERT_TRUE(rankings.ok()) << rankings.status();
  ASSERT_EQ(rankings->size(), 3u);
  EXPECT_EQ((*rankings)[0].hits.size(), 2u);
  EXPECT_EQ((*rankings)[1].hits.size(), 0u);
  EXPECT_EQ((*rankings)[2].hits.size(), 2u);
}

TEST(Batch, TheQueryThatFailsIsNamed) {
  testing::FakeRetriever retriever;
  const auto rankings = RunQueries(retriever, {{"q1", "x"}, {"q2", "fail 3"}}, {.top_k = 1}, 1);
  EXPECT_EQ(rankings.status(),
            absl::InvalidArgumentError(std::string("query q2: ") + testing::kFailMessage));
}

}  // namespace
}  // namespace citeseek::services
