// Conversations outlive kill -9, forget what is deleted, and answers are made again of receipts.
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/support/process.h"
#include "tests/support/temp_directory.h"

namespace citeseek::testing {
namespace {

using Json = nlohmann::json;

Json Last(const Output& output) {
  EXPECT_EQ(output.exit_code, 0) << output.err;
  std::istringstream in(output.out);
  std::string line, last = "{}";
  while (std::getline(in, line)) last = line;
  return Json::parse(last);
}

class Conversations : public ::testing::Test {
 protected:
  void SetUp() override {
    directory_.Write("docs/halden.md",
                     "# Halden Bridge\n\nHalden Bridge was opened in 1931. Halden Bridge is 412 "
                     "metres long.\n");
    directory_.Write("docs/moon.md", "# Moon Bridge\n\nMoon Bridge was opened in 1950.\n");
    directory_.Write("docs/yueqiao.md", "# 望月桥\n\n望月桥建成于1998年。望月桥全长214米。\n");
    const auto indexed = RunCiteseek({"index", directory_.path() / "docs", "--data", data_});
    ASSERT_EQ(indexed.exit_code, 0) << indexed.err;
  }

  Json Ask(const std::string& question, const std::string& session) {
    return Last(RunCiteseek({"ask", question, "--session", session, "--data", data_, "--json"}));
  }
  Json Show(const std::string& session) {
    return Last(RunCiteseek({"conversations", "show", session, "--data", data_, "--json"}));
  }

  TempDirectory directory_;
  const std::string data_ = directory_.path() / "data";
};

TEST_F(Conversations, AFinishedTurnIsThereAfterKill9) {
  std::string session;
  {
    ServerProcess up({"up", "--data", data_, "--listen", "127.0.0.1:0", "--http", "off", "--json"});
    ASSERT_NE(up.address(), "") << up.Errors();
    const Json first = Ask("When was Halden Bridge opened?", "new");
    session = first["receipt"]["session"];
    EXPECT_EQ(first["receipt"]["turn"], 1);
    const Json second = Ask("How long is it?", session);
    EXPECT_EQ(second["receipt"]["rewritten_question"], "How long is Halden Bridge?");
    EXPECT_NE(second["answer"].get<std::string>().find("412 metres"), std::string::npos) << second;
    EXPECT_EQ(second["citations"][0]["marker"], first["citations"][0]["marker"]);
    EXPECT_EQ(up.Kill(SIGKILL), 128 + SIGKILL);
  }
  // Without a server, and then by the next one.
  EXPECT_EQ(Show(session)["turns"], 2);
  ServerProcess up({"up", "--data", data_, "--listen", "127.0.0.1:0", "--http", "off", "--json"});
  ASSERT_NE(up.address(), "") << up.Errors();
  const Json shown = Show(session);
  ASSERT_EQ(shown["shown"].size(), 2u);
  EXPECT_EQ(shown["shown"][1]["question"], "How long is it?");
  EXPECT_EQ(shown["shown"][1]["citations"][0]["quote"], "Halden Bridge is 412 metres long.");
  const Json third = Ask("望月桥是哪年建成的？", session);
  EXPECT_EQ(third["receipt"]["turn"], 3);
  EXPECT_EQ(Ask("它全长多少米？", session)["receipt"]["rewritten_question"], "望月桥全长多少米？");
}

TEST_F(Conversations, ADeletedDocumentIsInNoHistory) {
  const Json first = Ask("When was Halden Bridge opened?", "new");
  const std::string session = first["receipt"]["session"];
  Ask("When was Moon Bridge opened?", session);
  const std::string id = first["citations"][0]["document_id"];
  ASSERT_EQ(RunCiteseek({"delete", id, "--data", data_}).exit_code, 0);
  const auto shown = RunCiteseek({"conversations", "show", session, "--data", data_, "--json"});
  ASSERT_EQ(shown.exit_code, 0) << shown.err;
  EXPECT_EQ(shown.out.find("1931"), std::string::npos) << shown.out;
  EXPECT_EQ(shown.out.find(id), std::string::npos) << shown.out;
  EXPECT_NE(shown.out.find("1950"), std::string::npos) << shown.out;
}

TEST_F(Conversations, ADeletedConversationIsGone) {
  const std::string session = Ask("When was Halden Bridge opened?", "new")["receipt"]["session"];
  const auto list = RunCiteseek({"conversations", "list", "--data", data_, "--json"});
  EXPECT_EQ(Json::parse(list.out)["conversations"][0]["session"], session);
  EXPECT_EQ(RunCiteseek({"conversations", "delete", session, "--data", data_}).exit_code, 0);
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"conversations", "show", session},
        {"conversations", "delete", session},
        {"ask", "How long is it?", "--session", session}}) {
    auto arguments = command;
    arguments.insert(arguments.end(), {"--data", data_});
    const auto gone = RunCiteseek(arguments);
    EXPECT_EQ(gone.exit_code, 1);
    EXPECT_EQ(gone.err, "citeseek: no conversation " + session + "\n");
  }
}

TEST_F(Conversations, AnExtractIsReplayedToTheSameBytes) {
  const std::string session = Ask("When was Moon Bridge opened?", "new")["receipt"]["session"];
  Ask("When was Halden Bridge opened?", session);
  const auto asked =
      RunCiteseek({"ask", "How long is it?", "--session", session, "--data", data_, "--json"});
  ASSERT_EQ(asked.exit_code, 0) << asked.err;
  const std::string receipt = directory_.Write("receipt.json", asked.out);
  const auto replayed = RunCiteseek({"replay", receipt, "--data", data_, "--json"});
  ASSERT_EQ(replayed.exit_code, 0) << replayed.out << replayed.err;
  EXPECT_EQ(Json::parse(replayed.out)["same"], true);
  EXPECT_EQ(Json::parse(replayed.out)["differ"], Json::array());
  EXPECT_EQ(Json::parse(replayed.out)["answer"], Last(asked)["answer"]);
  // Another text: another answer, and why.
  directory_.Write("docs/halden.md", "# Halden Bridge\n\nHalden Bridge is 413 metres long.\n");
  ASSERT_EQ(RunCiteseek({"index", directory_.path() / "docs", "--data", data_}).exit_code, 0);
  const auto changed = RunCiteseek({"replay", receipt, "--data", data_, "--json"});
  EXPECT_EQ(changed.exit_code, 3);
  const Json differ = Json::parse(changed.out)["differ"];
  EXPECT_NE(std::find(differ.begin(), differ.end(), "answer_hash"), differ.end()) << differ;
  EXPECT_NE(std::find(differ.begin(), differ.end(), "sources"), differ.end()) << differ;
  EXPECT_EQ(RunCiteseek({"replay", directory_.Write("bad.json", "{}"), "--data", data_}).exit_code,
            1);
}

}  // namespace
}  // namespace citeseek::testing
