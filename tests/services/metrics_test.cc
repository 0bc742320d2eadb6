#include "services/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <set>

#include "services/call_record.h"
#include "tests/support/http_client.h"
#include "tests/support/shared.h"

namespace citeseek::services {
namespace {

using ::testing::HasSubstr;

class MetricsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto served = Metrics::Serve("127.0.0.1:0");
    ASSERT_TRUE(served.ok()) << served.status();
    metrics_ = *std::move(served);
  }
  std::string Page() { return testing::Fetch(metrics_->address(), "GET", "/metrics").body; }
  void FillAll() {
    metrics_->WatchEngine([] { return inference::EngineStats{.steps = 3}; });
    metrics_->WatchAdmission([] { return gateway::AdmissionStats{.lowered = 2}; });
    metrics_->RecordCall({.method = "Gateway.Ask", .duration = absl::Milliseconds(3)});
    gateway::Answer answer{.sentences = {{.verdict = gateway::Verdict::kSupported},
                                         {.verdict = gateway::Verdict::kSupported},
                                         {.verdict = gateway::Verdict::kPartly}},
                           .reason = "answered"};
    answer.receipt.prompt_tokens = 70;
    answer.receipt.stages = {{"retrieve", absl::Milliseconds(4)}};
    metrics_->RecordAnswer(answer);
  }

  std::unique_ptr<Metrics> metrics_;
};

TEST_F(MetricsTest, AnswersAreCountedByStageVerdictAndReason) {
  FillAll();
  const std::string page = Page();
  for (const char* line :
       {"citeseek_stage_seconds_count{stage=\"retrieve\"} 1\n",
        "citeseek_stage_seconds_bucket{stage=\"retrieve\",le=\"0.005\"} 1\n",
        "citeseek_sentences_total{verdict=\"supported\"} 2\n",
        "citeseek_sentences_total{verdict=\"partly\"} 1\n",
        "citeseek_answers_by_reason_total{reason=\"answered\"} 1\n",
        "citeseek_answer_tokens_total{kind=\"prompt\"} 70\n",
        "citeseek_rpc_calls_total{code=\"OK\",method=\"Gateway.Ask\"} 1\n",
        "citeseek_engine_steps_total 3\n", "citeseek_answers_lowered_total 2\n"}) {
    EXPECT_THAT(page, HasSubstr(line));
  }
}

// Names of metrics in a text, the parts of histograms as the histogram.
std::set<std::string> Names(const std::string& text) {
  static const std::regex name("citeseek_[a-z_]+");
  std::set<std::string> names;
  for (std::sregex_iterator it(text.begin(), text.end(), name), end; it != end; ++it) {
    names.insert(std::regex_replace(it->str(), std::regex("_(bucket|sum|count)$"), ""));
  }
  return names;
}

TEST_F(MetricsTest, TheDashboardShowsMetricsThatThereAreAndAllOfThem) {
  FillAll();
  const std::set<std::string> page = Names(Page());
  const std::set<std::string> shown =
      Names(ReadFile(std::filesystem::path(CITESEEK_SOURCE_DIR) / "deploy/grafana.json"));
  EXPECT_EQ(page, shown);
}

TEST_F(MetricsTest, EveryRungAndLineIsThereFromTheStart) {
  FillAll();
  const std::string page = Page();
  for (const char* rung : {"full", "short", "quick", "extract", "results"}) {
    EXPECT_THAT(page, HasSubstr("citeseek_answers_total{rung=\"" + std::string(rung) + "\"} "));
  }
  for (const char* line : {"model", "reading"}) {
    EXPECT_THAT(page, HasSubstr("citeseek_line_waiting{line=\"" + std::string(line) + "\"} "));
  }
}

// A query by a label that its metric has not would show nothing.
TEST_F(MetricsTest, TheDashboardAsksForLabelsThatItsMetricsHave) {
  FillAll();
  const std::string page = Page();
  const std::string dashboard =
      ReadFile(std::filesystem::path(CITESEEK_SOURCE_DIR) / "deploy/grafana.json");
  static const std::regex query(R"(by \(([a-z, ]+)\) \(?(?:rate\()?(citeseek_[a-z_]+)\{([^}]*)\})");
  static const std::regex word("[a-z]+");
  int asked = 0;
  for (std::sregex_iterator it(dashboard.begin(), dashboard.end(), query), end; it != end; ++it) {
    const std::string labels = (*it)[1].str(), metric = (*it)[2].str();
    for (std::sregex_iterator label(labels.begin(), labels.end(), word), none; label != none;
         ++label) {
      ++asked;
      const std::regex sample(metric + R"(\{[^}]*\b)" + label->str() + "=");
      EXPECT_TRUE(std::regex_search(page, sample)) << metric << " has no " << label->str();
    }
  }
  EXPECT_GE(asked, 15);
}

// What the gateway tells of stages is what the manual lists.
TEST_F(MetricsTest, TheManualListsEveryStage) {
  const std::filesystem::path source(CITESEEK_SOURCE_DIR);
  const std::string manual = ReadFile(source / "docs/operations.md");
  static const std::regex end_of_stage("(?:EndStage\\(|stages\\.push_back\\(\\{)\"([a-z_]+)\"");
  std::set<std::string> stages;
  for (const auto& entry : std::filesystem::directory_iterator(source / "services/gateway")) {
    const std::string code = ReadFile(entry.path());
    for (std::sregex_iterator it(code.begin(), code.end(), end_of_stage), end; it != end; ++it) {
      stages.insert((*it)[1].str());
    }
  }
  for (const std::string& stage : stages) EXPECT_THAT(manual, HasSubstr("`" + stage + "`"));
  EXPECT_GE(stages.size(), 9u);
}

}  // namespace
}  // namespace citeseek::services
