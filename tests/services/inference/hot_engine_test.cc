#include "services/inference/hot_engine.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <thread>

#include "absl/time/clock.h"

namespace citeseek::services {
namespace {

using inference::EngineStats;
using inference::Finish;
using inference::GenerateRequest;
using inference::Piece;
using inference::PieceSink;

class FakeEngine final : public inference::Engine {
 public:
  explicit FakeEngine(std::string name, int* destroyed = nullptr)
      : name_(std::move(name)), destroyed_(destroyed) {}
  ~FakeEngine() override {
    if (destroyed_ != nullptr) ++*destroyed_;
  }
  std::string Name() const override { return name_; }
  EngineStats Stats() const override { return stats; }
  absl::StatusOr<Finish> Generate(const GenerateRequest& request, const PieceSink& sink) override {
    ++calls;
    if (!status.ok()) return status;
    if (request.deadline < absl::Now()) return absl::DeadlineExceededError("late");
    sink({.kind = Piece::Kind::kText, .text = name_});
    return Finish{.model = name_};
  }

  EngineStats stats;
  absl::Status status;
  std::atomic<int> calls = 0;

 private:
  const std::string name_;
  int* const destroyed_;
};

TEST(HotEngineTest, ACallEndsOnTheModelThatItBeganWith) {
  int destroyed = 0;
  HotEngine engine(std::make_unique<FakeEngine>("old", &destroyed));
  const auto finish = engine.Generate({}, [&](const Piece&) {
    engine.Swap(std::make_unique<FakeEngine>("new"));
    EXPECT_EQ(engine.Name(), "new");
    EXPECT_EQ(destroyed, 0);  // this call still needs it
    return true;
  });
  EXPECT_EQ(destroyed, 1);
  EXPECT_EQ(finish->model, "old");
  EXPECT_EQ(engine.Generate({}, [](const Piece&) { return true; })->model, "new");
}

TEST(HotEngineTest, NoCallFailsWhileModelsChange) {
  HotEngine engine(std::make_unique<FakeEngine>("0"));
  std::atomic<int> failed = 0;
  std::atomic<bool> done = false;
  std::latch started(3);
  std::vector<std::jthread> callers;
  for (int i = 0; i < 3; ++i) {
    callers.emplace_back([&] {
      started.count_down();
      while (!done) {
        if (!engine.Generate({}, [](const Piece&) { return true; }).ok()) ++failed;
      }
    });
  }
  started.wait();
  for (int i = 1; i <= 200; ++i) engine.Swap(std::make_unique<FakeEngine>(std::to_string(i)));
  done = true;
  callers.clear();
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(engine.Name(), "200");
}

TEST(TryEngineTest, SaysATokenUnlessCallsMakeTheEngineStepAnyway) {
  FakeEngine engine("model");
  std::int64_t steps = 0;
  const absl::Time soon = absl::Now() + absl::Seconds(60);
  EXPECT_TRUE(TryEngine(engine, soon, &steps).ok());
  EXPECT_EQ(engine.calls, 1);
  engine.stats = {.running = 1, .steps = 5};
  EXPECT_TRUE(TryEngine(engine, soon, &steps).ok());
  EXPECT_EQ(engine.calls, 1);
  engine.status = absl::UnavailableError("stuck");  // and no step since
  EXPECT_EQ(TryEngine(engine, soon, &steps).message(), "stuck");
  EXPECT_EQ(engine.calls, 2);
}

}  // namespace
}  // namespace citeseek::services
