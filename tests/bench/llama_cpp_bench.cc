// llama.cpp's side of llama_cpp_bench.sh, which compiles this against its headers and libraries.
//
//   llama_cpp_bench make SHAPE FILE
// writes random weights in F16; shapes: qwen2.5-0.5b, qwen2.5-1.5b, bge-small.
//   llama_cpp_bench quantize FILE OUT FTYPE
// with the formats as llama.h numbers them: 7 is Q8_0, 15 Q4_K_M.
//   llama_cpp_bench bench FILE THREADS PROMPTS GENERATE BATCHES ROUNDS
// prints what `citeseek model bench` prints, under the same names and measured alike: the best of
// the rounds; prompts of ids at random, a step of one token for each of BATCHES sequences behind
// the first prompt.
#include <ggml-backend.h>
#include <ggml.h>
#include <gguf.h>
#include <llama.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <sstream>
#include <string>
#include <vector>

namespace {

[[noreturn]] void Die(const std::string& problem) {
  std::fprintf(stderr, "llama_cpp_bench: %s\n", problem.c_str());
  std::exit(1);
}

struct Shape {
  const char* name;
  const char* architecture;
  int layers, hidden, heads, kv_heads, inner, vocabulary, context;
  bool tied;
};
constexpr Shape kShapes[] = {
    {"qwen2.5-0.5b", "qwen2", 24, 896, 14, 2, 4864, 151936, 32768, true},
    {"qwen2.5-1.5b", "qwen2", 28, 1536, 12, 2, 8960, 151936, 32768, false},
    {"bge-small", "bert", 12, 384, 12, 12, 1536, 30522, 512, true},
};

// Adds tensors, all of which have the same random numbers.
class RandomFile {
 public:
  explicit RandomFile(const Shape& shape)
      : gguf_(gguf_init_empty()),
        tensors_(ggml_init({.mem_size = 1 << 22, .mem_buffer = nullptr, .no_alloc = true})),
        numbers_(std::size_t(shape.hidden) * std::size_t(shape.vocabulary)) {
    std::mt19937 random(1);
    for (float& number : numbers_) {
      number = (float(random() % 2001) - 1000.0f) * 1e-3f / std::sqrt(float(shape.hidden));
    }
    halves_.resize(numbers_.size());
    ggml_fp32_to_fp16_row(numbers_.data(), halves_.data(), int64_t(numbers_.size()));
  }
  gguf_context* gguf() { return gguf_; }

  void Matrix(const std::string& name, int outputs, int inputs, bool bias) {
    Add(name + ".weight", GGML_TYPE_F16, inputs, outputs);
    if (bias) Add(name + ".bias", GGML_TYPE_F32, outputs, 0);
  }
  void Norm(const std::string& name, int width, bool bias) {
    Add(name + ".weight", GGML_TYPE_F32, width, 0);
    if (bias) Add(name + ".bias", GGML_TYPE_F32, width, 0);
  }
  void Add(const std::string& name, ggml_type type, int columns, int rows) {
    ggml_tensor* tensor = rows == 0 ? ggml_new_tensor_1d(tensors_, type, columns)
                                    : ggml_new_tensor_2d(tensors_, type, columns, rows);
    ggml_set_name(tensor, name.c_str());
    tensor->data = type == GGML_TYPE_F16 ? static_cast<void*>(halves_.data()) : numbers_.data();
    gguf_add_tensor(gguf_, tensor);
  }

