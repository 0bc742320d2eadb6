// Backend: carries out a model's operations, in the order in which they are given.
//
// Single-threaded: one thread owns a backend and everything made by it. Operations are enqueued and
// may still run when they return; Read waits for all of them. Operations check nothing and cannot
// fail: the model that calls them checked every shape when it was loaded, and buffers are made
// beforehand. What can fail is the device: then operations do nothing from there on, Read leaves
// its target as it is, and status() says why. Every number is f32 and every sum is accumulated in
// f32; a row's result never depends on which other rows are in the call, so that batching changes
// no token.
//
// Shapes: t tokens of all sequences one after another; n outputs; k inputs; h heads of d.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "inference/backend/operands.h"
#include "inference/backend/tensor.h"
#include "inference/model/tensor_view.h"
#include "inference/model_options.h"

namespace citeseek::inference {

// Weights [count, n, k] in the layout the backend likes best. count > 1: experts, heads.
class Matrix {
 public:
  virtual ~Matrix() = default;
  int count = 1;
  int n = 0;
  int k = 0;
  std::size_t bytes = 0;  // of the backend's memory
};

// One [n, k] matrix: tensors [n_i, k] one below the other.
using MatrixParts = std::vector<TensorView>;

// Memory of the backend, all zero at first, with 64 readable bytes behind its end.
class Buffer {
 public:
  virtual ~Buffer() = default;
  void* data = nullptr;
  std::size_t bytes = 0;
};

class Backend {
 public:
  virtual ~Backend() = default;

  virtual std::string Name() const = 0;  // "cpu (AVX2, 2 threads)"

  // The first failure of the device, of all that was enqueued before the last Read or Allocate.
  virtual absl::Status status() const { return absl::OkStatus(); }

  // Bytes that its memory has left; nullopt: it is this process's memory.
  virtual std::optional<std::int64_t> FreeBytes() const { return std::nullopt; }

  // Memory. kResourceExhausted if there is not enough.
  virtual absl::StatusOr<std::unique_ptr<Buffer>> Allocate(std::size_t bytes) = 0;
  virtual absl::StatusOr<std::unique_ptr<Matrix>> MakeMatrix(std::span<const MatrixParts> matrices,
                                                             Storage storage) = 0;
  // What these take of it, without taking it.
  virtual std::size_t BufferBytes(std::size_t bytes) const = 0;
  virtual absl::StatusOr<std::size_t> MatrixBytes(std::span<const MatrixParts> matrices,
                                                  Storage storage) const = 0;
  virtual void Write(void* target, const void* source, std::size_t bytes) = 0;
  virtual void Read(void* target, const void* source, std::size_t bytes) = 0;

  // y [t, k] = rows ids[t] of table [n, k]; accumulate: added to y.
  virtual void EmbedRows(Tensor y, const Matrix& table, const std::int32_t* ids,
                         bool accumulate) = 0;

  // y [t, k] = norm of each row of x [t, k], times weight [k], plus bias [k] or null. y may be x.
  virtual void Norm(Tensor y, Tensor x, const float* weight, const float* bias, float eps,
                    NormKind kind) = 0;

  // y [t, n] = x [t, k] . w [n, k]^T + bias [n] or null; accumulate: added to y.
  virtual void Linear(Tensor y, Tensor x, const Matrix& w, const float* bias, bool accumulate) = 0;

  // For each head i of w [h, n, k]: columns [i * y_step, i * y_step + n) of y [t, ...] =
  // columns [i * x_step, i * x_step + k) of x [t, ...] . w[i]^T. x_step 0: all have the same input.
  virtual void HeadLinear(Tensor y, int y_step, Tensor x, int x_step, const Matrix& w) = 0;

  // x [t, h * d] rotated in place; angles [t, rotary_dim]: the cosines, then the sines.
  virtual void Rope(Tensor x, const float* angles, const RopeArgs& args) = 0;

  // Puts k [t, h * key_dim] and v [t, h * value_dim] where slots[t] = block * kKvBlock + offset
  // says. v.data is null with values_in_keys.
  virtual void AppendKv(const KvCache& cache, Tensor k, Tensor v, const std::int32_t* slots) = 0;

  // y [t, heads * value_dim] = causal attention of q [t, heads * key_dim] on the cache;
  // consecutive heads / cache.heads query heads share a key head.
  virtual void AttendPaged(Tensor y, Tensor q, const KvCache& cache, const PagedBatch& batch,
                           const AttendArgs& args) = 0;

  // y [t, heads * d] = attention of every token on all tokens of its sequence;
  // q, k, v [t, heads * d]; sequence s is the rows [starts[s], starts[s + 1]).
  virtual void AttendFull(Tensor y, Tensor q, Tensor k, Tensor v, const std::int32_t* starts,
                          int sequences, const AttendArgs& args) = 0;

  // y [t, n] = f(x [t, n]); if x is [t, 2n]: f(first half) * second half. y may be x.
  virtual void Activate(Tensor y, Tensor x, Nonlinearity nonlinearity) = 0;

  // Linear and Activate at once: y [t, m] is f of x [t, k] . w [n, k]^T + bias [n] or null, where n
  // is m, or 2m as Activate says. products [t, n] may be written to; it may be y.
  virtual void LinearActivate(Tensor y, Tensor products, Tensor x, const Matrix& w,
                              const float* bias, Nonlinearity nonlinearity) {
    Linear(products, x, w, bias, false);
    Activate(y, products, nonlinearity);
  }

  // The y.cols best experts of each token by logits [t, experts]: ids [t, y.cols], weights y.
  virtual void Route(Tensor y, std::int32_t* ids, Tensor logits, const RouteArgs& args) = 0;

  // y [t * slots, n] = x . w[ids[t, slot]]^T, where x is [t, k], or [t * slots, k].
  virtual void ExpertLinear(Tensor y, Tensor x, const Matrix& w, const std::int32_t* ids,
                            int slots) = 0;

  // y [t, n] += sum over slots of weights [t, slots] * x [t * slots, n].
  virtual void Combine(Tensor y, Tensor x, Tensor weights) = 0;

  // y [r, n] = rows[r] of x [t, n].
  virtual void GatherRows(Tensor y, Tensor x, const std::int32_t* rows) = 0;

  // y [sequences, n] = the first row or the mean of each sequence's rows of x [t, n].
  virtual void Pool(Tensor y, Tensor x, const std::int32_t* starts, Pooling pooling) = 0;
};

struct CpuOptions {
  int threads = 2;
};
std::unique_ptr<Backend> MakeCpuBackend(const CpuOptions& options);

// The first NVIDIA GPU that the process may see (CUDA_VISIBLE_DEVICES). Errors: kUnimplemented
// (built without CUDA), kNotFound (no such device), kFailedPrecondition (one that its driver or
// this build cannot use).
struct CudaOptions {
  int threads = 2;  // that pack weights
};
absl::StatusOr<std::unique_ptr<Backend>> MakeCudaBackend(const CudaOptions& options);

// What the options name. Device::kAuto: the GPU if there is one that can be used, or the CPU.
absl::StatusOr<std::unique_ptr<Backend>> MakeBackend(const ModelOptions& options);

}  // namespace citeseek::inference
