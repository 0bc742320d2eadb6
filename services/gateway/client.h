// GatewayClient: an Answerer that asks citeseek.v1.Gateway on another machine.
//
// Thread-safe. Errors: those of the remote Answerer, unchanged, and kUnavailable.
#pragma once

#include <memory>

#include "services/call.h"
#include "services/gateway/answerer.h"

namespace citeseek::services {

std::unique_ptr<gateway::Answerer> ConnectAnswerer(std::shared_ptr<grpc::Channel> channel);

}  // namespace citeseek::services
