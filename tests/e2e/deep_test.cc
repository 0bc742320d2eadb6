// Deep answers to questions of several parts, end to end: an index on disk, a server, its command
// line, and a model server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "tests/support/json_lines.h"
#include "tests/support/openai_server.h"
#include "tests/support/process.h"
#include "tests/support/temp_directory.h"

namespace citeseek::testing {
namespace {

using Json = nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Cites, of each passage that it is given, the first sentence that holds one of its words. Asked
// for a query, it proposes that.
ServerReply Cite(const SeenRequest& request, const std::vector<std::string>& words,
                 const std::string& proposed = "opera") {
  const std::string prompt = Json::parse(request.body)["messages"].back()["content"];
  if (prompt.find("search query") != std::string::npos) return GoodReply({proposed});
  std::string answer = "<think>Part by part.</think>";
  for (const std::string& word : words) {
    const std::size_t at = prompt.find(word);
    if (at == std::string::npos) continue;
    const std::size_t begin = prompt.rfind('\n', at) + 1, end = prompt.find('.', at) + 1;
    const std::size_t fence = prompt.rfind("[webpage ", at) + 9;
    answer += prompt.substr(begin, end - begin) +
              " [citation:" + prompt.substr(fence, prompt.find(' ', fence) - fence) + "] ";
  }
  return GoodReply({answer});
}

class Deep : public ::testing::Test {
 protected:
  void Start(const std::string& url) {
    directory_.Write("docs/aurora.txt", "The ferry Aurora was launched in 1987.\n");
    directory_.Write("docs/bridge.txt", "Halden Bridge was opened on 14 May 1931.\n");
    // What the second part asks for stands behind what is said of others in its very words.
    for (const char* other : {"Corona", "Dorado", "Electra"}) {
      directory_.Write("docs/" + std::string(other) + ".txt",
                       std::string("The icebreaking passenger ferry ") + other +
                           " has a crew of nine. Icebreaking passenger ferry: icebreaking "
                           "passenger ferry.\n");
    }
    directory_.Write("docs/borealis.txt", "The ferry Borealis was launched in 1989.\n");
    for (int i = 0; i < 30; ++i) {
      const std::string number = std::to_string(i);
      directory_.Write("docs/soup" + number + ".txt",
                       "Soup " + number + " is of leek, barley and turnip, served with bread.\n");
    }
    const auto indexed = RunCiteseek({"index", directory_.path() / "docs", "--data", data_});
    ASSERT_EQ(indexed.exit_code, 0) << indexed.err;
    up_ = std::make_unique<ServerProcess>(
        std::vector<std::string>{"up", "--data", data_, "--listen", "127.0.0.1:0", "--http", "off",
                                 "--json", "--openai", url, "--model", "m"});
    ASSERT_NE(up_->address(), "") << up_->Errors();
  }
  std::vector<Json> Ask(const std::string& question, const std::string& top_k = "8") {
    const auto asked = RunCiteseek(
        {"ask", question, "--mode", "deep", "--top-k", top_k, "--data", data_, "--json"});
    EXPECT_EQ(asked.exit_code, 0) << asked.err;
    std::vector<Json> events = ParseJsonLines(asked.out);
    if (events.empty()) events.push_back({{"event", "none"}});
    EXPECT_EQ(events.back()["event"], "finished");
    return events;
  }
  // "1 searching", in their order.
  static std::vector<std::string> Parts(const std::vector<Json>& events) {
    std::vector<std::string> parts;
    for (const Json& event : events) {
      if (event["event"] != "part") continue;
      parts.push_back(std::to_string(event["part"].get<int>()) + " " +
                      event["state"].get<std::string>());
    }
    return parts;
  }

