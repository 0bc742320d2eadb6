// Gguf: turns the bytes of a GGUF file (versions 2 and 3) into its metadata and tensors.
//
// Everything is checked before anything is returned: lengths, types, alignment, offsets that stay
// in the file and do not overlap. Thread-safe. Errors: kInvalidArgument, naming the key or tensor.
// Format: ggml's docs/gguf.md.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "inference/model/json.h"
#include "inference/model/tensor_view.h"

namespace citeseek::inference {

struct Gguf {
  Json metadata;                     // an object: "general.architecture" and so on
  std::vector<NamedTensor> tensors;  // ggml's names; views borrowed from the file's bytes
};

// `name` says in errors what was parsed.
absl::StatusOr<Gguf> ParseGguf(std::span<const std::byte> file, std::string_view name);

}  // namespace citeseek::inference
