// IndexerServer: turns citeseek.v1.Indexer calls into calls of an Indexer.
//
// Thread-safe. Each request of an Add stream is one batch; a stream has one batch in work at a
// time. Stop the gRPC server before destroying the service.
#pragma once

#include <memory>

#include "indexer/indexer.h"
#include "services/call.h"

namespace citeseek::services {

// The indexer outlives the service.
std::unique_ptr<grpc::Service> MakeIndexerServer(indexer::Indexer* indexer,
                                                 const ServerOptions& options);

}  // namespace citeseek::services
