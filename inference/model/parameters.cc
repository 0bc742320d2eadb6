#include "inference/model/parameters.h"

#include <span>
#include <utility>

#include "inference/backend/matrix_source.h"
#include "inference/backend/widen.h"

namespace citeseek::inference {

std::unique_ptr<Matrix> Parameters::Linear(const std::vector<Part>& parts, std::int64_t k) {
  return Make({parts}, k, storage_);
}

std::unique_ptr<Matrix> Parameters::ExactLinear(const std::vector<Part>& parts, std::int64_t k) {
  return Make({parts}, k, Storage::kAsStored);
}

std::unique_ptr<Matrix> Parameters::Stack(const std::vector<std::vector<Part>>& matrices,
                                          std::int64_t k) {
  return Make(matrices, k, storage_);
}

std::unique_ptr<Matrix> Parameters::Make(const std::vector<std::vector<Part>>& matrices,
                                         std::int64_t k, Storage storage) {
  std::vector<MatrixParts> views(matrices.size());
  for (std::size_t i = 0; i < matrices.size(); ++i) {
    for (const Part& part : matrices[i]) {
      auto view = weights_.Find(part.name, {part.all > 0 ? part.all : part.rows, k});
      status_.Update(view.status());
      if (!status_.ok()) return nullptr;
      if (part.all > 0) {
        const std::size_t row_bytes = view->bytes.size() / static_cast<std::size_t>(part.all);
        view->bytes = view->bytes.subspan(static_cast<std::size_t>(part.first) * row_bytes,
                                          static_cast<std::size_t>(part.rows) * row_bytes);
        view->shape[0] = part.rows;
      }
      views[i].push_back(*std::move(view));
    }
  }
  return Keep(backend_.MakeMatrix(views, storage));
}

std::unique_ptr<Matrix> Parameters::Computed(const std::vector<float>& values, int count, int n,
                                             int k, const std::string& of) {
  if (!status_.ok()) return nullptr;
  std::vector<MatrixParts> views;
  const auto bytes = std::as_bytes(std::span(values));
  const std::size_t each = bytes.size() / static_cast<std::size_t>(count);
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    views.push_back({{DType::kF32, {n, k}, bytes.subspan(i * each, each)}});
  }
  Storage storage = storage_;
  if (storage == Storage::kAsStored) {
    const DType dtype = weights_.tensors().find(of)->second.view.dtype;
    if (BlockOf(dtype).weights == 1) storage = StorageOf(dtype);
  }
  return Keep(backend_.MakeMatrix(views, storage));
}

std::unique_ptr<Matrix> Parameters::Keep(absl::StatusOr<std::unique_ptr<Matrix>> matrix) {
  status_.Update(matrix.status());
  if (!status_.ok()) return nullptr;
  bytes_ += (*matrix)->bytes;
  return *std::move(matrix);
}

DeviceVector Parameters::Vector(const std::vector<Part>& parts) {
  std::vector<float> values;
  for (const Part& part : parts) {
    const auto view = weights_.Find(part.name, {part.rows});
    status_.Update(view.status());
    if (!status_.ok()) return {};
    const std::size_t begin = values.size();
    values.resize(begin + static_cast<std::size_t>(part.rows));
    WidenToF32(view->dtype, view->bytes.data(), std::span(values).subspan(begin));
  }
  auto buffer = backend_.Allocate(values.size() * sizeof(float));
  status_.Update(buffer.status());
  if (!status_.ok()) return {};
  bytes_ += backend_.BufferBytes(values.size() * sizeof(float));
  backend_.Write((*buffer)->data, values.data(), values.size() * sizeof(float));
  return DeviceVector(*std::move(buffer));
}

std::vector<float> Parameters::Widened(const std::string& name, std::int64_t rows, std::int64_t k) {
  std::vector<float> out(static_cast<std::size_t>(rows * k));
  const auto view = weights_.Find(name, {rows, k});
  status_.Update(view.status());
  if (view.ok()) WidenToF32(view->dtype, view->bytes.data(), out);
  return out;
}

}  // namespace citeseek::inference
