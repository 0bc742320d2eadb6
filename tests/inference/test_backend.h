// TestBackend: the backend that golden suites run on: $CITESEEK_TEST_DEVICE, which is cpu (the
// default), cuda, or emulated (the CUDA backend with its kernels on this processor: minutes).
#pragma once

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "inference/backend/backend.h"

namespace citeseek::inference {

// Built from the same sources as MakeCudaBackend: see tests/CMakeLists.txt.
absl::StatusOr<std::unique_ptr<Backend>> MakeEmulatedCudaBackend(const CudaOptions& options);

// A test that gets an error skips, and tells it.
inline absl::StatusOr<std::unique_ptr<Backend>> MakeTestBackend(int threads) {
  const char* named = std::getenv("CITESEEK_TEST_DEVICE");
  const std::string device = named == nullptr ? "cpu" : named;
  if (device == "cpu") return MakeCpuBackend({.threads = threads});
  if (device == "cuda") return MakeCudaBackend({.threads = threads});
  if (device == "emulated") return MakeEmulatedCudaBackend({.threads = threads});
  return absl::InvalidArgumentError("CITESEEK_TEST_DEVICE is not one of cpu, cuda, emulated");
}

// Row `row` of a tensor in the backend's memory.
inline std::vector<float> ReadRow(Backend& backend, Tensor tensor, int row) {
  std::vector<float> out(static_cast<std::size_t>(tensor.cols));
  backend.Read(out.data(), tensor.Row(row), out.size() * sizeof(float));
  return out;
}

}  // namespace citeseek::inference
