#include "inference/backend/cpu/cpu_matrix.h"

#include <sys/mman.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "inference/backend/cpu/kernels.h"
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

int BlocksOf(int k) { return (k + kQuantBlock - 1) / kQuantBlock; }

std::size_t PanelBytes(Storage storage, int k) {
  const auto inputs = static_cast<std::size_t>(k);
  const auto blocks = static_cast<std::size_t>(BlocksOf(k));
  switch (storage) {
    case Storage::kF16:
    case Storage::kBF16:
      return inputs * kPanel * sizeof(std::uint16_t);
    case Storage::kQ8:
      return blocks * sizeof(Q8Block);
    case Storage::kQ4:
      return blocks * sizeof(Q4Block);
    default:
      return inputs * kPanel * sizeof(float);
  }
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
    if (sum != rows || rows > std::numeric_limits<int>::max() - kPanel ||
        k > std::numeric_limits<int>::max() - kQuantBlock) {
      return absl::InvalidArgumentError(
          absl::StrCat("matrix of ", sum, " rows beside one of ", rows));
    }
  }
  return absl::OkStatus();
}

// Where row `row` of the parts stacked along n lies.
struct RowSource {
  DType dtype = DType::kF32;
  const std::byte* bytes = nullptr;
};
RowSource FindRow(const MatrixParts& parts, std::int64_t row) {
  for (const TensorView& part : parts) {
    if (row < part.shape[0]) {
      const BlockShape block = BlockOf(part.dtype);
      return {part.dtype, part.bytes.data() + row * (part.shape[1] / block.weights * block.bytes)};
    }
    row -= part.shape[0];
  }
  return {};
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

// weights[32] of output j into the block.
void QuantizeQ8(const float* weights, int j, Q8Block& block) {
  float max = 0;
  for (int i = 0; i < kQuantBlock; ++i) max = std::max(max, std::abs(weights[i]));
  block.scales[j] = F32ToF16(max / 127.0f);
  if (IsZeroF16(block.scales[j])) block.scales[j] = kTinyF16;
  const float scale = F16ToF32(block.scales[j]);
  std::uint8_t codes[kQuantBlock];
  for (int i = 0; i < kQuantBlock; ++i) {
    const float code = std::clamp(Round(weights[i] / scale), -127.0f, 127.0f);
    codes[i] = static_cast<std::uint8_t>(static_cast<int>(code) + 128);
  }
  for (int i = 0; i < kQuantBlock; i += 4) std::memcpy(block.codes[i / 4][j], codes + i, 4);
}

void SetQ4Code(Q4Block& block, int j, int i, int code) {
  const int half = i % (kQuantBlock / 2);
  std::uint8_t& byte = block.codes[half / 4][j][half % 4];
  byte = static_cast<std::uint8_t>(byte | (code << (i < kQuantBlock / 2 ? 0 : 4)));
}

void QuantizeQ4(const float* weights, int j, Q4Block& block) {
  float low = 0;
  float high = 0;
  for (int i = 0; i < kQuantBlock; ++i) low = std::min(low, weights[i]);
  for (int i = 0; i < kQuantBlock; ++i) high = std::max(high, weights[i]);
  block.scales[j] = F32ToF16((high - low) / 15.0f);
  block.mins[j] = F32ToF16(-low);
  const float min = F16ToF32(block.mins[j]);
  if (IsZeroF16(block.scales[j])) block.scales[j] = kTinyF16;
  const float scale = F16ToF32(block.scales[j]);
  std::uint8_t codes[kQuantBlock];
  for (int i = 0; i < kQuantBlock; ++i) {
    const float code = std::clamp(Round((weights[i] + min) / scale), 0.0f, 15.0f);
    codes[i] = static_cast<std::uint8_t>(static_cast<int>(code));
  }
  for (int i = 0; i < kQuantBlock; ++i) SetQ4Code(block, j, i, codes[i]);
}

// The blocks that can be taken over as they are.
void CopyQ8_0(const std::byte* source, int j, Q8Block& block) {
  block.scales[j] = LoadU16(source);
  if (IsZeroF16(block.scales[j])) {
    const float zeros[kQuantBlock] = {};
    return QuantizeQ8(zeros, j, block);
  }
  for (int i = 0; i < kQuantBlock; ++i) {
    block.codes[i / 4][j][i % 4] =
        static_cast<std::uint8_t>(std::to_integer<std::uint8_t>(source[2 + i]) ^ 0x80u);
  }
}

void CopyQ4_0(const std::byte* source, int j, Q4Block& block) {
  block.scales[j] = LoadU16(source);
  if (IsZeroF16(block.scales[j])) {
    const float zeros[kQuantBlock] = {};
    return QuantizeQ4(zeros, j, block);
  }
  block.mins[j] = F32ToF16(8.0f * F16ToF32(block.scales[j]));
  for (int i = 0; i < kQuantBlock / 2; ++i) {
    const int pair = std::to_integer<int>(source[2 + i]);
    SetQ4Code(block, j, i, pair & 15);
    SetQ4Code(block, j, i + 16, pair >> 4);
  }
}

}  // namespace

