// IndexerClient: an Indexer that asks citeseek.v1.Indexer on another machine.
//
// Thread-safe. Documents are checked here before they are sent. An Add of more than 16 MiB travels
// as several batches: if it fails, the first of them may have been added. Errors: those of the
// remote Indexer, unchanged, and kUnavailable.
#pragma once

#include <memory>

#include "indexer/indexer.h"
#include "services/call.h"

namespace citeseek::services {

std::unique_ptr<indexer::Indexer> ConnectIndexer(std::shared_ptr<grpc::Channel> channel);

}  // namespace citeseek::services
