#include "inference/model/tokenizer/added_tokens.h"

#include <unicode/uchar.h>

#include <algorithm>
#include <string>
#include <utility>

#include "inference/utf8.h"

namespace citeseek::inference {
namespace {

char32_t LastCodePoint(std::string_view text, std::size_t& begin) {
  begin = text.size();
  do {
    --begin;
  } while (begin > 0 && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80);
  std::size_t at = begin;
  return NextCodePoint(text, at);
}

// \w of the reference's regular expressions for these tokens.
bool IsWord(char32_t c) {
  constexpr std::uint32_t kTypes = U_GC_M_MASK | U_GC_ND_MASK | U_GC_PC_MASK;
  const auto code = static_cast<UChar32>(c);
  return u_isUAlphabetic(code) != 0 || (kTypes >> u_charType(code) & 1) != 0 || c == 0x200C ||
         c == 0x200D;
}
bool IsBlank(char32_t c) { return u_isUWhiteSpace(static_cast<UChar32>(c)) != 0; }

bool StandsAlone(std::string_view text, std::size_t begin, std::size_t end) {
  std::size_t at = 0;
  if (begin > 0 && IsWord(LastCodePoint(text.substr(0, begin), at))) return false;
  at = end;
  return end == text.size() || !IsWord(NextCodePoint(text, at));
}

}  // namespace

AddedTokens::AddedTokens(std::vector<AddedToken> tokens) : tokens_(std::move(tokens)) {
  std::vector<std::pair<std::string, std::int32_t>> entries;
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    entries.emplace_back(tokens_[i].content, static_cast<std::int32_t>(i));
  }
  trie_ = ByteTrie(std::move(entries));
}

void AddedTokens::Split(std::string_view text, std::span<const TextRange> closed,
                        absl::FunctionRef<void(std::string_view, std::int32_t)> part) const {
  std::size_t done = 0;
  std::size_t next_closed = 0;  // the first range that ends behind `at`
  for (std::size_t at = 0; !trie_.empty() && at < text.size();) {
    if (trie_.Step(trie_.Root(), text[at]) == ByteTrie::kNone) {
      ++at;
      continue;
    }
    while (next_closed < closed.size() && closed[next_closed].end <= at) ++next_closed;
    const std::size_t limit =
        next_closed < closed.size() ? std::max(closed[next_closed].begin, at) : text.size();
    ByteTrie::Node node = trie_.Root();
    std::int32_t index = -1;
    std::size_t match_end = at;
    for (std::size_t i = at; i < limit; ++i) {
      node = trie_.Step(node, text[i]);
      if (node == ByteTrie::kNone) break;
      if (trie_.IdAt(node) >= 0) {
        index = trie_.IdAt(node);
        match_end = i + 1;
      }
    }
    if (index < 0) {
      ++at;
      continue;
    }
    const AddedToken& token = tokens_[static_cast<std::size_t>(index)];
    std::size_t begin = at;
    std::size_t end = match_end;
    at = match_end;
    if (token.single_word && !StandsAlone(text, begin, end)) continue;
    std::size_t previous = 0;
    while (token.lstrip && begin > done &&
           IsBlank(LastCodePoint(text.substr(0, begin), previous))) {
      begin = previous;
    }
    while (token.rstrip && end < text.size()) {
      std::size_t next = end;
      if (!IsBlank(NextCodePoint(text, next))) break;
      end = next;
    }
    if (begin < done) continue;  // rstrip of the token before took this one's blank
    if (done < begin) part(text.substr(done, begin - done), -1);
    part(text.substr(begin, end - begin), token.id);
    done = end;
  }
  if (done < text.size() || text.empty()) part(text.substr(done), -1);
}

}  // namespace citeseek::inference
