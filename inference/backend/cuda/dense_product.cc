#include "inference/backend/cuda/dense_product.h"

#include <cublasLt.h>
#include <cuda_runtime_api.h>

#include "absl/strings/str_cat.h"

namespace citeseek::inference::cuda {
namespace {

constexpr std::size_t kWorkspaceBytes = std::size_t{32} << 20;

absl::Status Check(cublasStatus_t status, const char* what) {
  if (status == CUBLAS_STATUS_SUCCESS) return absl::OkStatus();
  return absl::InternalError(
      absl::StrCat("device cuda, cuBLASLt ", what, ": ", cublasLtGetStatusString(status)));
}

// Our rows are cuBLASLt's columns.
struct Layouts {
  cublasLtMatrixLayoutOpaque_t w, x, y;
  cublasStatus_t Set(int n, int k, int rows, std::int64_t stride) {
    const auto width = static_cast<std::uint64_t>(k);
    const auto count = static_cast<std::uint64_t>(rows);
    const auto outputs = static_cast<std::uint64_t>(n);
    cublasStatus_t status = cublasLtMatrixLayoutInit(&w, CUDA_R_16BF, width, outputs, k);
    if (status == CUBLAS_STATUS_SUCCESS) {
      status = cublasLtMatrixLayoutInit(&x, CUDA_R_16BF, width, count, k);
    }
    if (status == CUBLAS_STATUS_SUCCESS) {
      status = cublasLtMatrixLayoutInit(&y, CUDA_R_32F, outputs, count, stride);
    }
    return status;
  }
};

}  // namespace

struct DensePlan {
  int n = 0;
  int k = 0;
  cublasLtMatmulAlgo_t algorithm;
};

struct DenseProduct::Parts {
  CudaDevice& device;
  DeviceMemory workspace;
  cublasLtHandle_t handle = nullptr;
  cublasLtMatmulDescOpaque_t description;
  std::map<std::pair<int, int>, std::unique_ptr<DensePlan>> plans;
};

DenseProduct::DenseProduct(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

DenseProduct::~DenseProduct() {
  if (parts_->handle != nullptr) cublasLtDestroy(parts_->handle);
}

absl::StatusOr<std::unique_ptr<DenseProduct>> DenseProduct::Make(CudaDevice& device) {
  auto workspace = device.Allocate(kWorkspaceBytes, false);
  if (!workspace.ok()) return workspace.status();
  std::unique_ptr<DenseProduct> product(
      new DenseProduct(std::make_unique<Parts>(Parts{device, *std::move(workspace), {}, {}, {}})));
  Parts& parts = *product->parts_;
  cublasStatus_t status = cublasLtCreate(&parts.handle);
  if (status == CUBLAS_STATUS_SUCCESS) {
    status = cublasLtMatmulDescInit(&parts.description, CUBLAS_COMPUTE_32F, CUDA_R_32F);
  }
  const cublasOperation_t transposed = CUBLAS_OP_T;
  if (status == CUBLAS_STATUS_SUCCESS) {
    status = cublasLtMatmulDescSetAttribute(&parts.description, CUBLASLT_MATMUL_DESC_TRANSA,
                                            &transposed, sizeof(transposed));
  }
  if (absl::Status s = Check(status, "start"); !s.ok()) return s;
  return product;
}

absl::StatusOr<const DensePlan*> DenseProduct::Plan(int n, int k) {
  const auto [entry, is_new] = parts_->plans.try_emplace({n, k});
  if (!is_new) return entry->second.get();
  Layouts layouts;
  cublasStatus_t status = layouts.Set(n, k, kRowTile, (n + 3) / 4 * 4);
  cublasLtMatmulPreferenceOpaque_t preference;
  if (status == CUBLAS_STATUS_SUCCESS) status = cublasLtMatmulPreferenceInit(&preference);
  const auto prefer = [&](cublasLtMatmulPreferenceAttributes_t attribute, auto value) {
    if (status != CUBLAS_STATUS_SUCCESS) return;
    status = cublasLtMatmulPreferenceSetAttribute(&preference, attribute, &value, sizeof(value));
  };
  prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, std::uint64_t{kWorkspaceBytes});
  prefer(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, std::uint32_t{CUBLASLT_REDUCTION_SCHEME_NONE});
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, std::uint32_t{16});
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, std::uint32_t{16});
  cublasLtMatmulHeuristicResult_t found = {};
  int count = 0;
  if (status == CUBLAS_STATUS_SUCCESS) {
    status =
        cublasLtMatmulAlgoGetHeuristic(parts_->handle, &parts_->description, &layouts.w, &layouts.x,
                                       &layouts.y, &layouts.y, &preference, 1, &found, &count);
  }
  if (status == CUBLAS_STATUS_NOT_SUPPORTED || (status == CUBLAS_STATUS_SUCCESS && count == 0)) {
    return nullptr;
  }
  if (absl::Status s = Check(status, "choice of an algorithm"); !s.ok()) return s;
  entry->second = std::make_unique<DensePlan>(DensePlan{n, k, found.algo});
  return entry->second.get();
}

absl::Status DenseProduct::Multiply(const DensePlan& plan, float* y, std::int64_t stride,
                                    const std::uint16_t* x, const std::uint16_t* w, int rows) {
  Layouts layouts;
  if (absl::Status s = Check(layouts.Set(plan.n, plan.k, rows, stride), "layout"); !s.ok()) {
    return s;
  }
  const float one = 1;
  const float zero = 0;
  return Check(cublasLtMatmul(parts_->handle, &parts_->description, &one, w, &layouts.w, x,
                              &layouts.x, &zero, y, &layouts.y, y, &layouts.y, &plan.algorithm,
                              parts_->workspace.As<void>(), parts_->workspace.bytes(),
                              parts_->device.stream()),
               "product");
}

}  // namespace citeseek::inference::cuda
