// Parameters: puts a model's weights, by name, into a backend's memory.
//
// Single-threaded. Keeps the first error and returns null from then on, so that a model reads all
// it has and asks status() once.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "inference/backend/backend.h"
#include "inference/model/weights.h"

namespace citeseek::inference {

// Some f32 numbers in the backend's memory; data() of an absent vector is null.
class DeviceVector {
 public:
  DeviceVector() = default;
  explicit DeviceVector(std::unique_ptr<Buffer> buffer) : buffer_(std::move(buffer)) {}
  const float* data() const {
    return buffer_ == nullptr ? nullptr : static_cast<const float*>(buffer_->data);
  }

 private:
  std::unique_ptr<Buffer> buffer_;
};

class Parameters {
 public:
  // A tensor [rows, k], or [rows]; or so many rows of one, from `first` on, that has `all`.
  struct Part {
    std::string name;
    std::int64_t rows = 0;
    std::int64_t first = 0;
    std::int64_t all = 0;
  };

  // storage: of matrices that are not told otherwise.
  Parameters(const Weights& weights, Backend& backend, Storage storage)
      : weights_(weights), backend_(backend), storage_(storage) {}

  // The parts one below the other. Exact: never quantised more than the file does.
  std::unique_ptr<inference::Matrix> Linear(const std::vector<Part>& parts, std::int64_t k);
  std::unique_ptr<inference::Matrix> ExactLinear(const std::vector<Part>& parts, std::int64_t k);
  std::unique_ptr<inference::Matrix> Stack(const std::vector<std::vector<Part>>& matrices,
                                           std::int64_t k);
  // count matrices [n, k] of numbers that were computed from tensor `of`: kept as it would be, but
  // not quantised unless told to.
  std::unique_ptr<inference::Matrix> Computed(const std::vector<float>& values, int count, int n,
                                              int k, const std::string& of);
  DeviceVector Vector(const std::vector<Part>& parts);

  // rows * k numbers of the tensor in host memory.
  std::vector<float> Widened(const std::string& name, std::int64_t rows, std::int64_t k);

  bool Contains(const std::string& name) const { return weights_.Contains(name); }
  const absl::Status& status() const { return status_; }
  // Of the backend's memory, in all that was made so far.
  std::size_t bytes() const { return bytes_; }

 private:
  std::unique_ptr<inference::Matrix> Make(const std::vector<std::vector<Part>>& matrices,
                                          std::int64_t k, Storage storage);
  std::unique_ptr<inference::Matrix> Keep(
      absl::StatusOr<std::unique_ptr<inference::Matrix>> matrix);

  const Weights& weights_;
  Backend& backend_;
  Storage storage_;
  absl::Status status_;
  std::size_t bytes_ = 0;
};

}  // namespace citeseek::inference
