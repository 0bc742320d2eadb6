// Encoder: turns token ids of whole texts into vectors and class logits.
//
// Single-threaded. One forward pass for BERT, XLM-R (post-norm, learned positions) and ModernBERT
// (pre-norm, rope, gated MLP, local windows; Warner et al. 2024), written over Backend. Texts of
// one call lie one after another without padding, and none depends on the others.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "inference/backend/backend.h"
#include "inference/model/activations.h"
#include "inference/model/config.h"
#include "inference/model/parameters.h"
#include "inference/model/rope.h"
#include "inference/model/weights.h"

namespace citeseek::inference {

struct EncoderOptions {
  Storage storage = Storage::kAsStored;
  // Of all texts in one call. The default is enough to keep every processor busy, and few enough
  // that what goes from layer to layer stays in a cache and that nobody waits long for a batch.
  int max_tokens = 1024;
  int max_texts = 256;  // in one call
};

struct EncoderInput {
  std::span<const std::int32_t> ids;
  std::span<const std::int32_t> types = {};  // token types; empty: all 0
};

// What is made of a text's hidden states: [hidden] its first token's, their mean, or BERT's pooler
// of the first; [labels] the classification head's logits.
enum class EncoderOutput { kFirst, kMean, kPooler, kLogits };

class Encoder {
 public:
  // Errors: those of Weights::Find, kResourceExhausted.
  static absl::StatusOr<std::unique_ptr<Encoder>> Load(const ModelConfig& config,
                                                       const Weights& weights, Backend& backend,
                                                       const EncoderOptions& options);

  const ModelConfig& config() const { return config_; }
  const EncoderOptions& options() const { return options_; }
  std::size_t weight_bytes() const { return weight_bytes_; }
  bool Has(EncoderOutput output) const;
  int Width(EncoderOutput output) const;

  // Sees the hidden states [tokens, hidden] after the embedding (0), each layer (1..) and, of
  // ModernBERT, the final norm.
  using Observer = absl::FunctionRef<void(int, Tensor)>;

  // out [inputs, Width(output)], not normalised. The caller keeps to the options, to
  // config().max_positions tokens a text, at least one, and to ids below the vocabulary's size.
  void Run(
      std::span<const EncoderInput> inputs, EncoderOutput output, std::span<float> out,
      Observer observer = [](int, Tensor) {});

 private:
  struct Norm {
    DeviceVector weight;  // absent: no norm here
    DeviceVector bias;
  };
  struct Dense {
    std::unique_ptr<Matrix> weight;
    DeviceVector bias;
  };
  struct Layer {
    Dense qkv, attention_out, inner, outer;
    Norm attention_norm, mlp_norm;
    int window = 0;
  };

  Encoder(const ModelConfig& config, Backend& backend, const EncoderOptions& options);
  absl::Status LoadParameters(const Weights& weights);
  void LoadBertLayer(Parameters& parameters, int layer);
  void LoadModernLayer(Parameters& parameters, int layer);
  void LoadHead(Parameters& parameters);
  absl::Status MakeBuffers();
  int Upload(std::span<const EncoderInput> inputs);  // returns the number of tokens

  void Embed(Tensor hidden);
  void RunLayer(const Layer& layer, int tokens, int sequences);
  void ApplyNorm(Tensor y, Tensor x, const Norm& norm);
  void ApplyDense(Tensor y, Tensor x, const Dense& dense, bool accumulate);

  const ModelConfig config_;
  Backend& backend_;
  const EncoderOptions options_;
  const bool modern_;
  std::unique_ptr<Rope> rope_;        // ModernBERT's, of global layers
  std::unique_ptr<Rope> local_rope_;  // and of local ones

  std::unique_ptr<Matrix> words_;
  std::unique_ptr<Matrix> positions_;
  std::unique_ptr<Matrix> types_;
  Norm embedding_norm_;
  std::vector<Layer> layers_;
  Norm final_norm_;
  Dense pooler_;  // BERT's pooler; the first layer of the other families' heads
  Norm head_norm_;
  Dense classifier_;

  std::size_t weight_bytes_ = 0;

  Arena arena_;
  Activations activations_;
  Tensor angles_;
  Tensor local_angles_;
  Tensor pooled_;   // [max_texts, hidden]
  Tensor head_;     // [max_texts, hidden]
  Tensor classes_;  // [max_texts, labels]
  std::int32_t* ids_ = nullptr;
  std::int32_t* position_ids_ = nullptr;
  std::int32_t* type_ids_ = nullptr;
  std::int32_t* starts_ = nullptr;
};

}  // namespace citeseek::inference
