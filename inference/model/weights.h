// Weights: turns a model's files on disk into tensors by name.
//
// Names are Hugging Face's without the base model's prefix ("model.", "bert.", "roberta."):
// "layers.0.self_attn.q_proj.weight", "embeddings.word_embeddings.weight", "lm_head.weight"; a
// LayerNorm's "gamma" and "beta" are its "weight" and "bias".
// Files are memory-mapped: a view costs nothing until it is read. Thread-safe once open.
// Errors: kNotFound (file, tensor), kInvalidArgument (damaged file, wrong shape, type of no use).
#pragma once

#include <cstddef>
#include <functional>
#include <initializer_list>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "inference/model/mapped_file.h"
#include "inference/model/tensor_view.h"

namespace citeseek::inference {

class Weights {
 public:
  // model.safetensors, or the shards that model.safetensors.index.json lists.
  static absl::StatusOr<Weights> OpenFolder(const std::string& folder);

  // For loaders of other formats and for tests: takes the memory that the views point into.
  static absl::StatusOr<Weights> FromTensors(std::vector<NamedTensor> tensors,
                                             std::vector<MappedFile> files,
                                             std::vector<std::vector<std::byte>> buffers,
                                             std::string_view source);

  bool Contains(std::string_view name) const;

  // The tensor, which must have exactly this shape and a floating or quantised type; its bytes are
  // aligned to its element. Borrowed from this object (moving it is fine).
  absl::StatusOr<TensorView> Find(std::string_view name, std::span<const std::int64_t> shape) const;
  absl::StatusOr<TensorView> Find(std::string_view name,
                                  std::initializer_list<std::int64_t> shape) const {
    return Find(name, std::span(shape.begin(), shape.size()));
  }

  // By the name above; NamedTensor::name is the file's own.
  const std::map<std::string, NamedTensor, std::less<>>& tensors() const { return tensors_; }

 private:
  std::string source_;
  std::vector<MappedFile> files_;
  std::vector<std::vector<std::byte>> buffers_;
  std::map<std::string, NamedTensor, std::less<>> tensors_;
};

}  // namespace citeseek::inference
