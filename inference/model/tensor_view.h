// TensorView: a named array on disk (or repacked from it): type, shape, bytes.
//
// Row-major, the last dimension runs fastest: a linear layer's weight is [outputs, inputs]. The
// bytes are aligned to their element (F32: 4, F16 and BF16: 2) and are borrowed from Weights.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace citeseek::inference {

// The quantised types are ggml's blocks along the last dimension.
enum class DType {
  kF32,
  kF16,
  kBF16,
  kQ8_0,
  kQ4_0,
  kQ4_1,
  kQ5_0,
  kQ5_1,
  kQ2_K,
  kQ3_K,
  kQ4_K,
  kQ5_K,
  kQ6_K,
  kIQ4_NL,
  kIQ4_XS,
  kOther,  // present in the file, of no use as a weight (I64 buffers)
};

std::string_view DTypeName(DType dtype);
std::string KnownDTypes();  // "F32, F16, ...": all but kOther

// How many weights lie in one block of how many bytes; plain types: 1 weight a block. kOther: 0, 0.
struct BlockShape {
  std::int64_t weights = 0;
  std::int64_t bytes = 0;
};
BlockShape BlockOf(DType dtype);

struct TensorView {
  DType dtype = DType::kF32;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> bytes;
};

struct NamedTensor {
  std::string name;
  TensorView view;
  std::string source_type;  // the type as the file names it
};

// The number of weights, or -1 if it does not fit 2^62.
std::int64_t ElementCount(std::span<const std::int64_t> shape);

std::string ShapeString(std::span<const std::int64_t> shape);  // "[2, 3]"

}  // namespace citeseek::inference
