#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "inference/backend/backend.h"
#include "inference/backend/cpu/thread_pool.h"
#include "inference/backend/cuda/cuda_matrix.h"
#include "inference/backend/cuda/dense_product.h"
#include "inference/backend/cuda/device.h"
#include "inference/backend/cuda/kernels.h"
#include "inference/backend/matrix_source.h"

namespace citeseek::inference {
namespace {

constexpr std::size_t kPartsBytes = std::size_t{64} << 20;    // of a dense product's results
constexpr int kMostPartRows = 1536;                           // of a dense product
constexpr std::size_t kContextBytes = std::size_t{64} << 20;  // of attention spread over a context
// What the backend takes besides weights and buffers, with something to spare.
constexpr std::int64_t kReserve = std::int64_t{320} << 20;

class CudaBuffer : public Buffer {
 public:
  explicit CudaBuffer(cuda::DeviceMemory memory) : memory_(std::move(memory)) {
    data = memory_.As<void>();
    bytes = memory_.bytes();
  }

 private:
  cuda::DeviceMemory memory_;
};

class CudaBackend : public Backend {
 public:
  CudaBackend(std::unique_ptr<cuda::CudaDevice> device, std::unique_ptr<cuda::DenseProduct> dense,
              int threads)
      : device_(std::move(device)), dense_(std::move(dense)), pool_(threads) {}

  std::string Name() const override { return absl::StrCat("cuda (", device_->name(), ")"); }
  absl::Status status() const override { return device_->status(); }
  std::optional<std::int64_t> FreeBytes() const override {
    return std::max<std::int64_t>(0, device_->FreeBytes() - kReserve);
  }

  absl::StatusOr<std::unique_ptr<Buffer>> Allocate(std::size_t bytes) override {
    auto memory = device_->Allocate(bytes, true);
    if (!memory.ok()) return memory.status();
    return std::make_unique<CudaBuffer>(*std::move(memory));
  }

  absl::StatusOr<std::unique_ptr<Matrix>> MakeMatrix(std::span<const MatrixParts> matrices,
                                                     Storage storage) override {
    const auto source = Source(matrices, storage);
    if (!source.ok()) return source.status();
    auto matrix = cuda::CudaMatrix::Pack(*source, *device_, pool_);
    if (!matrix.ok()) return matrix.status();
    cuda::CudaMatrix& made = **matrix;
    if (made.weights().storage == Storage::kBF16 && made.count == 1) {
      const auto plan = dense_->Plan(made.n, made.weights().k_padded);
      if (!plan.ok()) return plan.status();
      made.plan = *plan;
    }
    if (made.plan != nullptr) {
      const auto rows = static_cast<std::size_t>(PartRows(made.n));
      const auto width = static_cast<std::size_t>(made.weights().k_padded);
      if (!device_->Grow(parts_x_, rows * width * sizeof(std::uint16_t)) ||
          !device_->Grow(parts_y_, rows * PartStride(made.n) * sizeof(float))) {
        return device_->status();
      }
    }
    return matrix;
  }

  std::size_t BufferBytes(std::size_t bytes) const override { return bytes; }

  absl::StatusOr<std::size_t> MatrixBytes(std::span<const MatrixParts> matrices,
                                          Storage storage) const override {
    const auto source = Source(matrices, storage);
    if (!source.ok()) return source.status();
    return cuda::CudaMatrix::Bytes(*source);
  }

  void Write(void* target, const void* source, std::size_t bytes) override {
    device_->Write(target, source, bytes);
  }
  void Read(void* target, const void* source, std::size_t bytes) override {
    device_->Read(target, source, bytes);
  }

  void EmbedRows(Tensor y, const Matrix& table, const std::int32_t* ids, bool accumulate) override {
    if (!Ready()) return;
    cuda::EmbedRows(stream(), y, Of(table).weights(), ids, accumulate);
  }

  void Norm(Tensor y, Tensor x, const float* weight, const float* bias, float eps,
            NormKind kind) override {
    if (Ready()) cuda::Norm(stream(), y, x, weight, bias, eps, kind);
  }

