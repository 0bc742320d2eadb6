// Deep and quick answers, end to end: a citeseek server, its command line, and a model server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <nlohmann/json.hpp>

#include "tests/support/json_lines.h"
#include "tests/support/openai_server.h"
#include "tests/support/process.h"
#include "tests/support/temp_directory.h"

namespace citeseek::testing {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;

class Model : public ::testing::Test {
 protected:
  // `citeseek up` with this model, over one document.
  void Start(const std::string& url) {
    const std::string file =
        directory_.Write("wombat.txt", "Wombats dig long burrows. They eat grass at night.");
    const auto indexed = RunCiteseek({"index", file, "--data", data_});
    ASSERT_EQ(indexed.exit_code, 0) << indexed.err;
    up_ = std::make_unique<ServerProcess>(std::vector<std::string>{
        "up", "--data", data_, "--listen", "127.0.0.1:0", "--json", "--openai", url, "--model", "m",
        "--openai-key-file", directory_.Write("key", "secret\n")});
    ASSERT_NE(up_->address(), "") << up_->Errors();
  }
  std::vector<Json> Ask(const std::string& mode) {
    const auto asked =
        RunCiteseek({"ask", "What do wombats eat?", "--mode", mode, "--data", data_, "--json"});
    EXPECT_EQ(asked.exit_code, 0) << asked.err;
    std::vector<Json> events = ParseJsonLines(asked.out);
    if (events.empty()) events.push_back({{"event", "none"}});
    EXPECT_EQ(events.back()["event"], "finished");
    return events;
  }
  static std::string Joined(const std::vector<Json>& events, const std::string& event) {
    std::string all;
    for (const Json& e : events) {
      if (e["event"] == event) all += e["text"].get<std::string>();
    }
    return all;
  }

  const TempDirectory directory_;
  const std::string data_ = directory_.path() / "data";
  std::unique_ptr<ServerProcess> up_;
};

TEST_F(Model, DeepThinksThenCitesExactly) {
  OpenAiServer model(GoodReply({"<think>Grass, ", "says 1.</th", "ink>\n\nWombats eat grass at ",
                                "night[citat", "ion:1]", ". They dig【1】", " and [[7]] sing."}));
  Start(model.url());
  const std::vector<Json> events = Ask("deep");
  EXPECT_EQ(Joined(events, "thought"), "Grass, says 1.");
  const Json finished = events.back();
  const std::string answer = finished["answer"];
  EXPECT_EQ(Joined(events, "answer"), answer);
  EXPECT_THAT(answer, HasSubstr("[1]"));
  for (const char* gone : {"citation", "【", "7", "think"}) {
    EXPECT_EQ(answer.find(gone), std::string::npos) << gone << " in " << answer;
  }
  EXPECT_EQ(finished["mode"], "deep");
  EXPECT_EQ(finished["receipt"]["degraded"], "");
  EXPECT_EQ(finished["receipt"]["model"], "test-model");
  EXPECT_EQ(finished["receipt"]["prompt_tokens"], 11);
  ASSERT_FALSE(finished["citations"].empty()) << finished;
  for (const Json& citation : finished["citations"]) {
    const auto got = RunCiteseek({"get", citation["document_id"], "--data", data_, "--json"});
    const std::string text = Json::parse(got.out)["text"];
    const std::size_t start = citation["start"], end = citation["end"];
    EXPECT_EQ(text.substr(start, end - start), citation["quote"].get<std::string>());
  }
  const auto requests = model.requests();
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0].authorization, "Bearer secret");
  EXPECT_THAT(requests[0].body, HasSubstr("Wombats dig long burrows"));
}

TEST_F(Model, QuickShowsTheThoughtsOfAFieldOfTheirOwn) {
  ServerReply reply = GoodReply({"They eat grass [1]."});
  reply.chunks.insert(reply.chunks.begin(), {.bytes = ThoughtEvent("Hm."), .delay = {}});
  OpenAiServer model(reply);
  Start(model.url());
  const std::vector<Json> events = Ask("quick");
  EXPECT_EQ(Joined(events, "thought"), "Hm.");
  EXPECT_EQ(events.back()["mode"], "quick");
  EXPECT_EQ(events.back()["answer"], "They eat grass [1].");
}

TEST_F(Model, AKilledClientClosesTheConnectionToTheModel) {
  ServerReply reply;
  reply.chunks = {{.bytes = TextEvent("Wombats "), .delay = {}}};
  reply.end = ServerReply::End::kSilent;
  OpenAiServer model(reply);
  Start(model.url());
  ServerProcess client(
      {"ask", "What do wombats eat?", "--mode", "deep", "--data", data_, "--json"});
  const absl::Time limit = absl::Now() + absl::Seconds(20);
  while (model.requests().empty() && absl::Now() < limit) std::this_thread::yield();
  ASSERT_EQ(model.requests().size(), 1u);
  const absl::Time killed = absl::Now();
  client.Kill(SIGKILL);
  EXPECT_LT(model.AwaitClosedByClient() - killed, absl::Seconds(5));
  EXPECT_TRUE(up_->running());
}

TEST_F(Model, WithoutItsServerTheAnswerIsTakenFromTheDocuments) {
  std::string url;
  {
    OpenAiServer model(GoodReply({"x"}));
    url = model.url();
  }
  Start(url);
  for (const char* mode : {"deep", "quick", "auto"}) {
    const Json finished = Ask(mode).back();
    EXPECT_EQ(finished["mode"], "extract") << mode;
    EXPECT_THAT(finished["answer"], HasSubstr("grass"));
    EXPECT_THAT(finished["receipt"]["degraded"], HasSubstr("model server 127.0.0.1:")) << mode;
  }
}

TEST_F(Model, AWrongKeyIsTheReasonGiven) {
  ServerReply refused;
  refused.status = 401;
  refused.content_type = "application/json";
  refused.chunks = {{.bytes = R"({"error":{"message":"Incorrect API key"}})", .delay = {}}};
  OpenAiServer model(refused);
  Start(model.url());
  const Json finished = Ask("deep").back();
  EXPECT_EQ(finished["mode"], "extract");
  EXPECT_THAT(finished["receipt"]["degraded"], HasSubstr("401: Incorrect API key"));
  EXPECT_FALSE(finished["citations"].empty());
}

}  // namespace
}  // namespace citeseek::testing
