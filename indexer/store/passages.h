// Passages: turns the numbers of documents and passages of a segment into what is known of them.
//
// The file `passages` is fixed-width arrays, mapped as they are: versions of the documents
// (ascending), sizes of their texts, their first passages; range, length and vector scale of each
// passage. Thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "indexer/snapshot.h"
#include "indexer/store/coding.h"

namespace citeseek::indexer {

struct PassageTable {
  std::vector<std::uint64_t> versions;        // [documents]
  std::vector<std::uint32_t> text_bytes;      // [documents]
  std::vector<std::uint32_t> first_passages;  // [documents + 1]
  std::vector<std::uint32_t> starts;          // [passages], bytes in the document's text
  std::vector<std::uint32_t> ends;            // [passages]
  std::vector<std::uint32_t> lengths;         // [passages], terms
  std::vector<float> scales;                  // [passages], see vectors.h
};

absl::Status WritePassages(const PassageTable& table, const std::string& directory);

class Passages {
 public:
  // The content of the file, which outlives this. Checks every relation between the arrays.
  static absl::StatusOr<Passages> Make(Bytes content);
  Passages() = default;

  std::uint32_t document_count() const { return static_cast<std::uint32_t>(versions_.size()); }
  std::uint32_t passage_count() const { return static_cast<std::uint32_t>(lengths_.size()); }
  std::uint64_t total_length() const { return total_length_; }
  std::span<const std::uint64_t> versions() const { return versions_; }
  std::span<const std::uint32_t> text_bytes() const { return text_bytes_; }
  std::span<const std::uint32_t> first_passages() const { return first_passages_; }
  std::span<const std::uint32_t> starts() const { return starts_; }
  std::span<const std::uint32_t> ends() const { return ends_; }
  std::span<const std::uint32_t> lengths() const { return lengths_; }
  std::span<const float> scales() const { return scales_; }

  PassageRef Find(PassageId passage) const;
  std::optional<std::uint32_t> DocumentOfVersion(std::uint64_t version) const;

 private:
  std::span<const std::uint64_t> versions_;
  std::span<const std::uint32_t> text_bytes_;
  std::span<const std::uint32_t> first_passages_;
  std::span<const std::uint32_t> starts_;
  std::span<const std::uint32_t> ends_;
  std::span<const std::uint32_t> lengths_;
  std::span<const float> scales_;
  std::uint64_t total_length_ = 0;
};

}  // namespace citeseek::indexer