  void Linear(Tensor y, Tensor x, const Matrix& w, const float* bias, bool accumulate) override {
    if (!Ready()) return;
    const cuda::CudaMatrix& matrix = Of(w);
    if (matrix.plan == nullptr) {
      cuda::Multiply(stream(), {.w = matrix.weights(),
                                .y = y.data,
                                .y_stride = y.stride,
                                .x = x.data,
                                .x_stride = x.stride,
                                .rows = y.rows,
                                .bias = bias,
                                .accumulate = accumulate});
      return;
    }
    const int at_once = PartRows(w.n) / 3;
    for (int begin = 0; begin < y.rows; begin += at_once) {
      const int rows = std::min(at_once, y.rows - begin);
      DenseRows({y.Row(begin), rows, y.cols, y.stride}, {x.Row(begin), rows, x.cols, x.stride},
                matrix, bias, accumulate);
    }
  }

  void HeadLinear(Tensor y, int y_step, Tensor x, int x_step, const Matrix& w) override {
    if (!Ready()) return;
    cuda::Multiply(stream(), {.w = Of(w).weights(),
                              .y = y.data,
                              .y_stride = y.stride,
                              .y_step = y_step,
                              .x = x.data,
                              .x_stride = x.stride,
                              .x_step = x_step,
                              .rows = x.rows});
  }

  void Rope(Tensor x, const float* angles, const RopeArgs& args) override {
    if (Ready()) cuda::Rope(stream(), x, angles, args);
  }

  void AppendKv(const KvCache& cache, Tensor k, Tensor v, const std::int32_t* slots) override {
    if (Ready()) cuda::AppendKv(stream(), cache, k, v, slots);
  }

  void AttendPaged(Tensor y, Tensor q, const KvCache& cache, const PagedBatch& batch,
                   const AttendArgs& args) override {
    if (!Ready() || !device_->Grow(context_, kContextBytes)) return;
    cuda::Attend(stream(), {.y = y,
                            .q = q,
                            .cache = cache,
                            .args = args,
                            .sequences = batch.sequences,
                            .starts = batch.query_start,
                            .context = batch.context,
                            .blocks = batch.blocks,
                            .max_blocks = batch.max_blocks,
                            .scratch = context_.As<float>(),
                            .scratch_bytes = context_.bytes()});
  }

  void AttendFull(Tensor y, Tensor q, Tensor k, Tensor v, const std::int32_t* starts, int sequences,
                  const AttendArgs& args) override {
    const auto blocks = static_cast<std::size_t>(q.rows / kKvBlock + sequences + 1);
    const std::size_t bytes = blocks * kKvBlock * static_cast<std::size_t>(q.cols) * sizeof(float);
    if (!Ready() || !device_->Grow(keys_, bytes) || !device_->Grow(values_, bytes)) return;
    const int dim = q.cols / args.heads;
    const KvCache cache = {.keys = keys_.As<float>(),
                           .values = values_.As<float>(),
                           .heads = args.heads,
                           .key_dim = dim,
                           .value_dim = dim};
    cuda::PackKv(stream(), cache, k, v, starts, sequences);
    cuda::Attend(
        stream(),
        {.y = y, .q = q, .cache = cache, .args = args, .sequences = sequences, .starts = starts});
  }

  void Activate(Tensor y, Tensor x, Nonlinearity nonlinearity) override {
    if (Ready()) cuda::Activate(stream(), y, x, nonlinearity);
  }

  void Route(Tensor y, std::int32_t* ids, Tensor logits, const RouteArgs& args) override {
    if (Ready()) cuda::Route(stream(), y, ids, logits, args);
  }

  void ExpertLinear(Tensor y, Tensor x, const Matrix& w, const std::int32_t* ids,
                    int slots) override {
    const std::size_t numbers =
        static_cast<std::size_t>(y.rows) + static_cast<std::size_t>(w.count) + 1;
    if (!Ready() || !device_->Grow(order_, numbers * sizeof(std::int32_t))) return;
    auto* begin = order_.As<std::int32_t>();
    std::int32_t* order = begin + w.count + 1;
    cuda::SortByExpert(stream(), order, begin, ids, y.rows, w.count);
    cuda::Multiply(stream(), {.w = Of(w).weights(),
                              .y = y.data,
                              .y_stride = y.stride,
                              .x = x.data,
                              .x_stride = x.stride,
                              .rows = y.rows,
                              .share = x.rows == y.rows ? 1 : slots,
                              .begin = begin,
                              .order = order});
  }

