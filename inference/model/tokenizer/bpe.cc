#include "inference/model/tokenizer/bpe.h"

#include <algorithm>
#include <functional>
#include <numeric>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "inference/utf8.h"

namespace citeseek::inference {
namespace {

constexpr std::string_view kMark = "\u2581";
constexpr std::uint32_t kEnd = static_cast<std::uint32_t>(-1);
constexpr std::size_t kMaxScoredBytes = 1024;  // of a token that merges make
constexpr std::size_t kShortWord = 48;         // symbols; below, scanning beats a heap

std::uint64_t KeyOf(std::uint32_t rank, std::uint32_t place) {
  return std::uint64_t{rank} << 32 | place;
}

}  // namespace

absl::StatusOr<Bpe> Bpe::Make(const BpeSpec& spec, bool byte_alphabet,
                              const absl::flat_hash_set<std::int32_t>& control) {
  Bpe bpe;
  bpe.byte_alphabet_ = byte_alphabet;
  bpe.fuse_unknown_ = spec.fuse_unknown;
  bpe.ignore_merges_ = spec.ignore_merges;
  bpe.byte_ids_.fill(-1);
  absl::flat_hash_map<std::string_view, std::int32_t> by_text;
  by_text.reserve(spec.vocabulary.size());
  for (const auto& [text, id] : spec.vocabulary) {
    by_text[text] = id;
    std::size_t at = 0;
    if (text.empty()) continue;
    const char32_t first = NextCodePoint(text, at);
    if (at == text.size() && !control.contains(id)) {
      const int byte = Gpt2Byte(first);
      if (!byte_alphabet) {
        bpe.character_ids_[first] = id;
      } else if (byte >= 0) {
        bpe.byte_ids_[static_cast<std::size_t>(byte)] = id;
      }
    }
  }
  if (spec.unknown) {
    const auto it = by_text.find(*spec.unknown);
    if (it == by_text.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat("unk_token ", *spec.unknown, " is not in the vocabulary"));
    }
    bpe.unknown_ = it->second;
  }
  if (spec.byte_fallback && !byte_alphabet) {
    bpe.byte_fallback_ = true;
    for (int byte = 0; byte < 256; ++byte) {
      const auto it = by_text.find(absl::StrFormat("<0x%02X>", byte));
      if (it != by_text.end()) bpe.byte_ids_[static_cast<std::size_t>(byte)] = it->second;
    }
  }
  if (spec.ignore_merges) {
    bpe.words_.reserve(spec.vocabulary.size());
    for (const auto& [text, id] : spec.vocabulary) {
      if (!control.contains(id)) bpe.words_[byte_alphabet ? Gpt2Decode(text) : text] = id;
    }
  }

  bpe.splits_at_mark_ =
      !byte_alphabet && !spec.ignore_merges && bpe.character_ids_.contains(0x2581);
  bpe.merges_.reserve(spec.merges.size());
  std::string joined;
  for (std::size_t rank = 0; rank < spec.merges.size(); ++rank) {
    const auto& [left, right] = spec.merges[rank];
    joined.assign(left).append(right);
    const auto l = by_text.find(left), r = by_text.find(right), both = by_text.find(joined);
    if (l == by_text.end() || r == by_text.end() || both == by_text.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat("merge ", rank, ", \"", left, " ", right, "\", is not in the vocabulary"));
    }
    if (control.contains(both->second)) continue;
    if (right.starts_with(kMark) && !left.ends_with(kMark)) bpe.splits_at_mark_ = false;
    // A pair that is listed twice has its last rank, as in a map that is filled in order.
    bpe.merges_[std::uint64_t{static_cast<std::uint32_t>(l->second)} << 32 |
                static_cast<std::uint32_t>(r->second)] = {static_cast<std::uint32_t>(rank),
                                                          both->second};
  }
  if (!spec.scores.empty()) bpe.AddScoredMerges(spec, control);
  return bpe;
}

// SentencePiece's rule: of all neighbours whose union is a token, the one of the best score.
void Bpe::AddScoredMerges(const BpeSpec& spec, const absl::flat_hash_set<std::int32_t>& control) {
  absl::flat_hash_map<std::string_view, std::int32_t> by_text;
  for (const auto& [text, id] : spec.vocabulary) by_text[text] = id;
  std::vector<std::size_t> order(spec.vocabulary.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return spec.scores[a] > spec.scores[b]; });
  std::uint32_t rank = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (i > 0 && spec.scores[order[i]] < spec.scores[order[i - 1]]) ++rank;
    const auto& [text, id] = spec.vocabulary[order[i]];
    if (control.contains(id) || by_text[text] != id || text.size() > kMaxScoredBytes) continue;
    for (std::size_t at = 0; at < text.size();) {
      NextCodePoint(text, at);
      if (at >= text.size()) break;
      const auto left = by_text.find(std::string_view(text).substr(0, at));
      const auto right = by_text.find(std::string_view(text).substr(at));
      if (left == by_text.end() || right == by_text.end()) continue;
      if (right->first.starts_with(kMark) && !left->first.ends_with(kMark)) {
        splits_at_mark_ = false;
      }
      merges_.try_emplace(std::uint64_t{static_cast<std::uint32_t>(left->second)} << 32 |
                              static_cast<std::uint32_t>(right->second),
                          Merge{rank, id});
    }
  }
}

