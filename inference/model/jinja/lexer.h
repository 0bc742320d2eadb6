// Tokenize: cuts a Jinja template into text and tokens, white space controlled as by
// transformers' chat templates (trim_blocks, lstrip_blocks).
//
// Errors: kInvalidArgument with the line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace citeseek::inference::jinja {

struct Token {
  enum class Kind {
    kText,         // outside tags
    kOutputBegin,  // {{
    kOutputEnd,
    kTagBegin,  // {%
    kTagEnd,
    kName,
    kString,  // unescaped
    kInteger,
    kFloat,
    kOperator,
    kEnd,
  };
  Kind kind = Kind::kEnd;
  std::string text;
  std::int64_t integer = 0;
  double number = 0;
  int line = 1;
};

absl::StatusOr<std::vector<Token>> Tokenize(std::string_view source);

}  // namespace citeseek::inference::jinja
