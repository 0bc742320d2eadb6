#include "inference/model/weights.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "inference/model/json.h"
#include "inference/model/safetensors.h"

namespace citeseek::inference {
namespace {

constexpr std::string_view kIndexName = "model.safetensors.index.json";

std::string CommonName(std::string_view name) {
  for (const std::string_view prefix : {"model.", "bert.", "roberta."}) {
    if (name.starts_with(prefix)) {
      name.remove_prefix(prefix.size());
      break;
    }
  }
  // As the first BERT's norms are called to this day.
  for (const auto& [old, now] :
       {std::pair<std::string_view, const char*>("LayerNorm.gamma", "LayerNorm.weight"),
        std::pair<std::string_view, const char*>("LayerNorm.beta", "LayerNorm.bias")}) {
    if (!name.ends_with(old)) continue;
    return absl::StrCat(std::string(name.substr(0, name.size() - old.size())), now);
  }
  return std::string(name);
}

std::string Join(const std::string& folder, std::string_view file) {
  return (std::filesystem::path(folder) / file).string();
}

// Which shard holds which tensor.
absl::StatusOr<std::map<std::string, std::string>> ReadIndex(const std::string& folder) {
  const std::string path = Join(folder, kIndexName);
  const auto file = MappedFile::Open(path);
  if (!file.ok()) return file.status();
  const auto index = ParseJson(file->text(), path);
  if (!index.ok()) return index.status();
  const Json* map = index->Find("weight_map");
  if (map == nullptr || map->Object() == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat(path, " has no weight_map"));
  }
  std::map<std::string, std::string> shards;
  for (const auto& [name, shard] : *map->Object()) {
    const std::string* file_name = shard.String();
    // A shard is a file beside the index, never one elsewhere on this machine.
    if (file_name == nullptr || file_name->empty() || *file_name == "." || *file_name == ".." ||
        file_name->find('/') != std::string::npos || file_name->find('\0') != std::string::npos) {
      return absl::InvalidArgumentError(absl::StrCat(path, ": tensor ", name, " has no shard"));
    }
    shards[name] = *file_name;
  }
  return shards;
}

bool IsAligned(const TensorView& view) {
  const auto address = reinterpret_cast<std::uintptr_t>(view.bytes.data());
  const BlockShape block = BlockOf(view.dtype);
  return block.weights != 1 || address % static_cast<std::uintptr_t>(block.bytes) == 0;
}

}  // namespace

absl::StatusOr<Weights> Weights::OpenFolder(const std::string& folder) {
  std::set<std::string> file_names = {"model.safetensors"};
  std::map<std::string, std::string> shards;
  std::error_code ignored;
  if (!std::filesystem::exists(Join(folder, "model.safetensors"), ignored) &&
      std::filesystem::exists(Join(folder, kIndexName), ignored)) {
    auto index = ReadIndex(folder);
    if (!index.ok()) return index.status();
    shards = *std::move(index);
    file_names.clear();
    for (const auto& [name, shard] : shards) file_names.insert(shard);
  }

  std::vector<NamedTensor> tensors;
  std::vector<MappedFile> files;
  for (const std::string& file_name : file_names) {
    const std::string path = Join(folder, file_name);
    auto file = MappedFile::Open(path);
    if (!file.ok()) return file.status();
    auto parsed = ParseSafetensors(file->bytes(), path);
    if (!parsed.ok()) return parsed.status();
    for (NamedTensor& tensor : *parsed) {
      const auto it = shards.find(tensor.name);
      if (it != shards.end() && it->second == file_name) shards.erase(it);
      tensors.push_back(std::move(tensor));
    }
    files.push_back(*std::move(file));
  }
  if (!shards.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(Join(folder, shards.begin()->second),
                                                   " lacks tensor ", shards.begin()->first));
  }
  return FromTensors(std::move(tensors), std::move(files), {}, folder);
}

absl::StatusOr<Weights> Weights::FromTensors(std::vector<NamedTensor> tensors,
                                             std::vector<MappedFile> files,
                                             std::vector<std::vector<std::byte>> buffers,
                                             std::string_view source) {
  Weights weights;
  weights.source_ = std::string(source);
  weights.files_ = std::move(files);
  weights.buffers_ = std::move(buffers);
  for (NamedTensor& tensor : tensors) {
    if (!IsAligned(tensor.view)) {  // old writers did not pad the header
      weights.buffers_.emplace_back(tensor.view.bytes.begin(), tensor.view.bytes.end());
      tensor.view.bytes = weights.buffers_.back();
    }
    std::string name = CommonName(tensor.name);
    if (!weights.tensors_.try_emplace(std::move(name), std::move(tensor)).second) {
      return absl::InvalidArgumentError(
          absl::StrCat(weights.source_, " names tensor ", tensor.name, " twice"));
    }
  }
  return weights;
}

bool Weights::Contains(std::string_view name) const {
  return tensors_.find(name) != tensors_.end();
}

absl::StatusOr<TensorView> Weights::Find(std::string_view name,
                                         std::span<const std::int64_t> shape) const {
  const auto it = tensors_.find(name);
  if (it == tensors_.end()) {
    return absl::NotFoundError(absl::StrCat(source_, " has no tensor ", std::string(name)));
  }
  const NamedTensor& found = it->second;
  if (!std::equal(shape.begin(), shape.end(), found.view.shape.begin(), found.view.shape.end())) {
    return absl::InvalidArgumentError(absl::StrCat("tensor ", found.name, " has shape ",
                                                   ShapeString(found.view.shape),
                                                   ", the model needs ", ShapeString(shape)));
  }
  if (found.view.dtype == DType::kOther) {
    return absl::InvalidArgumentError(absl::StrCat(
        "tensor ", found.name, " has type ", found.source_type, "; known are ", KnownDTypes()));
  }
  return found.view;
}

}  // namespace citeseek::inference
