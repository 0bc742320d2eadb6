// RocksdbStatus: turns RocksDB's status into ours, naming what failed.
#pragma once

#include <rocksdb/status.h>

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace citeseek::indexer {

inline absl::Status FromRocksdb(const rocksdb::Status& status, std::string_view what) {
  if (status.ok()) return absl::OkStatus();
  const std::string message = absl::StrCat(std::string(what), ": ", status.ToString());
  if (status.IsNoSpace() || status.subcode() == rocksdb::Status::kNoSpace) {
    return absl::ResourceExhaustedError(message);
  }
  if (status.IsCorruption()) return absl::DataLossError(message);
  if (status.IsPathNotFound() || status.IsNotFound()) return absl::NotFoundError(message);
  // The system's reason is only in the text.
  if (message.find("No such file") != std::string::npos) return absl::NotFoundError(message);
  if (message.find("No space left") != std::string::npos ||
      message.find("File too large") != std::string::npos) {
    return absl::ResourceExhaustedError(message);
  }
  return absl::InternalError(message);
}

}  // namespace citeseek::indexer
