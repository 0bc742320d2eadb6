#include "inference/text/memory.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "inference/backend/idle_backend.h"
#include "inference/backend/matrix_source.h"
#include "inference/model/gguf_model.h"
#include "tests/inference/model/golden.h"
#include "tests/support/gguf_writer.h"
#include "tests/support/random_decoder.h"
#include "tests/support/temp_directory.h"

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

// Hands memory out as another backend does and remembers how much that was.
class CountingBackend final : public IdleBackend {
 public:
  explicit CountingBackend(Backend* backend) : IdleBackend(*backend), backend_(backend) {}

  std::size_t bytes = 0;

  absl::StatusOr<std::unique_ptr<Buffer>> Allocate(std::size_t size) override {
    auto buffer = backend_->Allocate(size);
    if (buffer.ok()) bytes += (*buffer)->bytes;
    return buffer;
  }
  absl::StatusOr<std::unique_ptr<Matrix>> MakeMatrix(std::span<const MatrixParts> matrices,
                                                     Storage storage) override {
    auto matrix = backend_->MakeMatrix(matrices, storage);
    if (matrix.ok()) bytes += (*matrix)->bytes;
    return matrix;
  }
  void Write(void* target, const void* source, std::size_t size) override {
    backend_->Write(target, source, size);
  }

 private:
  Backend* const backend_;
};

constexpr Storage kStorages[] = {Storage::kAsStored, Storage::kF32, Storage::kF16, Storage::kBF16,
                                 Storage::kQ8,       Storage::kQ5,  Storage::kQ4};

// Model is Decoder or Encoder. Returns the weights' bytes.
template <typename Model, typename Options>
std::int64_t ExpectTaken(const ModelConfig& config, const Weights& weights,
                         const Options& options) {
  const auto cpu = MakeCpuBackend({.threads = 1});
  CountingBackend backend(cpu.get());
  const auto memory = MemoryOf(config, weights, backend, options);
  EXPECT_TRUE(memory.ok()) << memory.status();
  EXPECT_EQ(backend.bytes, 0u);
  const auto model = Model::Load(config, weights, backend, options);
  EXPECT_TRUE(model.ok()) << model.status();
  if (!memory.ok() || !model.ok()) return 0;
  const auto held = static_cast<std::int64_t>(backend.bytes);
  EXPECT_GE(memory->Total(), held);
  EXPECT_EQ(memory->weights, static_cast<std::int64_t>((*model)->weight_bytes()));
  // Beside these a backend needs something to work with.
  EXPECT_LE(memory->weights + memory->cache, held);
  EXPECT_LE(memory->working, (held - memory->weights - memory->cache) * 9 / 8);
  return memory->weights;
}

TEST(ModelMemoryTest, IsWhatGoldenModelsTakeInEveryStorage) {
  if (!SharedDirectory()) GTEST_SKIP() << "no shared directory with golden models";
  int models = 0;
  for (const char* kind : {"decoder", "encoder", "reranker"}) {
    for (const Golden& golden : Goldens(kind)) {
      SCOPED_TRACE(golden.folder);
      const auto config = ReadModelConfig(golden.folder.string());
      const auto weights = Weights::OpenFolder(golden.folder.string());
      ASSERT_TRUE(config.ok() && weights.ok()) << config.status() << weights.status();
      ++models;
      std::map<Storage, std::int64_t> taken;
      for (const Storage storage : kStorages) {
        taken[storage] =
            kind == std::string_view("decoder")
                ? ExpectTaken<Decoder>(*config, *weights,
                                       DecoderOptions{.storage = storage, .kv_blocks = 20})
                : ExpectTaken<Encoder>(*config, *weights, EncoderOptions{.storage = storage});
      }
      std::set<Storage> stored;
      for (const auto& [name, tensor] : weights->tensors()) {
        if (tensor.view.shape.size() > 1) stored.insert(StorageOf(tensor.view.dtype));
      }
      // Latent attention takes its matrices apart, but makes no more of them.
      if (stored.size() > 1) continue;
      EXPECT_EQ(taken[Storage::kAsStored], taken[*stored.begin()]);
    }
  }
  EXPECT_GE(models, 8);
}

