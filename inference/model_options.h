// ModelOptions: how the files of a model are to be run.
#pragma once

namespace citeseek::inference {

// How a matrix keeps its weights. kQ8 and kQ4 are blocks of 32 along k with f16 scales (kQ4: and
// minima); their products quantise x to int8 in the same blocks.
enum class Storage { kAsStored, kF32, kF16, kBF16, kQ8, kQ4 };

struct ModelOptions {
  int threads = 2;
  Storage storage = Storage::kAsStored;  // of the large matrices
};

}  // namespace citeseek::inference
