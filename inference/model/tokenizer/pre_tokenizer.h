// PreTokenizer: cuts a normalised text into the words that a model tokenises one by one.
//
// Immutable and thread-safe. Valid UTF-8 in and out. Errors of Make: kInvalidArgument.
#pragma once

#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "inference/model/tokenizer/spec.h"
#include "inference/model/tokenizer/split_pattern.h"

namespace citeseek::inference {

class PreTokenizer {
 public:
  using WordSink = absl::FunctionRef<void(std::string_view)>;

  static absl::StatusOr<PreTokenizer> Make(const std::vector<PreTokenizerStep>& steps);

  // `first`: the text starts the whole input (some pre-tokenizers put a blank there alone).
  void Split(std::string_view text, bool first, WordSink word) const { Run(0, text, first, word); }

 private:
  struct Step {
    PreTokenizerStep spec;
    std::vector<SplitPattern> pattern;  // one, where the step has one
  };

  void Run(std::size_t index, std::string_view text, bool first, WordSink word) const;
  void RunMetaspace(std::size_t index, std::string_view text, bool first, WordSink word) const;

  std::vector<Step> steps_;
};

}  // namespace citeseek::inference
