// CpuMatrix: weights repacked into the panels that the kernels read.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "absl/status/statusor.h"
#include "inference/backend/backend.h"
#include "inference/backend/cpu/thread_pool.h"
#include "inference/backend/matrix_source.h"

namespace citeseek::inference {

// Memory aligned to cache lines, in huge pages where the system has them; zero at first.
class AlignedMemory {
 public:
  static absl::StatusOr<AlignedMemory> Make(std::size_t bytes);
  static std::size_t Taken(std::size_t bytes);  // by that many: whole pages
  AlignedMemory() = default;
  AlignedMemory(AlignedMemory&& other) noexcept;
  AlignedMemory& operator=(AlignedMemory&& other) noexcept;
  ~AlignedMemory();

  std::byte* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }

 private:
  std::byte* data_ = nullptr;
  std::size_t bytes_ = 0;
};

class CpuMatrix : public Matrix {
 public:
  // Errors: kInvalidArgument (parts that do not fit each other), kResourceExhausted.
  static absl::StatusOr<std::unique_ptr<CpuMatrix>> Pack(std::span<const MatrixParts> matrices,
                                                         Storage storage, ThreadPool& pool);
  static std::size_t Bytes(const MatrixSource& source);  // of one packed from it

  Storage storage() const { return storage_; }  // never kAsStored
  bool quantized() const { return IsQuantized(storage_); }
  int panels() const { return panels_; }  // of one of the `count` matrices
  std::size_t panel_bytes() const { return panel_bytes_; }
  const std::byte* Panel(int matrix, int panel) const {
    return memory_.data() + (static_cast<std::size_t>(matrix) * static_cast<std::size_t>(panels_) +
                             static_cast<std::size_t>(panel)) *
                                panel_bytes_;
  }

  // out [k] (+)= row `row` of the first matrix.
  void UnpackRow(int row, float* out, bool accumulate) const;

 private:
  // row: scratch memory of 32 * source.blocks() numbers.
  void PackPanel(const MatrixSource& source, int which, int panel, std::byte* target,
                 std::span<float> row) const;

  Storage storage_ = Storage::kF32;
  int panels_ = 0;
  std::size_t panel_bytes_ = 0;
  AlignedMemory memory_;
};

}  // namespace citeseek::inference