 private:
  gguf_context* gguf_;
  ggml_context* tensors_;
  std::vector<float> numbers_;
  std::vector<ggml_fp16_t> halves_;
};

void Make(const std::string& name, const char* path) {
  const auto shape = std::find_if(std::begin(kShapes), std::end(kShapes),
                                  [&](const Shape& s) { return s.name == name; });
  if (shape == std::end(kShapes)) Die("unknown shape " + name);
  const bool bert = std::strcmp(shape->architecture, "bert") == 0;
  RandomFile file(*shape);
  gguf_context* gguf = file.gguf();
  const std::string prefix = std::string(shape->architecture) + ".";
  const auto put = [&](const char* key, int value) {
    gguf_set_val_u32(gguf, (prefix + key).c_str(), std::uint32_t(value));
  };
  gguf_set_val_str(gguf, "general.architecture", shape->architecture);
  put("block_count", shape->layers);
  put("context_length", shape->context);
  put("embedding_length", shape->hidden);
  put("feed_forward_length", shape->inner);
  put("attention.head_count", shape->heads);
  put("attention.head_count_kv", shape->kv_heads);
  put("vocab_size", shape->vocabulary);
  gguf_set_val_str(gguf, "tokenizer.ggml.model", "none");
  if (bert) {
    gguf_set_val_f32(gguf, "bert.attention.layer_norm_epsilon", 1e-12f);
    gguf_set_val_bool(gguf, "bert.attention.causal", false);
    put("pooling_type", 1);
    gguf_set_val_u32(gguf, "tokenizer.ggml.token_type_count", 2);
    file.Add("token_types.weight", GGML_TYPE_F32, shape->hidden, 2);
    file.Add("position_embd.weight", GGML_TYPE_F32, shape->hidden, shape->context);
    file.Norm("token_embd_norm", shape->hidden, true);
  } else {
    gguf_set_val_f32(gguf, "qwen2.attention.layer_norm_rms_epsilon", 1e-6f);
    gguf_set_val_f32(gguf, "qwen2.rope.freq_base", 1e6f);
    file.Norm("output_norm", shape->hidden, false);
    if (!shape->tied) file.Matrix("output", shape->vocabulary, shape->hidden, false);
  }
  file.Matrix("token_embd", shape->vocabulary, shape->hidden, false);
  const int kv = shape->hidden / shape->heads * shape->kv_heads;
  for (int i = 0; i < shape->layers; ++i) {
    const std::string block = "blk." + std::to_string(i) + ".";
    file.Matrix(block + "attn_q", shape->hidden, shape->hidden, true);
    file.Matrix(block + "attn_k", kv, shape->hidden, true);
    file.Matrix(block + "attn_v", kv, shape->hidden, true);
    file.Matrix(block + "attn_output", shape->hidden, shape->hidden, bert);
    file.Norm(block + (bert ? "attn_output_norm" : "attn_norm"), shape->hidden, bert);
    if (!bert) file.Matrix(block + "ffn_gate", shape->inner, shape->hidden, false);
    file.Matrix(block + "ffn_up", shape->inner, shape->hidden, bert);
    file.Matrix(block + "ffn_down", shape->hidden, shape->inner, bert);
    file.Norm(block + (bert ? "layer_output_norm" : "ffn_norm"), shape->hidden, bert);
  }
  if (!gguf_write_to_file(gguf, path, false)) Die(std::string("cannot write ") + path);
}

std::vector<int> Numbers(const std::string& list) {
  std::vector<int> out;
  std::stringstream in(list);
  for (std::string number; std::getline(in, number, ',');) out.push_back(std::atoi(number.c_str()));
  return out;
}

class Bench {
 public:
  Bench(const char* path, int threads, std::vector<int> prompts, int generate,
        std::vector<int> batches, int rounds)
      : prompts_(std::move(prompts)),
        generate_(generate),
        batches_(std::move(batches)),
        rounds_(rounds) {
    llama_model_params model = llama_model_default_params();
    model.n_gpu_layers = 0;
    model_ = llama_model_load_from_file(path, model);
    if (model_ == nullptr) Die(std::string("cannot load ") + path);
    char architecture[64] = "";
    llama_model_meta_val_str(model_, "general.architecture", architecture, sizeof(architecture));
    encoder_ = std::strstr(architecture, "bert") != nullptr;
    vocabulary_ = llama_vocab_n_tokens(llama_model_get_vocab(model_));
    const int most = *std::max_element(batches_.begin(), batches_.end());
    const int longest = *std::max_element(prompts_.begin(), prompts_.end());
    llama_context_params context = llama_context_default_params();
    context.n_threads = context.n_threads_batch = threads;
    context.n_seq_max = std::uint32_t(most);
    // Each sequence has its share. An encoder gets its texts one by one, as llama.cpp is faster
    // then than with several, across which it attends.
    const int each = (longest + generate + 255) / 256 * 256;
    context.n_ctx = std::uint32_t(each * most);
    context.n_batch = std::uint32_t(longest + most);
    if (encoder_) context.n_ubatch = context.n_batch;
    context.embeddings = encoder_;
    context_ = llama_init_from_model(model_, context);
    if (context_ == nullptr) Die("cannot make a context");
    batch_ = llama_batch_init(int(context.n_batch), 0, 1);
  }

