#include "inference/backend/matrix_source.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "inference/backend/widen.h"

namespace citeseek::inference {
namespace {

Storage StorageOf(DType dtype) {
  switch (dtype) {
    case DType::kF16:
      return Storage::kF16;
    case DType::kBF16:
      return Storage::kBF16;
    case DType::kQ4_0:
    case DType::kQ4_K:
      return Storage::kQ4;
    case DType::kQ8_0:
    case DType::kQ5_K:
    case DType::kQ6_K:
      return Storage::kQ8;
    default:
      return Storage::kF32;
  }
}

// Holds the weights of all parts, none of them in fewer bits than it has.
Storage StorageOf(std::span<const MatrixParts> matrices) {
  const Storage first = StorageOf(matrices[0][0].dtype);
  bool alike = true, quantized = true;
  for (const MatrixParts& parts : matrices) {
    for (const TensorView& part : parts) {
      const Storage storage = StorageOf(part.dtype);
      alike = alike && storage == first;
      quantized = quantized && (storage == Storage::kQ8 || storage == Storage::kQ4);
    }
  }
  return alike ? first : quantized ? Storage::kQ8 : Storage::kF32;
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

std::uint16_t LoadU16(const std::byte* p) {
  std::uint16_t value;
  std::memcpy(&value, p, sizeof(value));
  return value;
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

Q4Codes QuantizeQ4(const float* weights) {
  float low = 0;
  float high = 0;
  for (int i = 0; i < kQuantWeights; ++i) low = std::min(low, weights[i]);
  for (int i = 0; i < kQuantWeights; ++i) high = std::max(high, weights[i]);
  Q4Codes block;
  block.scale = F32ToF16((high - low) / 15.0f);
  block.min = F32ToF16(-low);
  const float min = F16ToF32(block.min);
  if (IsZeroF16(block.scale)) block.scale = kTinyF16;
  const float scale = F16ToF32(block.scale);
  for (int i = 0; i < kQuantWeights; ++i) {
    const float code = std::clamp(Round((weights[i] + min) / scale), 0.0f, 15.0f);
    block.codes[i] = static_cast<std::uint8_t>(static_cast<int>(code));
  }
  return block;
}

constexpr float kZeros[kQuantWeights] = {};

// The blocks that can be taken over as they are.
Q8Codes TakeQ8_0(const std::byte* source) {
  Q8Codes block;
  block.scale = LoadU16(source);
  if (IsZeroF16(block.scale)) return QuantizeQ8(kZeros);
  std::memcpy(block.codes, source + 2, sizeof(block.codes));
  return block;
}

Q4Codes TakeQ4_0(const std::byte* source) {
  Q4Codes block;
  block.scale = LoadU16(source);
  if (IsZeroF16(block.scale)) return QuantizeQ4(kZeros);
  block.min = F32ToF16(8.0f * F16ToF32(block.scale));
  for (int i = 0; i < kQuantWeights / 2; ++i) {
    const int pair = std::to_integer<int>(source[2 + i]);
    block.codes[i] = static_cast<std::uint8_t>(pair & 15);
    block.codes[i + kQuantWeights / 2] = static_cast<std::uint8_t>(pair >> 4);
  }
  return block;
}

}  // namespace

absl::StatusOr<MatrixSource> MatrixSource::Make(std::span<const MatrixParts> matrices,
                                                Storage storage) {
  if (const absl::Status status = CheckParts(matrices); !status.ok()) return status;
  MatrixSource source;
  source.matrices_ = matrices;
  source.storage_ = storage == Storage::kAsStored ? StorageOf(matrices) : storage;
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

void MatrixSource::ReadQ8(int which, int row, std::span<float> scratch,
                          absl::FunctionRef<void(int block, const Q8Codes&)> put) const {
  const Row source = Find(which, row);
  const bool take = source.dtype == DType::kQ8_0;
  if (!take) Widen(which, row, scratch);
  for (int b = 0; b < blocks(); ++b) {
    put(b, take ? TakeQ8_0(source.bytes + std::int64_t{34} * b)
                : QuantizeQ8(scratch.data() + std::int64_t{kQuantWeights} * b));
  }
}

void MatrixSource::ReadQ4(int which, int row, std::span<float> scratch,
                          absl::FunctionRef<void(int block, const Q4Codes&)> put) const {
  const Row source = Find(which, row);
  const bool take = source.dtype == DType::kQ4_0;
  if (!take) Widen(which, row, scratch);
  for (int b = 0; b < blocks(); ++b) {
    put(b, take ? TakeQ4_0(source.bytes + std::int64_t{18} * b)
                : QuantizeQ4(scratch.data() + std::int64_t{kQuantWeights} * b));
  }
}

}  // namespace citeseek::inference
