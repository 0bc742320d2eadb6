// Connect: citeseek.v1 for browsers and curl: the Connect protocol (connectrpc.com/docs/protocol)
// over HTTP/1.1, without a loop through gRPC.
//
// Unary calls and server streams, in JSON and in protobuf's encoding, uncompressed. Thread-safe.
#pragma once

#include <vector>

#include "services/http/routes.h"

namespace citeseek::http {

// /citeseek.v1.Gateway/Ask, /citeseek.v1.Retrieval/Search, /citeseek.v1.Indexer/Get.
std::vector<Route> ConnectRoutes(const Doors& doors);

}  // namespace citeseek::http
