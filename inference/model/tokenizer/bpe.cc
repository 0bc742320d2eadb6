#include "inference/model/tokenizer/bpe.h"

#include <algorithm>
#include <bit>
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
constexpr std::size_t kShortWord = 96;         // symbols; below, scanning beats a queue

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
    const std::uint64_t pair = PairOf(l->second, r->second);
    bpe.merges_[pair] = {pair, static_cast<std::uint32_t>(rank), both->second};
  }
  if (!spec.scores.empty()) bpe.AddScoredMerges(spec, control);
  bpe.MakeTables();
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
      const std::uint64_t pair = PairOf(left->second, right->second);
      merges_.try_emplace(pair, Merge{pair, rank, id});
    }
  }
}

void Bpe::MakeTables() {
  const std::size_t slots = std::bit_ceil(merges_.size() * 2 + 1);
  table_.resize(slots);
  table_mask_ = slots - 1;
  filter_.resize((std::size_t{1} << kFilterBits) / 64);
  std::uint32_t ranks = 0;
  for (const auto& [pair, merge] : merges_) {
    const std::uint64_t hash = HashOf(pair);
    const std::uint64_t bit = hash >> (64 - kFilterBits);
    filter_[bit >> 6] |= std::uint64_t{1} << (bit & 63);
    std::uint64_t slot = hash & table_mask_;
    while (table_[slot].pair != kNoPair) slot = (slot + 1) & table_mask_;
    table_[slot] = merge;
    ranks = std::max(ranks, merge.rank + 1);
  }
  ranked_.resize(ranks);
  absl::flat_hash_map<std::int32_t, std::uint32_t> made;  // the last rank that makes an id
  bool in_order = true;
  for (const auto& [pair, merge] : merges_) {
    RankedMerge& ranked = ranked_[merge.rank];
    in_order = in_order && ranked.id < 0;
    ranked = {static_cast<std::int32_t>(pair >> 32), static_cast<std::int32_t>(pair), merge.id};
    std::uint32_t& last = made[merge.id];
    last = std::max(last, merge.rank);
  }
  for (std::uint32_t rank = 0; rank < ranks && in_order; ++rank) {
    for (const std::int32_t part : {ranked_[rank].left, ranked_[rank].right}) {
      const auto it = made.find(part);
      in_order = in_order && (it == made.end() || it->second < rank);
    }
  }
  if (!in_order) ranked_.clear();
  merges_ = {};
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
      MergeShort(scratch.symbols, scratch.pairs);
      for (const Symbol& symbol : scratch.symbols) ids.push_back(symbol.id);
    } else {
      ranked_.empty() ? MergeLong(scratch.symbols, scratch.heap)
                      : MergeRanked(scratch.symbols, scratch.queue);
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

void Bpe::MergeShort(std::vector<Symbol>& symbols, std::vector<std::uint64_t>& pairs) const {
  std::size_t count = symbols.size();
  if (count < 2) return;
  // pairs[i]: of symbols i and i + 1; the smallest is that of the best rank.
  pairs.resize(count);
  for (std::size_t i = 0; i + 1 < count; ++i) {
    pairs[i] = FindPair(symbols[i].id, symbols[i + 1].id);
  }
  for (; count > 1; --count) {
    std::size_t best = 0;
    std::uint64_t least = pairs[0] >> 32;
    for (std::size_t i = 1; i + 1 < count; ++i) {
      if (pairs[i] >> 32 < least) {
        least = pairs[i] >> 32;
        best = i;
      }
    }
    if (pairs[best] == kNoPair) break;
    symbols[best].id = static_cast<std::int32_t>(pairs[best]);
    std::copy(symbols.begin() + static_cast<std::ptrdiff_t>(best) + 2,
              symbols.begin() + static_cast<std::ptrdiff_t>(count),
              symbols.begin() + static_cast<std::ptrdiff_t>(best) + 1);
    std::copy(pairs.begin() + static_cast<std::ptrdiff_t>(best) + 1,
              pairs.begin() + static_cast<std::ptrdiff_t>(count) - 1,
              pairs.begin() + static_cast<std::ptrdiff_t>(best));
    if (best + 2 < count) pairs[best] = FindPair(symbols[best].id, symbols[best + 1].id);
    if (best > 0) pairs[best - 1] = FindPair(symbols[best - 1].id, symbols[best].id);
  }
  symbols.resize(count);
}

// Rank by rank, and within one from left to right. What a merge makes can only be merged at a later
// rank (MakeTables saw to that), so a rank is done once. All is linear but for putting the places
// of one rank in order, which they mostly are.
void Bpe::MergeRanked(std::vector<Symbol>& symbols, Queue& queue) const {
  const auto count = static_cast<std::uint32_t>(symbols.size());
  if (queue.first.empty()) {
    queue.first.resize(ranked_.size(), kEnd);
    for (std::size_t bits = ranked_.size(); queue.used.empty() || bits > 1;) {
      bits = (bits + 63) / 64;
      queue.used.emplace_back(bits);
    }
  }
  queue.nodes.clear();
  const auto push = [&](std::uint32_t left) {
    const std::uint32_t right = symbols[left].next;
    if (right == kEnd) return;
    const Merge* merge = FindMerge(symbols[left].id, symbols[right].id);
    if (merge == nullptr) return;
    std::uint32_t& first = queue.first[merge->rank];
    if (first == kEnd) {
      std::size_t bit = merge->rank;
      for (auto& level : queue.used) {
        level[bit >> 6] |= std::uint64_t{1} << (bit & 63);
        bit >>= 6;
      }
    }
    queue.nodes.push_back({left, first});
    first = static_cast<std::uint32_t>(queue.nodes.size() - 1);
  };
  for (std::uint32_t i = 0; i < count; ++i) {
    symbols[i].previous = i == 0 ? kEnd : i - 1;
    symbols[i].next = i + 1 == count ? kEnd : i + 1;
  }
  for (std::uint32_t i = 0; i < count; ++i) push(i);
  while (queue.used.back()[0] != 0) {
    std::size_t rank = 0;
    for (auto level = queue.used.rbegin(); level != queue.used.rend(); ++level) {
      rank = rank << 6 | static_cast<std::size_t>(std::countr_zero((*level)[rank]));
    }
    queue.places.clear();
    for (std::uint32_t i = queue.first[rank]; i != kEnd; i = queue.nodes[i].next) {
      queue.places.push_back(queue.nodes[i].place);
    }
    queue.first[rank] = kEnd;
    std::size_t bit = rank;
    for (auto& level : queue.used) {
      level[bit >> 6] &= ~(std::uint64_t{1} << (bit & 63));
      if (level[bit >> 6] != 0) break;
      bit >>= 6;
    }
    std::reverse(queue.places.begin(), queue.places.end());
    if (!std::is_sorted(queue.places.begin(), queue.places.end())) {
      std::sort(queue.places.begin(), queue.places.end());
    }
    const RankedMerge merge = ranked_[rank];
    for (const std::uint32_t left : queue.places) {
      const std::uint32_t right = symbols[left].next;
      if (symbols[left].id != merge.left || right == kEnd || symbols[right].id != merge.right) {
        continue;  // the pair is no longer there
      }
      symbols[left].id = merge.id;
      symbols[right].id = -1;
      symbols[left].next = symbols[right].next;
      if (symbols[left].next != kEnd) symbols[symbols[left].next].previous = left;
      if (symbols[left].previous != kEnd) push(symbols[left].previous);
      push(left);
    }
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
