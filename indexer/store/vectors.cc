#include "indexer/store/vectors.h"

#include <faiss/IndexScalarQuantizer.h>
#include <faiss/impl/io.h>
#include <faiss/index_io.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <exception>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "indexer/store/vector_scan.h"

namespace citeseek::indexer {
namespace {

constexpr int kBlockRows = 64;
constexpr float kMaxQuery = 4095;

faiss::IndexScalarQuantizer EmptyIndex(int dimension, std::uint64_t count) {
  faiss::IndexScalarQuantizer index(dimension, faiss::ScalarQuantizer::QT_8bit_uniform,
                                    faiss::METRIC_INNER_PRODUCT);
  index.sq.trained = {-1.0F, 2.0F};  // smallest value, range
  index.is_trained = true;
  index.ntotal = static_cast<faiss::Index::idx_t>(count);
  return index;
}

// All that comes before the codes: what FAISS writes for an index without codes, but for the number
// of bytes of codes at its end.
absl::StatusOr<std::string> FaissHeader(int dimension, std::uint64_t count) {
  if (dimension < 1 || dimension > kMaxDimension) {
    return absl::InvalidArgumentError(
        absl::StrCat("dimension ", dimension, " is not in [1, ", kMaxDimension, "]"));
  }
  try {
    const faiss::IndexScalarQuantizer index = EmptyIndex(dimension, count);
    faiss::VectorIOWriter writer;
    faiss::write_index(&index, &writer);
    std::string header(AsText({writer.data.data(), writer.data.size() - 8}));
    PutFixed<std::uint64_t>(header, count * static_cast<std::uint64_t>(dimension));
    return header;
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat("faiss: ", error.what()));
  }
}

// Keeps the k best hits seen, in a heap whose top is the worst.
class TopK {
 public:
  explicit TopK(std::size_t k) : k_(k) { hits_.reserve(k); }

  void Offer(PassageId passage, float score) {
    const VectorHit hit{passage, score};
    if (hits_.size() < k_) {
      hits_.push_back(hit);
      std::push_heap(hits_.begin(), hits_.end(), Better);
    } else if (Better(hit, hits_.front())) {
      std::pop_heap(hits_.begin(), hits_.end(), Better);
      hits_.back() = hit;
      std::push_heap(hits_.begin(), hits_.end(), Better);
    }
  }

  std::vector<VectorHit> Take() {
    std::sort_heap(hits_.begin(), hits_.end(), Better);
    return std::move(hits_);
  }

 private:
  static bool Better(const VectorHit& a, const VectorHit& b) {
    return a.score != b.score ? a.score > b.score : a.passage < b.passage;
  }

  std::size_t k_;
  std::vector<VectorHit> hits_;
};

}  // namespace

float QuantizeVector(std::span<const float> vector, std::uint8_t* codes) {
  float largest = 0;
  for (const float x : vector) largest = std::max(largest, std::abs(x));
  if (!(largest > 0)) {
    std::fill_n(codes, vector.size(), std::uint8_t{127});
    return 0;
  }
  for (std::size_t i = 0; i < vector.size(); ++i) {
    const float scaled = std::floor(127.5F * (vector[i] / largest + 1.0F));
    codes[i] = static_cast<std::uint8_t>(std::clamp(scaled, 0.0F, 255.0F));
  }
  return ScaleOfCodes({codes, vector.size()});
}

float ScaleOfCodes(Bytes codes) {
  std::int64_t squares = 0;
  for (const int code : codes) squares += (code - 127) * (code - 127);
  return squares == 0 ? 0.0F : 1.0F / std::sqrt(static_cast<float>(squares));
}

absl::StatusOr<VectorWriter> VectorWriter::Create(const std::string& directory, int dimension,
                                                  std::uint64_t count) {
  const auto header = FaissHeader(dimension, count);
  if (!header.ok()) return header.status();
  auto file = BlockFileWriter::Create(directory + "/vectors.faiss");
  if (!file.ok()) return file.status();
  if (auto status = file->Append(*header); !status.ok()) return status;
  return VectorWriter(*std::move(file));
}

absl::StatusOr<Vectors> Vectors::Make(Bytes content, int dimension, std::uint32_t count) {
  const auto header = FaissHeader(dimension, count);
  if (!header.ok()) return header.status();
  const std::uint64_t bytes = std::uint64_t{count} * static_cast<std::uint64_t>(dimension);
  if (content.size() != header->size() + bytes ||
      AsText(content.first(header->size())) != *header) {
    return absl::DataLossError(
        absl::StrCat("vectors are damaged or not ", count, " of dimension ", dimension));
  }
  Vectors vectors;
  vectors.codes_ = content.subspan(header->size());
  vectors.count_ = count;
  vectors.dimension_ = dimension;
  return vectors;
}

std::vector<VectorHit> Vectors::Search(std::span<const float> query, std::size_t k,
                                       std::span<const float> scales,
                                       const std::vector<std::uint64_t>* candidates) const {
  float largest = 0;
  for (const float x : query) largest = std::max(largest, std::abs(x));
  if (k == 0 || !(largest > 0) || !std::isfinite(largest)) return {};
  std::vector<std::int16_t> rounded(query.size());
  for (std::size_t i = 0; i < query.size(); ++i) {
    rounded[i] = static_cast<std::int16_t>(std::lround(query[i] / largest * kMaxQuery));
  }
  const float unit = largest / kMaxQuery;
  TopK best(std::min<std::size_t>(k, count_));
  std::array<std::int32_t, kBlockRows> sums;
  for (PassageId start = 0; start < count_; start += kBlockRows) {
    const std::uint64_t wanted = candidates == nullptr ? ~0ULL : (*candidates)[start / kBlockRows];
    if (wanted == 0) continue;
    const int rows = static_cast<int>(std::min<PassageId>(kBlockRows, count_ - start));
    if (std::popcount(wanted) > kBlockRows / 2) {
      ScanCodes(codes(start).data(), rounded.data(), dimension_, rows, sums.data());
    }
    for (int row = 0; row < rows; ++row) {
      if ((wanted >> row & 1) == 0) continue;
      const PassageId passage = start + static_cast<PassageId>(row);
      const auto slot = static_cast<std::size_t>(row);
      if (std::popcount(wanted) <= kBlockRows / 2) {
        ScanCodes(codes(passage).data(), rounded.data(), dimension_, 1, &sums[slot]);
      }
      best.Offer(passage, static_cast<float>(sums[slot]) * unit * scales[passage]);
    }
  }
  return best.Take();
}

absl::Status CheckWithFaiss(const std::string& path, const Vectors& vectors, std::uint32_t count) {
  try {
    const std::unique_ptr<faiss::Index> index(faiss::read_index(path.c_str()));
    const auto* quantized = dynamic_cast<const faiss::IndexScalarQuantizer*>(index.get());
    if (quantized == nullptr || quantized->d != vectors.dimension() ||
        quantized->ntotal != static_cast<faiss::Index::idx_t>(count)) {
      return absl::DataLossError(absl::StrCat(path, ": faiss sees another index"));
    }
    const Bytes ours = vectors.codes(0, count);
    if (!std::equal(ours.begin(), ours.end(), quantized->codes.begin(), quantized->codes.end())) {
      return absl::DataLossError(absl::StrCat(path, ": faiss sees other vectors"));
    }
  } catch (const std::exception& error) {
    return absl::DataLossError(absl::StrCat(path, ": faiss: ", error.what()));
  }
  return absl::OkStatus();
}

}  // namespace citeseek::indexer
