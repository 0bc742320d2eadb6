#include "services/gateway/conversations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/overlap_retriever.h"
#include "tests/support/scripted_generator.h"
#include "tests/support/temp_directory.h"

namespace citeseek::gateway {
namespace {

using inference::Piece;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::OverlapRetriever;
using testing::ScriptedGenerator;

class ConversationsTest : public ::testing::Test {
 protected:
  ConversationsTest() {
    auto opened = ConversationStore::Open({.directory = directory_.path() / "conversations"});
    EXPECT_TRUE(opened.ok()) << opened.status();
    store_ = *std::move(opened);
    Use(nullptr);
  }

  void Use(inference::Generator* generator) {
    inner_ = MakeAnswerer(
        {.retriever = &retriever_, .generator = generator, .analyzer = analyzer_.get()});
    answerer_ = std::make_unique<Conversations>(
        ConversationsOptions{.answerer = inner_.get(), .retriever = &retriever_, .store = [this] {
                               return store_.get();
                             }});
  }

  Answer Ask(const std::string& text, const std::string& session, const std::string& owner = "") {
    searched_ = {};
    auto answer =
        answerer_->Ask({.text = text, .owner = owner, .session = session}, [&](const Event& event) {
          if (const auto* s = std::get_if<SearchedEvent>(&event)) {
            searched_ = *s;
          }
          return true;
        });
    EXPECT_TRUE(answer.ok()) << answer.status();
    return answer.ok() ? *answer : Answer{};
  }

