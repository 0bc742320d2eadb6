#include "inference/backend/cuda/cuda_matrix.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "inference/backend/widen.h"

namespace citeseek::inference::cuda {
namespace {

constexpr std::size_t kPackBytes = std::size_t{16} << 20;  // packed before they are copied

// Bytes of 32 weights' codes.
std::size_t CodeBytes(Storage storage) {
  switch (storage) {
    case Storage::kF16:
    case Storage::kBF16:
      return 64;
    case Storage::kQ8:
      return 32;
    case Storage::kQ4:
      return 16;
    default:
      return 128;
  }
}

struct RowBytes {
  std::size_t codes = 0;
  std::size_t scales = 0;
  std::size_t mins = 0;
};
RowBytes BytesOfRow(const MatrixSource& source) {
  const auto blocks = static_cast<std::size_t>(source.blocks());
  const bool q4 = source.storage() == Storage::kQ4;
  const std::size_t halves = blocks * sizeof(std::uint16_t);
  return {.codes = blocks * CodeBytes(source.storage()),
          .scales = q4 || source.storage() == Storage::kQ8 ? halves : 0,
          .mins = q4 ? halves : 0};
}

// A row as the device will have it.
struct RowTarget {
  std::byte* codes = nullptr;
  std::uint16_t* scales = nullptr;
  std::uint16_t* mins = nullptr;
};

// scratch: 32 * source.blocks() numbers.
void PackRow(const MatrixSource& source, int which, int row, std::span<float> scratch,
             const RowTarget& target) {
  if (source.storage() == Storage::kQ8) {
    source.ReadQ8(which, row, scratch, [&](int b, const Q8Codes& block) {
      std::memcpy(target.codes + b * kQuantWeights, block.codes, sizeof(block.codes));
      target.scales[b] = block.scale;
    });
    return;
  }
  if (source.storage() == Storage::kQ4) {
    source.ReadQ4(which, row, scratch, [&](int b, const Q4Codes& block) {
      for (int i = 0; i < kQuantWeights / 2; ++i) {
        target.codes[b * kQuantWeights / 2 + i] =
            static_cast<std::byte>(block.codes[2 * i] | (block.codes[2 * i + 1] << 4));
      }
      target.scales[b] = block.scale;
      target.mins[b] = block.min;
    });
    return;
  }
  source.Widen(which, row, scratch);
  if (source.storage() == Storage::kF32) {
    std::memcpy(target.codes, scratch.data(), scratch.size_bytes());
    return;
  }
  const bool f16 = source.storage() == Storage::kF16;
  auto* codes = reinterpret_cast<std::uint16_t*>(target.codes);
  for (std::size_t i = 0; i < scratch.size(); ++i) {
    codes[i] = f16 ? F32ToF16(scratch[i]) : F32ToBF16(scratch[i]);
  }
}

}  // namespace

std::size_t CudaMatrix::Bytes(const MatrixSource& source) {
  const RowBytes row = BytesOfRow(source);
  return static_cast<std::size_t>(source.count()) * static_cast<std::size_t>(source.n()) *
         (row.codes + row.scales + row.mins);
}

absl::StatusOr<std::unique_ptr<CudaMatrix>> CudaMatrix::Pack(const MatrixSource& source,
                                                             CudaDevice& device, ThreadPool& pool) {
  const auto blocks = static_cast<std::size_t>(source.blocks());
  const auto [row_codes, row_scales, row_mins] = BytesOfRow(source);
  const auto n = static_cast<std::size_t>(source.n());
  const std::size_t rows = n * static_cast<std::size_t>(source.count());

  auto matrix = std::make_unique<CudaMatrix>();
  const auto allocate = [&](std::size_t row_bytes, DeviceMemory& memory) {
    auto made = device.Allocate(rows * row_bytes, false);
    if (made.ok()) memory = *std::move(made);
    matrix->bytes += rows * row_bytes;
    return made.status();
  };
  absl::Status status = allocate(row_codes, matrix->codes_);
  if (status.ok() && row_scales > 0) status = allocate(row_scales, matrix->scales_);
  if (status.ok() && row_mins > 0) status = allocate(row_mins, matrix->mins_);
  if (!status.ok()) return status;

  matrix->count = source.count();
  matrix->n = source.n();
  matrix->k = source.k();
  matrix->weights_ = {.storage = source.storage(),
                      .codes = matrix->codes_.As<const void>(),
                      .scales = matrix->scales_.As<const std::uint16_t>(),
                      .mins = matrix->mins_.As<const std::uint16_t>(),
                      .count = matrix->count,
                      .n = matrix->n,
                      .k = matrix->k,
                      .k_padded = source.blocks() * kQuantWeights};

  const std::size_t at_once = std::clamp<std::size_t>(kPackBytes / row_codes, 1, rows);
  const std::size_t width = blocks * kQuantWeights;
  std::vector<float> scratch(width * static_cast<std::size_t>(pool.threads()));
  std::vector<std::byte> codes(at_once * row_codes);
  std::vector<std::uint16_t> scales(at_once * row_scales / sizeof(std::uint16_t));
  std::vector<std::uint16_t> mins(at_once * row_mins / sizeof(std::uint16_t));
  for (std::size_t begin = 0; begin < rows; begin += at_once) {
    const std::size_t count = std::min(at_once, rows - begin);
    pool.Run(static_cast<int>(count), [&](int i, int thread) {
      const auto row = static_cast<std::size_t>(i);
      PackRow(source, static_cast<int>((begin + row) / n), static_cast<int>((begin + row) % n),
              std::span(scratch).subspan(width * static_cast<std::size_t>(thread), width),
              {.codes = codes.data() + row * row_codes,
               .scales = scales.data() + row * row_scales / sizeof(std::uint16_t),
               .mins = mins.data() + row * row_mins / sizeof(std::uint16_t)});
    });
    device.Write(matrix->codes_.As<std::byte>() + begin * row_codes, codes.data(),
                 count * row_codes);
    if (row_scales > 0) {
      device.Write(matrix->scales_.As<std::byte>() + begin * row_scales, scales.data(),
                   count * row_scales);
    }
    if (row_mins > 0) {
      device.Write(matrix->mins_.As<std::byte>() + begin * row_mins, mins.data(), count * row_mins);
    }
  }
  if (!device.status().ok()) return device.status();
  return matrix;
}

}  // namespace citeseek::inference::cuda
