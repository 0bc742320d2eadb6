#include "indexer/analysis/stemmer.h"

#include <libstemmer.h>

#include <cstring>

namespace citeseek::indexer {
namespace {

constexpr std::size_t kCacheEntries = 8192;  // 320 KiB: stays in the second-level cache

std::size_t HashOf(std::string_view word) {
  std::uint64_t hash = 0xCBF29CE484222325u;
  for (const char c : word) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
  return static_cast<std::size_t>(hash ^ hash >> 29) % kCacheEntries;
}

}  // namespace

Stemmer::Stemmer() : stemmer_(sb_stemmer_new("english", nullptr), sb_stemmer_delete) {
  cache_.resize(kCacheEntries);
}

Stemmer::~Stemmer() = default;

std::string_view Stemmer::Stem(std::string_view word) {
  if (word.empty() || word.size() > Entry::kMaxBytes) return StemUncached(word);
  Entry& entry = cache_[HashOf(word)];
  if (std::string_view(entry.word, entry.word_bytes) != word) {
    const std::string_view stem = StemUncached(word);
    if (stem.size() > Entry::kMaxBytes) return stem;
    std::memcpy(entry.word, word.data(), word.size());
    std::memcpy(entry.stem, stem.data(), stem.size());
    entry.word_bytes = static_cast<std::uint8_t>(word.size());
    entry.stem_bytes = static_cast<std::uint8_t>(stem.size());
  }
  return {entry.stem, entry.stem_bytes};
}

std::string_view Stemmer::StemUncached(std::string_view word) {
  const sb_symbol* stem =
      sb_stemmer_stem(stemmer_.get(), reinterpret_cast<const sb_symbol*>(word.data()),
                      static_cast<int>(word.size()));
  if (stem == nullptr) return word;  // out of memory
  return {reinterpret_cast<const char*>(stem),
          static_cast<std::size_t>(sb_stemmer_length(stemmer_.get()))};
}

}  // namespace citeseek::indexer
