// Sampler: turns one row of logits into the next token of one sequence.
//
// Single-threaded. Same seed, same logits: same tokens, whatever runs beside. Order as in
// transformers: penalties, temperature, top-k, top-p, min-p.
#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "inference/generator.h"

namespace citeseek::inference {

struct SampledToken {
  std::int32_t id = 0;
  float log_probability = 0;  // under the model, before penalties and temperature
};

class Sampler {
 public:
  // seed: sampling.seed, or the caller's choice where that is 0.
  Sampler(const Sampling& sampling, std::uint64_t seed, std::span<const std::int32_t> prompt);

  // logits [vocabulary], overwritten.
  SampledToken Sample(std::span<float> logits);

 private:
  struct Candidate {
    float logit = 0;
    std::int32_t id = 0;
  };

  void Penalize(std::span<float> logits) const;
  // The most likely candidates in order, cut by top-k, top-p and min-p.
  void Choose(std::span<const float> logits);

  const double temperature_;
  const double top_p_;
  const int top_k_;
  const double min_p_;
  const float repetition_penalty_;
  const float presence_penalty_;
  std::mt19937_64 random_;
  std::unordered_map<std::int32_t, bool> seen_;  // true: generated, not only in the prompt
  std::vector<Candidate> candidates_;
};

// What is wrong with the values, or OK.
absl::Status CheckSampling(const Sampling& sampling);

}  // namespace citeseek::inference
