#include "services/gateway/admission.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <future>
#include <optional>
#include <thread>

#include "tests/support/scripted_generator.h"

namespace citeseek::gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// Answers when it may, with the rung it is given.
class HeldAnswerer final : public Answerer {
 public:
  absl::StatusOr<Answer> Ask(const Question& question, const EventSink& sink) override {
    std::unique_lock lock(mutex_);
    asked_.push_back(question);
    changed_.notify_all();
    changed_.wait(lock, [&] { return open_ || question.text == "quickly"; });
    Answer answer;
    answer.reason = "answered";
    const bool reads = !model || question.mode == Mode::kExtract;
    answer.receipt.rung = std::max(question.rung, reads ? Rung::kExtract : Rung::kFull);
    answer.receipt.degraded = question.lowered;
    answer.receipt.prompt_tokens = 100;
    answer.receipt.completion_tokens = 50;
    lock.unlock();
    if (!sink(FinishedEvent{answer})) return absl::CancelledError("left");
    return answer;
  }

  absl::StatusOr<CheckReport> Check(const CheckRequest& request) override {
    return CheckReport{.sentences = {{.end = static_cast<std::uint32_t>(request.text.size())}}};
  }

  void Open() {
    const std::scoped_lock lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void Close() {
    const std::scoped_lock lock(mutex_);
    open_ = false;
  }
  std::vector<Question> AwaitAsked(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return asked_.size() >= count; });
    return asked_;
  }

  bool model = true;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Question> asked_;
  bool open_ = false;
};

class AdmissionTest : public ::testing::Test {
 protected:
  // The clock stands still unless it is moved: a full answer takes 50 s, a short one 20 s, a quick
  // one 10 s.
  void Open(AdmissionOptions options) {
    options.answerer = &answerer_;
    options.now = [this] { return absl::UnixEpoch() + absl::Milliseconds(now_ms_.load()); };
    answerer_.model = options.model;
    admission_.emplace(options);
  }

  struct Asked {
    std::future<absl::StatusOr<Answer>> answer;
    std::future<QueuedEvent> queued;
  };
  Asked Ask(Question question) {
    auto queued = std::make_shared<std::promise<QueuedEvent>>();
    std::future<QueuedEvent> first = queued->get_future();
    auto answer = std::async(std::launch::async, [this, question, queued] {
      bool told = false;
      return admission_->Ask(question, [&](const Event& event) {
        if (const auto* place = std::get_if<QueuedEvent>(&event); place != nullptr && !told) {
          told = true;
          queued->set_value(*place);
        }
        return true;
      });
    });
    return {std::move(answer), std::move(first)};
  }

  std::atomic<std::int64_t> now_ms_ = 0;
  HeldAnswerer answerer_;
  std::optional<Admission> admission_;
};

TEST_F(AdmissionTest, AQuestionAloneGetsAllItAsksFor) {
  Open({.model = true});
  const auto answer = admission_->Ask({.text = "quickly"}, [](const Event&) { return true; });
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->receipt.rung, Rung::kFull);
  EXPECT_EQ(answer->receipt.degraded, "");
  EXPECT_EQ(admission_->Stats().answered[0], 1);
  EXPECT_GT(answerer_.AwaitAsked(1)[0].admitted, absl::ZeroDuration());
}

TEST_F(AdmissionTest, AQuestionThatNobodyTakesIsRefusedBeforeTheLine) {
  Open({.model = true, .model_calls = 1});
  Asked first = Ask({.text = "a"});
  answerer_.AwaitAsked(1);
  const auto answer = admission_->Ask({.text = " "}, [](const Event&) { return true; });
  EXPECT_EQ(answer.status().code(), absl::StatusCode::kInvalidArgument);
  answerer_.Open();
}

TEST_F(AdmissionTest, TheLongerTheLineTheShorterTheThought) {
  Open({.model = true, .model_calls = 1, .patience = absl::Seconds(90)});
  Asked first = Ask({.text = "first"});
  answerer_.AwaitAsked(1);
  Asked second = Ask({.text = "second"});  // 50 s
  EXPECT_EQ(second.queued.get().place, 1);
  Asked third = Ask({.text = "third"});  // 60 s, if the second is short
  EXPECT_EQ(third.queued.get().place, 2);
  Asked fourth = Ask({.text = "fourth"});
  EXPECT_EQ(fourth.queued.get().place, 3);
  answerer_.Open();
  EXPECT_EQ(first.answer.get()->receipt.rung, Rung::kFull);
  const auto quick = second.answer.get();  // two wait behind it, the last for 100 s
  EXPECT_EQ(quick->receipt.rung, Rung::kQuick);
  EXPECT_THAT(quick->receipt.degraded, StartsWith("2 questions wait for the model, about"));
  EXPECT_THAT(quick->receipt.degraded, HasSubstr("answered without thinking"));
  EXPECT_EQ(fourth.answer.get()->receipt.rung, Rung::kFull);  // nobody behind it
  EXPECT_EQ(answerer_.AwaitAsked(2)[1].top_k, 4);
}

