#include "inference/backend/cpu/cpu_matrix.h"

#include <sys/mman.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "inference/backend/cpu/kernels.h"
#include "inference/backend/matrix_source.h"
#include "inference/backend/widen.h"

namespace citeseek::inference {
namespace {

int PanelsOf(int n) { return (n + kPanel - 1) / kPanel; }
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
    case Storage::kQ5:
      return blocks * sizeof(Q5Block);
    case Storage::kQ4:
      return blocks * sizeof(Q4Block);
    default:
      return inputs * kPanel * sizeof(float);
  }
}

// Output j of a block of the panel.
void PutQ8(const Q8Codes& codes, int j, Q8Block& block) {
  block.scales[j] = codes.scale;
  for (int i = 0; i < kQuantBlock; ++i) {
    block.codes[i / 4][j][i % 4] = static_cast<std::uint8_t>(codes.codes[i] + 128);
  }
}

void PutQ4(const Q4Codes& codes, int j, Q4Block& block) {
  block.scales[j] = codes.scale;
  block.mins[j] = codes.min;
  for (int i = 0; i < kQuantBlock / 2; ++i) {
    block.codes[i / 4][j][i % 4] =
        static_cast<std::uint8_t>(codes.codes[i] | (codes.codes[i + kQuantBlock / 2] << 4));
  }
}

void PutQ5(const Q5Codes& codes, int j, Q5Block& block) {
  block.scales[j] = codes.scale;
  block.mins[j] = codes.min;
  for (int i = 0; i < kQuantBlock / 2; ++i) {
    const int first = codes.codes[i];
    const int second = codes.codes[i + kQuantBlock / 2];
    block.codes[i / 4][j][i % 4] = static_cast<std::uint8_t>((first & 15) | (second >> 1 << 4));
    const int bits = (first & 16) | (second & 1);
    block.bits[j][i % 4] |= static_cast<std::uint8_t>(bits << (i / 4));
  }
}

}  // namespace

// Not whole huge pages: a model has hundreds of vectors of a few kilobytes.
std::size_t AlignedMemory::Taken(std::size_t bytes) {
  constexpr std::size_t kPage = 4096;
  return (std::max<std::size_t>(bytes, 1) + kPage - 1) / kPage * kPage;
}

absl::StatusOr<AlignedMemory> AlignedMemory::Make(std::size_t bytes) {
  AlignedMemory memory;
  memory.bytes_ = Taken(bytes);
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

std::size_t CpuMatrix::Bytes(const MatrixSource& source) {
  return AlignedMemory::Taken(static_cast<std::size_t>(source.count()) *
                              static_cast<std::size_t>(PanelsOf(source.n())) *
                              PanelBytes(source.storage(), source.k()));
}

absl::StatusOr<std::unique_ptr<CpuMatrix>> CpuMatrix::Pack(std::span<const MatrixParts> matrices,
                                                           Storage storage, ThreadPool& pool) {
  const auto source = MatrixSource::Make(matrices, storage);
  if (!source.ok()) return source.status();
  auto matrix = std::make_unique<CpuMatrix>();
  matrix->storage_ = source->storage();
  matrix->count = source->count();
  matrix->n = source->n();
  matrix->k = source->k();
  matrix->panels_ = PanelsOf(matrix->n);
  matrix->panel_bytes_ = PanelBytes(matrix->storage_, matrix->k);
  const std::size_t all = static_cast<std::size_t>(matrix->panels_) * matrices.size();
  auto memory = AlignedMemory::Make(all * matrix->panel_bytes_);
  if (!memory.ok()) return memory.status();
  matrix->bytes = memory->bytes();
  matrix->memory_ = *std::move(memory);
  // One row of padding to whole blocks a thread.
  const auto width = static_cast<std::size_t>(source->blocks()) * kQuantBlock;
  std::vector<float> rows(width * static_cast<std::size_t>(pool.threads()));
  pool.Run(static_cast<int>(all), [&](int i, int thread) {
    matrix->PackPanel(*source, i / matrix->panels_, i % matrix->panels_,
                      matrix->memory_.data() + static_cast<std::size_t>(i) * matrix->panel_bytes_,
                      std::span(rows).subspan(width * static_cast<std::size_t>(thread), width));
  });
  return matrix;
}

void CpuMatrix::PackPanel(const MatrixSource& source, int which, int panel, std::byte* target,
                          std::span<float> row) const {
  const auto inputs = static_cast<std::size_t>(k);
  for (int j = 0; j < kPanel && panel * kPanel + j < n; ++j) {
    const int number = panel * kPanel + j;
    if (storage_ == Storage::kQ8) {
      source.ReadQ8(which, number, row, [&](int b, const Q8Codes& codes) {
        PutQ8(codes, j, reinterpret_cast<Q8Block*>(target)[b]);
      });
      continue;
    }
    if (storage_ == Storage::kQ4) {
      source.ReadQ4(which, number, row, [&](int b, const Q4Codes& codes) {
        PutQ4(codes, j, reinterpret_cast<Q4Block*>(target)[b]);
      });
      continue;
    }
    if (storage_ == Storage::kQ5) {
      source.ReadQ5(which, number, row, [&](int b, const Q5Codes& codes) {
        PutQ5(codes, j, reinterpret_cast<Q5Block*>(target)[b]);
      });
      continue;
    }
    source.Widen(which, number, row);
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
      default:
        for (std::size_t i = 0; i < inputs; ++i) reinterpret_cast<float*>(target)[at(i)] = row[i];
    }
  }
}

void CpuMatrix::UnpackRow(int row, float* out, bool accumulate) const {
  const std::byte* panel = Panel(0, row / kPanel);
  const int j = row % kPanel;
  const auto offset = [&](const auto& block, int code) {
    return F16ToF32(block.scales[j]) * static_cast<float>(code) - F16ToF32(block.mins[j]);
  };
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
      case Storage::kQ5: {
        const Q5Block& block = reinterpret_cast<const Q5Block*>(panel)[i / kQuantBlock];
        const int half = i % (kQuantBlock / 2);
        const int pair = block.codes[half / 4][j][half % 4];
        const int bits = block.bits[j][half % 4] >> (half / 4);
        const bool first = i % kQuantBlock < kQuantBlock / 2;
        return offset(block, first ? (pair & 15) | (bits & 16) : (pair >> 4 << 1) | (bits & 1));
      }
      case Storage::kQ4: {
        const Q4Block& block = reinterpret_cast<const Q4Block*>(panel)[i / kQuantBlock];
        const int half = i % (kQuantBlock / 2);
        const int pair = block.codes[half / 4][j][half % 4];
        return offset(block, i % kQuantBlock < kQuantBlock / 2 ? pair & 15 : pair >> 4);
      }
      default:
        return reinterpret_cast<const float*>(panel)[at];
    }
  };
  for (int i = 0; i < k; ++i) out[i] = accumulate ? out[i] + weight(i) : weight(i);
}

}  // namespace citeseek::inference
