// Router: turns the head of a request into the route that serves it, or into why none does.
//
// Checks, in this order: the address, CORS (a preflight is answered here), the path, the method,
// the key and its limits, the content type. Free functions; thread-safe as Keys is.
#pragma once

#include <optional>
#include <string>

#include "services/http/message.h"
#include "services/http/server.h"

namespace citeseek::http {

struct Head {
  std::string method;
  std::string target;
  Fields headers;  // names in lower case
};

struct Routed {
  Request request;  // without body, deadline and stop token
  const Route* route = nullptr;
  const Dialect* dialect = nullptr;  // that errors are told in; never null
  Fields headers;                    // of any reply to this request
  std::optional<Error> error;
};

Routed RouteRequest(const ServerOptions& options, Head head, bool has_body);

}  // namespace citeseek::http
