#include "services/inference/client.h"
#include "services/inference/server.h"
#include "tests/contract/contract.h"

namespace citeseek::testing {
namespace {

using inference::GenerateRequest;
using inference::Piece;

class InferenceContract : public ::testing::TestWithParam<Place> {
 protected:
  bool local() const { return GetParam() == Place::kLocal; }

  FakeGenerator fake_generator_;
  FakeEmbedder fake_embedder_;
  FakeReranker fake_reranker_;
  std::unique_ptr<grpc::Service> service_ =
      services::MakeInferenceServer({.generator = &fake_generator_,
                                     .generator_name = [] { return "fake-generator"; },
                                     .embedder = &fake_embedder_,
                                     .reranker = &fake_reranker_},
                                    {});
  GrpcServer server_{{service_.get()}};
  services::InferenceClients clients_ =
      services::ConnectInference(server_.channel(), absl::Now() + absl::Seconds(10)).value();
  inference::Generator& generator_ =
      local() ? static_cast<inference::Generator&>(fake_generator_) : *clients_.generator;
  inference::Embedder& embedder_ =
      local() ? static_cast<inference::Embedder&>(fake_embedder_) : *clients_.embedder;
  inference::Reranker& reranker_ =
      local() ? static_cast<inference::Reranker&>(fake_reranker_) : *clients_.reranker;
};
INSTANTIATE_TEST_SUITE_P(, InferenceContract, kPlaces, PlaceName);

GenerateRequest Prompt(std::string text) {
  return {.messages = {{inference::Role::kUser, std::move(text)}}};
}

bool TakeAll(const Piece&) { return true; }

TEST_P(InferenceContract, NamesAndDimensionAreThoseOfTheModels) {
  EXPECT_EQ(clients_.generator_name, "fake-generator");
  EXPECT_EQ(embedder_.Name(), "fake-embedder");
  EXPECT_EQ(embedder_.Dimension(), 3);
  EXPECT_TRUE(embedder_.KnowsMeaning());
  EXPECT_EQ(reranker_.Name(), "fake-reranker");
}

TEST_P(InferenceContract, PiecesArriveInOrderThenTheFinish) {
  std::vector<Piece> pieces;
  const auto finish = generator_.Generate(Prompt("问"), [&](const Piece& piece) {
    pieces.push_back(piece);
    return true;
  });
  ASSERT_TRUE(finish.ok()) << finish.status();
  ASSERT_EQ(pieces.size(), 4u);
  EXPECT_EQ(pieces[0].kind, Piece::Kind::kThought);
  EXPECT_EQ(pieces[0].text, "thinking…");
  for (std::size_t i = 1; i < 4; ++i) {
    EXPECT_EQ(pieces[i].kind, Piece::Kind::kText);
    EXPECT_EQ(pieces[i].text, "问" + std::to_string(i - 1));
  }
  EXPECT_EQ(finish->reason, inference::FinishReason::kLength);
  EXPECT_EQ(finish->prompt_tokens, 11);
  EXPECT_EQ(finish->cached_tokens, 5);
  EXPECT_EQ(finish->completion_tokens, 3);
  EXPECT_EQ(finish->model, "fake-model");
  EXPECT_EQ(finish->steps, 2);
  EXPECT_EQ(finish->drafted_tokens, 8);
  EXPECT_EQ(finish->accepted_tokens, 1);
}

TEST_P(InferenceContract, EveryFieldOfAPromptArrives) {
  const GenerateRequest request = {.messages = {{inference::Role::kSystem, "s"},
                                                {inference::Role::kAssistant, "a"},
                                                {inference::Role::kUser, "u"}},
                                   .sampling = {.temperature = 0,
                                                .top_p = 0.5,
                                                .top_k = 40,
                                                .min_p = 0.05,
                                                .repetition_penalty = 1.1,
                                                .presence_penalty = -1,
                                                .frequency_penalty = 0.25,
                                                .seed = 1ull << 63,
                                                .max_tokens = 0,
                                                .thinking_budget_tokens = 9,
                                                .stop_strings = {"\n\n", "完"}},
                                   .thinking = false,
                                   .priority = inference::Priority::kBatch,
                                   .sources = 12};
  ASSERT_TRUE(generator_.Generate(request, TakeAll).ok());
  const GenerateRequest& last = fake_generator_.last;
  ASSERT_EQ(last.messages.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(last.messages[i].role, request.messages[i].role);
    EXPECT_EQ(last.messages[i].text, request.messages[i].text);
  }
  EXPECT_EQ(last.sampling.temperature, 0);
  EXPECT_EQ(last.sampling.top_p, 0.5);
  EXPECT_EQ(last.sampling.top_k, 40);
  EXPECT_EQ(last.sampling.min_p, 0.05);
  EXPECT_EQ(last.sampling.repetition_penalty, 1.1);
  EXPECT_EQ(last.sampling.presence_penalty, -1);
  EXPECT_EQ(last.sampling.frequency_penalty, 0.25);
  EXPECT_EQ(last.sampling.seed, 1ull << 63);
  EXPECT_EQ(last.sampling.max_tokens, 0);
  EXPECT_EQ(last.sampling.thinking_budget_tokens, 9);
  EXPECT_EQ(last.sampling.stop_strings, request.sampling.stop_strings);
  EXPECT_FALSE(last.thinking);
  EXPECT_EQ(last.priority, inference::Priority::kBatch);
  EXPECT_EQ(last.sources, 12);
}

TEST_P(InferenceContract, WhatAPromptLeavesToTheModelIsLeftToIt) {
  ASSERT_TRUE(generator_.Generate(Prompt("u"), TakeAll).ok());
  const GenerateRequest& last = fake_generator_.last;
  EXPECT_FALSE(last.sampling.temperature.has_value());
  EXPECT_FALSE(last.sampling.top_p.has_value());
  EXPECT_FALSE(last.sampling.top_k.has_value());
  EXPECT_FALSE(last.sampling.min_p.has_value());
  EXPECT_FALSE(last.sampling.repetition_penalty.has_value());
  EXPECT_EQ(last.priority, inference::Priority::kInteractive);
  EXPECT_EQ(last.sources, 0);
}

TEST_P(InferenceContract, ASinkThatSaysNoCancelsTheModel) {
  int taken = 0;
  const auto finish =
      generator_.Generate(Prompt("forever"), [&](const Piece&) { return ++taken < 3; });
  EXPECT_EQ(finish.status(), absl::CancelledError("cancelled"));
  EXPECT_EQ(taken, 3);
  fake_generator_.script.AwaitReleased();
}

TEST_P(InferenceContract, ASlowSinkStopsTheModelFromRunningAhead) {
  // 64 pieces wait at most; of pieces as large as these the transport holds only a few besides.
  const std::string text = "forever" + std::string(64 << 10, 'x');
  constexpr int kBound = 200, kEnd = 500;
  int taken = 0;
  const auto finish = generator_.Generate(Prompt(text), [&](const Piece&) {
    if (++taken == 2) {
      EXPECT_FALSE(fake_generator_.AwaitProduced(kBound, std::chrono::milliseconds(500)));
    }
    return taken < kEnd;
  });
  EXPECT_EQ(finish.status(), absl::CancelledError("cancelled"));
  EXPECT_EQ(taken, kEnd);
  EXPECT_TRUE(fake_generator_.AwaitProduced(kEnd - 1, std::chrono::milliseconds(0)));
  fake_generator_.script.AwaitReleased();
}

TEST_P(InferenceContract, EmbeddingsAreTheSameFloats) {
  const std::vector<std::string> texts = {"a", "问题", ""};
  std::vector<float> out(9);
  ASSERT_TRUE(embedder_.Embed({.texts = texts, .kind = inference::EmbedKind::kQuery}, out).ok());
  EXPECT_EQ(out, (std::vector<float>{1, 1, 1.0f / 3, 6, 1, 1.0f / 3, 0, 1, 1.0f / 3}));
  ASSERT_TRUE(embedder_.Embed({.texts = texts}, out).ok());
  EXPECT_EQ(out[1], 0.5f);
}

TEST_P(InferenceContract, ThousandsOfTextsKeepTheirOrder) {
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < 5000; ++i) texts.push_back(std::string(i % 97, 'x'));
  std::vector<float> out(3 * texts.size());
  ASSERT_TRUE(embedder_.Embed({.texts = texts}, out).ok());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    ASSERT_EQ(out[3 * i], static_cast<float>(texts[i].size()));
  }
  EXPECT_TRUE(embedder_.Embed({}, {}).ok());
}

