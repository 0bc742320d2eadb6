#include "inference/backend/matrix_source.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>
#include <limits>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "inference/backend/widen.h"

namespace citeseek::inference {
namespace {

// What loses nothing of either.
Storage Finest(Storage a, Storage b) {
  if (a == b) return a;
  return IsQuantized(a) && IsQuantized(b) ? std::min(a, b) : Storage::kF32;
}

absl::Status CheckParts(std::span<const MatrixParts> matrices) {
  if (matrices.empty() || matrices[0].empty()) return absl::InvalidArgumentError("empty matrix");
  std::int64_t rows = -1;
  const std::int64_t k = matrices[0][0].shape.empty() ? 0 : matrices[0][0].shape.back();
  for (const MatrixParts& parts : matrices) {
    std::int64_t sum = 0;
    for (const TensorView& part : parts) {
      const BlockShape block = BlockOf(part.dtype);
      const std::int64_t elements = ElementCount(part.shape);
      if (part.shape.size() != 2 || part.shape[1] != k || k <= 0 || elements <= 0 ||
          block.weights == 0 || k % block.weights != 0 ||
          elements / block.weights * block.bytes != static_cast<std::int64_t>(part.bytes.size())) {
        return absl::InvalidArgumentError(absl::StrCat(
            "matrix part of shape ", ShapeString(part.shape), " and type ",
            std::string(DTypeName(part.dtype)), " does not fit rows of ", k, " inputs"));
      }
      sum += part.shape[0];
    }
    if (rows == -1) rows = sum;
    if (sum != rows || rows > std::numeric_limits<int>::max() - kQuantWeights ||
        k > std::numeric_limits<int>::max() - kQuantWeights) {
      return absl::InvalidArgumentError(
          absl::StrCat("matrix of ", sum, " rows beside one of ", rows));
    }
  }
  return absl::OkStatus();
}

// Kernels add exponents to scales, which no zero has: it becomes a tiny scale of codes that mean 0.
constexpr std::uint16_t kTinyF16 = 0x0400;
bool IsZeroF16(std::uint16_t half) { return (half & 0x7fffu) == 0; }

// The nearest integer, the even one of two; |x| < 2^22. Unlike std::nearbyint the compiler makes
// vectors of it.
float Round(float x) {
  constexpr float kMagic = 0x1.8p23f;
  return (x + kMagic) - kMagic;
}

Q8Codes QuantizeQ8(const float* weights) {
  float max = 0;
  for (int i = 0; i < kQuantWeights; ++i) max = std::max(max, std::abs(weights[i]));
  Q8Codes block;
  block.scale = F32ToF16(max / 127.0f);
  if (IsZeroF16(block.scale)) block.scale = kTinyF16;
  const float scale = F16ToF32(block.scale);
  for (int i = 0; i < kQuantWeights; ++i) {
    const float code = std::clamp(Round(weights[i] / scale), -127.0f, 127.0f);
    block.codes[i] = static_cast<std::int8_t>(static_cast<int>(code));
  }
  return block;
}

template <int kMost>
OffsetCodes<kMost> QuantizeOffset(const float* weights) {
  float low = 0;
  float high = 0;
  for (int i = 0; i < kQuantWeights; ++i) low = std::min(low, weights[i]);
  for (int i = 0; i < kQuantWeights; ++i) high = std::max(high, weights[i]);
  constexpr float kSteps = kMost;
  OffsetCodes<kMost> block;
  block.scale = F32ToF16((high - low) / kSteps);
  block.min = F32ToF16(-low);
  const float min = F16ToF32(block.min);
  if (IsZeroF16(block.scale)) block.scale = kTinyF16;
  const float scale = F16ToF32(block.scale);
  for (int i = 0; i < kQuantWeights; ++i) {
    const float code = std::clamp(Round((weights[i] + min) / scale), 0.0f, kSteps);
    block.codes[i] = static_cast<std::uint8_t>(static_cast<int>(code));
  }
  return block;
}

constexpr float kZeros[kQuantWeights] = {};

void Quantize(const float* weights, Q8Codes& block) { block = QuantizeQ8(weights); }
template <int kMost>
void Quantize(const float* weights, OffsetCodes<kMost>& block) {
  block = QuantizeOffset<kMost>(weights);
}

// The group with its own codes; false if its form cannot have them.
bool Take(const QuantGroup& group, Q8Codes& block) {
  if (group.scales[0] != group.scales[1] || group.mins[0] != 0 || group.mins[1] != 0) return false;
  block.scale = F32ToF16(group.scales[0]);
  if (IsZeroF16(block.scale)) {
    Quantize(kZeros, block);
  } else {
    std::memcpy(block.codes, group.codes, sizeof(block.codes));
  }
  return true;
}

template <int kMost>
bool Take(const QuantGroup& group, OffsetCodes<kMost>& block) {
  const auto [low, high] = std::minmax_element(std::begin(group.codes), std::end(group.codes));
  if (group.scales[0] != group.scales[1] || group.mins[0] != group.mins[1] ||
      *high - *low > kMost) {
    return false;
  }
  // A power of two times the scale is an exact minimum.
  constexpr int kHalf = (kMost + 1) / 2;
  const int first = *low >= 0 && *high <= kMost       ? 0
                    : *low >= -kHalf && *high < kHalf ? -kHalf
                                                      : *low;
  block.scale = F32ToF16(group.scales[0]);
  const bool zero = IsZeroF16(block.scale);
  if (zero) block.scale = kTinyF16;
  const float offset = zero ? 0.0f : F16ToF32(block.scale) * static_cast<float>(first);
  block.min = F32ToF16(group.mins[0] - offset);
  for (int i = 0; i < kQuantWeights; ++i) {
    block.codes[i] = static_cast<std::uint8_t>(zero ? 0 : group.codes[i] - first);
  }
  return true;
}

}  // namespace

Storage StorageOf(DType dtype) {
  switch (dtype) {
    case DType::kF16:
      return Storage::kF16;
    case DType::kBF16:
      return Storage::kBF16;
    case DType::kQ4_0:
    case DType::kQ4_1:
    case DType::kQ4_K:
      return Storage::kQ4;
    case DType::kQ5_0:
    case DType::kQ5_1:
    case DType::kQ5_K:
      return Storage::kQ5;
    default:
      return BlockOf(dtype).weights > 1 ? Storage::kQ8 : Storage::kF32;
  }
}

absl::StatusOr<MatrixSource> MatrixSource::Make(std::span<const MatrixParts> matrices,
                                                Storage storage) {
  if (const absl::Status status = CheckParts(matrices); !status.ok()) return status;
  MatrixSource source;
  source.matrices_ = matrices;
  source.storage_ = storage;
  if (storage == Storage::kAsStored) {
    source.storage_ = StorageOf(matrices[0][0].dtype);
    for (const MatrixParts& parts : matrices) {
      for (const TensorView& part : parts) {
        source.storage_ = Finest(source.storage_, StorageOf(part.dtype));
      }
    }
  }
  source.k_ = static_cast<int>(matrices[0][0].shape[1]);
  for (const TensorView& part : matrices[0]) source.n_ += static_cast<int>(part.shape[0]);
  return source;
}

MatrixSource::Row MatrixSource::Find(int which, std::int64_t row) const {
  for (const TensorView& part : matrices_[static_cast<std::size_t>(which)]) {
    if (row < part.shape[0]) {
      const BlockShape block = BlockOf(part.dtype);
      return {part.dtype, part.bytes.data() + row * (part.shape[1] / block.weights * block.bytes)};
    }
    row -= part.shape[0];
  }
  return {};
}

void MatrixSource::Widen(int which, int row, std::span<float> out) const {
  const Row source = Find(which, row);
  const auto inputs = static_cast<std::size_t>(k_);
  WidenToF32(source.dtype, source.bytes, out.first(inputs));
  std::fill(out.begin() + k_, out.end(), 0.0f);
}

template <typename Codes>
void MatrixSource::Read(int which, int row, std::span<float> scratch,
                        absl::FunctionRef<void(int block, const Codes&)> put) const {
  const Row source = Find(which, row);
  const BlockShape shape = BlockOf(source.dtype);
  const bool quantized = shape.weights > 1;
  if (!quantized) Widen(which, row, scratch);
  Codes block;
  for (int b = 0; b < blocks(); ++b) {
    const std::int64_t at = std::int64_t{kQuantWeights} * b;
    if (quantized) {
      const QuantGroup group =
          UnpackGroup(source.dtype, source.bytes + at / shape.weights * shape.bytes,
                      static_cast<int>(at % shape.weights / kQuantWeights));
      if (Take(group, block)) {
        put(b, block);
        continue;
      }
      WidenGroup(group, scratch.data() + at);
    }
    Quantize(scratch.data() + at, block);
    put(b, block);
  }
}

void MatrixSource::ReadQ8(int which, int row, std::span<float> scratch,
                          absl::FunctionRef<void(int block, const Q8Codes&)> put) const {
  Read<Q8Codes>(which, row, scratch, put);
}

void MatrixSource::ReadQ5(int which, int row, std::span<float> scratch,
                          absl::FunctionRef<void(int block, const Q5Codes&)> put) const {
  Read<Q5Codes>(which, row, scratch, put);
}

void MatrixSource::ReadQ4(int which, int row, std::span<float> scratch,
                          absl::FunctionRef<void(int block, const Q4Codes&)> put) const {
  Read<Q4Codes>(which, row, scratch, put);
}

}  // namespace citeseek::inference
