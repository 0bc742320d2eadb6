// Vectors: turns unit vectors into one byte a dimension in a FAISS file, and finds the nearest.
//
// A vector is divided by its largest component and quantised to code = floor(127.5 (x + 1)) in
// [0, 255], which is FAISS's QT_8bit_uniform over [-1, 1]: `vectors.faiss` opens in FAISS as an
// IndexScalarQuantizer (inner product) of the scaled vectors, and merging copies codes. Zero is
// code 127. As vectors have length one or zero, the scale need not be kept exactly: 1 / |code -
// 127| restores it (file `passages`). Search is exact over the codes, in integers. Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "indexer/snapshot.h"
#include "indexer/store/block_file.h"

namespace citeseek::indexer {

inline constexpr int kMaxDimension = 8192;  // so that sums of products fit in 32 bits

// codes [dimension]. Returns the scale: dot(query, vector) = scale * sum query[i] (code[i] - 127).
float QuantizeVector(std::span<const float> vector, std::uint8_t* codes);
float ScaleOfCodes(Bytes codes);

class VectorWriter {
 public:
  // `count` vectors will be appended.
  static absl::StatusOr<VectorWriter> Create(const std::string& directory, int dimension,
                                             std::uint64_t count);
  absl::Status Append(Bytes codes) { return file_.Append(AsText(codes)); }
  absl::Status Finish() { return file_.Finish(); }

 private:
  explicit VectorWriter(BlockFileWriter file) : file_(std::move(file)) {}
  BlockFileWriter file_;
};

class Vectors {
 public:
  // The content of the file, which outlives this.
  static absl::StatusOr<Vectors> Make(Bytes content, int dimension, std::uint32_t count);
  Vectors() = default;

  int dimension() const { return dimension_; }
  // Of passages [first, first + count).
  Bytes codes(PassageId first, std::uint32_t count = 1) const {
    const auto row = static_cast<std::size_t>(dimension_);
    return codes_.subspan(first * row, count * row);
  }

  // The k best passages among the `candidates` (null: all), best first; ties by number. query
  // [dimension]; scales [passages].
  std::vector<VectorHit> Search(std::span<const float> query, std::size_t k,
                                std::span<const float> scales,
                                const std::vector<std::uint64_t>* candidates) const;

 private:
  Bytes codes_;
  std::uint32_t count_ = 0;
  int dimension_ = 0;
};

// Reads the file with FAISS itself and compares: kDataLoss says what differs.
absl::Status CheckWithFaiss(const std::string& path, const Vectors& vectors, std::uint32_t count);

}  // namespace citeseek::indexer