  const TempDirectory directory_;
  const std::string data_ = directory_.path() / "data";
  std::unique_ptr<ServerProcess> up_;
};

TEST_F(Deep, EachPartIsSearchedAgainIfNeedBeAndCitedOrNamed) {
  OpenAiServer model([](const SeenRequest& request) {
    return Cite(request, {"Aurora was", "Borealis was"});
  });
  Start(model.url());
  const std::vector<Json> events =
      Ask("When was the ferry Aurora launched? When was the icebreaking passenger ferry Borealis "
          "launched? Who composed the opera Zauberkreis?",
          "3");
  EXPECT_THAT(Parts(events), ElementsAre("1 searching", "1 evidence", "2 searching",
                                         "2 searching_again", "2 evidence", "3 searching",
                                         "3 searching_again", "3 searching_again", "3 none"));
  const Json& finished = events.back();
  EXPECT_EQ(finished["mode"], "deep");
  EXPECT_EQ(finished["thought"], "Part by part.");
  const std::string answer = finished["answer"];
  EXPECT_THAT(answer, HasSubstr("The documents do not say: Who composed the opera Zauberkreis?"));
  // Each part's sentence rests on a passage that its own search has brought.
  std::map<std::string, std::string> quotes;
  for (const Json& citation : finished["citations"]) {
    EXPECT_EQ(citation["verdict"], "supported") << citation;
    const std::string id = citation["document_id"];
    quotes[id.substr(id.rfind('/') + 1)] = citation["quote"];
    const auto got = RunCiteseek({"get", citation["document_id"], "--data", data_, "--json"});
    const std::string text = Json::parse(got.out)["text"];
    const std::size_t start = citation["start"], end = citation["end"];
    EXPECT_EQ(text.substr(start, end - start), citation["quote"].get<std::string>());
  }
  EXPECT_THAT(quotes["aurora.txt"], HasSubstr("1987"));
  EXPECT_THAT(quotes["borealis.txt"], HasSubstr("1989"));
  const Json& receipt = finished["receipt"];
  EXPECT_EQ(receipt["finding"], "evidence");
  EXPECT_EQ(receipt["degraded"], "");
  ASSERT_EQ(receipt["parts"].size(), 3u);
  EXPECT_EQ(receipt["parts"][1]["searches"], 2);
  EXPECT_EQ(receipt["parts"][1]["evidence"], true);
  EXPECT_EQ(receipt["parts"][2]["evidence"], false);
  EXPECT_EQ(receipt["parts"][2]["searches"], 3);
  EXPECT_EQ(model.requests().size(), 2u);  // for other words, and once with all of it
}

TEST_F(Deep, HoweverManyPartsTheStepsAreBounded) {
  OpenAiServer model(
      [](const SeenRequest& request) { return Cite(request, {"Halden Bridge was"}); });
  Start(model.url());
  std::string question = "When was Halden Bridge opened?";
  for (const char* name : {"Zauberkreis", "Quendel", "Mirador", "Lindwurm", "Ostrava", "Pirol"}) {
    question += std::string(" Who composed the opera ") + name + "?";
  }
  const std::vector<Json> events = Ask(question);
  const std::vector<std::string> parts = Parts(events);
  const auto count = [&](const std::string& state) {
    return std::count_if(parts.begin(), parts.end(),
                         [&](const std::string& part) { return part.ends_with(" " + state); });
  };
  EXPECT_EQ(count("searching"), 4);
  EXPECT_LE(count("searching_again"), 8);
  EXPECT_EQ(count("evidence") + count("none"), 4);
  EXPECT_EQ(events.back()["receipt"]["parts"].size(), 4u);
  EXPECT_THAT(events.back()["answer"].get<std::string>(), HasSubstr("14 May 1931"));
  EXPECT_LE(model.requests().size(), 5u);
}

TEST_F(Deep, AQuestionOfOnePartIsSearchedAgainUntilItsEvidenceIsFound) {
  OpenAiServer model([](const SeenRequest& request) {
    return Cite(request, {"Borealis was", "Halden Bridge was"}, "Halden Bridge opened");
  });
  Start(model.url());
  // By its name.
  std::vector<Json> events =
      Ask("When was the icebreaking passenger ferry Borealis launched?", "3");
  EXPECT_THAT(Parts(events), ElementsAre("1 searching_again", "1 evidence"));
  EXPECT_EQ(events.back()["receipt"]["parts"][0]["searches"], 2);
  EXPECT_EQ(model.requests().size(), 1u);
  // In the model's words, where the documents use no word of the question's.
  const std::string question = "In which year could people first walk over the river?";
  events = Ask(question, "3");
  const std::vector<std::string> parts = Parts(events);
  EXPECT_GE(parts.size(), 2u);
  for (std::size_t i = 0; i + 1 < parts.size(); ++i) EXPECT_EQ(parts[i], "1 searching_again");
  const Json& finished = events.back();
  EXPECT_EQ(model.requests().size(), 3u);
  ASSERT_EQ(finished["citations"].size(), 1u) << finished;
  const std::string id = finished["citations"][0]["document_id"];
  EXPECT_THAT(id, HasSubstr("bridge.txt"));
  EXPECT_EQ(finished["citations"][0]["verdict"], "supported");
  EXPECT_EQ(finished["receipt"]["parts"][0]["question"], question);
  EXPECT_GE(finished["receipt"]["parts"][0]["searches"], 2);
}

TEST_F(Deep, WhatIsFoundAtOnceIsSearchedForOnce) {
  OpenAiServer model(
      [](const SeenRequest& request) { return Cite(request, {"Halden Bridge was"}); });
  Start(model.url());
  const std::vector<Json> events = Ask("When was Halden Bridge opened?");
  EXPECT_THAT(Parts(events), ElementsAre());
  EXPECT_EQ(model.requests().size(), 1u);
}

TEST_F(Deep, TheModelDrawsAsTheCommandLineSays) {
  OpenAiServer model(
      [](const SeenRequest& request) { return Cite(request, {"Halden Bridge was"}); });
  Start(model.url());
  const std::vector<std::string> ask = {
      "ask", "When was Halden Bridge opened?", "--mode", "quick", "--data", data_};
  const auto with = [&](std::vector<std::string> options) {
    options.insert(options.begin(), ask.begin(), ask.end());
    return RunCiteseek(options);
  };
  const auto asked =
      with({"--temperature", "0.25", "--top-p", "0.5", "--presence-penalty", "-1", "--stop", "END",
            "--stop", "###", "--frequency-penalty", "1.5", "--max-tokens", "99"});
  ASSERT_EQ(asked.exit_code, 0) << asked.err;
  ASSERT_EQ(model.requests().size(), 1u);
  const Json body = Json::parse(model.requests()[0].body);
  EXPECT_EQ(body["temperature"], 0.25);
  EXPECT_EQ(body["top_p"], 0.5);
  EXPECT_EQ(body["presence_penalty"], -1);
  EXPECT_EQ(body["frequency_penalty"], 1.5);
  EXPECT_EQ(body["max_tokens"], 99);
  EXPECT_EQ(body["stop"], Json({"END", "###"}));
  for (const auto& [options, error] : std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{"--temperature", "2.5"}, "temperature 2.5 is not in [0, 2]"},
           {{"--top-p", "-1"}, "top_p -1 is not in [0, 1]"},
           {{"--presence-penalty", "3"}, "presence_penalty 3 is not in [-2, 2]"},
           {{"--frequency-penalty", "-3"}, "frequency_penalty -3 is not in [-2, 2]"},
           {{"--max-tokens", "0"}, "--max-tokens: Value 0 not in range"},
           {{"--stop", ""}, "stop text of 0 bytes is not in [1, 1024]"},
           {{"--stop", "a", "--stop", "b", "--stop", "c", "--stop", "d", "--stop", "e"},
            "stop of 5 texts is longer than the limit of 4"}}) {
    const auto refused = with(options);
    EXPECT_NE(refused.exit_code, 0) << error;
    EXPECT_THAT(refused.err, HasSubstr(error));
  }
  EXPECT_EQ(model.requests().size(), 1u);
}

