#include "services/gateway/answerer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "services/inference/openai_client.h"
#include "tests/support/openai_server.h"
#include "tests/support/overlap_retriever.h"
#include "tests/support/scripted_generator.h"

namespace citeseek::gateway {
namespace {

using inference::Piece;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::OverlapRetriever;
using testing::ScriptedGenerator;

std::vector<indexer::Document> Documents() {
  return {
      {.id = "bridge",
       .title = "Harbour Bridge",
       .uri = "bridge.md",
       .text = "# Harbour Bridge\n\nThe Harbour Bridge was opened on 3 May 1998. It is **1,120 "
               "metres** long and carries six lanes[3].\n\nRepairs cost 12 million euros in 2011."},
      {.id = "releases",
       .title = "Falcon database",
       .uri = "falcon.md",
       .text = "Release dates of the Falcon database.\n\n| Version | Released |\n|---|---|\n"
               "| 2.9 | 2023-04-01 |\n| 2.10 | 2023-11-15 |\n"},
      {.id = "library",
       .title = "海州图书馆",
       .uri = "library.txt",
       .text = "海州图书馆位于滨江路12号，建成于2016年9月。馆藏图书共有320万册。周一闭馆。"},
      {.id = "tea",
       .title = "Tea",
       .uri = "tea.txt",
       .text = "Green tea is not fermented. Black tea is."},
      {.id = "ferry-a",
       .title = "",
       .uri = "a.txt",
       .text = "The ferry Aurora was launched in 1987."},
      {.id = "ferry-b",
       .title = "",
       .uri = "b.txt",
       .text = "The ferry Aurora was launched in 1989."},
  };
}

struct Told {
  absl::StatusOr<Answer> answer = absl::UnknownError("not asked");
  std::vector<Event> events;
  std::string thought, text;
  std::vector<Citation> citations;
  std::vector<CheckedSentence> sentences;
};

class AnswererTest : public ::testing::Test {
 protected:
  Told Ask(Question question, inference::Generator* generator = nullptr) {
    auto answerer = MakeAnswerer(
        {.retriever = &retriever_, .generator = generator, .analyzer = analyzer_.get()});
    return AskWith(answerer.get(), question);
  }

  // Asks, and checks what holds for every answer.
  Told AskWith(Answerer* answerer, const Question& question) {
    Told told;
    told.answer = answerer->Ask(question, [&](const Event& event) {
      told.events.push_back(event);
      if (const auto* thought = std::get_if<ThoughtEvent>(&event)) told.thought += thought->text;
      if (const auto* answer = std::get_if<AnswerEvent>(&event)) told.text += answer->text;
      if (const auto* cited = std::get_if<CitationEvent>(&event)) {
        // The sentence and its marker are out before its citation.
        EXPECT_LE(cited->citation.answer_end, told.text.size());
        EXPECT_THAT(told.text, HasSubstr("[" + std::to_string(cited->citation.marker) + "]"));
        told.citations.push_back(cited->citation);
      }
      if (const auto* checked = std::get_if<CheckedEvent>(&event)) {
        told.sentences.push_back(checked->sentence);
      }
      return true;
    });
    if (!told.answer.ok()) return told;
    EXPECT_TRUE(std::holds_alternative<QueuedEvent>(told.events.at(0)));
    std::size_t searched = 1;
    while (std::holds_alternative<PartEvent>(told.events.at(searched))) ++searched;
    EXPECT_TRUE(std::holds_alternative<SearchedEvent>(told.events.at(searched)));
    EXPECT_TRUE(std::holds_alternative<FinishedEvent>(told.events.back()));
    EXPECT_EQ(told.answer->text, told.text);
    EXPECT_EQ(told.answer->thought, told.thought);
    EXPECT_EQ(told.answer->citations.size(), told.citations.size());
    EXPECT_EQ(told.answer->sentences.size(), told.sentences.size());
    for (const CheckedSentence& sentence : told.sentences) {
      EXPECT_LT(sentence.start, sentence.end);
      EXPECT_LE(sentence.end, told.text.size());
      const bool cited =
          std::any_of(told.citations.begin(), told.citations.end(),
                      [&](const Citation& c) { return c.answer_start == sentence.start; });
      EXPECT_EQ(cited, sentence.verdict != Verdict::kUnsupported);
    }
    EXPECT_FALSE(told.answer->receipt.request_id.empty());
    EXPECT_FALSE(told.answer->receipt.stages.empty());
    for (const Citation& citation : told.answer->citations) {
      const indexer::Document* document = retriever_.Find(citation.document_id);
      EXPECT_NE(document, nullptr);
      EXPECT_EQ(document->text.substr(citation.start, citation.end - citation.start),
                citation.quote);
      EXPECT_GE(citation.score, 0);
      EXPECT_LE(citation.score, 1);
      EXPECT_LT(citation.answer_start, citation.answer_end);
    }
    return told;
  }

