// HotEngine: the Generator whose model can be changed while it answers.
//
// Thread-safe. A call keeps the model that it began with; calls that come after Swap have the new
// one. The old model's memory is freed when its last call ends.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "inference/engine.h"

namespace citeseek::services {

class HotEngine final : public inference::Engine {
 public:
  explicit HotEngine(std::unique_ptr<inference::Engine> engine) : engine_(std::move(engine)) {}

  void Swap(std::unique_ptr<inference::Engine> engine);

  std::string Name() const override { return Current()->Name(); }
  inference::EngineStats Stats() const override { return Current()->Stats(); }
  absl::StatusOr<inference::Finish> Generate(const inference::GenerateRequest& request,
                                             const inference::PieceSink& sink) override {
    return Current()->Generate(request, sink);
  }

 private:
  std::shared_ptr<inference::Engine> Current() const;

  mutable std::mutex mutex_;
  std::shared_ptr<inference::Engine> engine_;  // calls share it; never null
};

// Says one token, or why the model cannot; at once if calls make it step anyway. `steps`: what the
// engine had done when it was last tried; updated.
absl::Status TryEngine(inference::Engine& engine, absl::Time deadline, std::int64_t* steps);

}  // namespace citeseek::services