TEST_P(InferenceContract, AnOutputOfTheWrongSizeIsNamed) {
  const std::vector<std::string> texts = {"a", "b"};
  std::vector<float> out(5);
  EXPECT_EQ(embedder_.Embed({.texts = texts}, out),
            absl::InvalidArgumentError("out of 5 floats is not 2 rows of 3"));
}

TEST_P(InferenceContract, ScoresAreTheSameFloats) {
  const std::vector<std::string> passages = {"abc", "abcdefg"};
  std::vector<float> out(2);
  ASSERT_TRUE(reranker_.Score({.query = "q", .passages = passages}, out).ok());
  EXPECT_EQ(out, (std::vector<float>{1.0f / 3, 1.0f / 7}));
}

TEST_P(InferenceContract, StatusCodesAndMessagesArriveUnchanged) {
  ExpectEveryStatusCrosses([&](const std::string& script) {
    return generator_.Generate(Prompt(script), TakeAll).status();
  });
  ExpectEveryStatusCrosses([&](const std::string& script) {
    std::vector<float> out(3);
    return embedder_.Embed({.texts = {&script, 1}}, out);
  });
  ExpectEveryStatusCrosses(
      [&](const std::string& script) { return reranker_.Score({.query = script}, {}); });
  EXPECT_EQ(generator_.Generate({}, TakeAll).status(),
            absl::InvalidArgumentError("prompt has no messages"));
}

