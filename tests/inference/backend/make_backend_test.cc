#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inference/backend/backend.h"

namespace citeseek::inference {
namespace {

TEST(MakeBackendTest, AutoIsAlwaysSomething) {
  const auto backend = MakeBackend({.device = Device::kAuto, .threads = 1});
  ASSERT_TRUE(backend.ok()) << backend.status();
  EXPECT_THAT((*backend)->Name(),
              testing::AnyOf(testing::StartsWith("cpu ("), testing::StartsWith("cuda (")));
}

TEST(MakeBackendTest, CudaIsTheGpuOrAnErrorThatSaysWhatIsMissing) {
  const auto backend = MakeBackend({.device = Device::kCuda, .threads = 1});
  if (backend.ok()) {
    EXPECT_THAT((*backend)->Name(), testing::StartsWith("cuda ("));
  } else {
    EXPECT_THAT(std::string(backend.status().message()), testing::StartsWith("device cuda"));
  }
}

TEST(MakeBackendTest, TheCpuIsThereWhateverElseIs) {
  const auto backend = MakeBackend({.device = Device::kCpu, .threads = 1});
  ASSERT_TRUE(backend.ok());
  EXPECT_THAT((*backend)->Name(), testing::StartsWith("cpu ("));
  EXPECT_TRUE((*backend)->status().ok());
  EXPECT_FALSE((*backend)->FreeBytes().has_value());
}

}  // namespace
}  // namespace citeseek::inference
