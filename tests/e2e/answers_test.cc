// Extracts are right for documents of many kinds: a leave policy, a router's reference, a package
// leaflet, a lease, a recipe, an API, minutes, and Chinese ones. Nothing is tuned on them alone.
#include <gtest/gtest.h>

#include <sstream>

#include "services/gateway/client.h"
#include "tests/support/process.h"
#include "tests/support/shared.h"
#include "tests/support/temp_directory.h"

namespace citeseek::testing {
namespace {

// A line a question: the question, a tab, and what the answer must hold; "-": the documents do not
// say.
TEST(Answers, AreRightForDocumentsOfManyKinds) {
  const std::string documents = CITESEEK_SOURCE_DIR "/tests/data/handbooks";
  const TempDirectory directory;
  const std::string data = directory.path() / "data";
  const auto indexed = RunCiteseek({"index", documents, "--data", data});
  ASSERT_EQ(indexed.exit_code, 0) << indexed.err;
  ServerProcess up({"up", "--data", data, "--listen", "127.0.0.1:0", "--json"});
  ASSERT_NE(up.address(), "") << up.Errors();
  const auto channel = services::MakeChannel(up.address());
  const auto answerer = services::ConnectAnswerer(channel);
  std::istringstream lines(ReadFile(CITESEEK_SOURCE_DIR "/tests/data/handbook_questions.tsv"));
  int answerable = 0, right = 0, others = 0, refused = 0;
  std::string faults, line;
  while (std::getline(lines, line)) {
    const std::size_t tab = line.find('\t');
    ASSERT_NE(tab, std::string::npos) << line;
    const std::string question = line.substr(0, tab), wanted = line.substr(tab + 1);
    const auto answer = answerer->Ask({.text = question, .mode = gateway::Mode::kExtract},
                                      [](const gateway::Event&) { return true; });
    ASSERT_TRUE(answer.ok()) << question << ": " << answer.status();
    const bool refuses = answer->reason == "no_evidence";
    const bool holds =
        wanted == "-" ? refuses : !refuses && answer->text.find(wanted) != std::string::npos;
    (wanted == "-" ? others : answerable) += 1;
    (wanted == "-" ? refused : right) += holds ? 1 : 0;
    if (!holds) faults += question + " -> " + answer->text + "\n";
  }
  EXPECT_EQ(answerable, 72);
  EXPECT_EQ(others, 9);
  EXPECT_GE(right, 65) << faults;
  EXPECT_EQ(refused, 9) << faults;
}

}  // namespace
}  // namespace citeseek::testing
