// Workbench: a model's files as they are: ids, logits, texts, vectors and scores of one call at a
// time, for the command line and for experiments.
//
// A call opens what it needs and no more: a folder with nothing but a tokenizer tokenises. The path
// is a Hugging Face folder, a GGUF file, or a tokenizer.json. Single-threaded. Errors: kNotFound,
// kInvalidArgument (damaged or unknown files, ids that the model does not take, a question that its
// kind cannot answer), kResourceExhausted.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "inference/engine.h"
#include "inference/generator.h"
#include "inference/model_options.h"

namespace citeseek::inference {

struct ModelInfo {
  std::string name, format, architecture, family, task;
  std::string quantization;  // the type that most of the weights have
  std::vector<std::pair<std::string, std::int64_t>> type_bytes;  // of each type, the most first
  std::int64_t parameters = 0;
  std::int64_t bytes = 0;  // of all tensors
  std::int64_t tensors = 0;
  std::int64_t context = 0;  // tokens
  int layers = 0, hidden = 0, heads = 0, kv_heads = 0, vocabulary = 0;
  int experts = 0, experts_per_token = 0;
  std::int64_t kv_bytes_per_token = 0;  // of a decoder's cache in this process
  std::vector<std::string> labels;      // of a classifier
  std::string rope;                     // "default", "yarn" ...; "" without
  int tokenizer_ids = 0;                // 0: the files hold no tokenizer
  bool chat_template = false;
  std::string pooling;  // "cls", "mean", "last"; "" if the files do not tell
  std::string license;  // "" if the files do not tell
};

// Token ids, and for BERT their types (empty: all 0).
struct TokenText {
  std::vector<std::int32_t> ids;
  std::vector<std::int32_t> types;
};

// [count, width] one below the other.
struct Rows {
  std::size_t width = 0;
  std::vector<float> values;

  std::size_t count() const { return width == 0 ? 0 : values.size() / width; }
  std::span<const float> operator[](std::size_t i) const {
    return std::span(values).subspan(i * width, width);
  }
};

// A conversation as JSON: a list of messages, or an object with "messages" and, each if wanted,
// "tools", "add_generation_prompt" and "extra" (an object of further template variables).
struct ChatPromptText {
  std::string text;
  std::vector<std::int32_t> ids;  // empty without a tokenizer
};

struct CompletionRequest {
  std::vector<std::int32_t> prompt;
  Sampling sampling = {};
  bool ignore_eos = false;
};

struct Completion {
  std::vector<std::int32_t> ids;  // with the one that ended it
  std::string text;               // without special tokens; "" without a tokenizer
  std::string text_with_special;
  FinishReason reason = FinishReason::kStop;
  std::int64_t prompt_tokens = 0;
  double first_token_seconds = 0;
  double seconds = 0;
  EngineStats engine;
};

enum class Pool { kDefault, kFirst, kMean, kLast };
enum class Prompt { kNone, kQuery, kPassage };

class Workbench {
 public:
  Workbench(std::string path, const ModelOptions& options);
  ~Workbench();

  absl::StatusOr<ModelInfo> Info();

  // Tokens that are written out in the text ("<s>") are read as such. add_special: also what the
  // model's template puts around a text.
  absl::StatusOr<std::vector<std::int32_t>> Tokenize(std::string_view text, bool add_special);
  absl::StatusOr<std::string> Detokenize(std::span<const std::int32_t> ids, bool skip_special);
  absl::StatusOr<ChatPromptText> Render(std::string_view conversation_json,
                                        bool add_generation_prompt);

  // Of a decoder the logits of the last position, or of all; of a classifier those of its classes.
  using RowSink = absl::FunctionRef<void(std::span<const float> row)>;
  absl::Status Logits(const TokenText& text, bool all, RowSink sink);

  // `on_text` gets the text as it comes; false stops.
  absl::StatusOr<Completion> Complete(const CompletionRequest& request,
                                      absl::FunctionRef<bool(std::string_view piece)> on_text);

  absl::StatusOr<std::vector<TokenText>> TokenizeForEmbedding(std::span<const std::string> texts,
                                                              Prompt prompt);
  absl::StatusOr<Rows> Embed(std::span<const TokenText> texts, Pool pool, bool normalize);

  // [passages, labels]
  absl::StatusOr<Rows> Rerank(const std::string& query, std::span<const std::string> passages);
  absl::StatusOr<Rows> Classify(std::span<const TokenText> pairs);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

// The scores of one row of class logits: the sigmoid of one, the softmax of more.
std::vector<float> ClassScores(std::span<const float> logits);

}  // namespace citeseek::inference
