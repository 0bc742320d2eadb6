// Target: turns the target of a request line into a path and a query.
//
// Free functions, thread-safe. kInvalidArgument for what is no path, a broken percent code, or
// bytes that are not UTF-8.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "services/http/message.h"

namespace citeseek::http {

struct Target {
  std::string path;  // decoded
  Fields query;      // decoded; "+" is a blank
};

absl::StatusOr<Target> ParseTarget(std::string_view text);

// What cannot stand in a path as it is, in percent codes; "/" stays.
std::string EncodePath(std::string_view text);

}  // namespace citeseek::http
