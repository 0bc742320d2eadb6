#include <tuple>

#include "services/gateway/client.h"
#include "services/gateway/server.h"
#include "tests/contract/contract.h"

namespace citeseek::testing {
namespace {

using gateway::Event;
using gateway::Question;

auto Fields(const gateway::Citation& c) {
  return std::tie(c.marker, c.document_id, c.collection, c.version, c.title, c.uri, c.start, c.end,
                  c.quote, c.verdict, c.score, c.answer_start, c.answer_end);
}

auto Fields(const retrieval::Place& p) {
  return std::tie(p.document_id, p.collection, p.version, p.start, p.end);
}

auto Fields(const gateway::CheckedSentence& s) {
  return std::tie(s.start, s.end, s.verdict, s.score, s.problems);
}

class AnswererContract : public ::testing::TestWithParam<Place> {
 protected:
  FakeAnswerer fake_;
  std::unique_ptr<grpc::Service> service_ = services::MakeGatewayServer(&fake_, {});
  GrpcServer server_{{service_.get()}};
  std::unique_ptr<gateway::Answerer> client_ = services::ConnectAnswerer(server_.channel());
  gateway::Answerer& answerer_ =
      GetParam() == Place::kLocal ? static_cast<gateway::Answerer&>(fake_) : *client_;
};
INSTANTIATE_TEST_SUITE_P(, AnswererContract, kPlaces, PlaceName);

bool TakeAll(const Event&) { return true; }

TEST_P(AnswererContract, EventsArriveInOrderWithEveryField) {
  std::vector<Event> events;
  const gateway::Drawing drawing = {.temperature = 0,
                                    .top_p = 0.5,
                                    .presence_penalty = -1,
                                    .frequency_penalty = 2,
                                    .max_tokens = 7,
                                    .stop = {"停", "\n"}};
  const auto answer = answerer_.Ask({.text = "x", .top_k = 2, .session = "s", .drawing = drawing},
                                    [&](const Event& event) {
                                      events.push_back(event);
                                      return true;
                                    });
  ASSERT_TRUE(answer.ok()) << answer.status();
  ASSERT_EQ(events.size(), 10u);
  const auto& part = std::get<gateway::PartEvent>(events[1]);
  EXPECT_EQ(part.part, 2);
  EXPECT_EQ(part.parts, 3);
  EXPECT_EQ(part.question, "它呢?");
  EXPECT_EQ(part.state, gateway::PartEvent::State::kSearchingAgain);
  EXPECT_EQ(std::get<gateway::QueuedEvent>(events[0]).place, 2);
  EXPECT_EQ(std::get<gateway::QueuedEvent>(events[0]).eta, absl::Milliseconds(1500));
  EXPECT_EQ(std::get<gateway::QueuedEvent>(events[0]).rung, gateway::Rung::kShort);
  EXPECT_EQ(std::get<gateway::SearchedEvent>(events[2]).hits.size(), 2u);
  EXPECT_EQ(std::get<gateway::SearchedEvent>(events[2]).hits[1].passage_id, "doc-1#3");
  EXPECT_EQ(std::get<gateway::SearchedEvent>(events[2]).generation, 99u);
  EXPECT_EQ(std::get<gateway::SearchedEvent>(events[2]).markers, (std::vector<int>{1, 9}));
  EXPECT_EQ(std::get<gateway::SearchedEvent>(events[2]).rewritten_question, "it, in full");
  EXPECT_EQ(std::get<gateway::FollowUpsEvent>(events[8]).questions,
            std::vector<std::string>{"And 那么?"});
  EXPECT_EQ(std::get<gateway::ThoughtEvent>(events[3]).text, "hm ");
  EXPECT_EQ(std::get<gateway::AnswerEvent>(events[4]).text, "It is ");
  EXPECT_EQ(std::get<gateway::AnswerEvent>(events[5]).text, "so [1].");
  const auto& finished = std::get<gateway::FinishedEvent>(events[9]).answer;
  ASSERT_EQ(finished.citations.size(), 1u);
  EXPECT_EQ(Fields(std::get<gateway::CitationEvent>(events[6]).citation),
            Fields(finished.citations[0]));
  EXPECT_EQ(Fields(std::get<gateway::CheckedEvent>(events[7]).sentence),
            Fields(finished.sentences.at(0)));
  for (const gateway::Answer* a : {&finished, &*answer}) {
    EXPECT_EQ(a->text, "It is so [1].");
    EXPECT_EQ(a->thought, "hm ");
    EXPECT_EQ(a->reason, "answered");
    const gateway::Citation expected = {
        1,    "doc-0", "小集", 7, "A title", "file:///a", 3, 9, "quoted", gateway::Verdict::kPartly,
        0.75, 0,       13};
    EXPECT_EQ(Fields(a->citations[0]), Fields(expected));
    ASSERT_EQ(a->sentences.size(), 1u);
    const gateway::CheckedSentence checked = {1, 13, gateway::Verdict::kPartly, 0.75, {"a", "“b”"}};
    EXPECT_EQ(Fields(a->sentences[0]), Fields(checked));
    const gateway::Receipt& receipt = a->receipt;
    EXPECT_FALSE(receipt.request_id.empty());
    EXPECT_EQ(receipt.asked_mode, gateway::Mode::kAuto);
    EXPECT_EQ(receipt.mode, gateway::Mode::kExtract);
    EXPECT_EQ(receipt.degraded, "no model");
    EXPECT_EQ(receipt.generation, 99u);
    EXPECT_EQ(receipt.model, "m");
    EXPECT_EQ(receipt.prompt_tokens, 1);
    EXPECT_EQ(receipt.completion_tokens, 2);
    EXPECT_EQ(receipt.steps, 3);
    EXPECT_EQ(receipt.drafted_tokens, 9);
    EXPECT_EQ(receipt.accepted_tokens, 4);
    ASSERT_EQ(receipt.stages.size(), 1u);
    EXPECT_EQ(receipt.stages[0].name, "retrieve");
    EXPECT_EQ(receipt.stages[0].duration, absl::Microseconds(3));
    EXPECT_EQ(receipt.total, absl::Milliseconds(4));
    EXPECT_EQ(receipt.session, "s");
    EXPECT_EQ(receipt.turn, 2);
    EXPECT_EQ(receipt.rewritten_question, "it, in full");
    ASSERT_EQ(receipt.sources.size(), 1u);
    EXPECT_EQ(receipt.sources[0].marker, 4);
    EXPECT_EQ(Fields(receipt.sources[0].place), Fields(retrieval::Place{"doc-0", "小集", 7, 3, 9}));
    EXPECT_EQ(receipt.question, "x");
    EXPECT_EQ(receipt.top_k, 2);
    EXPECT_EQ(receipt.collection, "c");
    ASSERT_EQ(receipt.filters.size(), 1u);
    EXPECT_EQ(receipt.filters[0].value, "v");
    EXPECT_EQ(receipt.recipe, "recipe");
    EXPECT_EQ(receipt.seed, 17u);
    EXPECT_EQ(receipt.model_hash, "mh");
    EXPECT_EQ(receipt.prompt_hash, "ph");
    EXPECT_EQ(receipt.answer_hash, "ah");
    EXPECT_EQ(receipt.cached_tokens, 6);
    EXPECT_TRUE(receipt.cached);
    EXPECT_EQ(receipt.drawing, drawing);
    EXPECT_EQ(receipt.thinking_budget, 256);
    EXPECT_EQ(receipt.finding, gateway::Finding::kNone);
    EXPECT_EQ(receipt.confidence, 0.125);
    EXPECT_EQ(receipt.parts,
              (std::vector<gateway::PartFinding>{{"它呢?", 2, true}, {"b", 1, false}}));
    EXPECT_EQ(a->follow_ups, std::vector<std::string>{"And 那么?"});
  }
}

TEST_P(AnswererContract, EveryFieldOfAQuestionArrives) {
  for (const auto mode : {gateway::Mode::kAuto, gateway::Mode::kExtract, gateway::Mode::kQuick,
                          gateway::Mode::kDeep}) {
    ASSERT_TRUE(answerer_
                    .Ask({.text = "问",
                          .mode = mode,
                          .top_k = 0,
                          .collection = "c",
                          .filters = {{"k", "v"}},
                          .min_generation = 5,
                          .owner = "key",
                          .session = "ab12",
                          .history = {{.question = "q", .answer = "a"}},
                          .sources = {{3, {"d", "c", 4, 5, 6}}},
                          .request_id = "mine",
                          .thinking_budget = 7,
                          .seed = 99,
                          .drawing = {.temperature = 1.5},
                          .no_cache = true,
                          .follow_ups = true,
                          .batch = true},
                         TakeAll)
                    .ok());
    EXPECT_EQ(fake_.last.request_id, "mine");
    EXPECT_EQ(fake_.last.thinking_budget, 7);
    EXPECT_TRUE(fake_.last.batch);
    EXPECT_EQ(fake_.last.owner, "key");
    EXPECT_EQ(fake_.last.session, "ab12");
    ASSERT_EQ(fake_.last.history.size(), 1u);
    EXPECT_EQ(fake_.last.history[0].question, "q");
    EXPECT_EQ(fake_.last.history[0].answer, "a");
    ASSERT_EQ(fake_.last.sources.size(), 1u);
    EXPECT_EQ(fake_.last.sources[0].marker, 3);
    EXPECT_EQ(fake_.last.sources[0].place.end, 6u);
    EXPECT_EQ(fake_.last.seed, 99u);
    EXPECT_EQ(fake_.last.drawing, gateway::Drawing{.temperature = 1.5});
    EXPECT_TRUE(fake_.last.no_cache);
    EXPECT_TRUE(fake_.last.follow_ups);
    EXPECT_EQ(fake_.last.text, "问");
    EXPECT_EQ(fake_.last.mode, mode);
    EXPECT_EQ(fake_.last.top_k, 0);
    EXPECT_EQ(fake_.last.collection, "c");
    ASSERT_EQ(fake_.last.filters.size(), 1u);
    EXPECT_EQ(fake_.last.filters[0].field, "k");
    EXPECT_EQ(fake_.last.filters[0].value, "v");
    EXPECT_EQ(fake_.last.min_generation, 5u);
  }
}

TEST_P(AnswererContract, AnswerNowReachesTheRunningCall) {
  EXPECT_TRUE(answerer_.AnswerNow("running").ok());
  EXPECT_TRUE(fake_.answered_now);
  const absl::Status none = answerer_.AnswerNow("other");
  EXPECT_EQ(none.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(none.message(), "no question of request id other is running");
}

TEST_P(AnswererContract, StatusCodesAndMessagesArriveUnchanged) {
  ExpectEveryStatusCrosses(
      [&](const std::string& script) { return answerer_.Ask({.text = script}, TakeAll).status(); });
}

TEST_P(AnswererContract, CancellingReachesTheBottomWithin100Ms) {
  ExpectCancelsWithin100Ms(fake_.script, [&](std::stop_token stop) {
    return answerer_.Ask({.text = "block", .stop = stop}, TakeAll).status();
  });
}

TEST_P(AnswererContract, EveryFieldOfACheckArrives) {
  const auto report =
      answerer_.Check({.text = "问 [1]",
                       .documents = {{.id = "a", .collection = "c", .title = "t", .text = "x"},
                                     {.id = "b", .uri = "u", .text = "y"}},
                       .collection = "c",
                       .filters = {{"k", "v"}}});
  ASSERT_TRUE(report.ok()) << report.status();
  const gateway::CheckRequest& got = fake_.last_check;
  EXPECT_EQ(got.text, "问 [1]");
  ASSERT_EQ(got.documents.size(), 2u);
  EXPECT_EQ(got.documents[0].title, "t");
  EXPECT_EQ(got.documents[1].uri, "u");
  EXPECT_EQ(got.documents[1].text, "y");
  EXPECT_EQ(got.collection, "c");
  EXPECT_EQ(got.filters.at(0).value, "v");
  ASSERT_EQ(report->sentences.size(), 1u);
  const gateway::CheckedSentence expected = {
      0, 4, gateway::Verdict::kUnsupported, 0.25, {"“x” is not there"}};
  EXPECT_EQ(Fields(report->sentences[0]), Fields(expected));
  ASSERT_EQ(report->citations.size(), 1u);
  EXPECT_EQ(report->citations[0].marker, 2);
  EXPECT_EQ(report->citations[0].document_id, "d");
}

TEST_P(AnswererContract, AChecksStatusAndCancellationCross) {
  ExpectEveryStatusCrosses(
      [&](const std::string& script) { return answerer_.Check({.text = script}).status(); });
  ExpectCancelsWithin100Ms(fake_.script, [&](std::stop_token stop) {
    return answerer_.Check({.text = "block", .stop = stop}).status();
  });
  ExpectKeepsDeadline([&](absl::Time deadline) {
    return answerer_.Check({.text = "block", .deadline = deadline}).status();
  });
}

TEST_P(AnswererContract, AConversationArrivesWithEveryField) {
  const auto got =
      answerer_.GetConversation({.owner = "key", .session = "s", .before = 3, .limit = 2});
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(fake_.last_conversation.owner, "key");
  EXPECT_EQ(fake_.last_conversation.session, "s");
  EXPECT_EQ(fake_.last_conversation.before, 3);
  EXPECT_EQ(fake_.last_conversation.limit, 2);
  EXPECT_EQ(got->session, "s");
  EXPECT_EQ(got->title, "标题");
  EXPECT_EQ(absl::ToUnixMillis(got->created), 1000);
  EXPECT_EQ(absl::ToUnixMillis(got->updated), 2000);
  EXPECT_EQ(absl::ToUnixMillis(got->expires), 3000);
  EXPECT_EQ(got->turns, 7);
  ASSERT_EQ(got->shown.size(), 1u);
  const gateway::Turn& turn = got->shown[0];
  EXPECT_EQ(turn.number, 7);
  EXPECT_EQ(absl::ToUnixMillis(turn.asked), 1500);
  EXPECT_EQ(turn.question, "问");
  EXPECT_EQ(turn.rewritten, "full");
  EXPECT_EQ(turn.answer, "a [4]");
  EXPECT_EQ(turn.reason, "answered");
  EXPECT_EQ(turn.mode, gateway::Mode::kQuick);
  ASSERT_EQ(turn.citations.size(), 1u);
  EXPECT_EQ(turn.citations[0].quote, "q");
  ASSERT_EQ(turn.sources.size(), 1u);
  EXPECT_EQ(turn.sources[0].place.version, 5u);
}

TEST_P(AnswererContract, ConversationsAreListedAndDeleted) {
  const auto all = answerer_.ListConversations({.owner = "key", .before = 4, .limit = 9});
  ASSERT_TRUE(all.ok()) << all.status();
  ASSERT_EQ(all->size(), 2u);
  EXPECT_EQ(all->at(1).session, "two");
  EXPECT_EQ(fake_.last_conversation.owner, "key");
  EXPECT_EQ(fake_.last_conversation.before, 4);
  EXPECT_EQ(fake_.last_conversation.limit, 9);
  EXPECT_TRUE(answerer_.DeleteConversation({.owner = "me", .session = "gone"}).ok());
  EXPECT_EQ(fake_.last_conversation.owner, "me");
  EXPECT_EQ(fake_.last_conversation.session, "gone");
  ExpectEveryStatusCrosses([&](const std::string& script) {
    return answerer_.GetConversation({.session = script}).status();
  });
  ExpectEveryStatusCrosses([&](const std::string& script) {
    return answerer_.ListConversations({.owner = script}).status();
  });
  ExpectEveryStatusCrosses(
      [&](const std::string& script) { return answerer_.DeleteConversation({.session = script}); });
}

TEST_P(AnswererContract, ASinkThatSaysNoCancels) {
  int taken = 0;
  const auto answer = answerer_.Ask({.text = "x"}, [&](const Event&) { return ++taken < 2; });
  EXPECT_EQ(answer.status(), absl::CancelledError("cancelled"));
  EXPECT_EQ(taken, 2);
}

TEST_P(AnswererContract, DeadlinesAreKept) {
  ExpectKeepsDeadline([&](absl::Time deadline) {
    return answerer_.Ask({.text = "block", .deadline = deadline}, TakeAll).status();
  });
}

TEST(GatewayServer, TheReceiptCarriesTheRequestIdOfTheCall) {
  FakeAnswerer fake;
  std::string logged;
  const auto service = services::MakeGatewayServer(
      &fake, {.observer = [&](const services::CallRecord& r) { logged = r.request_id; }});
  GrpcServer server({service.get()});
  const auto client = services::ConnectAnswerer(server.channel());
  const auto answer = client->Ask({.text = "x"}, TakeAll);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->receipt.request_id, logged);
}

}  // namespace
}  // namespace citeseek::testing
