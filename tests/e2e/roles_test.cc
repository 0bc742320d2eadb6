// One process and four give the same hits, answers and citations; a killed server keeps its data.
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

const std::string kSample = CITESEEK_SOURCE_DIR "/deploy/sample";

std::vector<Json> Lines(const std::string& text) {
  std::vector<Json> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(Json::parse(line));
  return lines;
}

Json Finished(const Output& ask) {
  EXPECT_EQ(ask.exit_code, 0) << ask.err;
  const auto lines = Lines(ask.out);
  if (lines.empty()) return {};
  EXPECT_EQ(lines.back()["event"], "finished");
  Json finished = lines.back();
  finished.erase("receipt");  // times and ids differ
  return finished;
}

const char* const kQueries[] = {"bridge",          "望月桥",          "ferry timetable in winter",
                                "图书馆 开放时间", "soup with lotus", "release 2.4 date"};
const char* const kQuestions[] = {"When was Halden Bridge opened?", "望月桥全长多少米？",
                                  "How long do oat biscuits bake?", "zyxwv qqqq?"};

TEST(Roles, OneProcessAndFourGiveTheSameHitsAnswersAndCitations) {
  const TempDirectory directory;
  const std::string one = directory.path() / "one", four = directory.path() / "four";
  const auto indexed = RunCiteseek({"index", kSample, "--data", one, "--json"});
  ASSERT_EQ(indexed.exit_code, 0) << indexed.err;
  ASSERT_GE(Json::parse(indexed.out)["documents"], 25);
  ServerProcess up({"up", "--data", one, "--listen", "127.0.0.1:0", "--json"});
  ASSERT_NE(up.address(), "") << up.Errors();

  // Each role is told where those before it are, in a file; one file a role, one process a role.
  std::string remotes = "remotes:\n";
  std::vector<std::unique_ptr<ServerProcess>> roles;
  for (const std::string role : {"inference", "indexer", "retrieval", "gateway"}) {
    const std::string config = directory.path() / (role + ".yaml");
    std::ofstream(config) << "data: " << four << "\nlisten: 127.0.0.1:0\nlog: warn\n"
                          << (roles.empty() ? "" : remotes);
    roles.push_back(std::make_unique<ServerProcess>(
        std::vector<std::string>{"serve", "--config", config, "--roles=" + role, "--json"}));
    ASSERT_NE(roles.back()->address(), "") << role << ": " << roles.back()->Errors();
    remotes += "  " + role + ": " + roles.back()->address() + "\n";
    if (role != "indexer") continue;
    const auto remote =
        RunCiteseek({"index", kSample, "--server", roles.back()->address(), "--json"});
    ASSERT_EQ(remote.exit_code, 0) << remote.err;
    EXPECT_EQ(Json::parse(remote.out)["documents"], Json::parse(indexed.out)["documents"]);
  }

  for (const char* query : kQueries) {
    const auto local = RunCiteseek({"search", query, "--server", up.address(), "--json"});
    const auto remote = RunCiteseek({"search", query, "--server", roles[2]->address(), "--json"});
    EXPECT_EQ(local.exit_code, 0) << local.err;
    EXPECT_FALSE(Lines(local.out).empty()) << query;
    EXPECT_EQ(local.out, remote.out) << query << remote.err;
  }
  for (const char* question : kQuestions) {
    const Json local = Finished(
        RunCiteseek({"ask", question, "--mode", "extract", "--server", up.address(), "--json"}));
    const Json remote = Finished(RunCiteseek(
        {"ask", question, "--mode", "extract", "--server", roles[3]->address(), "--json"}));
    EXPECT_EQ(local, remote) << question;
    EXPECT_NE(local["answer"], "") << question;
  }
  for (auto& role : roles) EXPECT_EQ(role->Kill(SIGTERM), 0) << role->Errors();
  EXPECT_EQ(up.Kill(SIGINT), 0) << up.Errors();
}

TEST(Roles, ANewDirectoryServesTheSampleInBothLanguages) {
  const TempDirectory directory;
  const std::string data = directory.path() / "data";
  ServerProcess up({"up", "--data", data, "--listen", "127.0.0.1:0", "--json"});
  ASSERT_NE(up.address(), "") << up.Errors();
  // Other commands find the server through the directory.
  for (const char* question : {"When was Halden Bridge opened?", "望月桥全长多少米？"}) {
    const Json finished = Finished(RunCiteseek({"ask", question, "--data", data, "--json"}));
    EXPECT_EQ(finished["reason"], "answered") << finished;
    ASSERT_FALSE(finished["citations"].empty()) << finished;
    const Json citation = finished["citations"][0];
    const auto got =
        RunCiteseek({"get", citation["document_id"].get<std::string>(), "--data", data, "--json"});
    ASSERT_EQ(got.exit_code, 0) << got.err;
    const std::string text = Json::parse(got.out)["text"];
    const std::size_t start = citation["start"], end = citation["end"];
    EXPECT_EQ(text.substr(start, end - start), citation["quote"].get<std::string>());
  }
  EXPECT_EQ(up.Kill(SIGTERM), 0) << up.Errors();
  EXPECT_FALSE(std::filesystem::exists(data + "/server.json"));
}

TEST(Roles, AKilledServerKeepsWhatItAcknowledged) {
  const TempDirectory directory;
  const std::string data = directory.path() / "data";
  const std::string file = directory.Write("note.txt", "The quokka census counted 412 animals.");
  {
    ServerProcess up({"up", "--data", data, "--listen", "127.0.0.1:0", "--json"});
    ASSERT_NE(up.address(), "") << up.Errors();
    const auto indexed = RunCiteseek({"index", file, "--data", data});
    ASSERT_EQ(indexed.exit_code, 0) << indexed.err;
    EXPECT_EQ(up.Kill(SIGKILL), 128 + SIGKILL);
  }
  // Without a server, from the directory alone, though server.json is still there.
  const auto direct = RunCiteseek({"search", "quokka census", "--data", data, "--json"});
  ASSERT_EQ(direct.exit_code, 0) << direct.err;
  ASSERT_FALSE(Lines(direct.out).empty());
  EXPECT_EQ(Lines(direct.out)[0]["document_id"], "note.txt");
  const auto sound = RunCiteseek({"fsck", "--data", data, "--json"});
  EXPECT_EQ(sound.exit_code, 0) << sound.err;
  ServerProcess again({"up", "--data", data, "--listen", "127.0.0.1:0", "--json"});
  ASSERT_NE(again.address(), "") << again.Errors();
  const auto served = RunCiteseek({"search", "quokka census", "--data", data, "--json"});
  EXPECT_EQ(served.out, direct.out) << served.err;
}

}  // namespace
}  // namespace citeseek::testing
