// Random model: the network of a known shape with weights of no meaning, to measure speed with.
//
// The tensors are windows into the same random bf16 numbers, so that a large shape costs the memory
// of its largest tensor. Free functions are thread-safe. Errors: kInvalidArgument (unknown shape:
// named, with the list of what is known).
#pragma once

#include <string_view>

#include "absl/status/statusor.h"
#include "inference/model/model_files.h"

namespace citeseek::inference {

// "qwen2.5-0.5b", "qwen2.5-1.5b" (= R1-Distill-Qwen-1.5B), "bge-small".
absl::StatusOr<ModelFiles> MakeRandomModel(std::string_view shape);

}  // namespace citeseek::inference