absl::StatusOr<AlignedMemory> AlignedMemory::Make(std::size_t bytes) {
  constexpr std::size_t kPage = 2u << 20;
  AlignedMemory memory;
  memory.bytes_ = (std::max<std::size_t>(bytes, 1) + kPage - 1) / kPage * kPage;
  if (memory.bytes_ < bytes) return absl::ResourceExhaustedError("absurd size");
  void* data =
      ::mmap(nullptr, memory.bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the system has no ", bytes, " bytes of memory left"));
  }
  ::madvise(data, memory.bytes_, MADV_HUGEPAGE);
  memory.data_ = static_cast<std::byte*>(data);
  return memory;
}

AlignedMemory::AlignedMemory(AlignedMemory&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}

AlignedMemory& AlignedMemory::operator=(AlignedMemory&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

AlignedMemory::~AlignedMemory() {
  if (data_ != nullptr) ::munmap(data_, bytes_);
}

absl::StatusOr<std::unique_ptr<CpuMatrix>> CpuMatrix::Pack(std::span<const MatrixParts> matrices,
                                                           Storage storage, ThreadPool& pool) {
  if (const absl::Status status = CheckParts(matrices); !status.ok()) return status;
  auto matrix = std::make_unique<CpuMatrix>();
  matrix->storage_ = storage == Storage::kAsStored ? StorageOf(matrices[0][0].dtype) : storage;
  matrix->count = static_cast<int>(matrices.size());
  matrix->k = static_cast<int>(matrices[0][0].shape[1]);
  for (const TensorView& part : matrices[0]) matrix->n += static_cast<int>(part.shape[0]);
  matrix->panels_ = (matrix->n + kPanel - 1) / kPanel;
  matrix->panel_bytes_ = PanelBytes(matrix->storage_, matrix->k);
  const std::size_t all = static_cast<std::size_t>(matrix->panels_) * matrices.size();
  matrix->bytes = all * matrix->panel_bytes_;
  auto memory = AlignedMemory::Make(matrix->bytes);
  if (!memory.ok()) return memory.status();
  matrix->memory_ = *std::move(memory);
  // One row of padding to whole blocks a thread.
  const auto width = static_cast<std::size_t>(BlocksOf(matrix->k)) * kQuantBlock;
  std::vector<float> rows(width * static_cast<std::size_t>(pool.threads()));
  pool.Run(static_cast<int>(all), [&](int i, int thread) {
    const int which = i / matrix->panels_;
    const int panel = i % matrix->panels_;
    matrix->PackPanel(matrices[static_cast<std::size_t>(which)], panel,
                      matrix->memory_.data() + static_cast<std::size_t>(i) * matrix->panel_bytes_,
                      rows.data() + width * static_cast<std::size_t>(thread));
  });
  return matrix;
}

void CpuMatrix::PackPanel(const MatrixParts& parts, int panel, std::byte* target,
                          float* row) const {
  const auto inputs = static_cast<std::size_t>(k);
  const auto blocks = static_cast<std::size_t>(BlocksOf(k));
  for (int j = 0; j < kPanel && panel * kPanel + j < n; ++j) {
    const RowSource source = FindRow(parts, panel * kPanel + j);
    if (storage_ == Storage::kQ8 && source.dtype == DType::kQ8_0) {
      for (std::size_t b = 0; b < blocks; ++b) {
        CopyQ8_0(source.bytes + 34 * b, j, reinterpret_cast<Q8Block*>(target)[b]);
      }
      continue;
    }
    if (storage_ == Storage::kQ4 && source.dtype == DType::kQ4_0) {
      for (std::size_t b = 0; b < blocks; ++b) {
        CopyQ4_0(source.bytes + 18 * b, j, reinterpret_cast<Q4Block*>(target)[b]);
      }
      continue;
    }
    WidenToF32(source.dtype, source.bytes, {row, inputs});
    std::fill(row + inputs, row + blocks * kQuantBlock, 0.0f);
    const auto at = [&](std::size_t i) { return i * kPanel + static_cast<std::size_t>(j); };
    switch (storage_) {
      case Storage::kF16:
        for (std::size_t i = 0; i < inputs; ++i) {
          reinterpret_cast<std::uint16_t*>(target)[at(i)] = F32ToF16(row[i]);
        }
        break;
      case Storage::kBF16:
        for (std::size_t i = 0; i < inputs; ++i) {
          reinterpret_cast<std::uint16_t*>(target)[at(i)] = F32ToBF16(row[i]);
        }
        break;
      case Storage::kQ8:
        for (std::size_t b = 0; b < blocks; ++b) {
          QuantizeQ8(row + b * kQuantBlock, j, reinterpret_cast<Q8Block*>(target)[b]);
        }
        break;
      case Storage::kQ4:
        for (std::size_t b = 0; b < blocks; ++b) {
          QuantizeQ4(row + b * kQuantBlock, j, reinterpret_cast<Q4Block*>(target)[b]);
        }
        break;
      default:
        for (std::size_t i = 0; i < inputs; ++i) reinterpret_cast<float*>(target)[at(i)] = row[i];
    }
  }
}

void CpuMatrix::UnpackRow(int row, float* out, bool accumulate) const {
  const std::byte* panel = Panel(0, row / kPanel);
  const int j = row % kPanel;
  const auto weight = [&](int i) -> float {
    const int at = i * kPanel + j;
    switch (storage_) {
      case Storage::kF16:
        return F16ToF32(reinterpret_cast<const std::uint16_t*>(panel)[at]);
      case Storage::kBF16: {
        const auto bits = reinterpret_cast<const std::uint16_t*>(panel)[at];
        return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
      }
      case Storage::kQ8: {
        const Q8Block& block = reinterpret_cast<const Q8Block*>(panel)[i / kQuantBlock];
        const int within = i % kQuantBlock;
        return F16ToF32(block.scales[j]) *
               static_cast<float>(block.codes[within / 4][j][within % 4] - 128);
      }
      case Storage::kQ4: {
        const Q4Block& block = reinterpret_cast<const Q4Block*>(panel)[i / kQuantBlock];
        const int half = i % (kQuantBlock / 2);
        const int pair = block.codes[half / 4][j][half % 4];
        const int code = i % kQuantBlock < kQuantBlock / 2 ? pair & 15 : pair >> 4;
        return F16ToF32(block.scales[j]) * static_cast<float>(code) - F16ToF32(block.mins[j]);
      }
      default:
        return reinterpret_cast<const float*>(panel)[at];
    }
  };
  for (int i = 0; i < k; ++i) out[i] = accumulate ? out[i] + weight(i) : weight(i);
}

}  // namespace citeseek::inference