  TempDirectory directory_;
  std::unique_ptr<const indexer::Analyzer> analyzer_ = indexer::MakeAnalyzer();
  OverlapRetriever retriever_{
      {{.id = "halden",
        .title = "Halden Bridge",
        .uri = "h.md",
        .text = "Halden Bridge was opened in 1931. Halden Bridge is 412 metres long."},
       {.id = "moon",
        .title = "Moon Bridge",
        .uri = "m.md",
        .text = "Moon Bridge was opened in 1950. Moon Bridge is 97 metres long."},
       {.id = "library",
        .title = "海州图书馆",
        .uri = "l.md",
        .text = "海州图书馆建成于2016年9月。海州图书馆周一闭馆。"}}};
  std::unique_ptr<ConversationStore> store_;
  std::unique_ptr<Answerer> inner_;
  std::unique_ptr<Conversations> answerer_;
  SearchedEvent searched_;
};

TEST_F(ConversationsTest, AFollowUpIsAnsweredAsWhatItMeans) {
  const Answer first = Ask("When was Halden Bridge opened?", kNewSession);
  EXPECT_THAT(first.text, HasSubstr("1931"));
  EXPECT_EQ(first.receipt.turn, 1);
  EXPECT_EQ(first.receipt.session.size(), 32u);
  EXPECT_EQ(first.receipt.rewritten_question, "");
  const Answer second = Ask("How long is it?", first.receipt.session);
  EXPECT_EQ(second.receipt.rewritten_question, "How long is Halden Bridge?");
  EXPECT_EQ(searched_.rewritten_question, "How long is Halden Bridge?");
  EXPECT_THAT(second.text, HasSubstr("412 metres"));
  EXPECT_EQ(second.receipt.turn, 2);
  const Answer third = Ask("海州图书馆什么时候建成？", first.receipt.session);
  EXPECT_EQ(third.receipt.rewritten_question, "");
  EXPECT_THAT(third.text, HasSubstr("2016"));
}

TEST_F(ConversationsTest, ASourceKeepsItsMarkerAndAnotherNeverGetsIt) {
  const Answer first = Ask("When was Halden Bridge opened?", kNewSession);
  ASSERT_FALSE(first.citations.empty());
  const Citation halden = first.citations[0];
  EXPECT_EQ(halden.document_id, "halden");
  const Answer other = Ask("When was Moon Bridge opened?", first.receipt.session);
  ASSERT_FALSE(other.citations.empty());
  EXPECT_EQ(other.citations[0].document_id, "moon");
  EXPECT_NE(other.citations[0].marker, halden.marker);
  const Answer again = Ask("How long is Halden Bridge?", first.receipt.session);
  ASSERT_FALSE(again.citations.empty());
  EXPECT_EQ(again.citations[0].document_id, "halden");
  EXPECT_EQ(again.citations[0].marker, halden.marker);
  EXPECT_THAT(again.text, HasSubstr("[" + std::to_string(halden.marker) + "]"));
  ASSERT_EQ(searched_.markers.size(), searched_.hits.size());
  for (std::size_t i = 0; i < searched_.hits.size(); ++i) {
    EXPECT_EQ(searched_.markers[i] == halden.marker, searched_.hits[i].document_id == "halden");
  }
}

TEST_F(ConversationsTest, TurnsAreReadBackWithTheirQuotes) {
  const std::string session = Ask("When was Halden Bridge opened?", kNewSession).receipt.session;
  const Answer second = Ask("How long is it?", session);
  const auto read = answerer_->GetConversation({.session = session});
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->title, "When was Halden Bridge opened?");
  ASSERT_EQ(read->shown.size(), 2u);
  const Turn& turn = read->shown[1];
  EXPECT_EQ(turn.question, "How long is it?");
  EXPECT_EQ(turn.rewritten, "How long is Halden Bridge?");
  EXPECT_EQ(turn.answer, second.text);
  ASSERT_EQ(turn.citations.size(), second.citations.size());
  EXPECT_EQ(turn.citations[0].quote, second.citations[0].quote);
  EXPECT_EQ(turn.citations[0].title, "Halden Bridge");
}

TEST_F(ConversationsTest, NothingOfADeletedDocumentIsShownOrGivenToAModel) {
  const std::string session = Ask("When was Halden Bridge opened?", kNewSession).receipt.session;
  Ask("When was Moon Bridge opened?", session);
  retriever_.Remove("halden");
  const auto read = answerer_->GetConversation({.session = session});
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_THAT(read->shown[0].answer, HasSubstr(kWithheld));
  EXPECT_THAT(read->shown[0].answer, Not(HasSubstr("1931")));
  for (const Citation& citation : read->shown[0].citations) {
    EXPECT_EQ(citation.quote + citation.title + citation.document_id, "");
  }
  EXPECT_TRUE(read->shown[0].sources.empty());
  EXPECT_THAT(read->shown[1].answer, HasSubstr("1950"));
  ScriptedGenerator model({{Piece::Kind::kText, "It is 97 metres long [citation:1]."}});
  Use(&model);
  Ask("How long is it?", session);
  ASSERT_EQ(model.requests().size(), 1u);
  const std::string& prompt = model.requests()[0].messages[0].text;
  EXPECT_THAT(prompt, HasSubstr("Moon Bridge was opened in 1950."));
  EXPECT_THAT(prompt, Not(HasSubstr("1931")));
}

TEST_F(ConversationsTest, AModelIsGivenTheTurnsWithoutThoughtsAndMarkers) {
  ScriptedGenerator model({{Piece::Kind::kThought, "secret thought"},
                           {Piece::Kind::kText, "It was opened in 1931 [citation:1]."}});
  Use(&model);
  const Answer first = Ask("When was Halden Bridge opened?", kNewSession);
  EXPECT_EQ(first.thought, "secret thought");
  Ask("Why then?", first.receipt.session);
  ASSERT_EQ(model.requests().size(), 2u);
  const std::string& prompt = model.requests()[1].messages[0].text;
  EXPECT_THAT(prompt, HasSubstr("[conversation begin]"));
  EXPECT_THAT(prompt, HasSubstr("User: When was Halden Bridge opened?"));
  EXPECT_THAT(prompt, HasSubstr("Assistant: It was opened in 1931"));
  EXPECT_THAT(prompt, Not(HasSubstr("secret thought")));
  EXPECT_THAT(prompt, Not(HasSubstr("in 1931 [")));
  const auto read = answerer_->GetConversation({.session = first.receipt.session});
  EXPECT_EQ(read->shown[0].answer, "It was opened in 1931 [1].");
}

TEST_F(ConversationsTest, PassagesOfTheTurnBeforeAreReadAgainForAFollowUp) {
  const std::string session = Ask("When was Halden Bridge opened?", kNewSession).receipt.session;
  const Answer second = Ask("Are there flags on it?", session);
  bool carried = false;
  for (const retrieval::Hit& hit : searched_.hits) carried |= hit.document_id == "halden";
  EXPECT_TRUE(carried);
  for (const Source& source : second.receipt.sources) EXPECT_GT(source.marker, 0);
}

TEST_F(ConversationsTest, UnknownAndForeignSessionsAreNotFound) {
  const auto take = [](const Event&) { return true; };
  EXPECT_EQ(answerer_->Ask({.text = "x", .session = "nope"}, take).status(),
            absl::NotFoundError("no conversation nope"));
  const std::string session =
      Ask("When was Halden Bridge opened?", kNewSession, "ana").receipt.session;
  for (const char* owner : {"", "bob"}) {
    EXPECT_TRUE(absl::IsNotFound(
        answerer_->Ask({.text = "x", .owner = owner, .session = session}, take).status()));
    EXPECT_TRUE(absl::IsNotFound(
        answerer_->GetConversation({.owner = owner, .session = session}).status()));
    EXPECT_TRUE(
        absl::IsNotFound(answerer_->DeleteConversation({.owner = owner, .session = session})));
  }
  EXPECT_TRUE(answerer_->GetConversation({.owner = "ana", .session = session}).ok());
  EXPECT_TRUE(answerer_->DeleteConversation({.owner = "ana", .session = session}).ok());
  EXPECT_FALSE(answerer_->GetConversation({.owner = "ana", .session = session}).ok());
}

TEST_F(ConversationsTest, ASessionAnswersOneQuestionAtATime) {
  const std::string session = Ask("When was Halden Bridge opened?", kNewSession).receipt.session;
  absl::Status second;
  const auto answer =
      answerer_->Ask({.text = "How long is it?", .session = session}, [&](const Event& event) {
        if (std::holds_alternative<SearchedEvent>(event)) {
          second =
              answerer_->Ask({.text = "x", .session = session}, [](const Event&) { return true; })
                  .status();
        }
        return true;
      });
  EXPECT_TRUE(answer.ok()) << answer.status();
  EXPECT_TRUE(absl::IsAborted(second)) << second;
  EXPECT_EQ(Ask("How long is it?", session).receipt.turn, 3);
}

TEST_F(ConversationsTest, TheTurnIsKeptBeforeFinishedIsTold) {
  const std::string session = Ask("When was Halden Bridge opened?", kNewSession).receipt.session;
  int turns = 0;
  const auto answer =
      answerer_->Ask({.text = "How long is it?", .session = session}, [&](const Event& event) {
        if (!std::holds_alternative<FinishedEvent>(event)) return true;
        turns = store_->Read("", session, 0, 1)->turns;
        return true;
      });
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(turns, 2);
}

TEST_F(ConversationsTest, ATurnOfAConversationDeletedMeanwhileIsToldNotToBeKept) {
  const std::string session = Ask("When was Halden Bridge opened?", kNewSession).receipt.session;
  const auto answer =
      answerer_->Ask({.text = "How long is it?", .session = session}, [&](const Event& event) {
        if (std::holds_alternative<SearchedEvent>(event)) {
          EXPECT_TRUE(answerer_->DeleteConversation({.session = session}).ok());
        }
        return true;
      });
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->receipt.turn, 0);
  EXPECT_THAT(answer->receipt.degraded, HasSubstr("the turn is not kept"));
  EXPECT_FALSE(store_->Read("", session, 0, 1).ok());
}

