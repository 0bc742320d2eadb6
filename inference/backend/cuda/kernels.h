// Kernels: enqueue the backend's operations on a stream, with the grid that suits their shapes.
//
// Free functions; they return at once. Pointers are to the device's memory. A wrong launch leaves
// its error with the runtime (cudaGetLastError). Each row's numbers are added up in an order that
// depends on its own length alone, whichever grid is chosen: a row's result is the same bits in any
// call.
#pragma once

#include <cstddef>
#include <cstdint>

#include "inference/backend/operands.h"
#include "inference/backend/tensor.h"
#include "inference/model_options.h"

struct CUstream_st;

namespace citeseek::inference::cuda {

using Stream = CUstream_st*;

// Whether the device that is there runs these kernels: a cudaError_t, 0 if it does.
int Probe();

// Weights [count * n, k_padded], each row filled up with zeros to whole blocks of 32.
struct Weights {
  Storage storage = Storage::kF32;  // never kAsStored
  const void* codes = nullptr;      // f32, 16 bits, int8; of kQ4 two a byte, the lower half first
  const std::uint16_t* scales = nullptr;  // f16 [count * n, k_padded / 32], of kQ8 and kQ4
  const std::uint16_t* mins = nullptr;    // the same, of kQ4
  int count = 1;
  int n = 0;
  int k = 0;
  int k_padded = 0;
};

// y = x . w^T for one matrix, for heads or for experts.
struct Product {
  Weights w;
  float* y = nullptr;
  std::int64_t y_stride = 0;
  std::int64_t y_step = 0;  // from one matrix's columns to the next one's
  const float* x = nullptr;
  std::int64_t x_stride = 0;
  std::int64_t x_step = 0;
  int rows = 0;                 // of y
  int share = 1;                // so many rows of y have the same row of x
  const float* bias = nullptr;  // [n]
  bool accumulate = false;
  // With experts: matrix e has the rows order[begin[e]] .. order[begin[e + 1] - 1].
  const std::int32_t* begin = nullptr;
  const std::int32_t* order = nullptr;
};
void Multiply(Stream stream, const Product& product);

// order [rows], begin [experts + 1]: rows by ids[row], lower rows first.
void SortByExpert(Stream stream, std::int32_t* order, std::int32_t* begin, const std::int32_t* ids,
                  int rows, int experts);

// parts [3 * x.rows, k_padded] in bf16: x = row r of the first x.rows + of the next + of the last,
// exactly; the columns behind x.cols become 0.
void SplitRows(Stream stream, std::uint16_t* parts, int k_padded, Tensor x);
// y (+)= bias + the sum of the three parts [3 * y.rows, stride].
void AddParts(Stream stream, Tensor y, const float* parts, std::int64_t stride, const float* bias,
              bool accumulate);

void EmbedRows(Stream stream, Tensor y, const Weights& table, const std::int32_t* ids,
               bool accumulate);
void Norm(Stream stream, Tensor y, Tensor x, const float* weight, const float* bias, float eps,
          NormKind kind);
void Rope(Stream stream, Tensor x, const float* angles, const RopeArgs& args);
void Activate(Stream stream, Tensor y, Tensor x, Nonlinearity nonlinearity);
void Route(Stream stream, Tensor y, std::int32_t* ids, Tensor logits, const RouteArgs& args);
void Combine(Stream stream, Tensor y, Tensor x, Tensor weights);
void GatherRows(Stream stream, Tensor y, Tensor x, const std::int32_t* rows);
void Pool(Stream stream, Tensor y, Tensor x, const std::int32_t* starts, Pooling pooling);

// A block of the cache holds [dimension, 16] numbers of a head, so that 16 keys lie side by side.
void AppendKv(Stream stream, const KvCache& cache, Tensor k, Tensor v, const std::int32_t* slots);
// The same for whole sequences: the first block of sequence s is starts[s] / 16 + s.
void PackKv(Stream stream, const KvCache& cache, Tensor k, Tensor v, const std::int32_t* starts,
            int sequences);

struct Attention {
  Tensor y;  // [t, heads * value_dim]
  Tensor q;  // [t, heads * key_dim]
  KvCache cache;
  AttendArgs args;
  int sequences = 0;
  const std::int32_t* starts = nullptr;  // [sequences + 1] first query of each
  // Paged and causal; without them the cache is as PackKv leaves it and all tokens see each other.
  const std::int32_t* context = nullptr;
  const std::int32_t* blocks = nullptr;
  int max_blocks = 0;
  // Where parts of a context are kept that are gone through side by side; null or too small: they
  // are gone through one after another, to the same result.
  float* scratch = nullptr;
  std::size_t scratch_bytes = 0;
};
void Attend(Stream stream, const Attention& attention);

}  // namespace citeseek::inference::cuda
