#include "services/cli/json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace citeseek::services {
namespace {

using Json = nlohmann::json;

void ExpectKeys(const Json& json, const std::vector<std::string>& keys) {
  for (const std::string& key : keys) EXPECT_TRUE(json.contains(key)) << key << " in " << json;
}

TEST(Json, ACheckIsALineASentenceAndOneOfCounts) {
  const gateway::CheckReport report = {
      .sentences = {{0, 5, gateway::Verdict::kSupported, 0.9, {}},
                    {6, 12, gateway::Verdict::kUnsupported, 0, {"no source says it"}}},
      .citations = {{.marker = 1, .document_id = "d", .start = 3, .end = 4, .quote = "q"}}};
  const auto lines = CheckJson("a [1]. b 中", report);
  ASSERT_EQ(lines.size(), 3u);
  const Json first = Json::parse(lines[0]), second = Json::parse(lines[1]);
  ExpectKeys(first, {"sentence", "start", "end", "verdict", "score", "citations", "problems"});
  EXPECT_EQ(first["sentence"], "a [1]");
  EXPECT_EQ(first["citations"][0]["document_id"], "d");
  EXPECT_EQ(first["citations"][0]["quote"], "q");
  EXPECT_TRUE(second["citations"].empty());
  EXPECT_EQ(second["verdict"], "unsupported");
  EXPECT_EQ(second["problems"][0], "no source says it");
  const Json summary = Json::parse(lines[2])["summary"];
  EXPECT_EQ(summary["sentences"], 2);
  EXPECT_EQ(summary["supported"], 1);
  EXPECT_EQ(summary["unsupported"], 1);
  EXPECT_EQ(summary["partly"], 0);
}

// The names of DESIGN section 8: scripts rely on them.
TEST(Json, AHitHasTheNamesThatScriptsRelyOn) {
  const Json json = Json::parse(HitJson({.document_id = "d",
                                         .passage_id = "d#1",
                                         .title = "t",
                                         .uri = "u",
                                         .start = 3,
                                         .end = 9,
                                         .text = "中\n",
                                         .score = 0.5},
                                        2));
  EXPECT_EQ(json["rank"], 2);
  EXPECT_EQ(json["score"], 0.5);
  EXPECT_EQ(json["document_id"], "d");
  EXPECT_EQ(json["passage_id"], "d#1");
  EXPECT_EQ(json["title"], "t");
  EXPECT_EQ(json["uri"], "u");
  EXPECT_EQ(json["start"], 3);
  EXPECT_EQ(json["end"], 9);
  EXPECT_EQ(json["text"], "中\n");
}

TEST(Json, EveryEventIsOneLineWithItsName) {
  gateway::Answer answer;
  answer.text = "a [1]\nb";
  answer.reason = "answered";
  answer.citations = {
      {.marker = 1, .document_id = "d", .quote = "q", .verdict = gateway::Verdict::kSupported}};
  answer.receipt.stages = {{"retrieve", absl::Milliseconds(2)}};
  const Json queued = Json::parse(EventJson(gateway::QueuedEvent{3, absl::Milliseconds(1500)}));
  EXPECT_EQ(queued, Json({{"event", "queued"},
                          {"place", 3},
                          {"eta_ms", 1500},
                          {"rung", "full"},
                          {"request_id", ""}}));
  const Json searched = Json::parse(EventJson(gateway::SearchedEvent{{{}, {}}, 7}));
  EXPECT_EQ(searched["event"], "searched");
  ASSERT_EQ(searched["hits"].size(), 2u);
  EXPECT_EQ(searched["hits"][1]["rank"], 2);
  using State = gateway::PartEvent::State;
  EXPECT_EQ(Json::parse(EventJson(gateway::PartEvent{1, 2, "q?", State::kSearchingAgain})),
            Json({{"event", "part"},
                  {"part", 1},
                  {"parts", 2},
                  {"question", "q?"},
                  {"state", "searching_again"}}));
  EXPECT_EQ(Json::parse(EventJson(gateway::ThoughtEvent{"x"})),
            Json({{"event", "thought"}, {"text", "x"}}));
  EXPECT_EQ(Json::parse(EventJson(gateway::AnswerEvent{"x"})),
            Json({{"event", "answer"}, {"text", "x"}}));
  const Json citation = Json::parse(EventJson(gateway::CitationEvent{answer.citations[0]}));
  EXPECT_EQ(citation["event"], "citation");
  ExpectKeys(citation,
             {"marker", "document_id", "version", "start", "end", "quote", "verdict", "score"});
  EXPECT_EQ(citation["verdict"], "supported");
  answer.sentences = {{0, 5, gateway::Verdict::kPartly, 0.5, {"p"}}};
  EXPECT_EQ(Json::parse(EventJson(gateway::CheckedEvent{answer.sentences[0]})),
            Json({{"event", "checked"},
                  {"start", 0},
                  {"end", 5},
                  {"verdict", "partly"},
                  {"score", 0.5},
                  {"problems", {"p"}}}));
  const std::string line = EventJson(gateway::FinishedEvent{answer});
  EXPECT_EQ(line.find('\n'), std::string::npos);
  const Json finished = Json::parse(line);
  ExpectKeys(finished, {"event", "reason", "mode", "answer", "citations", "receipt"});
  EXPECT_EQ(finished["answer"], "a [1]\nb");
  EXPECT_EQ(finished["mode"], "extract");
  EXPECT_EQ(finished["citations"][0]["quote"], "q");
  EXPECT_EQ(finished["receipt"]["stages"][0]["name"], "retrieve");
  EXPECT_EQ(finished["receipt"]["stages"][0]["ms"], 2.0);
}

TEST(Json, ADocumentHasItsMetadata) {
  const Json json = Json::parse(DocumentJson(
      {{.id = "d", .title = "t", .uri = "u", .text = "x", .metadata = {{"k", "v"}}}, 5}));
  ExpectKeys(json, {"id", "version", "title", "uri", "text", "metadata"});
  EXPECT_EQ(json["version"], 5);
  EXPECT_EQ(json["metadata"]["k"], "v");
}

TEST(Json, BytesThatAreNotUtf8AreReplacedNotThrown) {
  EXPECT_EQ(Json::parse(EventJson(gateway::AnswerEvent{"a\xff"}))["text"], "a\uFFFD");
}

TEST(Json, AQueryLineSaysWhatIsWrong) {
  const auto query = ParseQueryLine(R"({"_id": "q1", "text": "问", "answers": ["x"]})");
  ASSERT_TRUE(query.ok()) << query.status();
  EXPECT_EQ(query->id, "q1");
  EXPECT_EQ(query->text, "问");
  EXPECT_EQ(ParseQueryLine(R"({"_id": 7, "text": "x"})")->id, "7");
  EXPECT_EQ(ParseQueryLine("{").status(), absl::InvalidArgumentError("not a JSON object"));
  EXPECT_FALSE(ParseQueryLine(R"({"text": "x"})").ok());
  EXPECT_FALSE(ParseQueryLine(R"({"_id": "x"})").ok());
}

TEST(Json, AServerFileComesBack) {
  const auto server = ParseServerJson(ServerJson({"127.0.0.1:1", 42}));
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_EQ(server->address, "127.0.0.1:1");
  EXPECT_EQ(server->pid, 42);
  EXPECT_FALSE(ParseServerJson("{}").ok());
  EXPECT_FALSE(ParseServerJson("").ok());
}

}  // namespace
}  // namespace citeseek::services
