#include "services/gateway/measured_generator.h"

#include <utility>

namespace citeseek::gateway {
namespace {

// Errors of the request, whoever it is sent to.
bool IsWrong(const absl::Status& status) {
  return absl::IsInvalidArgument(status) || absl::IsFailedPrecondition(status);
}

}  // namespace

absl::StatusOr<inference::Finish> MeasuredGenerator::Generate(
    const inference::GenerateRequest& request, const inference::PieceSink& sink) {
  const absl::Time start = options_.now();
  int running = 0;
  {
    const std::scoped_lock lock(mutex_);
    running = ++running_;
  }
  bool first = true;
  const auto finish = options_.generator->Generate(request, [&](const inference::Piece& piece) {
    if (std::exchange(first, false) && request.sources > 0) {
      Note(options_.now() - start, false, running);
    }
    return sink(piece);
  });
  {
    const std::scoped_lock lock(mutex_);
    --running_;
  }
  const absl::Status& status = finish.status();
  if (!first || status.ok() || IsWrong(status) || request.sources == 0) return finish;
  const bool left = absl::IsCancelled(status) || absl::IsDeadlineExceeded(status);
  Note(left ? options_.now() - start : absl::InfiniteDuration(), left, running);
  return finish;
}

int MeasuredGenerator::limit() const {
  const std::scoped_lock lock(mutex_);
  return limit_.limit();
}

void MeasuredGenerator::Note(absl::Duration first_token, bool left, int running) {
  const absl::Time now = options_.now();
  int limit = 0;
  {
    const std::scoped_lock lock(mutex_);
    if (left) {
      limit_.NoteLeft(now, first_token, running);
    } else {
      limit_.Note(now, first_token, running);
    }
    limit = limit_.limit();
  }
  watcher_(limit);
}

}  // namespace citeseek::gateway