TEST_P(InferenceContract, CancellingReachesTheBottomWithin100Ms) {
  ExpectCancelsWithin100Ms(fake_generator_.script, [&](std::stop_token stop) {
    GenerateRequest request = Prompt("block");
    request.stop = stop;
    return generator_.Generate(request, TakeAll).status();
  });
  ExpectCancelsWithin100Ms(fake_embedder_.script, [&](std::stop_token stop) {
    const std::string text = "block";
    std::vector<float> out(3);
    return embedder_.Embed({.texts = {&text, 1}, .stop = stop}, out);
  });
  ExpectCancelsWithin100Ms(fake_reranker_.script, [&](std::stop_token stop) {
    return reranker_.Score({.query = "block", .stop = stop}, {});
  });
}

TEST_P(InferenceContract, DeadlinesAreKept) {
  ExpectKeepsDeadline([&](absl::Time deadline) {
    GenerateRequest request = Prompt("block");
    request.deadline = deadline;
    return generator_.Generate(request, TakeAll).status();
  });
  ExpectKeepsDeadline([&](absl::Time deadline) {
    return reranker_.Score({.query = "block", .deadline = deadline}, {});
  });
}

TEST(InferenceServer, WhatIsNotLoadedIsSaidSo) {
  FakeEmbedder embedder;
  const auto service = services::MakeInferenceServer({.embedder = &embedder}, {});
  GrpcServer server({service.get()});
  const auto clients =
      services::ConnectInference(server.channel(), absl::Now() + absl::Seconds(10));
  ASSERT_TRUE(clients.ok()) << clients.status();
  EXPECT_EQ(clients->generator, nullptr);
  EXPECT_NE(clients->embedder, nullptr);
  EXPECT_EQ(clients->reranker, nullptr);
}

}  // namespace
}  // namespace citeseek::testing
