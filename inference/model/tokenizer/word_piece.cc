#include "inference/model/tokenizer/word_piece.h"

#include <span>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "inference/utf8.h"

namespace citeseek::inference {

absl::StatusOr<WordPiece> WordPiece::Make(const WordPieceSpec& spec,
                                          const absl::flat_hash_set<std::int32_t>& control) {
  WordPiece model;
  model.max_characters_ = spec.max_characters;
  bool has_unknown = false;
  std::vector<std::pair<std::string, std::int32_t>> entries;
  for (const auto& [text, id] : spec.vocabulary) {
    if (text == spec.unknown) {
      model.unknown_ = id;
      has_unknown = true;
    }
    if (!control.contains(id)) entries.emplace_back(text, id);
  }
  if (!has_unknown) {
    return absl::InvalidArgumentError(
        absl::StrCat("unk_token ", spec.unknown, " is not in the vocabulary"));
  }
  model.trie_ = ByteTrie(std::move(entries));
  model.inside_ = model.trie_.Root();
  for (const char c : spec.prefix) {
    if (model.inside_ != ByteTrie::kNone) model.inside_ = model.trie_.Step(model.inside_, c);
  }
  return model;
}

void WordPiece::Encode(std::string_view word, WordCache& cache,
                       std::vector<std::int32_t>& ids) const {
  if (cache.Find(word, ids)) return;
  const std::size_t before = ids.size();
  int characters = 0;
  for (std::size_t at = 0; at < word.size() && characters <= max_characters_; ++characters) {
    NextCodePoint(word, at);
  }
  bool good = characters <= max_characters_;
  for (std::size_t at = 0; good && at < word.size();) {
    ByteTrie::Node node = at == 0 ? trie_.Root() : inside_;
    std::int32_t id = -1;
    std::size_t end = at;
    for (std::size_t i = at; i < word.size() && node != ByteTrie::kNone; ++i) {
      node = trie_.Step(node, word[i]);
      if (node != ByteTrie::kNone && trie_.IdAt(node) >= 0) {
        id = trie_.IdAt(node);
        end = i + 1;
      }
    }
    good = id >= 0;
    if (good) ids.push_back(id);
    at = end;
  }
  if (!good) {
    ids.resize(before);
    ids.push_back(unknown_);
  }
  cache.Put(word, std::span(ids).subspan(before));
}

}  // namespace citeseek::inference