TEST_F(AdmissionTest, AWaitBeyondPatienceIsAnsweredFromTheDocumentsAtOnce) {
  Open({.model = true, .model_calls = 1});
  Asked first = Ask({.text = "first"});
  answerer_.AwaitAsked(1);
  const auto answer = admission_->Ask({.text = "quickly"}, [](const Event&) { return true; });
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->receipt.rung, Rung::kExtract);
  EXPECT_THAT(answer->receipt.degraded, HasSubstr("in the documents' own sentences"));
  EXPECT_EQ(admission_->Stats().lowered, 1);
  answerer_.Open();
}

TEST_F(AdmissionTest, ADeadlineBeforeTheTurnIsAnsweredFromTheDocuments) {
  Open({.model = true, .model_calls = 1, .patience = absl::Seconds(600)});
  Asked first = Ask({.text = "first"});
  answerer_.AwaitAsked(1);
  const auto answer =
      admission_->Ask({.text = "quickly", .deadline = absl::UnixEpoch() + absl::Seconds(20)},
                      [](const Event&) { return true; });
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->receipt.rung, Rung::kExtract);
  answerer_.Open();
}

TEST_F(AdmissionTest, BatchQuestionsWaitAndKeepTheirRung) {
  Open({.model = true, .model_calls = 1});
  Asked first = Ask({.text = "first"});
  answerer_.AwaitAsked(1);
  Asked batch = Ask({.text = "batch", .batch = true});
  EXPECT_EQ(batch.queued.get().place, 1);
  answerer_.Open();
  EXPECT_EQ(batch.answer.get()->receipt.rung, Rung::kFull);
}

TEST_F(AdmissionTest, ALongLineForTheProcessorsIsAnsweredWithPassages) {
  Open({.reading_calls = 1, .reading_patience = absl::ZeroDuration()});
  Asked first = Ask({.text = "first"});
  answerer_.AwaitAsked(1);
  Asked second = Ask({.text = "second"});
  EXPECT_EQ(second.queued.get().rung, Rung::kResults);
  answerer_.Open();
  EXPECT_EQ(first.answer.get()->receipt.rung, Rung::kExtract);
  EXPECT_EQ(second.answer.get()->receipt.rung, Rung::kResults);
}

TEST_F(AdmissionTest, WithBothLinesFullTheAnswerIsThePlaceAndTheTime) {
  Open({.reading_calls = 1, .waiting = 1});
  Asked first = Ask({.text = "first"});
  answerer_.AwaitAsked(1);
  Asked second = Ask({.text = "second"});
  second.queued.get();
  Asked third = Ask({.text = "哪一年？"});
  const QueuedEvent queued = third.queued.get();
  EXPECT_EQ(queued.place, 2);
  EXPECT_GE(queued.eta, absl::Seconds(1));
  const auto answer = third.answer.get();
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->reason, "overloaded");
  EXPECT_EQ(answer->text, "前面有 1 个问题，约 1 s 后轮到新的问题，请到时再问。");
  EXPECT_EQ(admission_->Stats().overloaded, 1);
  answerer_.Open();
}

TEST_F(AdmissionTest, AnswerNowReachesTheCallOfThatIdAlone) {
  Open({.model = true});
  Asked first = Ask({.text = "first", .request_id = "a"});
  answerer_.AwaitAsked(1);
  Asked second = Ask({.text = "second", .request_id = "b"});
  const std::vector<Question> asked = answerer_.AwaitAsked(2);
  EXPECT_EQ(admission_->AnswerNow("c").message(), "no question of request id c is running");
  EXPECT_TRUE(admission_->AnswerNow("b").ok());
  EXPECT_TRUE(admission_->AnswerNow("b").ok());
  EXPECT_FALSE(asked[0].answer_now.stop_requested());
  EXPECT_TRUE(asked[1].answer_now.stop_requested());
  answerer_.Open();
  EXPECT_TRUE(second.answer.get().ok());
  EXPECT_EQ(admission_->AnswerNow("b").code(), absl::StatusCode::kNotFound);
}

