// Deletes: turns the numbers of a segment's deleted documents into a Roaring bitmap file and back.
//
// Free functions, thread-safe. kDataLoss.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "indexer/store/coding.h"

namespace citeseek::indexer {

// `deleted` ascends.
absl::Status WriteDeletes(const std::string& path, std::span<const std::uint32_t> deleted);
// Ascending, all below document_count.
absl::StatusOr<std::vector<std::uint32_t>> ReadDeletes(const std::string& path,
                                                       std::uint32_t document_count);
// What ReadDeletes does with the file's content.
absl::StatusOr<std::vector<std::uint32_t>> DecodeDeletes(Bytes content,
                                                         std::uint32_t document_count);

}  // namespace citeseek::indexer
