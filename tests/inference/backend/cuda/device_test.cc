// What becomes of a device that fails: a status, never a crash.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inference/text/memory.h"
#include "tests/inference/test_backend.h"

namespace citeseek::inference {

// Of the emulation: support/emulated_cuda/run_grid.cc.
namespace emulated_cuda {
void LoseDevice(bool lost);
void LeaveMemory(std::size_t bytes);
}  // namespace emulated_cuda

namespace {

using testing::HasSubstr;

class CudaDeviceTest : public testing::Test {
 protected:
  void SetUp() override {
    auto backend = MakeEmulatedCudaBackend({});
    ASSERT_TRUE(backend.ok()) << backend.status();
    backend_ = *std::move(backend);
  }
  void TearDown() override {
    emulated_cuda::LoseDevice(false);
    emulated_cuda::LeaveMemory(std::size_t{1} << 30);
  }
  std::unique_ptr<Backend> backend_;
};

TEST_F(CudaDeviceTest, ALostDeviceIsAStatusFromTheNextReadOn) {
  const auto buffer = backend_->Allocate(64 * sizeof(float));
  ASSERT_TRUE(buffer.ok());
  const Tensor x = {static_cast<float*>((*buffer)->data), 1, 64, 64};
  emulated_cuda::LoseDevice(true);
  backend_->Activate(x, x, Nonlinearity::kSilu);
  EXPECT_TRUE(backend_->status().ok());  // nobody has looked yet
  float read = 7;
  backend_->Read(&read, x.data, sizeof(read));
  EXPECT_EQ(read, 7);
  EXPECT_EQ(backend_->status().code(), absl::StatusCode::kInternal);
  EXPECT_THAT(backend_->status().message(), HasSubstr("device cuda, waiting for operations: "));
  // It stays lost, whatever the driver says later.
  emulated_cuda::LoseDevice(false);
  backend_->Activate(x, x, Nonlinearity::kSilu);
  backend_->Read(&read, x.data, sizeof(read));
  EXPECT_EQ(read, 7);
  EXPECT_EQ(backend_->Allocate(1).status(), backend_->status());
}

TEST_F(CudaDeviceTest, WhatDoesNotFitIsRefusedAndNothingElseIsWrong) {
  const std::int64_t left = FreeMemory(*backend_);
  EXPECT_GT(left, 0);
  EXPECT_LT(left, std::int64_t{1} << 30);  // some is for the backend itself
  emulated_cuda::LeaveMemory(1000);
  EXPECT_EQ(FreeMemory(*backend_), 0);
  const auto refused = backend_->Allocate(2000);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(refused.status().message(), HasSubstr("has no 2000 bytes of memory left"));
  EXPECT_EQ(backend_->Allocate(~std::size_t{0}).status().code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(backend_->Allocate(100).ok());
  EXPECT_TRUE(backend_->status().ok());
}

}  // namespace
}  // namespace citeseek::inference
