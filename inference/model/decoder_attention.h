// DecoderAttention: a decoder layer's attention: keys and values into the cache, hidden states out.
//
// Two kinds: grouped-query attention (Llama, Qwen) and latent attention (DeepSeek-V2, 2024), which
// caches one compressed vector a token. Single-threaded, as the backend is.
#pragma once

#include <memory>
#include <string>

#include "inference/backend/backend.h"
#include "inference/model/activations.h"
#include "inference/model/config.h"
#include "inference/model/parameters.h"

namespace citeseek::inference {

class DecoderAttention {
 public:
  virtual ~DecoderAttention() = default;

  // a.hidden [t, hidden] += attention of a.normed [t, hidden].
  virtual void Run(Backend& backend, const KvCache& cache, const StepView& step,
                   const Activations& a) const = 0;
};

// The shape of a layer's cache, without memory.
KvCache CacheShape(const ModelConfig& config);

// prefix: "layers.3.self_attn.". Errors are left in `parameters`.
std::unique_ptr<DecoderAttention> LoadDecoderAttention(Parameters& parameters,
                                                       const ModelConfig& config, int layer,
                                                       const std::string& prefix);

}  // namespace citeseek::inference
