#include "inference/model/tokenizer/unigram.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "inference/utf8.h"

namespace citeseek::inference {
namespace {

constexpr double kUnknownPenalty = 10.0;  // SentencePiece's

}  // namespace

absl::StatusOr<Unigram> Unigram::Make(const UnigramSpec& spec,
                                      const absl::flat_hash_set<std::int32_t>& control) {
  const auto count = static_cast<std::int32_t>(spec.vocabulary.size());
  if (!spec.unknown || *spec.unknown < 0 || *spec.unknown >= count) {
    return absl::InvalidArgumentError(
        absl::StrCat("unk_id ", spec.unknown.value_or(-1), " is not in [0, ", count, ")"));
  }
  Unigram unigram;
  unigram.unknown_ = *spec.unknown;
  unigram.byte_fallback_ = spec.byte_fallback;
  unigram.byte_ids_.fill(-1);
  double lowest = std::numeric_limits<double>::infinity();
  std::vector<std::pair<std::string, std::int32_t>> entries;
  absl::flat_hash_map<std::string_view, std::int32_t> by_text;
  for (std::int32_t id = 0; id < count; ++id) {
    const auto& [text, score] = spec.vocabulary[static_cast<std::size_t>(id)];
    lowest = std::min(lowest, score);
    unigram.scores_.push_back(score);
    by_text[text] = id;
    if (!control.contains(id)) entries.emplace_back(text, id);
  }
  unigram.trie_ = ByteTrie(std::move(entries));
  unigram.unknown_score_ = lowest - kUnknownPenalty;
  for (int byte = 0; byte < 256; ++byte) {
    const auto it = by_text.find(absl::StrFormat("<0x%02X>", byte));
    if (it != by_text.end()) unigram.byte_ids_[static_cast<std::size_t>(byte)] = it->second;
  }
  return unigram;
}

void Unigram::Encode(std::string_view word, Scratch& scratch, WordCache& cache,
                     std::vector<std::int32_t>& ids) const {
  if (cache.Find(word, ids)) return;
  const std::size_t before = ids.size();
  scratch.assign(word.size() + 1, Best{});
  const auto offer = [&](std::size_t end, std::size_t start, double score, std::int32_t id) {
    Best& best = scratch[end];
    if (best.id >= 0 && score <= best.score) return;
    best = {score, static_cast<std::uint32_t>(start), id};
  };
  for (std::size_t start = 0; start < word.size();) {
    const double so_far = scratch[start].score;
    std::size_t next = start;
    NextCodePoint(word, next);
    bool has_single = false;
    ByteTrie::Node node = trie_.Root();
    for (std::size_t end = start; end < word.size();) {
      node = trie_.Step(node, word[end++]);
      if (node == ByteTrie::kNone) break;
      const std::int32_t id = trie_.IdAt(node);
      if (id < 0) continue;
      offer(end, start, so_far + scores_[static_cast<std::size_t>(id)], id);
      has_single = has_single || end == next;
    }
    if (!has_single) offer(next, start, so_far + unknown_score_, unknown_);
    start = next;
  }

  // Back along the best way; neighbouring unknown characters are one unknown.
  for (std::size_t end = word.size(); end > 0;) {
    const Best& best = scratch[end];
    std::size_t start = best.start;
    if (best.id == unknown_) {
      while (start > 0 && scratch[start].id == unknown_) start = scratch[start].start;
      const std::string_view bytes = word.substr(start, end - start);
      const auto fallback = [&](char c) { return byte_ids_[static_cast<unsigned char>(c)]; };
      if (byte_fallback_ &&
          std::all_of(bytes.begin(), bytes.end(), [&](char c) { return fallback(c) >= 0; })) {
        for (auto it = bytes.rbegin(); it != bytes.rend(); ++it) ids.push_back(fallback(*it));
      } else {
        ids.push_back(unknown_);
      }
    } else {
      ids.push_back(best.id);
    }
    end = start;
  }
  std::reverse(ids.begin() + static_cast<std::ptrdiff_t>(before), ids.end());
  cache.Put(word, std::span(ids).subspan(before));
}

}  // namespace citeseek::inference
