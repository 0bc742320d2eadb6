#include "indexer/store/publisher.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "indexer/store/deletes.h"

namespace citeseek::indexer {
namespace {

constexpr std::size_t kKeptGenerations = 3;

std::set<std::string> FilesOf(const Manifest& manifest) {
  std::set<std::string> files;
  if (manifest.generation > 0) files.insert(ManifestName(manifest.generation));
  for (const SegmentEntry& segment : manifest.segments) {
    files.insert(SegmentName(segment.number));
    if (segment.deletes_generation != 0) {
      files.insert(DeletesName(segment.number, segment.deletes_generation));
    }
  }
  return files;
}

bool IsOurs(const std::string& name) {
  return name.starts_with("segment-") || name.starts_with("deletes-") ||
         name.starts_with("manifest-") || name.ends_with(".tmp");
}

// Generation 0 is empty. kDataLoss: it cannot be read, or does not contain the log up to `trimmed`,
// so that opening it would bring back what has been deleted since.
absl::StatusOr<std::shared_ptr<const Generation>> OpenNumbered(const std::string& directory,
                                                               std::uint64_t number, int dimension,
                                                               std::uint64_t trimmed) {
  absl::StatusOr<Manifest> manifest = Manifest{};
  if (number > 0) manifest = ReadManifest(directory, number);
  absl::Status status = manifest.status();
  if (status.ok() && manifest->covered < trimmed) {
    return absl::DataLossError(absl::StrCat(directory, ": generation ", number, " ends at change ",
                                            manifest->covered, ", but the log begins after ",
                                            trimmed));
  }
  if (status.ok()) {
    auto generation = OpenGeneration(directory, *manifest, dimension, nullptr);
    if (generation.ok()) return generation;
    status = generation.status();
  }
  // Nothing but us removes files: what is listed and not there is lost.
  return absl::IsNotFound(status) ? absl::DataLossError(status.message()) : status;
}

}  // namespace

Publisher::Publisher(std::string directory, int dimension)
    : directory_(std::move(directory)), dimension_(dimension) {}

absl::StatusOr<std::unique_ptr<Publisher>> Publisher::Open(const std::string& directory,
                                                           int dimension, std::uint64_t trimmed) {
  const auto newest = ReadCurrent(directory);
  const auto manifests = ListManifests(directory);
  if (!manifests.ok()) return manifests.status();
  auto generation = newest.ok()
                        ? OpenNumbered(directory, *newest, dimension, trimmed)
                        : absl::StatusOr<std::shared_ptr<const Generation>>(newest.status());
  const bool damaged = absl::IsDataLoss(generation.status());
  for (std::size_t i = 0; absl::IsDataLoss(generation.status()) && i < manifests->size(); ++i) {
    auto other = OpenNumbered(directory, (*manifests)[i], dimension, trimmed);
    if (other.ok()) generation = std::move(other);
  }
  if (!generation.ok()) return generation.status();
  if (damaged) {
    auto again = std::make_shared<Generation>(**generation);
    again->manifest.generation = std::max(newest.value_or(0), manifests->front()) + 1;
    if (auto s = PublishManifest(directory, again->manifest); !s.ok()) return s;
    generation = std::move(again);
  }
  const Manifest& manifest = (*generation)->manifest;
  std::unique_ptr<Publisher> publisher(new Publisher(directory, dimension));
  publisher->current_ = *generation;
  publisher->recent_.push_back(manifest);
  publisher->last_attempt_ = manifest.generation;
  publisher->next_segment_ = manifest.next_segment;

  const auto names = ListDirectory(directory);
  if (!names.ok()) return names.status();
  const std::set<std::string> listed = FilesOf(manifest);
  for (const std::string& name : *names) {
    // A reader may know a lost generation's segment by its number, which is not used again.
    std::uint64_t segment = 0;
    if (damaged && name.starts_with("segment-") && absl::SimpleAtoi(name.substr(8), &segment)) {
      publisher->next_segment_ = std::max(publisher->next_segment_, segment + 1);
    }
    if (!IsOurs(name) || listed.contains(name)) continue;
    if (auto s = RemoveTree(absl::StrCat(directory, "/", name)); !s.ok()) return s;
  }
  return publisher;
}

std::shared_ptr<const Generation> Publisher::current() const {
  const std::scoped_lock lock(mutex_);
  return current_;
}

std::uint64_t Publisher::NewSegment() {
  const std::scoped_lock lock(mutex_);
  return next_segment_++;
}

std::string Publisher::SegmentPath(std::uint64_t segment) const {
  return absl::StrCat(directory_, "/", SegmentName(segment));
}

absl::StatusOr<OpenSegment> Publisher::OpenNew(std::uint64_t segment) const {
  auto files = OpenSegmentFiles(SegmentPath(segment), dimension_, nullptr);
  if (!files.ok()) return files.status();
  OpenSegment open{.entry = {.number = segment}, .files = *std::move(files)};
  open.deleted = std::make_shared<const std::vector<std::uint32_t>>();
  FinishOpenSegment(open);
  return open;
}

std::vector<OpenSegment> Publisher::Without(std::vector<OpenSegment> segments,
                                            std::span<const std::uint64_t> obsolete,
                                            std::uint64_t generation) {
  std::vector<OpenSegment> left;
  for (OpenSegment& segment : segments) {
    std::vector<std::uint32_t> more;
    for (const std::uint64_t version : obsolete) {
      const auto document = segment.files->passages.DocumentOfVersion(version);
      if (document.has_value()) more.push_back(*document);
    }
    if (!more.empty()) {
      more.insert(more.end(), segment.deleted->begin(), segment.deleted->end());
      std::ranges::sort(more);
      more.erase(std::unique(more.begin(), more.end()), more.end());
      segment.deleted = std::make_shared<const std::vector<std::uint32_t>>(std::move(more));
      segment.entry.deletes_generation = generation;
      FinishOpenSegment(segment);
    }
    if (segment.entry.deleted < segment.entry.documents) left.push_back(std::move(segment));
  }
  return left;
}

absl::Status Publisher::Publish(const Flush& flush) {
  const std::scoped_lock publishing(publishing_);
  const std::uint64_t generation = ++last_attempt_;
  std::vector<OpenSegment> segments = current()->segments;
  if (flush.segment.has_value()) {
    auto added = OpenNew(*flush.segment);
    if (!added.ok()) return added.status();
    segments.push_back(*std::move(added));
  }
  return Install(Without(std::move(segments), flush.obsolete, generation), flush.covered,
                 generation);
}

absl::Status Publisher::Publish(const Merge& merge) {
  const std::scoped_lock publishing(publishing_);
  const std::uint64_t generation = ++last_attempt_;
  const std::shared_ptr<const Generation> before = current();
  // What was deleted in the inputs since the merge began is deleted in its result.
  std::vector<std::uint64_t> obsolete;
  for (const OpenSegment& input : merge.inputs) {
    const auto versions = input.files->passages.versions();
    const auto now = std::ranges::find_if(before->segments, [&](const OpenSegment& segment) {
      return segment.entry.number == input.entry.number;
    });
    if (now == before->segments.end()) {
      obsolete.insert(obsolete.end(), versions.begin(), versions.end());
      continue;
    }
    for (const std::uint32_t document : *now->deleted) obsolete.push_back(versions[document]);
  }
  std::vector<OpenSegment> segments;
  bool replaced = false;
  for (const OpenSegment& segment : before->segments) {
    const bool input = std::ranges::any_of(merge.inputs, [&](const OpenSegment& other) {
      return other.entry.number == segment.entry.number;
    });
    if (!input) {
      segments.push_back(segment);
    } else if (!replaced) {
      replaced = true;
      if (!merge.segment.has_value()) continue;
      auto merged = OpenNew(*merge.segment);
      if (!merged.ok()) return merged.status();
      std::vector<OpenSegment> left = Without({*std::move(merged)}, obsolete, generation);
      segments.insert(segments.end(), left.begin(), left.end());
    }
  }
  return Install(std::move(segments), before->manifest.covered, generation);
}

absl::Status Publisher::Install(std::vector<OpenSegment> segments, std::uint64_t covered,
                                std::uint64_t generation) {
  auto next = std::make_shared<Generation>();
  {
    const std::scoped_lock lock(mutex_);
    next->manifest = {.generation = generation, .covered = covered, .next_segment = next_segment_};
  }
  for (const OpenSegment& segment : segments) {
    next->manifest.segments.push_back(segment.entry);
    if (segment.entry.deletes_generation != generation) continue;
    const std::string path =
        absl::StrCat(directory_, "/", DeletesName(segment.entry.number, generation));
    if (auto status = WriteDeletes(path, *segment.deleted); !status.ok()) return status;
  }
  next->segments = std::move(segments);
  if (auto s = PublishManifest(directory_, next->manifest); !s.ok()) return s;
  recent_.push_back(next->manifest);
  {
    const std::scoped_lock lock(mutex_);
    current_ = std::move(next);
  }
  RemoveUnlisted();
  return absl::OkStatus();
}

void Publisher::RemoveUnlisted() {
  while (recent_.size() > kKeptGenerations) {
    const std::set<std::string> old = FilesOf(recent_.front());
    recent_.pop_front();
    std::set<std::string> listed;
    for (const Manifest& manifest : recent_) listed.merge(FilesOf(manifest));
    for (const std::string& name : old) {
      // What cannot be removed now is removed when the directory is opened again.
      if (!listed.contains(name)) RemoveTree(absl::StrCat(directory_, "/", name)).IgnoreError();
    }
  }
}

}  // namespace citeseek::indexer
