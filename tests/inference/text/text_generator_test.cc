#include "inference/text/text_generator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <future>

#include "absl/time/clock.h"
#include "inference/model/model_files.h"
#include "tests/inference/model/golden.h"
#include "tests/inference/text/tiny_chat.h"

namespace citeseek::inference {
namespace {

using testing::HasSubstr;

// A model that says the same text after every prompt, then `last` for ever. Forced tokens take the
// place of its own.
class ScriptedModel {
 public:
  void operator()(std::span<const SequenceStep> steps, std::span<float> logits) {
    std::fill(logits.begin(), logits.end(), 0.0f);
    std::size_t row = 0;
    for (const SequenceStep& step : steps) {
      const int length = static_cast<int>(step.tokens.size());
      for (int i = length - step.logits; i < length; ++i) {
        const int at = step.first_position + i + 1 - step.prompt_length;
        logits[row++ * kTinyVocabulary + static_cast<std::size_t>(Token(at))] = 10.0f;
      }
    }
    if (on_step) on_step();
  }

  std::int32_t Token(int at) const {
    if (at < 0 || at >= static_cast<int>(script.size())) return last;
    return script[static_cast<std::size_t>(at)];
  }

  std::vector<std::int32_t> script;
  std::int32_t last = kTinyEnd;
  std::function<void()> on_step;
};

class TextGeneratorTest : public testing::Test {
 protected:
  // `script`: control tokens in it are tokens.
  void Open(std::string_view script, TinyThinking thinking = TinyThinking::kSwitch,
            int context = 512) {
    auto tiny = OpenTinyChat(TinyTokenizerConfigJson(thinking));
    ASSERT_TRUE(tiny.ok()) << tiny.status();
    tokenizer_ = std::move(tiny->tokenizer);
    chat_.emplace(std::move(tiny->chat));
    model_.script = tokenizer_->Encode(script, {.parse_special = true});
    engine_.emplace(std::ref(model_),
                    TokenEngineOptions{.vocabulary = kTinyVocabulary,
                                       .max_context = context,
                                       .scheduler = {.step_tokens = 64, .blocks = context / 16}});
    generator_.emplace(TextGeneratorParts{.name = "tiny",
                                          .tokenizer = tokenizer_.get(),
                                          .chat_template = &*chat_,
                                          .engine = &*engine_,
                                          .max_context = context,
                                          .stop_ids = {kTinyEnd}});
  }

  // It says one thing until it is stopped.
  void OpenEndless() {
    Open("", TinyThinking::kSwitch, 1 << 24);
    model_.last = '.';
  }
  static GenerateRequest Endless() { return Hello({.temperature = 0, .max_tokens = 1 << 23}); }

  struct Result {
    absl::StatusOr<Finish> finish;
    std::string thought;
    std::string text;
    std::vector<Piece> pieces;
  };
  Result Ask(const GenerateRequest& request) {
    Result result;
    result.finish = generator_->Generate(request, [&](const Piece& piece) {
      (piece.kind == Piece::Kind::kThought ? result.thought : result.text) += piece.text;
      result.pieces.push_back(piece);
      return true;
    });
    return result;
  }

  static GenerateRequest Hello(const Sampling& sampling = {.temperature = 0}) {
    return {.messages = {{Role::kUser, "Hello"}}, .sampling = sampling};
  }