  void Run() { encoder_ ? RunEncoder() : RunDecoder(); }

 private:
  void Clear() { batch_.n_tokens = 0; }
  void Add(int sequence, int position, bool output) {
    const int i = batch_.n_tokens++;
    batch_.token[i] = llama_token(random_() % unsigned(vocabulary_));
    batch_.pos[i] = position;
    batch_.n_seq_id[i] = 1;
    batch_.seq_id[i][0] = sequence;
    batch_.logits[i] = output;
  }
  void Compute() {
    if (llama_decode(context_, batch_) != 0) Die("llama_decode failed");
    llama_synchronize(context_);
  }
  void Prefill(int sequence, int prompt) {
    if (!encoder_) llama_memory_seq_rm(llama_get_memory(context_), sequence, -1, -1);
    Clear();
    for (int i = 0; i < prompt; ++i) Add(sequence, i, encoder_ || i + 1 == prompt);
    Compute();
  }
  // Units a second, the best of the rounds.
  template <typename Work>
  void Print(const char* what, const std::vector<int>& list, int value, double units, Work work) {
    double best = 0;
    for (int round = 0; round < rounds_; ++round) {
      const auto start = std::chrono::steady_clock::now();
      work();
      const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
      best = std::max(best, units / seconds.count());
    }
    const std::string label = value == list.front() ? "" : "_" + std::to_string(value);
    std::printf("%s%s_tokens_per_s %.5g\n", what, label.c_str(), best);
  }

  void RunDecoder() {
    for (const int prompt : prompts_) {
      Prefill(0, std::min(prompt, 512));  // warm
      Print("prefill", prompts_, prompt, prompt, [&] { Prefill(0, prompt); });
    }
    const int prompt = prompts_.front();
    const int most = *std::max_element(batches_.begin(), batches_.end());
    for (int s = 0; s < most; ++s) Prefill(s, prompt);
    for (const int sequences : batches_) {
      Print("decode", batches_, sequences, sequences * generate_, [&] {
        for (int s = 0; s < sequences; ++s) {
          llama_memory_seq_rm(llama_get_memory(context_), s, prompt, -1);
        }
        for (int i = 0; i < generate_; ++i) {
          Clear();
          for (int s = 0; s < sequences; ++s) Add(s, prompt + i, true);
          Compute();
        }
      });
    }
  }

  void RunEncoder() {
    const int tokens = prompts_.front();
    const int texts = batches_.front();
    const auto run = [&] {
      for (int text = 0; text < texts; ++text) Prefill(0, tokens);
    };
    run();  // warm
    Print("embed", batches_, texts, texts * tokens, run);
  }

  std::vector<int> prompts_;
  int generate_;
  std::vector<int> batches_;
  int rounds_;
  llama_model* model_ = nullptr;
  llama_context* context_ = nullptr;
  llama_batch batch_ = {};
  bool encoder_ = false;
  int vocabulary_ = 0;
  std::mt19937 random_{2};
};

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  const auto quiet = [](ggml_log_level level, const char* text, void*) {
    if (level == GGML_LOG_LEVEL_ERROR) std::fputs(text, stderr);
  };
  llama_log_set(quiet, nullptr);
  if (const char* libraries = std::getenv("LLAMA_LIBRARIES")) {
    ggml_backend_load_all_from_path(libraries);
  }
  llama_backend_init();
  if (mode == "make" && argc == 4) {
    Make(argv[2], argv[3]);
  } else if (mode == "quantize" && argc == 5) {
    llama_model_quantize_params params = llama_model_quantize_default_params();
    params.ftype = static_cast<llama_ftype>(std::atoi(argv[4]));
    if (llama_model_quantize(argv[2], argv[3], &params) != 0) Die("cannot quantize");
  } else if (mode == "bench" && argc == 8) {
    Bench(argv[2], std::atoi(argv[3]), Numbers(argv[4]), std::atoi(argv[5]), Numbers(argv[6]),
          std::atoi(argv[7]))
        .Run();
  } else {
    Die("what? see the head of llama_cpp_bench.cc");
  }
}
