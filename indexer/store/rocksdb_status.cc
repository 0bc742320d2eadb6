#include "indexer/store/rocksdb_status.h"

#include <rocksdb/status.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace citeseek::indexer {

absl::Status FromRocksdb(const rocksdb::Status& status, std::string_view what) {
  if (status.ok()) return absl::OkStatus();
  const std::string message = absl::StrCat(std::string(what), ": ", status.ToString());
  const auto says = [&](const char* text) { return message.find(text) != std::string::npos; };
  // Of some failures the system's reason is only in the text.
  if (status.IsNoSpace() || says("No space left") || says("File too large")) {
    return absl::ResourceExhaustedError(message);
  }
  if (status.IsCorruption()) return absl::DataLossError(message);
  if (status.IsPathNotFound() || status.IsNotFound() || says("No such file")) {
    return absl::NotFoundError(message);
  }
  return absl::InternalError(message);
}

}  // namespace citeseek::indexer