  std::unique_ptr<const indexer::Analyzer> analyzer_ = indexer::MakeAnalyzer();
  OverlapRetriever retriever_{Documents()};
};

TEST_F(AnswererTest, ExtractsTheSentenceWithItsCitation) {
  const Told told = Ask({.text = "When was the Harbour Bridge opened?"});
  ASSERT_TRUE(told.answer.ok()) << told.answer.status();
  EXPECT_THAT(told.text, HasSubstr("The Harbour Bridge was opened on 3 May 1998. [1]"));
  EXPECT_EQ(told.answer->reason, "answered");
  EXPECT_EQ(told.answer->receipt.mode, Mode::kExtract);
  EXPECT_EQ(told.answer->receipt.degraded, "");
  ASSERT_FALSE(told.citations.empty());
  EXPECT_EQ(told.citations[0].quote, "The Harbour Bridge was opened on 3 May 1998.");
  EXPECT_EQ(told.citations[0].document_id, "bridge");
  EXPECT_EQ(told.citations[0].verdict, Verdict::kSupported);
  EXPECT_EQ(told.text.substr(told.citations[0].answer_start,
                             told.citations[0].answer_end - told.citations[0].answer_start),
            "The Harbour Bridge was opened on 3 May 1998. [1]");
}

TEST_F(AnswererTest, EachPartOfAQuestionGetsItsOwnSentences) {
  const Told told =
      Ask({.text = "When was the Harbour Bridge opened, and when was the ferry Aurora launched?"});
  ASSERT_TRUE(told.answer.ok()) << told.answer.status();
  EXPECT_THAT(told.text, AllOf(HasSubstr("opened on 3 May 1998"), HasSubstr("launched in 198"),
                               Not(HasSubstr("do not say"))));
  EXPECT_EQ(told.answer->reason, "answered");
}

TEST_F(AnswererTest, APartOfAQuestionWithoutEvidenceIsNamed) {
  const Told told = Ask(
      {.text =
           "When was the Harbour Bridge opened? Who composed the opera Zauberkreis in Vienna?"});
  ASSERT_TRUE(told.answer.ok()) << told.answer.status();
  EXPECT_THAT(told.text, AllOf(HasSubstr("opened on 3 May 1998"),
                               HasSubstr("The documents do not say: Who composed the opera "
                                         "Zauberkreis in Vienna?")));
  EXPECT_EQ(told.answer->reason, "answered");
}

TEST_F(AnswererTest, AModelsAnswerIsFollowedByThePartsWithoutEvidence) {
  ScriptedGenerator generator({{Piece::Kind::kText, "It was opened on 3 May 1998 [citation:1]."}});
  const Told told = Ask({.text = "When was the Harbour Bridge opened? Who composed the opera "
                                 "Zauberkreis in Vienna?",
                         .mode = Mode::kQuick},
                        &generator);
  ASSERT_TRUE(told.answer.ok()) << told.answer.status();
  EXPECT_THAT(told.text, AllOf(HasSubstr("3 May 1998 [1]"),
                               HasSubstr("The documents do not say: Who composed the opera")));
}

TEST_F(AnswererTest, WhatBecomesOfEachPartIsToldAndInTheReceipt) {
  ScriptedGenerator generator({{Piece::Kind::kText, "It was opened on 3 May 1998 [citation:1]."}});
  for (const Mode mode : {Mode::kExtract, Mode::kDeep}) {
    const Told told = Ask({.text = "When was the Harbour Bridge opened? Who composed the opera "
                                   "Zauberkreis in Vienna?",
                           .mode = mode},
                          &generator);
    ASSERT_TRUE(told.answer.ok()) << told.answer.status();
    using State = PartEvent::State;
    std::vector<std::pair<int, State>> states;
    for (const Event& event : told.events) {
      const auto* part = std::get_if<PartEvent>(&event);
      if (part == nullptr) continue;
      EXPECT_EQ(part->parts, 2);
      EXPECT_EQ(part->question, part->part == 1 ? "When was the Harbour Bridge opened?"
                                                : "Who composed the opera Zauberkreis in Vienna?");
      states.emplace_back(part->part, part->state);
    }
    // A model that thinks proposes a third search.
    std::vector<std::pair<int, State>> expected = {{1, State::kSearching},
                                                   {1, State::kEvidence},
                                                   {2, State::kSearching},
                                                   {2, State::kSearchingAgain},
                                                   {2, State::kNoEvidence}};
    if (mode == Mode::kDeep) expected.insert(expected.end() - 1, {2, State::kSearchingAgain});
    EXPECT_EQ(states, expected);
    const Receipt& receipt = told.answer->receipt;
    EXPECT_EQ(receipt.parts,
              (std::vector<PartFinding>{{"When was the Harbour Bridge opened?", 1, true},
                                        {"Who composed the opera Zauberkreis in Vienna?",
                                         mode == Mode::kDeep ? 3 : 2, false}}));
    EXPECT_EQ(receipt.finding, Finding::kEvidence);
    EXPECT_GT(receipt.confidence, 0);
  }
}

// Finds one passage for texts that hold a word of its, and the tea for all others.
class WordRetriever final : public retrieval::Retriever {
 public:
  explicit WordRetriever(std::string word) : word_(std::move(word)) {}
  absl::StatusOr<retrieval::Result> Search(const retrieval::Query& query) override {
    searched.push_back(query.text);
    retrieval::Result result{.generation = 1};
    result.hits.push_back({.document_id = "tea", .text = "Green tea is not fermented."});
    if (query.text.find(word_) != std::string::npos) {
      result.hits.push_back({.document_id = "ship", .text = "The Borealis was launched in 1989."});
    }
    for (retrieval::Hit& hit : result.hits) {
      hit.end = static_cast<std::uint32_t>(hit.text.size());
      hit.passage_id = hit.document_id + "#0";
    }
    return result;
  }
  std::vector<std::string> searched;

 private:
  const std::string word_;
};

// Proposes a search, and answers from the passage that it finds.
class ProposingGenerator final : public inference::Generator {
 public:
  absl::StatusOr<inference::Finish> Generate(const inference::GenerateRequest& request,
                                             const inference::PieceSink& sink) override {
    requests.push_back(request);
    const bool proposes = request.messages.back().text.find("search query") != std::string::npos;
    if (proposes && while_proposing) {
      if (absl::Status status = while_proposing(request); !status.ok()) return status;
    }
    sink({.text = proposes ? "Borealis" : "The Borealis was launched in 1989 [2]."});
    return inference::Finish{.prompt_tokens = 10, .completion_tokens = 5, .model = "fake"};
  }
  std::function<absl::Status(const inference::GenerateRequest&)> while_proposing;
  std::vector<inference::GenerateRequest> requests;
};

std::vector<PartEvent::State> States(const std::vector<Event>& events) {
  std::vector<PartEvent::State> states;
  for (const Event& event : events) {
    const auto* part = std::get_if<PartEvent>(&event);
    if (part == nullptr) continue;
    EXPECT_EQ(part->part, 1);
    EXPECT_EQ(part->parts, 1);
    states.push_back(part->state);
  }
  return states;
}

class DeepAnswererTest : public AnswererTest {
 protected:
  // Asks what only the word finds.
  absl::StatusOr<Answer> AskFor(
      const std::string& word, Question question,
      EventSink sink = [](const Event&) { return true; }) {
    WordRetriever retriever(word);
    auto answerer =
        MakeAnswerer({.retriever = &retriever, .generator = &model_, .analyzer = analyzer_.get()});
    events_.clear();
    auto answer = answerer->Ask(question, [&](const Event& event) {
      events_.push_back(event);
      return sink(event);
    });
    searched_ = retriever.searched;
    return answer;
  }

