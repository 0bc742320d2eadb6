#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "indexer/snapshot.h"
#include "indexer/store/generation.h"

namespace citeseek::indexer {
namespace {

constexpr std::size_t kCacheBytes = 32 << 20;  // of stored texts, over all segments
constexpr int kAttempts = 100;                 // to open the newest generation while it changes

class GenerationSnapshot final : public Snapshot {
 public:
  GenerationSnapshot(std::shared_ptr<const Generation> generation, Format format)
      : generation_(std::move(generation)), format_(std::move(format)) {
    for (const OpenSegment& segment : generation_->segments) live_.push_back(segment.live);
  }

  std::uint64_t generation() const override { return generation_->manifest.generation; }
  std::span<const std::shared_ptr<const Segment>> segments() const override { return live_; }
  const std::string& embedder() const override { return format_.embedder; }
  int dimension() const override { return format_.dimension; }
  const Generation& opened() const { return *generation_; }

 private:
  std::shared_ptr<const Generation> generation_;
  Format format_;
  std::vector<std::shared_ptr<const Segment>> live_;
};

class DirectorySource final : public SnapshotSource {
 public:
  explicit DirectorySource(std::string directory) : directory_(std::move(directory)) {}

  absl::StatusOr<std::shared_ptr<const Snapshot>> Latest() override {
    absl::Status status;
    std::uint64_t failed = 0;
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      const auto newest = ReadCurrent(directory_);
      if (!newest.ok()) return newest.status();
      auto snapshot = Open(*newest);
      if (snapshot.ok() || !absl::IsNotFound(snapshot.status())) return snapshot;
      // The writer removes files of old generations. If this one is still the newest, they are
      // missing for good.
      status = snapshot.status();
      if (*newest == failed) return absl::DataLossError(status.message());
      failed = *newest;
    }
    return absl::UnavailableError(
        absl::StrCat(directory_, ": generations change too fast: ", status.message()));
  }

 private:
  absl::StatusOr<std::shared_ptr<const Snapshot>> Open(std::uint64_t number);

  const std::string directory_;
  DocumentCache cache_{kCacheBytes};
  std::mutex mutex_;
  std::shared_ptr<const GenerationSnapshot> latest_;
};

absl::StatusOr<std::shared_ptr<const Snapshot>> DirectorySource::Open(std::uint64_t number) {
  const std::scoped_lock lock(mutex_);
  if (latest_ != nullptr && latest_->generation() >= number) return latest_;
  const auto format = ReadFormat(directory_);
  if (number == 0 && absl::IsNotFound(format.status())) {
    return std::make_shared<GenerationSnapshot>(std::make_shared<Generation>(), Format{});
  }
  if (!format.ok()) return format.status();
  absl::StatusOr<Manifest> manifest = Manifest{};
  if (number > 0) manifest = ReadManifest(directory_, number);
  if (!manifest.ok()) return manifest.status();
  auto generation = OpenGeneration(directory_, *manifest, format->dimension,
                                   latest_ != nullptr ? &latest_->opened() : nullptr, &cache_);
  if (!generation.ok()) return generation.status();
  latest_ = std::make_shared<GenerationSnapshot>(*std::move(generation), *format);
  return latest_;
}

}  // namespace

absl::StatusOr<std::unique_ptr<SnapshotSource>> OpenSnapshotSource(const std::string& directory) {
  auto source = std::make_unique<DirectorySource>(directory);
  if (auto latest = source->Latest(); !latest.ok()) return latest.status();
  return source;
}

}  // namespace citeseek::indexer
