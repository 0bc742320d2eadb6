// Bench: how fast a model runs here, beside what the machine could do at best in the same minute.
//
// Single-threaded; takes the machine for itself. Errors: those of opening a model.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "inference/model_options.h"

namespace citeseek::inference {

struct BenchRequest {
  std::string path;   // of a model, or
  std::string shape;  // of random weights: "qwen2.5-0.5b", "qwen2.5-1.5b", "bge-small"
  ModelOptions options = {};
  std::vector<int> prompts = {512};  // tokens (of an encoder: of one text)
  int generate = 64;                 // tokens of each sequence
  std::vector<int> batches = {1};    // sequences that decode together (of an encoder: texts)
  int rounds = 3;
};

// Figures by name, in order. Speeds are the best of the rounds; each *_of_ceiling is the median,
// over the rounds, of the speed as a share of the ceiling measured just before and after.
// Of decoders: prefill_tokens_per_s, prefill_gop_per_s (2 operations a non-embedding weight and
// token), decode_tokens_per_s (of all sequences together), decode_read_gb_per_s; of encoders
// embed_tokens_per_s. Of all: ceiling_read_gb_per_s, ceiling_f32_gflop_per_s and so on. Further
// prompts and batches have their number in the name: prefill_2048_tokens_per_s.
struct BenchResult {
  std::string backend;
  std::string model;
  std::vector<std::pair<std::string, double>> figures;
};

absl::StatusOr<BenchResult> RunBench(const BenchRequest& request);

}  // namespace citeseek::inference