  using State = PartEvent::State;
  const Question question_{.text = "When was the lost ship first put to sea?", .mode = Mode::kDeep};
  ProposingGenerator model_;
  std::vector<Event> events_;
  std::vector<std::string> searched_;
};

TEST_F(DeepAnswererTest, AQuestionOfOnePartIsSearchedAgainByItsNames) {
  Question question = question_;
  question.text = "When was the Borealis launched?";
  // The first search does not find it: only the name alone does.
  class NamesOnlyRetriever final : public retrieval::Retriever {
   public:
    absl::StatusOr<retrieval::Result> Search(const retrieval::Query& query) override {
      WordRetriever inner(query.text == "Borealis" ? "Borealis" : "\n");
      return inner.Search(query);
    }
  } names;
  auto answerer =
      MakeAnswerer({.retriever = &names, .generator = &model_, .analyzer = analyzer_.get()});
  const auto answer = answerer->Ask(question, [&](const Event& event) {
    events_.push_back(event);
    return true;
  });
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(States(events_), (std::vector{State::kSearchingAgain, State::kEvidence}));
  ASSERT_EQ(answer->citations.size(), 1u);
  EXPECT_EQ(answer->citations[0].document_id, "ship");
  EXPECT_EQ(answer->citations[0].verdict, Verdict::kSupported);
  EXPECT_EQ(answer->receipt.parts, (std::vector<PartFinding>{{question.text, 2, true}}));
  EXPECT_EQ(answer->receipt.finding, Finding::kEvidence);
  EXPECT_EQ(model_.requests.size(), 1u);
}

TEST_F(DeepAnswererTest, WhatTheModelProposesIsSearchedForWhereNothingWasFound) {
  const auto answer = AskFor("Borealis", question_);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(searched_.back(), "Borealis");
  EXPECT_EQ(model_.requests.size(), 2u);
  EXPECT_EQ(States(events_).front(), State::kSearchingAgain);
  ASSERT_EQ(answer->citations.size(), 1u);
  EXPECT_EQ(answer->citations[0].document_id, "ship");
  ASSERT_EQ(answer->receipt.parts.size(), 1u);
  EXPECT_EQ(answer->receipt.parts[0].searches, static_cast<int>(searched_.size()));
  EXPECT_EQ(answer->receipt.prompt_tokens, 20);  // of both calls
  EXPECT_EQ(answer->receipt.completion_tokens, 10);
}

TEST_F(DeepAnswererTest, WhatIsFoundAtOnceOrWantedQuicklyIsSearchedForOnce) {
  Question question = question_;
  question.text = "When was the Borealis launched?";
  ASSERT_TRUE(AskFor("Borealis", question).ok());
  EXPECT_EQ(searched_.size(), 1u);
  EXPECT_TRUE(States(events_).empty());
  question = question_;
  question.mode = Mode::kQuick;
  ASSERT_TRUE(AskFor("Borealis", question).ok());
  EXPECT_EQ(searched_.size(), 1u);
  question = question_;
  question.rung = Rung::kShort;  // much is asked: no further calls of the model
  model_.requests.clear();
  ASSERT_TRUE(AskFor("Borealis", question).ok());
  EXPECT_EQ(model_.requests.size(), 1u);
}

TEST_F(DeepAnswererTest, AModelThatProposesNothingStillAnswers) {
  model_.while_proposing = [](const auto&) { return absl::UnavailableError("it is gone"); };
  const auto answer = AskFor("Borealis", question_);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(States(events_).back(), State::kNoEvidence);
  EXPECT_EQ(answer->receipt.mode, Mode::kDeep);
  EXPECT_EQ(answer->receipt.degraded, "");
}

TEST_F(DeepAnswererTest, AnswerNowEndsTheSearchesAtEachStage) {
  std::stop_source now;
  Question question = question_;
  question.answer_now = now.get_token();
  // While the model proposes: its call ends at once.
  model_.while_proposing = [&](const inference::GenerateRequest& request) {
    now.request_stop();
    EXPECT_TRUE(request.stop.stop_requested());
    return absl::CancelledError("stopped");
  };
  auto answer = AskFor("Borealis", question);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->receipt.mode, Mode::kQuick);
  EXPECT_EQ(model_.requests.size(), 2u);
  EXPECT_FALSE(model_.requests[1].thinking);
  // While it is searched again: nobody is asked for words.
  std::stop_source sooner;
  question.answer_now = sooner.get_token();
  question.text = "When was the lost ship Zauberkreis launched?";
  model_.requests.clear();
  answer = AskFor("Borealis", question, [&](const Event& event) {
    if (std::holds_alternative<PartEvent>(event)) sooner.request_stop();
    return true;
  });
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(model_.requests.size(), 1u);
  EXPECT_EQ(answer->receipt.mode, Mode::kQuick);
  // Before it is searched again: it is not.
  EXPECT_EQ(searched_.size(), 2u);
  ASSERT_TRUE(AskFor("Borealis", question).ok());
  EXPECT_EQ(searched_.size(), 1u);
}

TEST_F(DeepAnswererTest, WhoLeavesWhileItIsSearchedAgainEndsItAll) {
  const auto leave = [](const Event& event) { return !std::holds_alternative<PartEvent>(event); };
  Question question = question_;
  question.text = "When was the lost ship Zauberkreis launched?";
  EXPECT_TRUE(absl::IsCancelled(AskFor("Borealis", question, leave).status()));
  EXPECT_EQ(searched_.size(), 1u);
  EXPECT_TRUE(model_.requests.empty());
  std::stop_source stop;
  question.stop = stop.get_token();
  model_.while_proposing = [&](const inference::GenerateRequest& request) {
    stop.request_stop();
    EXPECT_TRUE(request.stop.stop_requested());
    return absl::CancelledError("stopped");
  };
  EXPECT_TRUE(absl::IsCancelled(AskFor("Borealis", question).status()));
  EXPECT_EQ(model_.requests.size(), 1u);
  EXPECT_EQ(searched_.size(), 2u);
}

TEST_F(DeepAnswererTest, AModelThatIsSlowToProposeLeavesMostOfTheTimeForTheAnswer) {
  Question question = question_;
  const absl::Time begin = absl::Now();
  question.deadline = begin + absl::Seconds(20);
  absl::Duration given;
  model_.while_proposing = [&](const inference::GenerateRequest& request) {
    given = request.deadline - begin;
    return absl::DeadlineExceededError("too slow");
  };
  ASSERT_TRUE(AskFor("Borealis", question).ok());
  EXPECT_LE(given, absl::Seconds(5.1));
  EXPECT_EQ(model_.requests.size(), 2u);
}

TEST_F(AnswererTest, AModelsReceiptTellsWhetherThereWasAnythingToAnswerFrom) {
  ScriptedGenerator generator({{Piece::Kind::kText, "Magnus Carlsen, I believe."}});
  const Told none =
      Ask({.text = "Who won the chess world championship in Reykjavik?", .mode = Mode::kQuick},
          &generator);
  ASSERT_TRUE(none.answer.ok()) << none.answer.status();
  EXPECT_EQ(none.answer->receipt.mode, Mode::kQuick);
  EXPECT_EQ(none.answer->receipt.finding, Finding::kNone);
  const Told some =
      Ask({.text = "When was the Harbour Bridge opened?", .mode = Mode::kQuick}, &generator);
  EXPECT_EQ(some.answer->receipt.finding, Finding::kEvidence);
  EXPECT_GT(some.answer->receipt.confidence, none.answer->receipt.confidence);
  const Told passages =
      Ask({.text = "When was the Harbour Bridge opened?", .rung = Rung::kResults});
  EXPECT_EQ(passages.answer->receipt.finding, Finding::kUntold);
}

TEST_F(AnswererTest, AModelsAnswerOfOneSideIsFollowedByBothWithTheirDates) {
  OverlapRetriever retriever({{.id = "a",
                               .uri = "https://example.org/1990/03/ferries.html",
                               .text = "The ferry Aurora was launched in 1987."},
                              {.id = "b", .text = "The ferry Aurora was launched in 1989."}});
  const auto ask = [&](const std::string& text) {
    ScriptedGenerator generator({{Piece::Kind::kText, text}});
    const auto answerer = MakeAnswerer(
        {.retriever = &retriever, .generator = &generator, .analyzer = analyzer_.get()});
    const auto answer =
        answerer->Ask({.text = "When was the ferry Aurora launched?", .mode = Mode::kDeep},
                      [](const Event&) { return true; });
    EXPECT_TRUE(answer.ok()) << answer.status();
    return *answer;
  };
  const Answer one = ask("It was launched in 1987 [1].");
  EXPECT_THAT(one.text, HasSubstr("\nThe documents disagree (1987, dated 1990-03; 1989): "));
  EXPECT_THAT(one.text, AllOf(HasSubstr("launched in 1987. ["), HasSubstr("launched in 1989. [")));
  EXPECT_EQ(one.citations.size(), 3u);
  // Both sides told: only the dates are new.
  const Answer both = ask("One says 1987 [1], another 1989 [2].");
  EXPECT_TRUE(both.text.ends_with("\nThe documents disagree (1987, dated 1990-03; 1989)."))
      << both.text;
  const Answer neither = ask("The documents do not say.");
  EXPECT_THAT(neither.text, Not(HasSubstr("disagree")));
}

TEST_F(AnswererTest, TheModelDrawsAsTheAskerWantsAndTheReceiptSaysHow) {
  ScriptedGenerator model({{.text = "It was opened on 3 May 1998 [1]."}});
  const Drawing drawing = {.temperature = 0,
                           .top_p = 0,
                           .presence_penalty = -1,
                           .frequency_penalty = 0.5,
                           .max_tokens = 9,
                           .stop = {"END"}};
  const Told told = Ask({.text = "When was the Harbour Bridge opened?",
                         .mode = Mode::kQuick,
                         .seed = 5,
                         .drawing = drawing},
                        &model);
  ASSERT_TRUE(told.answer.ok()) << told.answer.status();
  const inference::Sampling& sampling = model.requests().at(0).sampling;
  EXPECT_EQ(sampling.temperature, 0);
  EXPECT_GT(sampling.top_p.value_or(0), 0);  // no model server takes 0
  EXPECT_LT(sampling.top_p.value_or(1), 0.001);
  EXPECT_EQ(sampling.presence_penalty, -1);
  EXPECT_EQ(sampling.frequency_penalty, 0.5);
  EXPECT_EQ(sampling.max_tokens, 9);
  EXPECT_EQ(sampling.stop_strings, drawing.stop);
  EXPECT_EQ(told.answer->receipt.drawing, drawing);
  const Told usual =
      Ask({.text = "When was the Harbour Bridge opened?", .mode = Mode::kQuick}, &model);
  EXPECT_EQ(usual.answer->receipt.drawing, (Drawing{.temperature = 0.3, .max_tokens = 512}));
  // Less work is less work, whatever is asked for.
  const Told lowered = Ask({.text = "When was the Harbour Bridge opened?",
                            .mode = Mode::kQuick,
                            .drawing = {.max_tokens = 10000},
                            .rung = Rung::kQuick,
                            .lowered = "a long line"},
                           &model);
  EXPECT_EQ(model.requests().back().sampling.max_tokens, 512);
  const Told extract = Ask({.text = "When was the Harbour Bridge opened?", .drawing = drawing});
  ASSERT_TRUE(extract.answer.ok());
  EXPECT_EQ(extract.answer->receipt.drawing, Drawing{});
}

TEST_F(AnswererTest, HowNoModelCanDrawIsRefusedByName) {
  const auto refuse = [&](Drawing drawing) {
    return std::string(Ask({.text = "q", .drawing = std::move(drawing)}).answer.status().message());
  };
  EXPECT_EQ(refuse({.temperature = -1}), "temperature -1 is not in [0, 2]");
  EXPECT_EQ(refuse({.top_p = 1.5}), "top_p 1.5 is not in [0, 1]");
  EXPECT_EQ(refuse({.presence_penalty = 3}), "presence_penalty 3 is not in [-2, 2]");
  EXPECT_EQ(refuse({.frequency_penalty = std::nan("")}), "frequency_penalty nan is not in [-2, 2]");
  EXPECT_EQ(refuse({.max_tokens = 200000}), "max_tokens 200000 is not in [0, 131072]");
  EXPECT_EQ(refuse({.stop = {"1", "2", "3", "4", "5"}}),
            "stop of 5 texts is longer than the limit of 4");
  EXPECT_EQ(refuse({.stop = {""}}), "stop text of 0 bytes is not in [1, 1024]");
  EXPECT_EQ(refuse({.stop = {"\xff"}}), "stop text is not UTF-8");
}

TEST_F(AnswererTest, ShowsMarkdownForReadingButQuotesTheBytes) {
  const Told told = Ask({.text = "How long is the Harbour Bridge?"});
  ASSERT_TRUE(told.answer.ok());
  EXPECT_THAT(told.text, HasSubstr("It is 1,120 metres long and carries six lanes. [1]"));
  EXPECT_THAT(told.citations.at(0).quote,
              HasSubstr("**1,120 metres** long and carries six lanes[3]."));
}

TEST_F(AnswererTest, ReadsTableRowsWithTheirHeader) {
  const Told told = Ask({.text = "When was version 2.10 of the Falcon database released?"});
  ASSERT_TRUE(told.answer.ok());
  EXPECT_THAT(told.text, HasSubstr("Version: 2.10; Released: 2023-11-15"));
  EXPECT_EQ(told.citations.at(0).quote, "| 2.10 | 2023-11-15 |");
}

TEST_F(AnswererTest, AnswersChineseInChinese) {
  const Told told = Ask({.text = "海州图书馆有多少册馆藏图书？"});
  ASSERT_TRUE(told.answer.ok());
  EXPECT_THAT(told.text, HasSubstr("馆藏图书共有320万册。[1]"));
}

TEST_F(AnswererTest, SaysWhenTheDocumentsDoNotHoldAnAnswer) {
  const Told english = Ask({.text = "Who won the chess world championship in Reykjavik?"});
  ASSERT_TRUE(english.answer.ok());
  EXPECT_EQ(english.answer->reason, "no_evidence");
  EXPECT_THAT(english.text, HasSubstr("The documents do not say"));
  EXPECT_TRUE(english.citations.empty());
  const Told chinese = Ask({.text = "珠穆朗玛峰的海拔是多少米？"});
  ASSERT_TRUE(chinese.answer.ok());
  EXPECT_EQ(chinese.answer->reason, "no_evidence");
  EXPECT_THAT(chinese.text, HasSubstr("文档中没有"));
}

TEST_F(AnswererTest, ShowsBothSidesWhereSourcesDisagree) {
  const Told told = Ask({.text = "When was the ferry Aurora launched?"});
  ASSERT_TRUE(told.answer.ok());
  EXPECT_THAT(told.text, AllOf(HasSubstr("The documents disagree"), HasSubstr("in 1987. [1]"),
                               HasSubstr("in 1989. [2]")));
}

TEST_F(AnswererTest, AnswersComparisonsByArithmeticEvenWithoutDocuments) {
  retriever_.before = [](const retrieval::Query&) { return absl::UnavailableError("gone"); };
  const Told told = Ask({.text = "which is bigger, 9.11 or 9.90?"});
  ASSERT_TRUE(told.answer.ok()) << told.answer.status();
  EXPECT_THAT(told.text, HasSubstr("9.90 is larger than 9.11"));
  EXPECT_EQ(told.answer->reason, "answered");
}

TEST_F(AnswererTest, PutsTheComparisonBeforeTheRest) {
  const Told told =
      Ask({.text = "Is version 2.10 newer than 2.9? How long is the Harbour Bridge?"});
  ASSERT_TRUE(told.answer.ok());
  EXPECT_EQ(told.text.rfind("Yes. As version numbers", 0), 0u);
  EXPECT_THAT(told.text, HasSubstr("1,120 metres"));
}

TEST_F(AnswererTest, StreamsAModelsThoughtsAnswerAndCitations) {
  ScriptedGenerator model({{.kind = Piece::Kind::kThought, .text = "let me see"},
                           {.text = "It was opened on 3 May 1998 [cita"},
                           {.text = "tion:1]. It is long.[[1]] No such source [citation:40]."}});
  const Told told = Ask({.text = "When was the Harbour Bridge opened?"}, &model);
  ASSERT_TRUE(told.answer.ok()) << told.answer.status();
  EXPECT_EQ(told.thought, "let me see");
  EXPECT_EQ(told.text, "It was opened on 3 May 1998 [1]. It is long.[1] No such source.");
  ASSERT_EQ(told.citations.size(), 2u);
  EXPECT_EQ(told.citations[0].quote, "The Harbour Bridge was opened on 3 May 1998.");
  EXPECT_EQ(told.citations[0].verdict, Verdict::kSupported);
  EXPECT_EQ(told.text.substr(told.citations[1].answer_start,
                             told.citations[1].answer_end - told.citations[1].answer_start),
            "It is long.[1]");
  EXPECT_EQ(told.answer->receipt.mode, Mode::kDeep);
  EXPECT_EQ(told.answer->receipt.model, "fake");
  EXPECT_TRUE(model.requests().at(0).thinking);
  EXPECT_THAT(model.requests().at(0).messages.back().text, HasSubstr("[webpage 1 begin]"));
}

TEST_F(AnswererTest, TheModelIsToldWhatItMayCiteAndTheReceiptHowDraftsWent) {
  ScriptedGenerator model({{.text = "It was opened on 3 May 1998 [1]."}});
  model.finish.steps = 2;
  model.finish.drafted_tokens = 7;
  model.finish.accepted_tokens = 3;
  const Told told = Ask(
      {.text = "When was the Harbour Bridge opened?", .mode = Mode::kQuick, .batch = true}, &model);
  ASSERT_TRUE(told.answer.ok()) << told.answer.status();
  EXPECT_EQ(told.answer->receipt.steps, 2);
  EXPECT_EQ(told.answer->receipt.drafted_tokens, 7);
  EXPECT_EQ(told.answer->receipt.accepted_tokens, 3);
  const inference::GenerateRequest& request = model.requests().at(0);
  EXPECT_GT(request.sources, 0);
  EXPECT_THAT(request.messages.back().text,
              HasSubstr("[webpage " + std::to_string(request.sources) + " begin]"));
  EXPECT_EQ(request.priority, inference::Priority::kBatch);
  EXPECT_EQ(request.sampling.temperature, 0.3);
  EXPECT_EQ(request.sampling.repetition_penalty, 1);
}

TEST_F(AnswererTest, AnswerNowLeavesTheThoughtAndAsksForTheAnswer) {
  ScriptedGenerator model({{.kind = Piece::Kind::kThought, .text = "let me see, "},
                           {.kind = Piece::Kind::kThought, .text = "and think on"},
                           {.text = "It was opened on 3 May 1998 [1]."}});
  std::stop_source now;
  model.before_piece = [&](std::size_t piece) {
    if (piece == 1) now.request_stop();
  };
  const Told told =
      Ask({.text = "When was the Harbour Bridge opened?", .answer_now = now.get_token()}, &model);
  ASSERT_TRUE(told.answer.ok()) << told.answer.status();
  EXPECT_EQ(told.text, "It was opened on 3 May 1998 [1].");
  ASSERT_EQ(model.requests().size(), 2u);
  EXPECT_TRUE(model.requests()[0].thinking);
  EXPECT_FALSE(model.requests()[1].thinking);
  EXPECT_EQ(told.answer->receipt.rung, Rung::kShort);
}

TEST_F(AnswererTest, AGeneratorThatEndsThoughtsIsTold) {
  ScriptedGenerator model({{.kind = Piece::Kind::kThought, .text = "let me see, "},
                           {.text = "It was opened on 3 May 1998 [1]."}});
  model.ends_thoughts = true;
  std::stop_source now;
  model.before_piece = [&](std::size_t) { now.request_stop(); };
  const Told told = Ask({.text = "When was the Harbour Bridge opened?",
                         .thinking_budget = 100,
                         .answer_now = now.get_token()},
                        &model);
  ASSERT_TRUE(told.answer.ok()) << told.answer.status();
  ASSERT_EQ(model.requests().size(), 1u);
  EXPECT_TRUE(model.requests()[0].answer_now.stop_requested());
  EXPECT_EQ(model.requests()[0].sampling.thinking_budget_tokens, 100);
  EXPECT_EQ(told.answer->receipt.rung, Rung::kFull);
}

TEST_F(AnswererTest, AThoughtBeyondItsBudgetIsLeft) {
  const std::string hundred_tokens(400, 'x');
  ScriptedGenerator model({{.kind = Piece::Kind::kThought, .text = hundred_tokens},
                           {.kind = Piece::Kind::kThought, .text = hundred_tokens},
                           {.text = "It was opened on 3 May 1998 [1]."}});
  const Told told =
      Ask({.text = "When was the Harbour Bridge opened?", .thinking_budget = 100}, &model);
  ASSERT_TRUE(told.answer.ok()) << told.answer.status();
  EXPECT_EQ(model.requests().size(), 2u);
  EXPECT_EQ(told.text, "It was opened on 3 May 1998 [1].");
  const Told within =
      Ask({.text = "When was the Harbour Bridge opened?", .thinking_budget = 200}, &model);
  EXPECT_EQ(model.requests().size(), 3u);
  EXPECT_EQ(within.answer->receipt.rung, Rung::kFull);
}

TEST_F(AnswererTest, AnAnswerWantedAtOnceBeforeItsTurnIsNotThoughtAbout) {
  ScriptedGenerator model({{.text = "It was opened on 3 May 1998 [1]."}});
  std::stop_source now;
  now.request_stop();
  const Told told =
      Ask({.text = "When was the Harbour Bridge opened?", .answer_now = now.get_token()}, &model);
  ASSERT_EQ(model.requests().size(), 1u);
  EXPECT_FALSE(model.requests()[0].thinking);
  EXPECT_EQ(told.answer->receipt.mode, Mode::kQuick);
}

TEST_F(AnswererTest, TheLowestRungGivesThePassagesInTheirOwnWords) {
  const Told told = Ask({.text = "When was the Harbour Bridge opened?", .rung = Rung::kResults});
  ASSERT_TRUE(told.answer.ok());
  EXPECT_EQ(told.answer->reason, "results");
  EXPECT_EQ(told.answer->receipt.rung, Rung::kResults);
  ASSERT_FALSE(told.citations.empty());
  EXPECT_EQ(told.citations[0].document_id, "bridge");
  for (const Citation& citation : told.citations) {
    EXPECT_EQ(told.text.substr(citation.answer_start, citation.quote.size()), citation.quote);
  }
}

TEST_F(AnswererTest, CitationsFollowTheirSentenceBeforeTheNextBegins) {
  ScriptedGenerator model({{.text = "Aurora was launched in 1987 [1]. Launched in 1989 [1]. So."}});
  const Told told =
      Ask({.text = "When was the ferry Aurora launched?", .mode = Mode::kQuick}, &model);
  ASSERT_TRUE(told.answer.ok());
  std::string shape;
  for (const Event& event : told.events) {
    if (const auto* answer = std::get_if<AnswerEvent>(&event)) shape += answer->text;
    if (const auto* cited = std::get_if<CitationEvent>(&event)) {
      shape += "{" + std::to_string(cited->citation.marker) + "}";
    }
    if (std::holds_alternative<CheckedEvent>(event)) shape += "!";
  }
  EXPECT_EQ(shape, "Aurora was launched in 1987 [1]. {1}!Launched in 1989 [2]. {2}!So.");
  EXPECT_EQ(told.answer->sentences.at(1).problems,
            std::vector<std::string>{"[1] moved to [2], whose source says it"});
  EXPECT_FALSE(model.requests().at(0).thinking);
}

TEST_F(AnswererTest, WhatTheModelMadeUpIsMarkedUnsupported) {
  ScriptedGenerator model({{.text = "The Harbour Bridge was opened in 1898 [1]. 馆藏 320 万册 [3]。"
                                    "It cost 90 million pounds."}});
  const Told told = Ask({.text = "Harbour Bridge opened 海州图书馆", .mode = Mode::kQuick}, &model);
  ASSERT_TRUE(told.answer.ok());
  EXPECT_THAT(told.text, HasSubstr("opened in 1898. "));
  ASSERT_EQ(told.answer->sentences.size(), 3u);
  EXPECT_EQ(told.answer->sentences[0].verdict, Verdict::kUnsupported);
  EXPECT_EQ(told.text.substr(0, told.answer->sentences[0].end),
            "The Harbour Bridge was opened in 1898.");
  EXPECT_EQ(told.answer->sentences[2].verdict, Verdict::kUnsupported);
  EXPECT_FALSE(told.answer->sentences[2].problems.empty());
}

TEST_F(AnswererTest, ChecksATextOfAnybodyAgainstTheIndex) {
  auto answerer = MakeAnswerer({.retriever = &retriever_, .analyzer = analyzer_.get()});
  const std::string text =
      "The Harbour Bridge was opened on 3 May 1998 [1]. It carries nine lanes [1].\n\n"
      "Sources:\n1. bridge.md\n2. tea.txt\n";
  const auto report = answerer->Check({.text = text});
  ASSERT_TRUE(report.ok()) << report.status();
  ASSERT_EQ(report->sentences.size(), 2u);
  EXPECT_EQ(report->sentences[0].verdict, Verdict::kSupported);
  EXPECT_EQ(report->sentences[1].verdict, Verdict::kUnsupported);
  ASSERT_EQ(report->citations.size(), 1u);
  EXPECT_EQ(report->citations[0].document_id, "bridge");
  EXPECT_EQ(report->citations[0].marker, 1);
}

// Through the client of OpenAI-compatible servers, its text cut anywhere.
TEST_F(AnswererTest, AThoughtWithoutItsOpenTagNeverEntersTheAnswerOfAnyCall) {
  const testing::OpenAiServer server(testing::GoodReply(
      {"Okay, the u", "ser asks about a bridge.\n</th", "ink>\n\nIt is long [1]."}));
  for (Mode first : {Mode::kQuick, Mode::kDeep}) {
    const auto model = services::ConnectOpenAi({.url = server.url(), .model = "r1"});
    ASSERT_TRUE(model.ok()) << model.status();
    auto answerer = MakeAnswerer(
        {.retriever = &retriever_, .generator = model->get(), .analyzer = analyzer_.get()});
    for (Mode mode : {first, Mode::kQuick, Mode::kDeep, Mode::kQuick}) {
      const Told told = AskWith(answerer.get(), {.text = "How long is the bridge?", .mode = mode});
      ASSERT_TRUE(told.answer.ok());
      EXPECT_EQ(told.thought, "Okay, the user asks about a bridge.\n");
      EXPECT_EQ(told.text, "It is long [1].");
      EXPECT_EQ(told.answer->receipt.mode, mode);
    }
  }
}

TEST_F(AnswererTest, AThoughtWithoutTagsThatTheLimitCutsNeverEntersTheAnswer) {
  const testing::OpenAiServer server(
      testing::ServerReply{.chunks = {{testing::TextEvent("Okay, the user asks") +
                                       testing::FinishEvent("length") + testing::kDoneEvent}}});
  const auto model = services::ConnectOpenAi({.url = server.url(), .model = "r1"});
  ASSERT_TRUE(model.ok()) << model.status();
  const Told told =
      Ask({.text = "How long is the Harbour Bridge?", .mode = Mode::kQuick}, model->get());
  ASSERT_TRUE(told.answer.ok());
  EXPECT_EQ(told.thought, "Okay, the user asks");
  EXPECT_THAT(told.text, AllOf(HasSubstr("1,120 metres"), Not(HasSubstr("Okay"))));
}

TEST_F(AnswererTest, AModelWithoutThoughtsStreamsItsFirstReply) {
  ScriptedGenerator model({{.text = "It is "}, {.text = "long."}});
  const Told told = Ask({.text = "How long is the bridge?", .mode = Mode::kQuick}, &model);
  ASSERT_TRUE(told.answer.ok());
  EXPECT_EQ(std::count_if(told.events.begin(), told.events.end(),
                          [](const Event& e) { return std::holds_alternative<AnswerEvent>(e); }),
            2);
}

TEST_F(AnswererTest, AModelThatMayBeThinkingStreamsFromItsSecondReplyOn) {
  ScriptedGenerator model({{.text = "So it "}, {.text = "is long."}});
  auto answerer =
      MakeAnswerer({.retriever = &retriever_, .generator = &model, .analyzer = analyzer_.get()});
  for (std::size_t deltas : {1u, 2u}) {
    const Told told =
        AskWith(answerer.get(), {.text = "How long is the bridge?", .mode = Mode::kQuick});
    ASSERT_TRUE(told.answer.ok());
    EXPECT_EQ(std::count_if(told.events.begin(), told.events.end(),
                            [](const Event& e) { return std::holds_alternative<AnswerEvent>(e); }),
              deltas);
  }
}

TEST_F(AnswererTest, FallsToTheExtractWhenTheModelFailsBeforeItsAnswer) {
  ScriptedGenerator model({{.text = "<think>only this"}});
  model.fail_with = absl::UnavailableError("model server 127.0.0.1:9 refused the connection");
  const Told told = Ask({.text = "How long is the Harbour Bridge?", .mode = Mode::kQuick}, &model);
  ASSERT_TRUE(told.answer.ok());
  EXPECT_EQ(told.answer->receipt.mode, Mode::kExtract);
  EXPECT_EQ(told.answer->receipt.asked_mode, Mode::kQuick);
  EXPECT_THAT(told.answer->receipt.degraded, HasSubstr("refused the connection"));
  EXPECT_THAT(told.text, HasSubstr("1,120 metres"));
}

TEST_F(AnswererTest, ContinuesWithTheExtractWhenTheModelDiesMidAnswer) {
  ScriptedGenerator model({{.text = "<think>hm</think>It is quite lo"}});
  model.fail_with = absl::UnavailableError("connection closed");
  const Told told = Ask({.text = "How long is the Harbour Bridge?", .mode = Mode::kQuick}, &model);
  ASSERT_TRUE(told.answer.ok());
  EXPECT_THAT(told.text, AllOf(HasSubstr("It is quite lo\n\n(The model stopped here."),
                               HasSubstr("1,120 metres")));
  EXPECT_EQ(told.answer->receipt.degraded, "connection closed");
}

TEST_F(AnswererTest, AThoughtThatTakesAllTokensIsFollowedByAnAnswerWithoutOne) {
  for (const bool endless : {false, true}) {
    ScriptedGenerator model({{Piece::Kind::kThought, endless ? std::string(300'000, 'h') : "hm"}});
    model.finish.reason = inference::FinishReason::kLength;
    model.then = {{.text = "It is 1,120 metres long [citation:1]."}};
    const Told told = Ask({.text = "How long is the Harbour Bridge?", .mode = Mode::kDeep}, &model);
    ASSERT_TRUE(told.answer.ok());
    EXPECT_THAT(told.text, HasSubstr("It is 1,120 metres long"));
    EXPECT_EQ(told.answer->receipt.rung, Rung::kShort);
    EXPECT_EQ(told.answer->receipt.degraded, "the model spent all its tokens on thoughts");
    EXPECT_EQ(model.requests().size(), 2u);
    EXPECT_FALSE(model.requests()[1].thinking);
  }
}

TEST_F(AnswererTest, TheReceiptSaysWhatDecidingTook) {
  const Question question = {.text = "How long is the Harbour Bridge?",
                             .mode = Mode::kExtract,
                             .admitted = absl::Milliseconds(3)};
  const Told told = Ask(question, nullptr);
  ASSERT_TRUE(told.answer.ok());
  EXPECT_EQ(told.answer->receipt.stages.front().name, "admit");
  EXPECT_EQ(told.answer->receipt.stages.front().duration, absl::Milliseconds(3));
}

TEST_F(AnswererTest, AServerThatKeepsNoLimitOfTokensIsStopped) {
  ScriptedGenerator model({{.text = std::string(40'000, 'w')}, {.text = "never"}});
  const Told told = Ask({.text = "How long is the Harbour Bridge?", .mode = Mode::kQuick}, &model);
  ASSERT_TRUE(told.answer.ok());
  EXPECT_EQ(told.answer->receipt.degraded,
            "the model's answer is longer than the limit of 32768 bytes");
  EXPECT_THAT(told.text, HasSubstr("1,120 metres"));
}

TEST_F(AnswererTest, AModelThatSaysNothingIsNoAnswer) {
  ScriptedGenerator model({{.text = "<think>so many thoughts</think>"}});
  model.finish.reason = inference::FinishReason::kLength;
  const Told told = Ask({.text = "How long is the Harbour Bridge?", .mode = Mode::kDeep}, &model);
  ASSERT_TRUE(told.answer.ok());
  EXPECT_EQ(told.answer->receipt.degraded, "the model spent all its tokens on thoughts");
  EXPECT_THAT(told.text, HasSubstr("1,120 metres"));
}

TEST_F(AnswererTest, NoLoadedModelIsADegradationOnlyWhenAModelWasAskedFor) {
  ScriptedGenerator model({});
  model.fail_with = absl::FailedPreconditionError("no model is loaded");
  const Told automatic = Ask({.text = "How long is the Harbour Bridge?"}, &model);
  ASSERT_TRUE(automatic.answer.ok());
  EXPECT_EQ(automatic.answer->receipt.degraded, "");
  const Told deep = Ask({.text = "How long is the Harbour Bridge?", .mode = Mode::kDeep}, &model);
  EXPECT_EQ(deep.answer->receipt.degraded, "no model is loaded");
  const Told none = Ask({.text = "How long is the Harbour Bridge?", .mode = Mode::kDeep});
  EXPECT_EQ(none.answer->receipt.degraded, "no model is loaded");
}

TEST_F(AnswererTest, RefusesBadQuestionsByNameValueAndLimit) {
  const auto message = [&](Question question) {
    return std::string(Ask(std::move(question)).answer.status().message());
  };
  EXPECT_EQ(message({.text = " \n"}), "question is empty");
  EXPECT_EQ(message({.text = std::string(40000, 'x')}),
            "question of 40000 bytes is longer than the limit of 32768");
  EXPECT_EQ(message({.text = "a\xFF"}), "question is not UTF-8 at byte 1");
  EXPECT_EQ(message({.text = "a", .top_k = 65}), "top_k 65 is not in [1, 64]");
}

TEST_F(AnswererTest, StopsAtEveryEventTheAskerLeavesAt) {
  const Question question{.text = "When was the ferry Aurora launched?"};
  const Told whole = Ask(question);
  ScriptedGenerator model({{.text = "<think>a</think>"}, {.text = "b [1]. "}, {.text = "c [2]."}});
  for (inference::Generator* generator :
       {static_cast<inference::Generator*>(nullptr), static_cast<inference::Generator*>(&model)}) {
    auto answerer = MakeAnswerer(
        {.retriever = &retriever_, .generator = generator, .analyzer = analyzer_.get()});
    for (std::size_t leave = 0; leave < 6; ++leave) {
      std::size_t seen = 0;
      const auto answer = answerer->Ask(question, [&](const Event&) { return seen++ != leave; });
      EXPECT_EQ(answer.status().code(), absl::StatusCode::kCancelled);
      EXPECT_EQ(seen, leave + 1);
    }
  }
}

TEST_F(AnswererTest, HonoursStopTokensAndDeadlinesAtEachStage) {
  Question question{.text = "When was the ferry Aurora launched?"};
  question.deadline = absl::Now() - absl::Seconds(1);
  EXPECT_EQ(Ask(question).answer.status().code(), absl::StatusCode::kDeadlineExceeded);
  question.deadline = absl::InfiniteFuture();
  std::stop_source stop;
  question.stop = stop.get_token();
  ScriptedGenerator model({{.text = "a"}, {.text = "b"}});
  model.before_piece = [&](std::size_t i) {
    if (i == 1) stop.request_stop();
  };
  EXPECT_EQ(Ask(question, &model).answer.status().code(), absl::StatusCode::kCancelled);
  EXPECT_TRUE(model.cancelled());
}

TEST_F(AnswererTest, ASlowModelLeavesTimeForTheExtract) {
  ScriptedGenerator model({});
  model.wait_for_deadline = true;
  const Told told = Ask({.text = "How long is the Harbour Bridge?",
                         .mode = Mode::kDeep,
                         .deadline = absl::Now() + absl::Seconds(1)},
                        &model);
  ASSERT_TRUE(told.answer.ok()) << told.answer.status();
  EXPECT_THAT(told.answer->receipt.degraded, HasSubstr("deadline"));
  EXPECT_THAT(told.text, HasSubstr("1,120 metres"));
}

}  // namespace
}  // namespace citeseek::gateway
