// CudaDevice: the memory of a GPU, and one stream on which everything happens in order.
//
// Single-threaded. Copies go through pinned memory: what Write was given may be overwritten at
// once. The first error of anything enqueued is kept: from then on nothing is copied, and status()
// tells it. Errors: kNotFound (no device), kFailedPrecondition (driver or build cannot use it),
// kResourceExhausted (no memory), kInternal (everything else, such as a device that was lost).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "inference/backend/cuda/kernels.h"

namespace citeseek::inference::cuda {

// Memory of the device, given back at its end.
class DeviceMemory {
 public:
  DeviceMemory() = default;
  DeviceMemory(void* data, std::size_t bytes) : data_(data), bytes_(bytes) {}
  DeviceMemory(DeviceMemory&& other) noexcept;
  DeviceMemory& operator=(DeviceMemory&& other) noexcept;
  ~DeviceMemory();

  template <typename T>
  T* As() const {
    return static_cast<T*>(data_);
  }
  std::size_t bytes() const { return bytes_; }

 private:
  void* data_ = nullptr;
  std::size_t bytes_ = 0;
};

class CudaDevice {
 public:
  static absl::StatusOr<std::unique_ptr<CudaDevice>> Open();
  ~CudaDevice();

  const std::string& name() const { return name_; }  // "NVIDIA H200, compute capability 9.0"
  Stream stream() const { return stream_; }
  const absl::Status& status() const { return status_; }
  std::int64_t FreeBytes() const;

  absl::StatusOr<DeviceMemory> Allocate(std::size_t bytes, bool zero);
  void Write(void* target, const void* source, std::size_t bytes);
  void Read(void* target, const void* source, std::size_t bytes);  // waits for all before it

  void Fail(const absl::Status& status);  // kept if it is the first

  // Makes scratch memory at least so large; what was in it is lost. False: there is not so much
  // left, and status() tells it.
  bool Grow(DeviceMemory& scratch, std::size_t bytes);

 private:
  CudaDevice() = default;
  void Keep(int error, const char* what);  // a cudaError_t
  void Wait();

  std::string name_;
  Stream stream_ = nullptr;
  absl::Status status_;
  std::byte* staging_ = nullptr;  // pinned
  std::size_t staged_ = 0;        // bytes of it that copies under way may still read
};

}  // namespace citeseek::inference::cuda
