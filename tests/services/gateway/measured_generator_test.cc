#include "services/gateway/measured_generator.h"

#include <gtest/gtest.h>

#include "tests/support/scripted_generator.h"

namespace citeseek::gateway {
namespace {

using testing::ScriptedGenerator;

// Calls one after the other, on a clock that each piece moves; the limit starts at 1, so that four
// calls are a window.
class MeasuredGeneratorTest : public ::testing::Test {
 protected:
  MeasuredGeneratorTest() {
    measured_.Watch([this](int limit) { told_ = limit; });
    model_.before_piece = [this](std::size_t) { now_ += takes_; };
  }
  void Call(int times, const inference::GenerateRequest& request = {.sources = 1}) {
    for (int i = 0; i < times; ++i) {
      last_ = measured_.Generate(request, [](const auto&) { return true; }).status();
    }
  }

  absl::Time now_ = absl::UnixEpoch();
  absl::Duration takes_ = absl::Milliseconds(100);
  ScriptedGenerator model_{{{.text = "yes"}, {.text = " indeed"}}};
  MeasuredGenerator measured_{
      {.generator = &model_, .limit = {.start = 1}, .now = [this] { return now_; }}};
  int told_ = 0;
  absl::Status last_;
};

TEST_F(MeasuredGeneratorTest, LearnsFromFirstTokensAndTellsTheLimit) {
  EXPECT_EQ(measured_.limit(), 1);
  Call(4);
  EXPECT_EQ(last_, absl::OkStatus());
  EXPECT_EQ(measured_.limit(), 2);
  EXPECT_EQ(told_, 2);
}

TEST_F(MeasuredGeneratorTest, TellsItBeforeTheAnswerIsWhole) {
  Call(3);
  int seen = 0;
  const auto finish = measured_.Generate({.sources = 1}, [&](const auto&) {
    if (seen == 0) seen = told_;
    return true;
  });
  EXPECT_TRUE(finish.ok());
  EXPECT_EQ(seen, 2);
}

TEST_F(MeasuredGeneratorTest, CallsWithoutSourcesTeachNothing) {
  Call(100, {});
  EXPECT_EQ(measured_.limit(), 1);
}

// Eight calls at once, each within the one before, fail before their first token.
class FailingGenerator final : public inference::Generator {
 public:
  explicit FailingGenerator(absl::Status status) : status_(std::move(status)) {}
  absl::StatusOr<inference::Finish> Generate(const inference::GenerateRequest& request,
                                             const inference::PieceSink& sink) override {
    if (++depth_ < 8) {
      EXPECT_FALSE(measured_.Generate(request, sink).ok());
    }
    return status_;
  }
  int LimitAfterwards() {
    EXPECT_FALSE(measured_.Generate({.sources = 1}, [](const auto&) { return true; }).ok());
    return measured_.limit();
  }

 private:
  const absl::Status status_;
  int depth_ = 0;
  MeasuredGenerator measured_{{.generator = this, .limit = {.start = 8}}};
};

TEST(MeasuredGenerator, CallsThatFailAreTooManyUnlessTheyAreWrongOrLeft) {
  EXPECT_EQ(FailingGenerator(absl::InvalidArgumentError("no")).LimitAfterwards(), 8);
  EXPECT_EQ(FailingGenerator(absl::FailedPreconditionError("no")).LimitAfterwards(), 8);
  EXPECT_EQ(FailingGenerator(absl::CancelledError("at once")).LimitAfterwards(), 8);
  EXPECT_EQ(FailingGenerator(absl::DeadlineExceededError("at once")).LimitAfterwards(), 8);
  EXPECT_LT(FailingGenerator(absl::UnavailableError("full")).LimitAfterwards(), 8);
}

}  // namespace
}  // namespace citeseek::gateway
