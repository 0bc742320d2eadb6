// RetrievalServer: turns citeseek.v1.Retrieval calls into calls of a Retriever.
//
// Thread-safe. Stop the gRPC server before destroying the service.
#pragma once

#include <memory>

#include "retrieval/retriever.h"
#include "services/call.h"

namespace citeseek::services {

// The retriever outlives the service.
std::unique_ptr<grpc::Service> MakeRetrievalServer(retrieval::Retriever* retriever,
                                                   const ServerOptions& options);

}  // namespace citeseek::services
