// Manifest: what one generation consists of, and how it becomes the newest.
//
// `manifest-<generation>` lists the segments and their delete bitmaps; `CURRENT` names the newest
// manifest; `FORMAT` says of which version the directory is and with which embedder it was made.
// Each is replaced by write, fsync, rename, fsync of the directory. Free functions, thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace citeseek::indexer {

struct SegmentEntry {
  std::uint64_t number = 0;
  std::uint32_t documents = 0;
  std::uint32_t deleted = 0;
  std::uint64_t deletes_generation = 0;  // names the bitmap's file; 0 if none is deleted
};

struct Manifest {
  std::uint64_t generation = 0;
  std::uint64_t covered = 0;           // the log up to this sequence number is in the segments
  std::uint64_t next_segment = 1;      // numbers from here on have never been published
  std::vector<SegmentEntry> segments;  // by the versions they hold, ascending
};

std::string EncodeManifest(const Manifest& manifest);
absl::StatusOr<Manifest> DecodeManifest(std::string_view bytes);

struct Format {
  std::string embedder;
  int dimension = 0;
};

// kNotFound: the directory holds no index. kFailedPrecondition: of another version. kDataLoss.
absl::StatusOr<Format> ReadFormat(const std::string& directory);
absl::Status WriteFormat(const std::string& directory, const Format& format);

std::string SegmentName(std::uint64_t segment);
std::string DeletesName(std::uint64_t segment, std::uint64_t generation);
std::string ManifestName(std::uint64_t generation);

// The generation CURRENT names; 0 if there is none yet.
absl::StatusOr<std::uint64_t> ReadCurrent(const std::string& directory);
// The generations whose manifests are in the directory, newest first.
absl::StatusOr<std::vector<std::uint64_t>> ListManifests(const std::string& directory);
absl::StatusOr<Manifest> ReadManifest(const std::string& directory, std::uint64_t generation);
absl::Status PublishManifest(const std::string& directory, const Manifest& manifest);

}  // namespace citeseek::indexer
