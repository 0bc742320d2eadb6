// RocksdbStatus: turns RocksDB's status into ours, naming what failed.
#pragma once

#include <string_view>

#include "absl/status/status.h"

namespace rocksdb {
class Status;
}

namespace citeseek::indexer {

// kResourceExhausted (disk full), kDataLoss, kNotFound, else kInternal.
absl::Status FromRocksdb(const rocksdb::Status& status, std::string_view what);

}  // namespace citeseek::indexer
