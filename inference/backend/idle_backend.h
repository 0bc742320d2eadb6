// IdleBackend: a backend that computes nothing, for those that only load models and count what that
// takes. What a model takes is asked of another backend, which outlives this.
#pragma once

#include <string>

#include "inference/backend/backend.h"

namespace citeseek::inference {

class IdleBackend : public Backend {
 public:
  explicit IdleBackend(const Backend& backend) : asked_(backend) {}

  std::string Name() const override { return asked_.Name(); }
  std::size_t BufferBytes(std::size_t bytes) const override { return asked_.BufferBytes(bytes); }
  absl::StatusOr<std::size_t> MatrixBytes(std::span<const MatrixParts> matrices,
                                          Storage storage) const override {
    return asked_.MatrixBytes(matrices, storage);
  }

  void Write(void*, const void*, std::size_t) override {}
  void Read(void*, const void*, std::size_t) override {}
  void EmbedRows(Tensor, const Matrix&, const std::int32_t*, bool) override {}
  void Norm(Tensor, Tensor, const float*, const float*, float, NormKind) override {}
  void Linear(Tensor, Tensor, const Matrix&, const float*, bool) override {}
  void HeadLinear(Tensor, int, Tensor, int, const Matrix&) override {}
  void Rope(Tensor, const float*, const RopeArgs&) override {}
  void AppendKv(const KvCache&, Tensor, Tensor, const std::int32_t*) override {}
  void AttendPaged(Tensor, Tensor, const KvCache&, const PagedBatch&, const AttendArgs&) override {}
  void AttendFull(Tensor, Tensor, Tensor, Tensor, const std::int32_t*, int,
                  const AttendArgs&) override {}
  void Activate(Tensor, Tensor, Nonlinearity) override {}
  void Route(Tensor, std::int32_t*, Tensor, const RouteArgs&) override {}
  void ExpertLinear(Tensor, Tensor, const Matrix&, const std::int32_t*, int) override {}
  void Combine(Tensor, Tensor, Tensor) override {}
  void GatherRows(Tensor, Tensor, const std::int32_t*) override {}
  void Pool(Tensor, Tensor, const std::int32_t*, Pooling) override {}

 private:
  const Backend& asked_;
};

}  // namespace citeseek::inference
