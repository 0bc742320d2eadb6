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

}  // namespace
}  // namespace citeseek::services
