// GatewayServer (mouth 1): turns citeseek.v1.Gateway calls into questions to an Answerer.
//
// Thread-safe. Stop the gRPC server before destroying the service.
#pragma once

#include <memory>

#include "services/call.h"
#include "services/gateway/answerer.h"

namespace citeseek::services {

// Questions without a deadline of their own get this one.
inline constexpr absl::Duration kAskDeadline = absl::Seconds(600);

// The answerer outlives the service.
std::unique_ptr<grpc::Service> MakeGatewayServer(gateway::Answerer* answerer,
                                                 const ServerOptions& options);

}  // namespace citeseek::services
