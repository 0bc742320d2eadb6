#include "indexer/store/manifest.h"

#include <algorithm>
#include <functional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "indexer/store/block_file.h"

namespace citeseek::indexer {
namespace {

constexpr std::string_view kMagic = "CSMANIF1";
constexpr std::string_view kFormatLine = "citeseek index 2\n";
constexpr std::string_view kManifestPrefix = "manifest-";

std::string ChecksumLine(std::string_view text) {
  return absl::StrFormat("checksum %016x\n", Checksum(AsBytes(text)));
}

absl::Status Named(const std::string& path, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat(path, ": ", status.message()));
}

}  // namespace

std::string EncodeManifest(const Manifest& manifest) {
  std::string out(kMagic);
  PutFixed(out, manifest.generation);
  PutFixed(out, manifest.covered);
  PutFixed(out, manifest.next_segment);
  PutFixed<std::uint64_t>(out, manifest.segments.size());
  for (const SegmentEntry& segment : manifest.segments) {
    PutFixed(out, segment.number);
    PutFixed(out, segment.documents);
    PutFixed(out, segment.deleted);
    PutFixed(out, segment.deletes_generation);
  }
  PutFixed(out, Checksum(AsBytes(out)));
  return out;
}

absl::StatusOr<Manifest> DecodeManifest(std::string_view bytes) {
  if (bytes.size() < kMagic.size() + 8 || bytes.substr(0, kMagic.size()) != kMagic) {
    return absl::DataLossError("manifest is damaged or of another version");
  }
  const std::string_view body = bytes.substr(0, bytes.size() - 8);
  if (LoadFixed<std::uint64_t>(AsBytes(bytes.substr(body.size())).data()) !=
      Checksum(AsBytes(body))) {
    return absl::DataLossError("manifest is damaged");
  }
  ByteReader reader(AsBytes(body.substr(kMagic.size())));
  Manifest manifest;
  manifest.generation = reader.Fixed<std::uint64_t>();
  manifest.covered = reader.Fixed<std::uint64_t>();
  manifest.next_segment = reader.Fixed<std::uint64_t>();
  const auto segments = reader.Fixed<std::uint64_t>();
  for (std::uint64_t i = 0; i < segments && reader.ok(); ++i) {
    SegmentEntry entry;
    entry.number = reader.Fixed<std::uint64_t>();
    entry.documents = reader.Fixed<std::uint32_t>();
    entry.deleted = reader.Fixed<std::uint32_t>();
    entry.deletes_generation = reader.Fixed<std::uint64_t>();
    manifest.segments.push_back(entry);
  }
  if (!reader.ok() || reader.left() != 0) return absl::DataLossError("manifest is damaged");
  return manifest;
}

absl::StatusOr<Format> ReadFormat(const std::string& directory) {
  const std::string path = directory + "/FORMAT";
  const auto bytes = ReadWholeFile(path);
  if (!bytes.ok()) return bytes.status();
  if (!bytes->starts_with("citeseek index ")) {
    return absl::DataLossError(absl::StrCat(path, " is damaged"));
  }
  if (!bytes->starts_with(kFormatLine)) {
    return absl::FailedPreconditionError(
        absl::StrCat("index directory ", directory, " is of version \"",
                     bytes->substr(0, bytes->find('\n')), "\"; this program reads \"",
                     std::string(kFormatLine.substr(0, kFormatLine.size() - 1)), "\""));
  }
  const std::size_t tail = bytes->rfind("checksum ");
  const std::size_t embedder = bytes->find("embedder ");
  const std::size_t dimension = bytes->rfind("\ndimension ");
  Format format;
  if (tail == std::string::npos || bytes->substr(tail) != ChecksumLine(bytes->substr(0, tail)) ||
      embedder != kFormatLine.size() || dimension == std::string::npos ||
      dimension < embedder + 9 ||
      !absl::SimpleAtoi(bytes->substr(dimension + 11, tail - dimension - 12), &format.dimension)) {
    return absl::DataLossError(absl::StrCat(path, " is damaged"));
  }
  format.embedder = bytes->substr(embedder + 9, dimension - embedder - 9);
  return format;
}

absl::Status WriteFormat(const std::string& directory, const Format& format) {
  std::string text = absl::StrCat(std::string(kFormatLine), "embedder ", format.embedder,
                                  "\ndimension ", format.dimension, "\n");
  text += ChecksumLine(text);
  return ReplaceFile(directory + "/FORMAT", text);
}

std::string SegmentName(std::uint64_t segment) { return absl::StrCat("segment-", segment); }

std::string DeletesName(std::uint64_t segment, std::uint64_t generation) {
  return absl::StrCat("deletes-", segment, "-", generation);
}

std::string ManifestName(std::uint64_t generation) {
  return absl::StrCat(std::string(kManifestPrefix), generation);
}

absl::StatusOr<std::uint64_t> ReadCurrent(const std::string& directory) {
  const std::string path = directory + "/CURRENT";
  const auto bytes = ReadWholeFile(path);
  if (absl::IsNotFound(bytes.status())) return 0;
  if (!bytes.ok()) return bytes.status();
  std::uint64_t generation = 0;
  if (!bytes->starts_with(kManifestPrefix) || !bytes->ends_with('\n') ||
      !absl::SimpleAtoi(
          bytes->substr(kManifestPrefix.size(), bytes->size() - kManifestPrefix.size() - 1),
          &generation) ||
      *bytes != ManifestName(generation) + "\n") {
    return absl::DataLossError(absl::StrCat(path, " is damaged"));
  }
  return generation;
}

absl::StatusOr<std::vector<std::uint64_t>> ListManifests(const std::string& directory) {
  const auto names = ListDirectory(directory);
  if (!names.ok()) return names.status();
  std::vector<std::uint64_t> generations;
  for (const std::string& name : *names) {
    std::uint64_t generation = 0;
    if (name.starts_with(kManifestPrefix) &&
        absl::SimpleAtoi(name.substr(kManifestPrefix.size()), &generation) &&
        name == ManifestName(generation)) {
      generations.push_back(generation);
    }
  }
  std::ranges::sort(generations, std::greater<>());
  return generations;
}

absl::StatusOr<Manifest> ReadManifest(const std::string& directory, std::uint64_t generation) {
  const std::string path = absl::StrCat(directory, "/", ManifestName(generation));
  const auto bytes = ReadWholeFile(path);
  if (!bytes.ok()) return bytes.status();
  auto manifest = DecodeManifest(*bytes);
  if (!manifest.ok()) return Named(path, manifest.status());
  if (manifest->generation != generation) {
    return absl::DataLossError(absl::StrCat(path, " is of generation ", manifest->generation));
  }
  return manifest;
}

absl::Status PublishManifest(const std::string& directory, const Manifest& manifest) {
  const std::string name = ManifestName(manifest.generation);
  const std::string path = absl::StrCat(directory, "/", name);
  if (auto status = ReplaceFile(path, EncodeManifest(manifest)); !status.ok()) return status;
  return ReplaceFile(directory + "/CURRENT", name + "\n");
}

}  // namespace citeseek::indexer
