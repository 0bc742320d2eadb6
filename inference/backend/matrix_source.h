// MatrixSource: the rows of a matrix as its tensors on disk have them, for backends that repack
// them.
//
// Borrows the tensors' bytes. Thread-safe. Blocks of 32 inputs are quantised in one way whatever
// the backend: two that choose one storage keep the same weights.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "inference/backend/backend.h"

namespace citeseek::inference {

inline constexpr int kQuantWeights = 32;  // that share a scale

// weight = scale * code
struct Q8Codes {
  std::int8_t codes[kQuantWeights];
  std::uint16_t scale;  // f16, not 0
};

// weight = scale * code - min
template <int kMost>
struct OffsetCodes {
  std::uint8_t codes[kQuantWeights];  // [0, kMost]
  std::uint16_t scale;                // f16, not 0
  std::uint16_t min;                  // f16
};
using Q5Codes = OffsetCodes<31>;
using Q4Codes = OffsetCodes<15>;

// How weights of this type are kept "as stored": never kAsStored.
Storage StorageOf(DType dtype);

class MatrixSource {
 public:
  // As stored, parts of different types are all kept as the finest of them is.
  // Errors: kInvalidArgument (parts that do not fit each other).
  static absl::StatusOr<MatrixSource> Make(std::span<const MatrixParts> matrices, Storage storage);

  Storage storage() const { return storage_; }  // never kAsStored
  int count() const { return static_cast<int>(matrices_.size()); }
  int n() const { return n_; }
  int k() const { return k_; }
  int blocks() const { return (k_ + kQuantWeights - 1) / kQuantWeights; }  // of a row

  // Row `row` of matrix `which`, in f32: the first k of out; the others become 0.
  void Widen(int which, int row, std::span<float> out) const;

  // The same in blocks, for the storage that they are named after. Blocks of a quantised type are
  // taken over with their own codes where they fit, and rounded again where not. scratch: 32 *
  // blocks().
  void ReadQ8(int which, int row, std::span<float> scratch,
              absl::FunctionRef<void(int block, const Q8Codes&)> put) const;
  void ReadQ5(int which, int row, std::span<float> scratch,
              absl::FunctionRef<void(int block, const Q5Codes&)> put) const;
  void ReadQ4(int which, int row, std::span<float> scratch,
              absl::FunctionRef<void(int block, const Q4Codes&)> put) const;

 private:
  struct Row {
    DType dtype = DType::kF32;
    const std::byte* bytes = nullptr;
  };
  Row Find(int which, std::int64_t row) const;
  template <typename Codes>
  void Read(int which, int row, std::span<float> scratch,
            absl::FunctionRef<void(int block, const Codes&)> put) const;

  std::span<const MatrixParts> matrices_;
  Storage storage_ = Storage::kF32;
  int n_ = 0;
  int k_ = 0;
};

}  // namespace citeseek::inference