void Bpe::Encode(std::string_view word, Scratch& scratch, WordCache& cache,
                 std::vector<std::int32_t>& ids) const {
  if (!splits_at_mark_) {
    EncodeChunk(word, scratch, cache, ids);
    return;
  }
  // Cut where a mark follows something else: nothing merges over that place.
  std::size_t begin = 0;
  for (std::size_t at = word.find(kMark, 1); at != std::string_view::npos;
       at = word.find(kMark, at + 1)) {
    if (at < begin + kMark.size() || word.substr(at - kMark.size(), kMark.size()) != kMark) {
      EncodeChunk(word.substr(begin, at - begin), scratch, cache, ids);
      begin = at;
    }
  }
  EncodeChunk(word.substr(begin), scratch, cache, ids);
}

void Bpe::EncodeChunk(std::string_view word, Scratch& scratch, WordCache& cache,
                      std::vector<std::int32_t>& ids) const {
  if (cache.Find(word, ids)) return;
  const std::size_t before = ids.size();
  const auto whole =
      ignore_merges_ ? words_.find(absl::string_view(word.data(), word.size())) : words_.end();
  if (whole != words_.end()) {
    ids.push_back(whole->second);
  } else {
    Symbolize(word, scratch.symbols);
    if (scratch.symbols.size() <= kShortWord) {
      MergeShort(scratch.symbols);
      for (const Symbol& symbol : scratch.symbols) ids.push_back(symbol.id);
    } else {
      MergeLong(scratch.symbols, scratch.heap);
      for (std::uint32_t i = 0; i != kEnd; i = scratch.symbols[i].next) {
        ids.push_back(scratch.symbols[i].id);
      }
    }
  }
  cache.Put(word, std::span(ids).subspan(before));
}

void Bpe::Symbolize(std::string_view word, std::vector<Symbol>& symbols) const {
  symbols.clear();
  if (byte_alphabet_) {
    for (const char c : word) {
      const std::int32_t id = byte_ids_[static_cast<unsigned char>(c)];
      if (id >= 0) {
        symbols.push_back({.id = id});
      } else if (unknown_ >= 0) {
        symbols.push_back({.id = unknown_});
      }
    }
    return;
  }
  bool after_unknown = false;
  for (std::size_t at = 0; at < word.size();) {
    const std::size_t begin = at;
    const auto it = character_ids_.find(NextCodePoint(word, at));
    if (it != character_ids_.end()) {
      symbols.push_back({.id = it->second});
      after_unknown = false;
      continue;
    }
    const std::string_view bytes = word.substr(begin, at - begin);
    const auto fallback = [&](char c) { return byte_ids_[static_cast<unsigned char>(c)]; };
    if (byte_fallback_ &&
        std::all_of(bytes.begin(), bytes.end(), [&](char c) { return fallback(c) >= 0; })) {
      for (const char c : bytes) symbols.push_back({.id = fallback(c)});
      after_unknown = false;
    } else if (unknown_ >= 0) {
      if (!after_unknown || !fuse_unknown_) symbols.push_back({.id = unknown_});
      after_unknown = true;
    }
  }
}

void Bpe::MergeShort(std::vector<Symbol>& symbols) const {
  const auto rank_pair = [&](std::size_t i) {
    const Merge* merge =
        i + 1 < symbols.size() ? FindMerge(symbols[i].id, symbols[i + 1].id) : nullptr;
    symbols[i].rank = merge == nullptr ? kNoRank : merge->rank;
  };
  for (std::size_t i = 0; i < symbols.size(); ++i) rank_pair(i);
  while (symbols.size() > 1) {
    std::size_t best = 0;
    for (std::size_t i = 1; i + 1 < symbols.size(); ++i) {
      if (symbols[i].rank < symbols[best].rank) best = i;
    }
    if (symbols[best].rank == kNoRank) break;
    symbols[best].id = FindMerge(symbols[best].id, symbols[best + 1].id)->id;
    symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(best) + 1);
    rank_pair(best);
    if (best > 0) rank_pair(best - 1);
  }
}

void Bpe::MergeLong(std::vector<Symbol>& symbols, std::vector<Candidate>& heap) const {
  const auto worse = [](const Candidate& a, const Candidate& b) { return a.key > b.key; };
  heap.clear();
  const auto count = static_cast<std::uint32_t>(symbols.size());
  for (std::uint32_t i = 0; i < count; ++i) {
    symbols[i].previous = i == 0 ? kEnd : i - 1;
    symbols[i].next = i + 1 == count ? kEnd : i + 1;
    if (i + 1 == count) break;
    if (const Merge* merge = FindMerge(symbols[i].id, symbols[i + 1].id)) {
      heap.push_back({KeyOf(merge->rank, i), merge->id});
    }
  }
  std::make_heap(heap.begin(), heap.end(), worse);
  const auto push = [&](std::uint32_t left) {
    const std::uint32_t right = symbols[left].next;
    if (right == kEnd) return;
    if (const Merge* merge = FindMerge(symbols[left].id, symbols[right].id)) {
      heap.push_back({KeyOf(merge->rank, left), merge->id});
      std::push_heap(heap.begin(), heap.end(), worse);
    }
  };
  while (!heap.empty()) {
    const Candidate top = heap.front();
    std::pop_heap(heap.begin(), heap.end(), worse);
    heap.pop_back();
    const auto left = static_cast<std::uint32_t>(top.key);
    if (symbols[left].id < 0 || symbols[left].next == kEnd) continue;
    const std::uint32_t right = symbols[left].next;
    const Merge* merge = FindMerge(symbols[left].id, symbols[right].id);
    if (merge == nullptr || merge->id != top.id) continue;  // the pair is no longer there
    symbols[left].id = top.id;
    symbols[right].id = -1;
    symbols[left].next = symbols[right].next;
    if (symbols[left].next != kEnd) symbols[symbols[left].next].previous = left;
    if (symbols[left].previous != kEnd) push(symbols[left].previous);
    push(left);
  }
}

}  // namespace citeseek::inference
