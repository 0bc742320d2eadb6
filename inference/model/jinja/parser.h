// Parse: turns a Jinja template into its syntax tree.
//
// The subset that chat templates use: output, for (with if and else), if, set, macro, filter,
// break, continue, raw, generation. Errors: kInvalidArgument with the line and what is unknown.
#pragma once

#include <string_view>

#include "absl/status/statusor.h"
#include "inference/model/jinja/ast.h"

namespace citeseek::inference::jinja {

absl::StatusOr<Block> Parse(std::string_view source);

}  // namespace citeseek::inference::jinja
