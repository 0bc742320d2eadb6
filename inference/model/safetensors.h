// Safetensors: turns the bytes of a .safetensors file into named tensors.
//
// The whole header is checked before anything is returned: sizes, types, offsets that leave no hole
// and no overlap, names that occur once. Thread-safe. Errors: kInvalidArgument, naming the tensor.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "inference/model/tensor_view.h"

namespace citeseek::inference {

// In the order of the data. `file_name` is for errors.
absl::StatusOr<std::vector<NamedTensor>> ParseSafetensors(std::span<const std::byte> file,
                                                          std::string_view file_name);

}  // namespace citeseek::inference
