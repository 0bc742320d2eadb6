// Random decoder: weights of our own making for a decoder of any family, in memory.
#pragma once

#include <cstdint>
#include "inference/model/config.h"
#include "inference/model/weights.h"

namespace citeseek::inference {

// Small configurations: grouped attention with biases and tied embeddings; latent attention with
// routed experts and a prediction head.
ModelConfig TinyQwen2Config();
ModelConfig TinyDeepSeekConfig();

// f32, every tensor that the configuration asks for, scaled so that logits spread by a few units.
Weights RandomDecoder(const ModelConfig& config, std::uint32_t seed);

}  // namespace citeseek::inference
