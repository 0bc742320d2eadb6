// What the writer that is killed and the test that kills it agree on.
//
// The writer prints a line when a call begins and one when it has been acknowledged:
//   begin <thread> add|delete <key>=<number> ...     (number 0: delete)
//   done <thread> <version or 0> ...                 (0: there was no such document)
// Keys of different threads differ, so that each thread's lines tell its documents' state.
#pragma once

#include <string>

#include "indexer/indexer.h"
#include "tests/support/memory_segment.h"
#include "tests/support/word_embedder.h"

namespace citeseek::indexer {

inline constexpr int kThreads = 3;
inline constexpr int kKeys = 12;  // of each thread

inline std::string KeyName(int thread, int key) {
  return "t" + std::to_string(thread) + "-" + std::to_string(key);
}

// The text of the document that carries a number.
inline std::string TextOf(unsigned long number) {
  std::string text = "number " + std::to_string(number) + " fox.";
  for (unsigned long i = 0; i < number % 40; ++i) {
    text += " word" + std::to_string((number * 31 + i * i) % 97);
  }
  return text;
}

struct CrashIndex {
  explicit CrashIndex(const std::string& directory)
      : options{.directory = directory,
                .analyzer = &analyzer,
                .embedder = &embedder,
                .commit_interval = absl::Milliseconds(2),
                .max_segments_per_tier = 3,
                .flush_bytes = 2000,
                .threads = 1} {}
  tests::WordAnalyzer analyzer;
  tests::WordEmbedder embedder;
  IndexerOptions options;
};

}  // namespace citeseek::indexer
