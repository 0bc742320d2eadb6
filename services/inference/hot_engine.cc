#include "services/inference/hot_engine.h"

#include <utility>

namespace citeseek::services {

void HotEngine::Swap(std::unique_ptr<inference::Engine> engine) {
  std::shared_ptr<inference::Engine> old = std::move(engine);
  const std::scoped_lock lock(mutex_);
  old.swap(engine_);
}

std::shared_ptr<inference::Engine> HotEngine::Current() const {
  const std::scoped_lock lock(mutex_);
  return engine_;
}

absl::Status TryEngine(inference::Engine& engine, absl::Time deadline, std::int64_t* steps) {
  // A full queue is no fault: as long as the engine steps it is well.
  const inference::EngineStats stats = engine.Stats();
  const bool steps_anyway = stats.running > 0 && stats.steps > std::exchange(*steps, stats.steps);
  if (steps_anyway) return absl::OkStatus();
  const auto finish =
      engine.Generate({.messages = {{.role = inference::Role::kUser, .text = "Say yes."}},
                       .sampling = {.temperature = 0, .max_tokens = 1},
                       .thinking = false,
                       .deadline = deadline},
                      [](const inference::Piece&) { return true; });
  return finish.status();
}

}  // namespace citeseek::services
