// RetrievalClient: a Retriever that asks citeseek.v1.Retrieval on another machine.
//
// Thread-safe. Errors: those of the remote Retriever, unchanged, and kUnavailable.
#pragma once

#include <memory>

#include "retrieval/retriever.h"
#include "services/call.h"

namespace citeseek::services {

std::unique_ptr<retrieval::Retriever> ConnectRetriever(std::shared_ptr<grpc::Channel> channel);

}  // namespace citeseek::services