TEST_F(Deep, ADrawIsTheAskersAndIsReplayedSo) {
  OpenAiServer model(
      [](const SeenRequest& request) { return Cite(request, {"Halden Bridge was"}); });
  Start(model.url());
  const auto asked = RunCiteseek({"ask", "When was Halden Bridge opened?", "--mode", "deep",
                                  "--seed", "7", "--data", data_, "--json"});
  ASSERT_EQ(asked.exit_code, 0) << asked.err;
  const std::string last = asked.out.substr(asked.out.rfind('\n', asked.out.size() - 2) + 1);
  Json receipt = Json::parse(last)["receipt"];
  EXPECT_EQ(receipt["drawing"]["temperature"], 0.6);
  receipt["drawing"]["temperature"] = 1.25;
  receipt["drawing"]["stop"] = {"STOP"};
  receipt["drawing"]["max_tokens"] = 77;
  const auto replayed = RunCiteseek(
      {"replay", directory_.Write("receipt.json", receipt.dump()), "--data", data_, "--json"});
  EXPECT_EQ(replayed.exit_code, 0) << replayed.out << replayed.err;
  EXPECT_EQ(Json::parse(replayed.out)["differ"], Json::array());
  ASSERT_EQ(model.requests().size(), 2u);
  const Json body = Json::parse(model.requests()[1].body);
  EXPECT_EQ(body["temperature"], 1.25);
  EXPECT_EQ(body["stop"], Json({"STOP"}));
  EXPECT_EQ(body["max_tokens"], 77);
  EXPECT_EQ(body["seed"], 7);
}

}  // namespace
}  // namespace citeseek::testing
