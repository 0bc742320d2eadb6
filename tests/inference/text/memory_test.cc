#include "inference/text/memory.h"

#include <gtest/gtest.h>

#include "inference/model/model_files.h"
#include "tests/support/temp_directory.h"
#include "tests/support/tiny_model.h"

namespace citeseek::inference {
namespace {

constexpr std::int64_t kGiB = std::int64_t{1} << 30;

// The files of a machine with 8 GiB available.
class FreeMemoryTest : public testing::Test {
 protected:
  void SetUp() override {
    root_.Write("proc/meminfo", "MemTotal: 16777216 kB\nMemAvailable:    8388608 kB\n");
  }
  std::int64_t Free() const { return FreeMemory(root_.path().string() + "/"); }
  TempDirectory root_;
};

TEST_F(FreeMemoryTest, IsWhatTheSystemHasAvailable) {
  EXPECT_EQ(Free(), 8 * kGiB);
  root_.Write("proc/self/cgroup", "0::/\n");
  EXPECT_EQ(Free(), 8 * kGiB);
}

TEST_F(FreeMemoryTest, IsLessWhereAGroupOfVersionTwoAllowsLess) {
  root_.Write("proc/self/cgroup", "0::/pods/mine\n");
  root_.Write("sys/fs/cgroup/pods/mine/memory.max", "max\n");
  root_.Write("sys/fs/cgroup/pods/mine/memory.current", "1073741824\n");
  EXPECT_EQ(Free(), 8 * kGiB);
  root_.Write("sys/fs/cgroup/pods/memory.max", "4294967296\n");
  root_.Write("sys/fs/cgroup/pods/memory.current", "3221225472\n");
  root_.Write("sys/fs/cgroup/pods/memory.stat", "anon 1073741824\ninactive_file 1073741824\n");
  EXPECT_EQ(Free(), 2 * kGiB);
}

TEST_F(FreeMemoryTest, IsLessWhereAGroupOfVersionOneAllowsLess) {
  root_.Write("proc/self/cgroup", "5:cpu:/x\n4:memory:/x\n");
  root_.Write("sys/fs/cgroup/memory/memory.limit_in_bytes", "3221225472\n");
  root_.Write("sys/fs/cgroup/memory/memory.usage_in_bytes", "4294967296\n");
  root_.Write("sys/fs/cgroup/memory/memory.stat", "total_inactive_file 3221225472\n");
  EXPECT_EQ(Free(), 2 * kGiB);
}

TEST_F(FreeMemoryTest, OfThisMachineIsSomething) { EXPECT_GT(FreeMemory(), 0); }

TEST(WeightMemoryTest, IsWhatADecoderTakes) {
  const TempDirectory folder;
  WriteTinyModel(folder.path(), 1);
  const auto files = OpenModel(folder.path().string());
  ASSERT_TRUE(files.ok()) << files.status();
  const auto backend = MakeCpuBackend({.threads = 1});
  for (const Storage storage : {Storage::kAsStored, Storage::kBF16, Storage::kQ8, Storage::kQ4}) {
    const auto decoder =
        Decoder::Load(files->config, files->weights, *backend, {.storage = storage});
    ASSERT_TRUE(decoder.ok()) << decoder.status();
    const auto held = static_cast<double>((*decoder)->weight_bytes());
    EXPECT_NEAR(static_cast<double>(WeightMemory(files->weights, storage)), held, 0.05 * held);
  }
}

TEST(MemoryTextTest, HasOneDigitAndAUnit) {
  EXPECT_EQ(MemoryText(1023), "1023 bytes");
  EXPECT_EQ(MemoryText(1536), "1.5 KiB");
  EXPECT_EQ(MemoryText(3 * kGiB / 2), "1.5 GiB");
}

}  // namespace
}  // namespace citeseek::inference
