// Embedder: turns texts into unit vectors whose dot product is their similarity.
//
// Thread-safe. Errors: kInvalidArgument (out has the wrong size, a text is not UTF-8 or too long),
// kDeadlineExceeded, kCancelled, kUnavailable.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "inference/model_options.h"

namespace citeseek::inference {

enum class EmbedKind { kQuery, kPassage };

struct EmbedRequest {
  std::span<const std::string> texts;  // UTF-8
  EmbedKind kind = EmbedKind::kPassage;
  absl::Time deadline = absl::InfiniteFuture();
  std::stop_token stop = {};
};

class Embedder {
 public:
  virtual ~Embedder() = default;

  // Names the model and its version: vectors of different names must never be compared.
  virtual std::string Name() const = 0;
  virtual int Dimension() const = 0;
  // True: near vectors mean the same in whatever words. False: they are spelt alike.
  virtual bool KnowsMeaning() const { return false; }

  // out [texts, dimension] float32, rows L2-normalised (all zero for a text without features).
  virtual absl::Status Embed(const EmbedRequest& request, std::span<float> out) = 0;
};

// The embedder that needs no download: signed feature hashing of words and character n-grams into
// 512 dimensions with idf weights (Weinberger et al. 2009; subwords as in fastText, Bojanowski et
// al. 2017). It knows spelling, not meaning; and since it has seen no corpus, its idf is a prior
// from lists of common English words and Chinese characters, not a count. Stateless, the same on
// every machine.
std::unique_ptr<Embedder> MakeHashingEmbedder();

// The embedder that a folder or GGUF file holds: an encoder (BERT, XLM-R, ModernBERT) pooled as its
// sentence-transformers files say, or a decoder pooled at its last token. Texts that are longer
// than the model was made for are cut there. Errors: kNotFound, kInvalidArgument (damaged, unknown,
// or no embedder), kResourceExhausted.
struct EmbedderOptions {
  ModelOptions model = {};
  // Put before queries and passages; nullopt: what the files say.
  std::optional<std::string> query_prompt = std::nullopt;
  std::optional<std::string> passage_prompt = std::nullopt;
};
absl::StatusOr<std::unique_ptr<Embedder>> OpenEmbedder(const std::string& path,
                                                       const EmbedderOptions& options);

}  // namespace citeseek::inference
