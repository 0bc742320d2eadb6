// Normalizer: turns text into the form that the model was trained on, step by step.
//
// Immutable and thread-safe. Valid UTF-8 in and out. Errors of Make: kInvalidArgument.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "inference/model/tokenizer/charsmap.h"
#include "inference/model/tokenizer/spec.h"
#include "inference/model/tokenizer/split_pattern.h"

namespace citeseek::inference {

class Normalizer {
 public:
  static absl::StatusOr<Normalizer> Make(const std::vector<NormalizerStep>& steps);

  // The normalised text: either `text` itself, or a view of `buffer`, which it fills.
  std::string_view Apply(std::string_view text, std::string& buffer) const;

 private:
  struct Step {
    NormalizerStep spec;
    std::vector<SplitPattern> pattern;  // kReplace: one
    std::vector<Charsmap> charsmap;     // kCharsmap: one
    // kNf...: a bit a code point below 0x10000 that the form leaves as it is, whatever stands
    // before.
    std::vector<std::uint64_t> inert;
  };
  std::vector<Step> steps_;
};

}  // namespace citeseek::inference