  void Combine(Tensor y, Tensor x, Tensor weights) override {
    if (Ready()) cuda::Combine(stream(), y, x, weights);
  }

  void GatherRows(Tensor y, Tensor x, const std::int32_t* rows) override {
    if (Ready()) cuda::GatherRows(stream(), y, x, rows);
  }

  void Pool(Tensor y, Tensor x, const std::int32_t* starts, Pooling pooling) override {
    if (Ready()) cuda::Pool(stream(), y, x, starts, pooling);
  }

 private:
  bool Ready() const { return device_->status().ok(); }
  cuda::Stream stream() const { return device_->stream(); }
  static const cuda::CudaMatrix& Of(const Matrix& matrix) {
    return static_cast<const cuda::CudaMatrix&>(matrix);
  }

  // Floats from one row of a dense product's results to the next.
  static std::size_t PartStride(int n) { return (static_cast<std::size_t>(n) + 3) / 4 * 4; }
  // Rows of a dense product, three a token.
  // No kernel here takes 5 bits: 8 lose nothing of them but in blocks with minima.
  static absl::StatusOr<MatrixSource> Source(std::span<const MatrixParts> matrices,
                                             Storage storage) {
    auto source = MatrixSource::Make(matrices, storage);
    if (source.ok() && source->storage() == Storage::kQ5) {
      source = MatrixSource::Make(matrices, Storage::kQ8);
    }
    return source;
  }

  static int PartRows(int n) {
    const std::size_t fit = kPartsBytes / (PartStride(n) * sizeof(float));
    const int rows = static_cast<int>(std::min<std::size_t>(fit, kMostPartRows));
    return std::max(rows / cuda::kRowTile, 1) * cuda::kRowTile;
  }

  void DenseRows(Tensor y, Tensor x, const cuda::CudaMatrix& w, const float* bias,
                 bool accumulate) {
    const auto stride = static_cast<std::int64_t>(PartStride(w.n));
    cuda::SplitRows(stream(), parts_x_.As<std::uint16_t>(), w.weights().k_padded, x);
    const int rows = (3 * x.rows + cuda::kRowTile - 1) / cuda::kRowTile * cuda::kRowTile;
    const absl::Status status =
        dense_->Multiply(*w.plan, parts_y_.As<float>(), stride, parts_x_.As<const std::uint16_t>(),
                         static_cast<const std::uint16_t*>(w.weights().codes), rows);
    if (!status.ok()) return device_->Fail(status);
    cuda::AddParts(stream(), y, parts_y_.As<float>(), stride, bias, accumulate);
  }

  const std::unique_ptr<cuda::CudaDevice> device_;
  const std::unique_ptr<cuda::DenseProduct> dense_;
  ThreadPool pool_;
  // Scratch memory, as large as the largest call yet.
  cuda::DeviceMemory parts_x_;  // [rows, k] bf16 of a dense product
  cuda::DeviceMemory parts_y_;  // [rows, n] f32
  cuda::DeviceMemory context_;  // parts of a context
  cuda::DeviceMemory keys_;     // of AttendFull, packed
  cuda::DeviceMemory values_;
  cuda::DeviceMemory order_;  // [experts + 1 + rows]
};

}  // namespace

absl::StatusOr<std::unique_ptr<Backend>> MakeCudaBackend(const CudaOptions& options) {
  auto device = cuda::CudaDevice::Open();
  if (!device.ok()) return device.status();
  auto dense = cuda::DenseProduct::Make(**device);
  if (!dense.ok()) return dense.status();
  return std::make_unique<CudaBackend>(*std::move(device), *std::move(dense), options.threads);
}

}  // namespace citeseek::inference