TEST_F(AdmissionTest, HowManyCallsTheModelTakesIsFoundOut) {
  testing::ScriptedGenerator model({{.text = "yes"}});
  MeasuredGenerator measured({.generator = &model, .limit = {.start = 1, .most = 4}});
  Open({.model = true, .model_calls = 32, .measured = &measured});
  EXPECT_EQ(admission_->Stats().model_calls, 1);
  Asked first = Ask({.text = "held"});
  answerer_.AwaitAsked(1);
  Asked second = Ask({.text = "held"});
  EXPECT_EQ(second.queued.get().place, 1);
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(measured.Generate({.sources = 1}, [](const auto&) { return true; }).ok());
  }
  EXPECT_EQ(admission_->Stats().model_calls, 2);
  answerer_.AwaitAsked(2);  // the second need not wait for the first
  answerer_.Open();
  EXPECT_TRUE(first.answer.get().ok());
  EXPECT_TRUE(second.answer.get().ok());
}

TEST_F(AdmissionTest, WhileNothingIsKnownOfTheModelAsManyMayWaitForItAsRun) {
  testing::ScriptedGenerator model({{.text = "yes"}});
  MeasuredGenerator measured({.generator = &model, .limit = {.start = 1}});
  Open({.model = true, .measured = &measured, .patience = absl::Seconds(1)});
  const absl::Time deadline = absl::UnixEpoch() + absl::Seconds(5);
  Asked first = Ask({.text = "held", .deadline = deadline});
  EXPECT_EQ(answerer_.AwaitAsked(1)[0].rung, Rung::kFull);
  Asked second = Ask({.text = "held", .deadline = deadline});
  EXPECT_EQ(second.queued.get().place, 1);
  const auto third =
      admission_->Ask({.text = "quickly", .deadline = deadline}, [](const Event&) { return true; });
  ASSERT_TRUE(third.ok()) << third.status();
  EXPECT_EQ(third->receipt.rung, Rung::kExtract);
  answerer_.Open();
  EXPECT_EQ(first.answer.get()->receipt.rung, Rung::kFull);
  EXPECT_EQ(second.answer.get()->receipt.rung, Rung::kFull);
}

TEST_F(AdmissionTest, WhatOneRungTakesTellsOfThoseThatWereNotTried) {
  Open({.model = true, .model_calls = 1});
  Asked first = Ask({.text = "held"});
  answerer_.AwaitAsked(1);
  now_ms_ = 1000;  // a full answer takes one second, not fifty
  answerer_.Open();
  ASSERT_TRUE(first.answer.get().ok());
  answerer_.Close();
  Asked second = Ask({.text = "held"});
  answerer_.AwaitAsked(2);
  // Behind it a quick one would take 0.2 s: there is time for that, not for more.
  const absl::Time deadline = absl::UnixEpoch() + absl::Seconds(2.3);
  Asked third = Ask({.text = "held", .deadline = deadline});
  EXPECT_EQ(third.queued.get().rung, Rung::kQuick);
  answerer_.Open();
  EXPECT_TRUE(second.answer.get().ok());
  EXPECT_TRUE(third.answer.get().ok());
}

TEST_F(AdmissionTest, AModelThatNobodyAsksIsAskedHoweverLongItTookOnce) {
  Open({.model = true, .model_calls = 1});
  Asked first = Ask({.text = "held"});
  answerer_.AwaitAsked(1);
  now_ms_ = 100'000;
  answerer_.Open();
  ASSERT_TRUE(first.answer.get().ok());
  const absl::Time deadline = absl::UnixEpoch() + absl::Seconds(101);
  const auto second =
      admission_->Ask({.text = "quickly", .deadline = deadline}, [](const Event&) { return true; });
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(second->receipt.rung, Rung::kQuick);
}

TEST_F(AdmissionTest, WithoutAModelAQuestionForOneIsPassedOnAsItIs) {
  Open({.model = false});
  const auto answer =
      admission_->Ask({.text = "quickly", .mode = Mode::kDeep}, [](const Event&) { return true; });
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answerer_.AwaitAsked(1)[0].rung, Rung::kFull);
}

TEST_F(AdmissionTest, ACheckTakesItsTurnAmongTheReaders) {
  Open({});
  const auto report = admission_->Check({.text = "It is."});
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->sentences.at(0).end, 6u);
  EXPECT_EQ(admission_->Stats().reading.entered, 1);
}

}  // namespace
}  // namespace citeseek::gateway
