#include "inference/backend/cuda/device.h"

#include <cuda_runtime_api.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace citeseek::inference::cuda {
namespace {

constexpr std::size_t kStagingBytes = std::size_t{4} << 20;
constexpr std::size_t kReadableBehind = 64;  // the end of what is allocated

std::string Text(cudaError_t error) {
  return absl::StrCat(cudaGetErrorName(error), ": ", cudaGetErrorString(error));
}

}  // namespace

DeviceMemory::DeviceMemory(DeviceMemory&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}

DeviceMemory& DeviceMemory::operator=(DeviceMemory&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

DeviceMemory::~DeviceMemory() {
  if (data_ != nullptr) cudaFree(data_);  // waits for what still uses it
}

absl::StatusOr<std::unique_ptr<CudaDevice>> CudaDevice::Open() {
  int count = 0;
  const cudaError_t found = cudaGetDeviceCount(&count);
  if (found == cudaErrorNoDevice || (found == cudaSuccess && count == 0)) {
    return absl::NotFoundError("device cuda: this machine shows no NVIDIA GPU");
  }
  if (found == cudaErrorInsufficientDriver) {  // also where there is no driver at all
    return absl::NotFoundError(
        "device cuda: no NVIDIA driver, or one that is older than this build's CUDA");
  }
  if (found != cudaSuccess) {
    return absl::FailedPreconditionError(absl::StrCat("device cuda: ", Text(found)));
  }
  std::unique_ptr<CudaDevice> device(new CudaDevice);
  cudaDeviceProp properties;
  cudaError_t error = cudaGetDeviceProperties(&properties, 0);
  if (error == cudaSuccess) {
    device->name_ = absl::StrCat(properties.name, ", compute capability ", properties.major, ".",
                                 properties.minor);
    error = cudaStreamCreateWithFlags(&device->stream_, cudaStreamNonBlocking);
  }
  void* staging = nullptr;
  if (error == cudaSuccess) error = cudaMallocHost(&staging, kStagingBytes);
  if (error == cudaSuccess) error = static_cast<cudaError_t>(Probe());
  device->staging_ = static_cast<std::byte*>(staging);
  if (error == cudaSuccess) return device;
  return absl::FailedPreconditionError(
      absl::StrCat("device cuda ", device->name_, " cannot be used: ", Text(error)));
}

CudaDevice::~CudaDevice() {
  if (stream_ != nullptr) cudaStreamSynchronize(stream_);
  if (staging_ != nullptr) cudaFreeHost(staging_);
  if (stream_ != nullptr) cudaStreamDestroy(stream_);
}

std::int64_t CudaDevice::FreeBytes() const {
  std::size_t left = 0;
  std::size_t all = 0;
  if (!status_.ok() || cudaMemGetInfo(&left, &all) != cudaSuccess) return 0;
  return static_cast<std::int64_t>(left);
}

void CudaDevice::Fail(const absl::Status& status) {
  if (status_.ok()) status_ = status;
}

void CudaDevice::Keep(int error, const char* what) {
  if (error == cudaSuccess) return;
  Fail(absl::InternalError(
      absl::StrCat("device cuda, ", what, ": ", Text(static_cast<cudaError_t>(error)))));
}

absl::StatusOr<DeviceMemory> CudaDevice::Allocate(std::size_t bytes, bool zero) {
  Keep(cudaGetLastError(), "before an allocation");  // or it would pass for the allocation's
  if (!status_.ok()) return status_;
  void* data = nullptr;
  const std::size_t all = bytes + kReadableBehind;
  const cudaError_t error = all < bytes ? cudaErrorMemoryAllocation : cudaMalloc(&data, all);
  if (error != cudaSuccess) cudaGetLastError();  // told here, and nothing else is wrong
  if (error == cudaErrorMemoryAllocation) {
    return absl::ResourceExhaustedError(
        absl::StrCat("device cuda has no ", bytes, " bytes of memory left, but ", FreeBytes()));
  }
  if (error != cudaSuccess) {
    Keep(error, "allocation");
    return status_;
  }
  DeviceMemory memory(data, bytes);
  if (zero) Keep(cudaMemsetAsync(data, 0, all, stream_), "clearing memory");
  if (!status_.ok()) return status_;
  return memory;
}

bool CudaDevice::Grow(DeviceMemory& scratch, std::size_t bytes) {
  if (scratch.bytes() >= bytes) return true;
  scratch = {};  // and not kept beside the new one
  auto grown = Allocate(bytes, false);
  Fail(grown.status());
  if (grown.ok()) scratch = *std::move(grown);
  return grown.ok();
}

void CudaDevice::Wait() {
  Keep(cudaStreamSynchronize(stream_), "waiting for operations");
  Keep(cudaGetLastError(), "an operation");
  staged_ = 0;
}

void CudaDevice::Write(void* target, const void* source, std::size_t bytes) {
  auto* to = static_cast<std::byte*>(target);
  const auto* from = static_cast<const std::byte*>(source);
  while (bytes > 0 && status_.ok()) {
    if (staged_ == kStagingBytes) Wait();
    const std::size_t piece = std::min(bytes, kStagingBytes - staged_);
    std::memcpy(staging_ + staged_, from, piece);
    Keep(cudaMemcpyAsync(to, staging_ + staged_, piece, cudaMemcpyHostToDevice, stream_),
         "copy to the device");
    staged_ += piece;
    to += piece;
    from += piece;
    bytes -= piece;
  }
}

void CudaDevice::Read(void* target, const void* source, std::size_t bytes) {
  auto* to = static_cast<std::byte*>(target);
  const auto* from = static_cast<const std::byte*>(source);
  if (status_.ok()) Wait();  // the staging memory is free then
  while (bytes > 0 && status_.ok()) {
    const std::size_t piece = std::min(bytes, kStagingBytes);
    Keep(cudaMemcpyAsync(staging_, from, piece, cudaMemcpyDeviceToHost, stream_),
         "copy from the device");
    Wait();
    if (status_.ok()) std::memcpy(to, staging_, piece);
    to += piece;
    from += piece;
    bytes -= piece;
  }
}

}  // namespace citeseek::inference::cuda
