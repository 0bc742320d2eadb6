#include "inference/model/tokenizer/bpe.h"

#include <algorithm>
#include <bit>
#include <cstring>
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
constexpr std::size_t kMaxMadeBytes = 1024;    // of a token that is tried at each place

std::uint64_t KeyOf(std::uint32_t rank, std::uint32_t place) {
  return std::uint64_t{rank} << 32 | place;
}

}  // namespace

absl::StatusOr<Bpe> Bpe::Make(const BpeSpec& spec, bool byte_alphabet,
                              const absl::flat_hash_set<std::int32_t>& control) {
  Bpe bpe;
  bpe.byte_alphabet_ = byte_alphabet;
  bpe.fuse_unknown_ = spec.fuse_unknown && !byte_alphabet;
  bpe.ignore_merges_ = spec.ignore_merges;
  bpe.byte_ids_.fill(-1);
  absl::flat_hash_map<std::string_view, std::int32_t> by_text;
  by_text.reserve(spec.vocabulary.size());
  std::vector<bool> taken;
  bool one_text_an_id = true;
  for (const auto& [text, id] : spec.vocabulary) {
    by_text[text] = id;
    const auto slot = static_cast<std::size_t>(id);
    if (slot >= taken.size()) taken.resize(std::max(slot + 1, spec.vocabulary.size()));
    one_text_an_id = one_text_an_id && !taken[slot];
    taken[slot] = true;
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

  // Not where a character can stand for nothing: marks on both sides of it would meet.
  bpe.splits_at_mark_ = !byte_alphabet && !spec.ignore_merges &&
                        (spec.unknown || spec.byte_fallback) && bpe.character_ids_.contains(0x2581);
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
  if (one_text_an_id) bpe.FindMade();
  bpe.merges_ = {};
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
  const std::size_t slots = std::bit_ceil(merges_.size() + merges_.size() / 3 + 1);
  table_.resize(slots);
  table_mask_ = slots - 1;
  filter_.resize((std::size_t{1} << kFilterBits) / 64);
  for (const auto& [pair, merge] : merges_) {
    const std::uint64_t hash = HashOf(pair);
    const std::uint64_t bit = hash >> (64 - kFilterBits);
    filter_[bit >> 6] |= std::uint64_t{1} << (bit & 63);
    std::uint64_t slot = hash & table_mask_;
    while (table_[slot].pair != kNoPair) slot = (slot + 1) & table_mask_;
    table_[slot] = merge;
  }
}

void Bpe::FindMade() {
  std::vector<Merge> order;
  std::int32_t last = unknown_;
  for (const std::int32_t id : byte_ids_) last = std::max(last, id);
  for (const auto& [character, id] : character_ids_) last = std::max(last, id);
  for (const auto& [pair, merge] : merges_) {
    order.push_back(merge);
    last = std::max({last, merge.id, LeftOf(pair), RightOf(pair)});
  }
  std::sort(order.begin(), order.end(),
            [](const Merge& a, const Merge& b) { return a.rank < b.rank; });
  made_.resize(static_cast<std::size_t>(last + 1));
  std::vector<std::string> texts(made_.size());
  const auto add_symbol = [&](std::int32_t id, std::string text) {
    made_[static_cast<std::size_t>(id)].when = 0;
    texts[static_cast<std::size_t>(id)] = std::move(text);
  };
  for (std::size_t byte = 0; byte_alphabet_ && byte < byte_ids_.size(); ++byte) {
    if (byte_ids_[byte] >= 0) add_symbol(byte_ids_[byte], std::string(1, static_cast<char>(byte)));
  }
  for (const auto& [character, id] : character_ids_) {
    std::string text;
    AppendUtf8(character, text);
    add_symbol(id, std::move(text));
  }
  const auto when = [&](std::int32_t id) { return made_[static_cast<std::size_t>(id)].when; };
  for (const Merge& merge : order) {
    const std::int32_t left = LeftOf(merge.pair), right = RightOf(merge.pair);
    Made& made = made_[static_cast<std::size_t>(merge.id)];
    if (when(left) > merge.rank || when(right) > merge.rank || made.when != kNever) continue;
    if (!StayApart(left, right, merge.rank + 1)) continue;  // other merges come before this one
    made = {.left = left, .right = right, .when = merge.rank + 1};
    texts[static_cast<std::size_t>(merge.id)] =
        texts[static_cast<std::size_t>(left)] + texts[static_cast<std::size_t>(right)];
  }
  // Outside of all this are merges of what is no symbol of the alphabet, and merges whose parts are
  // made later than they are listed. Of those, one whose token is made by another merge never
  // happens: where its parts met, that token's own text would be merged in a second way.
  short_joints_.resize((1 << 16) / 64);
  joints_.resize((std::size_t{1} << kFilterBits) / 64);
  absl::flat_hash_set<std::int32_t> apart = {unknown_};
  if (byte_fallback_) apart.insert(byte_ids_.begin(), byte_ids_.end());
  bool in_order = true;
  for (const Merge& merge : order) {
    const std::int32_t left = LeftOf(merge.pair), right = RightOf(merge.pair);
    const bool happens = when(left) != kNever && when(right) != kNever && when(merge.id) == kNever;
    const bool late = std::max(when(left), when(right)) > merge.rank;
    if (when(left) != kNever && when(right) != kNever) {
      AddJoint(texts[static_cast<std::size_t>(left)], texts[static_cast<std::size_t>(right)]);
    }
    in_order = in_order && !(happens && late) && !apart.contains(left) && !apart.contains(right);
  }
  std::vector<std::pair<std::string, std::int32_t>> entries;
  for (std::size_t id = 0; id < made_.size(); ++id) {
    if (made_[id].when == kNever) continue;
    made_[id].bytes = static_cast<std::uint32_t>(texts[id].size());
    in_order = in_order && texts[id].size() <= kMaxMadeBytes;
    entries.emplace_back(std::move(texts[id]), static_cast<std::int32_t>(id));
  }
  drops_unknown_ = unknown_ < 0 && !(byte_fallback_ && std::find(byte_ids_.begin(), byte_ids_.end(),
                                                                 -1) == byte_ids_.end());
  if (!in_order) {
    made_.clear();
    return;
  }
  trie_ = ByteTrie(entries);
  for (const auto& [text, id] : entries) {
    std::size_t end = 0;
    made_[static_cast<std::size_t>(id)].shorter =
        LongestAt(std::string_view(text).substr(0, text.size() - 1), 0, end);
  }
}

// Of the two, the part that was made last is undone again and again: so the places of all merges
// that could have reached over are seen, from the last to the first. Of equal ranks the left goes
// first.
bool Bpe::StayApart(std::int32_t left, std::int32_t right, std::uint32_t until) const {
  std::uint32_t left_until = until, right_until = until;  // when each merges with its own side
  while (true) {
    const Merge* merge = FindMerge(left, right);
    if (merge != nullptr && merge->rank + 1 < left_until && merge->rank + 1 <= right_until) {
      return false;
    }
    const Made& l = made_[static_cast<std::size_t>(left)];
    const Made& r = made_[static_cast<std::size_t>(right)];
    if (r.when >= l.when) {
      if (r.when == 0) return true;
      right = r.left;
      right_until = r.when;
    } else {
      left = l.right;
      left_until = l.when;
    }
  }
}

std::uint64_t Bpe::JointBit(const char* middle) {
  std::uint64_t sides = 0;
  std::memcpy(&sides, middle - kJointBytes, 2 * kJointBytes);
  return HashOf(sides) >> (64 - kFilterBits);
}

void Bpe::AddJoint(std::string_view left, std::string_view right) {
  std::uint64_t bit = 0;
  if (left.size() < kJointBytes || right.size() < kJointBytes) {
    bit = static_cast<unsigned char>(left.back()) << 8 | static_cast<unsigned char>(right[0]);
    short_joints_[bit >> 6] |= std::uint64_t{1} << (bit & 63);
    return;
  }
  const std::string sides = std::string(left.substr(left.size() - kJointBytes)) +
                            std::string(right.substr(0, kJointBytes));
  bit = JointBit(sides.data() + kJointBytes);
  joints_[bit >> 6] |= std::uint64_t{1} << (bit & 63);
}

bool Bpe::MayJoin(std::string_view word, std::size_t at) const {
  std::uint64_t bit =
      static_cast<unsigned char>(word[at - 1]) << 8 | static_cast<unsigned char>(word[at]);
  if ((short_joints_[bit >> 6] >> (bit & 63) & 1) != 0) return true;
  if (at < kJointBytes || word.size() - at < kJointBytes) return false;
  bit = JointBit(word.data() + at);
  return (joints_[bit >> 6] >> (bit & 63) & 1) != 0;
}

std::int32_t Bpe::LongestAt(std::string_view word, std::size_t at, std::size_t& end) const {
  std::int32_t longest = -1;
  ByteTrie::Node node = trie_.Root();
  while (at < word.size()) {
    node = trie_.Step(node, word[at++]);
    if (node == ByteTrie::kNone) break;
    const std::int32_t id = ByteTrie::IdAt(node);
    if (id < 0) continue;
    longest = id;
    end = at;
  }
  return longest;
}

// False if the word has to be merged: a character of it stands for nothing, so that its neighbours
// become each other's.
bool Bpe::EncodeFromLeft(std::string_view word, Scratch& scratch,
                         std::vector<std::int32_t>& ids) const {
  const std::size_t before = ids.size();
  std::vector<std::uint64_t>& dead = scratch.dead;
  dead.assign(word.size() / 64 + 1, 0);
  std::size_t first = before;  // of the ids behind the last unknown character
  bool after_unknown = false;
  std::size_t at = 0;
  while (at < word.size()) {
    std::size_t end = at;
    std::int32_t id = LongestAt(word, at, end);
    if (id < 0) {
      const std::size_t begin = at;
      if (byte_alphabet_) {
        ++at;
      } else {
        NextCodePoint(word, at);
      }
      if (drops_unknown_) {
        ids.resize(before);
        return false;
      }
      PushUnknown(word.substr(begin, at - begin), after_unknown, ids);
      first = ids.size();
      continue;
    }
    // Shorter ones, and then those before, as long as this one cannot stand.
    while ((dead[end >> 6] >> (end & 63) & 1) != 0 ||
           (ids.size() > first && MayJoin(word, at) && !StayApart(ids.back(), id))) {
      while (made_[static_cast<std::size_t>(id)].shorter < 0) {
        dead[at >> 6] |= std::uint64_t{1} << (at & 63);
        id = ids.back();
        ids.pop_back();
        at -= made_[static_cast<std::size_t>(id)].bytes;
      }
      id = made_[static_cast<std::size_t>(id)].shorter;
      end = at + made_[static_cast<std::size_t>(id)].bytes;
    }
    ids.push_back(id);
    at = end;
    after_unknown = false;
  }
  return true;
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
  } else if (made_.empty() || !EncodeFromLeft(word, scratch, ids)) {
    Symbolize(word, ids);
    ApplyMerges(before, scratch, ids);
  }
  cache.Put(word, std::span(ids).subspan(before));
}

