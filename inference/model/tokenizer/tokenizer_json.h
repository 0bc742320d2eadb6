// ParseTokenizerJson: turns tokenizer.json and tokenizer_config.json into a TokenizerSpec.
//
// Thread-safe. Errors: kInvalidArgument, naming the part that is wrong or unknown.
#pragma once

#include <string_view>

#include "absl/status/statusor.h"
#include "inference/model/tokenizer/spec.h"

namespace citeseek::inference {

// Of the configuration (may be empty) counts add_bos_token and add_eos_token. `name` is for errors.
absl::StatusOr<TokenizerSpec> ParseTokenizerJson(std::string_view tokenizer,
                                                 std::string_view config, std::string_view name);

}  // namespace citeseek::inference