  ScriptedModel model_;
  std::unique_ptr<Tokenizer> tokenizer_;
  std::optional<ChatTemplate> chat_;
  std::optional<TokenEngine> engine_;
  std::optional<TextGenerator> generator_;
};

TEST_F(TextGeneratorTest, AnAnswerComesInPiecesUntilItsEnd) {
  ASSERT_NO_FATAL_FAILURE(Open("Hi, 你好!"));
  const Result result = Ask(Hello());
  ASSERT_TRUE(result.finish.ok()) << result.finish.status();
  EXPECT_EQ(result.text, "Hi, 你好!");
  EXPECT_EQ(result.thought, "");
  EXPECT_EQ(result.finish->reason, FinishReason::kStop);
  EXPECT_EQ(result.finish->model, "tiny");
  EXPECT_EQ(result.finish->completion_tokens, 12);  // with the token that ends it
  EXPECT_GT(result.finish->prompt_tokens, 20);
}

TEST_F(TextGeneratorTest, TheFirstPieceSaysThatThoughtsAreToldFromText) {
  ASSERT_NO_FATAL_FAILURE(Open("Hi"));
  const Result plain = Ask(Hello());
  ASSERT_EQ(plain.pieces.size(), 3u);
  EXPECT_EQ(plain.pieces[0].kind, Piece::Kind::kThought);
  EXPECT_EQ(plain.pieces[0].text, "");
  ASSERT_NO_FATAL_FAILURE(Open("<think>hm</think>Hi"));
  const Result thinking = Ask(Hello());
  EXPECT_EQ(thinking.pieces[0].text, "h");
  EXPECT_EQ(thinking.thought, "hm");
  EXPECT_EQ(thinking.text, "Hi");
}

TEST_F(TextGeneratorTest, ATokenBudgetEndsAnAnswerInTheMiddle) {
  ASSERT_NO_FATAL_FAILURE(Open("abcdefgh"));
  const Result result = Ask(Hello({.temperature = 0, .max_tokens = 3}));
  ASSERT_TRUE(result.finish.ok()) << result.finish.status();
  EXPECT_EQ(result.text, "abc");
  EXPECT_EQ(result.finish->reason, FinishReason::kLength);
}

TEST_F(TextGeneratorTest, AStopStringAcrossTokensEndsTheCallAndIsNotSent) {
  ASSERT_NO_FATAL_FAILURE(Open("one two three four"));
  const Result result = Ask(Hello({.temperature = 0, .stop_strings = {"three", "five"}}));
  ASSERT_TRUE(result.finish.ok()) << result.finish.status();
  EXPECT_EQ(result.text, "one two ");
  EXPECT_EQ(result.finish->reason, FinishReason::kStop);
  EXPECT_EQ(result.finish->completion_tokens, 13);
  EXPECT_EQ(engine_->Stats().finished, 1);
  EXPECT_EQ(engine_->Stats().cancelled, 0);
}

TEST_F(TextGeneratorTest, AThinkingBudgetClosesTheThoughtAndTheAnswerFollows) {
  ASSERT_NO_FATAL_FAILURE(Open("I think and think and never stop to think", TinyThinking::kAlways));
  const Result result =
      Ask(Hello({.temperature = 0, .max_tokens = 24, .thinking_budget_tokens = 7}));
  ASSERT_TRUE(result.finish.ok()) << result.finish.status();
  EXPECT_EQ(result.thought, "I think\n");
  // The script goes on where the forced tokens, "\n</think>\n\n", took its place.
  EXPECT_EQ(result.text, "think and ne");
  EXPECT_EQ(result.finish->completion_tokens, 24);
}

TEST_F(TextGeneratorTest, AnswerNowEndsAThoughtThatIsUnderWay) {
  ASSERT_NO_FATAL_FAILURE(Open(std::string(300, '.'), TinyThinking::kAlways));
  std::stop_source now;
  GenerateRequest request = Hello({.temperature = 0, .max_tokens = 200});
  request.answer_now = now.get_token();
  int steps = 0;
  model_.on_step = [&] {
    if (++steps == 4) now.request_stop();
  };
  const Result result = Ask(request);
  ASSERT_TRUE(result.finish.ok()) << result.finish.status();
  EXPECT_THAT(result.thought, testing::MatchesRegex("\\.+\n"));
  // Dots are foreseen, so a step brings up to 17 of them.
  EXPECT_LT(result.thought.size(), 80u);
  EXPECT_GT(result.text.size(), 110u);
}

TEST_F(TextGeneratorTest, WithoutThinkingTheAnswerStartsAtOnce) {
  ASSERT_NO_FATAL_FAILURE(Open("Hi", TinyThinking::kAlways));
  GenerateRequest request = Hello();
  request.thinking = false;
  const Result result = Ask(request);
  EXPECT_EQ(result.text, "Hi");
  EXPECT_EQ(result.thought, "");
}

TEST_F(TextGeneratorTest, APromptThatDoesNotFitIsRefusedWithNumbers) {
  ASSERT_NO_FATAL_FAILURE(Open("Hi"));
  const Result result = Ask({.messages = {{Role::kUser, std::string(600, 'x')}}});
  EXPECT_EQ(result.finish.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(result.finish.status().message(), HasSubstr("the prompt has 6"));
  EXPECT_THAT(result.finish.status().message(), HasSubstr("the context holds only 512"));
  EXPECT_TRUE(result.pieces.empty());
}

TEST_F(TextGeneratorTest, BadRequestsAreRefused) {
  ASSERT_NO_FATAL_FAILURE(Open("Hi"));
  EXPECT_EQ(Ask({}).finish.status().message(), "there are no messages");
  EXPECT_EQ(Ask(Hello({.stop_strings = {""}})).finish.status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(Ask(Hello({.top_p = 0})).finish.status().message(), HasSubstr("top_p"));
}

TEST_F(TextGeneratorTest, ASinkThatHasEnoughFreesTheSlot) {
  ASSERT_NO_FATAL_FAILURE(OpenEndless());
  int left = 3;
  const auto finish = generator_->Generate(Endless(), [&](const Piece&) { return --left > 0; });
  EXPECT_EQ(finish.status().code(), absl::StatusCode::kCancelled);
  const EngineStats stats = engine_->Stats();
  EXPECT_EQ(stats.running, 0);
  EXPECT_EQ(stats.blocks_free, stats.blocks_total);
  EXPECT_EQ(stats.cancelled, 1);
}

TEST_F(TextGeneratorTest, AStopTokenAndADeadlineEndACall) {
  ASSERT_NO_FATAL_FAILURE(OpenEndless());
  std::stop_source stop;
  GenerateRequest request = Endless();
  request.stop = stop.get_token();
  EXPECT_EQ(generator_
                ->Generate(request,
                           [&](const Piece&) {
                             stop.request_stop();
                             return true;
                           })
                .status()
                .code(),
            absl::StatusCode::kCancelled);
  request = Endless();
  request.deadline = absl::Now() + absl::Milliseconds(5);
  model_.on_step = [&] {  // the deadline passes while the first step is under way
    while (absl::Now() < request.deadline) std::this_thread::yield();
  };
  EXPECT_EQ(Ask(request).finish.status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(engine_->Stats().running, 0);
}

TEST_F(TextGeneratorTest, MarkersNameSourcesThatThereAreInTheAnswerAlone) {
  ASSERT_NO_FATAL_FAILURE(Open("<think>[9]</think>It is so [citation:9] a[i]."));
  GenerateRequest request = Hello();
  EXPECT_EQ(Ask(request).text, "It is so [citation:9] a[i].");
  request.sources = 9;
  const Result same = Ask(request);
  EXPECT_EQ(same.text, "It is so [citation:9] a[i].");
  EXPECT_EQ(same.thought, "[9]");
  request.sources = 3;
  const Result other = Ask(request);
  EXPECT_THAT(other.text, testing::StartsWith("It is so [citation:"));
  EXPECT_THAT(other.text, testing::Not(HasSubstr("[citation:9")));
  EXPECT_EQ(other.thought, "[9]");
  request.sources = 1000;
  EXPECT_THAT(Ask(request).finish.status().message(), HasSubstr("sources 1000 is not in [0, 999]"));
}

TEST_F(TextGeneratorTest, WhatTheRequestLeavesOpenTheModelsFilesDecide) {
  ASSERT_NO_FATAL_FAILURE(Open("aaaaaaaa"));
  generator_.emplace(TextGeneratorParts{.name = "tiny",
                                        .tokenizer = tokenizer_.get(),
                                        .chat_template = &*chat_,
                                        .engine = &*engine_,
                                        .max_context = 512,
                                        .stop_ids = {kTinyEnd},
                                        .defaults = {.temperature = 100, .top_k = 0}});
  // As hot as that, it says anything; a request that says how cold it is gets the script.
  EXPECT_NE(Ask(Hello({.top_p = 1, .seed = 7, .max_tokens = 8})).text, "aaaaaaaa");
  EXPECT_EQ(Ask(Hello({.temperature = 0, .max_tokens = 8})).text, "aaaaaaaa");
  EXPECT_EQ(Ask(Hello({.temperature = 100, .top_k = 1, .max_tokens = 8})).text, "aaaaaaaa");
}

TEST_F(TextGeneratorTest, AQuoteOfThePromptComesSeveralTokensAStep) {
  const std::string passage =
      "The harbour of Larkspur was built in 1852 by Ada Brook and rebuilt after the flood of 1911.";
  ASSERT_NO_FATAL_FAILURE(Open("It says: " + passage + " [1]"));
  GenerateRequest request = Hello();
  request.messages[0].text = "[webpage 1 begin]\n" + passage + "\n[webpage 1 end]\nWhen?";
  request.sources = 1;
  const Result result = Ask(request);
  ASSERT_TRUE(result.finish.ok()) << result.finish.status();
  EXPECT_EQ(result.text, "It says: " + passage + " [1]");
  const Finish& finish = *result.finish;
  EXPECT_GT(finish.completion_tokens, 2 * finish.steps);
  EXPECT_GT(finish.accepted_tokens, 60);
  EXPECT_LE(finish.accepted_tokens, finish.drafted_tokens);
  EXPECT_EQ(engine_->Stats().accepted_tokens, finish.accepted_tokens);
  EXPECT_EQ(engine_->Stats().sampled_steps, finish.steps);
}

}  // namespace
}  // namespace citeseek::inference
