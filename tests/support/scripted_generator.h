// ScriptedGenerator: a generator that says what it was told to, and remembers what it was asked.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <vector>

#include "inference/generator.h"

namespace citeseek::testing {

class ScriptedGenerator final : public inference::Generator {
 public:
  explicit ScriptedGenerator(std::vector<inference::Piece> pieces) : pieces_(std::move(pieces)) {}

  absl::StatusOr<inference::Finish> Generate(const inference::GenerateRequest& request,
                                             const inference::PieceSink& sink) override {
    requests_.push_back(request);
    const bool again = requests_.size() > 1 && !then.empty();
    const std::vector<inference::Piece>& pieces = again ? then : pieces_;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      if (before_piece) before_piece(i);
      if (request.stop.stop_requested() || !sink(pieces[i])) {
        cancelled_ = true;
        return absl::CancelledError("generation cancelled");
      }
    }
    if (wait_for_deadline) {
      std::mutex mutex;
      std::unique_lock lock(mutex);
      std::condition_variable_any().wait_until(
          lock, request.stop, absl::ToChronoTime(request.deadline), [] { return false; });
      return absl::DeadlineExceededError("generation passed its deadline");
    }
    if (!fail_with.ok()) return fail_with;
    return finish;
  }

  bool EndsThoughts() const override { return ends_thoughts; }

  const std::vector<inference::GenerateRequest>& requests() const { return requests_; }
  bool cancelled() const { return cancelled_; }

  std::vector<inference::Piece> then;  // said instead from the second call on; none: the same again
  absl::Status fail_with;              // after the pieces
  bool wait_for_deadline = false;
  bool ends_thoughts = false;
  std::function<void(std::size_t)> before_piece;
  inference::Finish finish = {.prompt_tokens = 10, .completion_tokens = 5, .model = "fake"};

 private:
  std::vector<inference::Piece> pieces_;
  std::vector<inference::GenerateRequest> requests_;
  bool cancelled_ = false;
};

}  // namespace citeseek::testing