void Bpe::PushUnknown(std::string_view character, bool& after_unknown,
                      std::vector<std::int32_t>& ids) const {
  const auto fallback = [&](char c) { return byte_ids_[static_cast<unsigned char>(c)]; };
  if (byte_fallback_ &&
      std::all_of(character.begin(), character.end(), [&](char c) { return fallback(c) >= 0; })) {
    for (const char c : character) ids.push_back(fallback(c));
    after_unknown = false;
    return;
  }
  if (unknown_ >= 0 && !(after_unknown && fuse_unknown_)) ids.push_back(unknown_);
  after_unknown = true;
}

void Bpe::Symbolize(std::string_view word, std::vector<std::int32_t>& ids) const {
  bool after_unknown = false;
  for (std::size_t at = 0; at < word.size();) {
    const std::size_t begin = at;
    std::int32_t id = -1;
    if (byte_alphabet_) {
      id = byte_ids_[static_cast<unsigned char>(word[at++])];
    } else {
      const auto it = character_ids_.find(NextCodePoint(word, at));
      if (it != character_ids_.end()) id = it->second;
    }
    if (id >= 0) {
      ids.push_back(id);
      after_unknown = false;
    } else {
      PushUnknown(word.substr(begin, at - begin), after_unknown, ids);
    }
  }
}

void Bpe::ApplyMerges(std::size_t begin, Scratch& scratch, std::vector<std::int32_t>& ids) const {
  const auto worse = [](const Candidate& a, const Candidate& b) { return a.key > b.key; };
  std::vector<Symbol>& symbols = scratch.symbols;
  std::vector<Candidate>& heap = scratch.heap;
  const auto count = static_cast<std::uint32_t>(ids.size() - begin);
  symbols.resize(count);
  heap.clear();
  for (std::uint32_t i = 0; i < count; ++i) {
    symbols[i] = {.id = ids[begin + i],
                  .previous = i == 0 ? kEnd : i - 1,
                  .next = i + 1 == count ? kEnd : i + 1};
    if (i + 1 == count) break;
    if (const Merge* merge = FindMerge(symbols[i].id, ids[begin + i + 1])) {
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
  ids.resize(begin);
  for (std::uint32_t i = count == 0 ? kEnd : 0; i != kEnd; i = symbols[i].next) {
    ids.push_back(symbols[i].id);
  }
}

}  // namespace citeseek::inference