TEST_F(ConversationsTest, AHistoryOfTheAskersOwnIsUnderstoodAndNotKept) {
  std::vector<Turn> history;
  for (int i = 0; i < 10'000; ++i) {
    history.push_back({.question = "When was Moon Bridge opened?", .answer = "In 1950."});
  }
  const auto answer = answerer_->Ask({.text = "How long is it?", .history = history},
                                     [](const Event&) { return true; });
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_THAT(answer->text, HasSubstr("97 metres"));
  EXPECT_EQ(answer->receipt.session, "");
  EXPECT_TRUE(answerer_->ListConversations({})->empty());
  const auto both = answerer_->Ask({.text = "x", .session = "s", .history = {Turn{}}},
                                   [](const Event&) { return true; });
  EXPECT_TRUE(absl::IsInvalidArgument(both.status()));
}

TEST_F(ConversationsTest, AnAnswerIsMadeAgainOfItsReceipt) {
  const std::string session = Ask("When was Moon Bridge opened?", kNewSession).receipt.session;
  Ask("When was Halden Bridge opened?", session);
  const Answer answer = Ask("How long is it?", session);
  const auto again = answerer_->Ask({.text = answer.receipt.rewritten_question,
                                     .mode = answer.receipt.mode,
                                     .top_k = answer.receipt.top_k,
                                     .sources = answer.receipt.sources},
                                    [](const Event&) { return true; });
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->text, answer.text);
  EXPECT_EQ(again->receipt.answer_hash, answer.receipt.answer_hash);
  EXPECT_EQ(again->receipt.answer_hash.size(), 64u);
}

TEST(Conversations, OfAHistoryTheNewestTurnsThatFitAreKept) {
  std::vector<Turn> turns(40, Turn{.question = "q"});
  turns.back().question = "last";
  KeepNewest(&turns);
  EXPECT_EQ(turns.size(), kMaxHistoryTurns);
  EXPECT_EQ(turns.back().question, "last");
  turns[turns.size() - 2].answer = std::string(kMaxHistoryBytes, 'a');
  KeepNewest(&turns);
  ASSERT_EQ(turns.size(), 1u);
  EXPECT_EQ(turns[0].question, "last");
}

TEST(Conversations, WithholdingTakesOutWhatGoneSourcesCarriedAndMovesTheRest) {
  Turn turn{
      .answer = "They disagree (1, 2): One is 1 [1]. Two is 2 [2]. Three is 3 [3].",
      .citations = {{.marker = 1, .quote = "a", .answer_start = 22, .answer_end = 35},
                    {.marker = 2, .document_id = "gone", .answer_start = 36, .answer_end = 49},
                    {.marker = 3, .quote = "c", .answer_start = 50, .answer_end = 65}}};
  Withhold(&turn);
  EXPECT_EQ(turn.answer, "[…]One is 1 [1]. […] Three is 3 [3].");
  const auto cited = [&](const Citation& c) {
    return turn.answer.substr(c.answer_start, c.answer_end - c.answer_start);
  };
  EXPECT_EQ(cited(turn.citations[0]), "One is 1 [1].");
  EXPECT_EQ(cited(turn.citations[2]), "Three is 3 [3].");
  EXPECT_EQ(turn.citations[1].document_id, "");
  const std::string once = turn.answer;
  turn.citations.erase(turn.citations.begin() + 1);
  Withhold(&turn);
  EXPECT_EQ(turn.answer, once);
}

}  // namespace
}  // namespace citeseek::gateway