TEST(ModelMemoryTest, IsWhatLatentAttentionAndAPredictionHeadTake) {
  const ModelConfig config = TinyDeepSeekConfig();
  const Weights weights = RandomDecoder(config, 1);
  for (const Storage storage : kStorages) {
    ExpectTaken<Decoder>(config, weights, DecoderOptions{.storage = storage, .kv_blocks = 20});
  }
}

// As llama.cpp's mixed files are: rows that are no multiple of 256 fall back, and values and the
// feed-forward's last matrix get more bits than the rest.
TEST(ModelMemoryTest, IsWhatAFileOfSeveralTypesTakes) {
  GgufWriter gguf;
  gguf.Put("general.architecture", std::string_view("llama"));
  for (const auto& [key, value] :
       {std::pair("embedding_length", 256u), std::pair("feed_forward_length", 352u),
        std::pair("block_count", 1u), std::pair("attention.head_count", 4u),
        std::pair("attention.head_count_kv", 2u), std::pair("context_length", 64u),
        std::pair("vocab_size", 300u)}) {
    gguf.Put(std::string("llama.") + key, value);
  }
  std::size_t file_bytes = 0;
  const auto put = [&](const std::string& name, std::uint64_t k, std::uint64_t n,
                       std::uint32_t type, DType dtype) {
    const BlockShape block = BlockOf(dtype);
    const std::size_t bytes =
        k * n / static_cast<std::size_t>(block.weights) * static_cast<std::size_t>(block.bytes);
    file_bytes += bytes;
    gguf.Tensor(name + ".weight", n == 1 ? std::vector{k} : std::vector{k, n}, type,
                std::string(bytes, '\0'));
  };
  put("token_embd", 256, 300, 14, DType::kQ6_K);
  put("output_norm", 256, 1, 0, DType::kF32);
  put("blk.0.attn_norm", 256, 1, 0, DType::kF32);
  put("blk.0.ffn_norm", 256, 1, 0, DType::kF32);
  put("blk.0.attn_q", 256, 256, 12, DType::kQ4_K);
  put("blk.0.attn_k", 256, 128, 12, DType::kQ4_K);
  put("blk.0.attn_v", 256, 128, 13, DType::kQ5_K);
  put("blk.0.attn_output", 256, 256, 11, DType::kQ3_K);
  put("blk.0.ffn_gate", 256, 352, 2, DType::kQ4_0);
  put("blk.0.ffn_up", 256, 352, 1, DType::kF16);
  put("blk.0.ffn_down", 352, 256, 6, DType::kQ5_0);
  const TempDirectory folder;
  const auto model = OpenGguf(folder.Write("mixed.gguf", gguf.Finish()));
  ASSERT_TRUE(model.ok()) << model.status();
  const std::int64_t weights = ExpectTaken<Decoder>(
      model->config, model->weights, DecoderOptions{.max_context = 64, .kv_blocks = 4});
  // By hand: one finer part makes the whole finer. 6 bits a weight: the queries with keys and
  // values, and the last; 8.5: the embedding and the output; f32: the gate with what goes up.
  const std::int64_t six = 512 * 256 + 256 * 352;
  const std::int64_t eight = 304 * 256 + 256 * 256;
  const std::int64_t all = six * 6 / 8 + eight * 34 / 32 + 2 * 352 * 256 * 4 + 3 * 256 * 4;
  EXPECT_GE(weights, all);
  EXPECT_LE(weights, all + 8 * 4096);
  EXPECT_GT(weights, static_cast<std::int64_t>(file_bytes) * 5 / 4);
}

TEST(ModelMemoryTest, IsRefusedForAModelThatLacksATensor) {
  const ModelConfig config = TinyDeepSeekConfig();
  const Weights weights = RandomDecoder(TinyQwen2Config(), 1);
  EXPECT_FALSE(MemoryOf(config, weights, *MakeCpuBackend({}), DecoderOptions()).ok());
}

TEST(MemoryTextTest, HasOneDigitAndAUnit) {
  EXPECT_EQ(MemoryText(1023), "1023 bytes");
  EXPECT_EQ(MemoryText(1536), "1.5 KiB");
  EXPECT_EQ(MemoryText(3 * kGiB / 2), "1.5 GiB");
}

}  // namespace
}  // namespace citeseek::inference
