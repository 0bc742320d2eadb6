// Tiny BERT: a folder with an encoder of random weights (fixed seed) and a tokenizer of a few
// words, for tests that need no shared data.
#pragma once

#include "tests/support/temp_directory.h"

namespace citeseek {

// 16 channels, texts of up to 32 tokens. Words: "red", "green", "blue", "and", "not"; others are
// [UNK]. labels > 0: a classifier.
void WriteTinyBert(const TempDirectory& folder, int labels = 0);

}  // namespace citeseek
