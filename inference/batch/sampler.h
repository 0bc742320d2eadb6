// Sampler: turns one row of logits into the next token of one sequence.
//
// Single-threaded. Same seed, same logits: same tokens, whatever runs beside. Order as in
// transformers, for which models' recommended values are made: constraint, penalties, temperature,
// top-k, top-p, min-p (llama.cpp has the temperature last by default, so that its top-p and min-p
// cut the untempered distribution).
#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "inference/batch/constraint.h"
#include "inference/generator.h"

namespace citeseek::inference {

struct TokenLogprob {
  std::int32_t id = 0;
  float log_probability = 0;  // under the model, before constraint, penalties and temperature
};

struct SampledToken {
  std::int32_t id = 0;
  float log_probability = 0;      // as above; 0 if it was not asked for or the token was forced
  std::vector<TokenLogprob> top;  // the most likely ones, best first; as many as asked for
};

class Sampler {
 public:
  // seed: sampling.seed, or the caller's choice where that is 0. logprobs: how many of the most
  // likely tokens to report with each token; -1: no log probabilities at all, which is cheaper.
  Sampler(const Sampling& sampling, std::uint64_t seed, std::span<const std::int32_t> prompt,
          int logprobs = -1);

  // logits [vocabulary], overwritten. At least one token must be allowed.
  SampledToken Sample(std::span<float> logits, const AllowedTokens& allowed = {});

  // The same without a model, where only this token is allowed.
  SampledToken Force(std::int32_t id);

  // The first of the most likely.
  static std::int32_t Best(std::span<const float> logits);

 private:
  struct Candidate {
    float logit = 0;
    std::int32_t id = 0;
    double weight = 0;  // e^((logit - the best) / temperature)
  };

  void Penalize(std::span<float> logits) const;
  void Note(std::int32_t id);
  // The most likely candidates in order, cut by top-k, top-p and min-p.
  void Choose(std::span<const float> logits);
  std::int32_t Draw();
  void Report(SampledToken& token) const;

  const double temperature_;
  const double top_p_;
  const int top_k_;
  const double min_p_;
  const float repetition_penalty_;
  const float presence_penalty_;
  const float frequency_penalty_;
  const int logprobs_;
  std::mt19937_64 random_;
  // How often generated: 0 is only in the prompt. Empty where nothing is penalized.
  std::unordered_map<std::int32_t, int> seen_;
  std::vector<Candidate> candidates_;
  std::vector<float> untouched_;  // the model's row, where log probabilities are asked for
};

// What is wrong with the values, or OK.
absl::Status CheckSampling(const Sampling& sampling);

}  // namespace citeseek::inference
