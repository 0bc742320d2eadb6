// Run: prints a Jinja template with these variables.
//
// Bounded in steps, bytes and depth, so that a hostile template ends with an error.
// Errors: kInvalidArgument, with what raise_exception or Python would say.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "inference/model/jinja/ast.h"

namespace citeseek::inference::jinja {

struct Variables {
  std::vector<std::pair<std::string, Value>> values;
  std::function<std::string(std::string_view format)> strftime_now;  // may be empty
};

absl::StatusOr<Text> Run(const Block& block, const Variables& variables);

}  // namespace citeseek::inference::jinja
