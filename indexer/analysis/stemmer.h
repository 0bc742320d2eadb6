// Stemmer: turns a lower-case English word into its stem.
//
// Snowball's "english" (Porter2) with a cache of recent words. Single-threaded.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct sb_stemmer;

namespace citeseek::indexer {

class Stemmer {
 public:
  Stemmer();
  ~Stemmer();

  // `word` is ASCII. The view lives until the next call.
  std::string_view Stem(std::string_view word);

 private:
  struct Entry {
    static constexpr std::size_t kMaxBytes = 19;
    std::uint8_t word_bytes = 0;
    std::uint8_t stem_bytes = 0;
    char word[kMaxBytes];
    char stem[kMaxBytes];
  };

  std::string_view StemUncached(std::string_view word);

  std::unique_ptr<sb_stemmer, void (*)(sb_stemmer*)> stemmer_;
  std::vector<Entry> cache_;
};

}  // namespace citeseek::indexer
