#include "services/gateway/limits.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "services/gateway/contrasts.h"

namespace citeseek::gateway {
namespace {

constexpr std::size_t kReach = 4;  // tokens from "all" to its "but"

template <std::size_t n>
bool IsAnyOf(const std::array<std::string_view, n>& terms, const Token& token) {
  return std::find(terms.begin(), terms.end(), token.text) != terms.end();
}

bool SaysOnly(const Token& token) {
  static constexpr auto kWords = std::to_array<std::string_view>(
      {"onli", "sole", "mere", "exclus", "except", "仅", "只", "唯"});
  return IsAnyOf(kWords, token);
}

// "unless" and the like at tokens[at]: what follows is a condition or an exception.
bool OpensLimit(std::span<const Token> tokens, std::size_t at) {
  static constexpr auto kWords =
      std::to_array<std::string_view>({"unless", "except", "onli", "provid", "仅", "除"});
  static constexpr auto kBehindOnly = std::to_array<std::string_view>(
      {"if", "when", "with", "after", "dure", "in", "on", "for", "to", "at", "by", "在"});
  const Token& token = tokens[at];
  if (token.text == "but") {
    for (std::size_t i = at - std::min(at, kReach); i < at; ++i) {
      if (SaysAll(tokens[i].side)) return true;
    }
    return false;
  }
  if (!IsAnyOf(kWords, token)) return false;
  if (token.text != "onli" && token.text != "仅" && token.text != "provid") return true;
  if (token.text == "provid") return at + 1 < tokens.size() && tokens[at + 1].text == "that";
  return at + 1 < tokens.size() && IsAnyOf(kBehindOnly, tokens[at + 1]);
}

// 以外, 之外 at tokens[at].
bool Excludes(std::span<const Token> tokens, std::size_t at) {
  if (at == 0) return false;
  const std::string& before = tokens[at - 1].text;
  return tokens[at].text == "外" && (before == "以" || before == "之");
}

// 除…外, 仅在…时: the end of what limits.
bool ClosesLimit(const Token& token) {
  static constexpr auto kWords = std::to_array<std::string_view>({"外", "后", "时", "内", "才"});
  return IsAnyOf(kWords, token);
}

}  // namespace

std::optional<Difference> FindOtherLimit(std::span<const Token> claim,
                                         std::span<const Token> source,
                                         const std::vector<int>& match) {
  // The source's tokens that the claim takes over: those that say something, and all of them.
  std::vector<int> taken(source.size()), aligned(source.size());
  for (std::size_t i = 0; i < claim.size(); ++i) {
    if (match[i] >= 0) aligned[static_cast<std::size_t>(match[i])] = 1;
    if (match[i] >= 0 && claim[i].content) taken[static_cast<std::size_t>(match[i])] = 1;
  }
  const auto any = [](std::span<const Token> tokens, auto says) {
    return std::find_if(tokens.begin(), tokens.end(), says);
  };
  const auto says_all = [](const Token& token) { return SaysAll(token.side); };
  const auto says_some = [](const Token& token) { return SaysSome(token.side); };
  const auto all = any(claim, says_all);
  const auto only = any(claim, SaysOnly);
  for (std::size_t begin = 0; begin < source.size();) {
    std::size_t end = begin + 1;
    while (end < source.size() && !source[end].opens) ++end;
    const std::span<const Token> sentence = source.subspan(begin, end - begin);
    const auto first = begin;
    const auto at = static_cast<std::ptrdiff_t>(begin);
    begin = end;
    if (std::count(taken.begin() + at, taken.begin() + static_cast<std::ptrdiff_t>(end), 1) < 2) {
      continue;
    }
    if (all != claim.end() && match[static_cast<std::size_t>(all - claim.begin())] < 0 &&
        any(sentence, says_all) == sentence.end()) {
      const auto some = any(sentence, [&](const Token& token) {
        if (aligned[static_cast<std::size_t>(&token - source.data())] == 1) return false;
        return says_some(token) || token.text == "onli" || token.text == "仅";
      });
      if (some != sentence.end()) {
        return Difference{Difference::Kind::kSide, static_cast<std::size_t>(all - claim.begin()),
                          first + static_cast<std::size_t>(some - sentence.begin())};
      }
    }
    if (only != claim.end()) continue;
    for (std::size_t k = 0; k < sentence.size(); ++k) {
      if (k > 1 && Excludes(sentence, k) && taken[first + k - 2] == 1 &&
          !HoldsToken(claim, sentence[k])) {
        return Difference{Difference::Kind::kLimit, 0, first + k};
      }
      if (!OpensLimit(sentence, k) || aligned[first + k] == 1) continue;
      // It limits its own clause or, where it opens one, that before; 除…外 and what opens the
      // sentence limit the next.
      std::size_t last = k + 1, clause = k;
      while (last < sentence.size() && !sentence[last].breaks && !ClosesLimit(sentence[last]))
        ++last;
      while (clause > 0 && !sentence[clause].breaks) --clause;
      const bool opens = k <= clause + 1;
      const bool leads = opens && (k <= 1 || sentence[k].text == "除");
      const std::size_t own = clause;
      if (opens && !leads) {
        --clause;
        while (clause > 0 && !sentence[clause].breaks) --clause;
      }
      if (leads) {
        clause = last;
        while (clause < sentence.size() && !sentence[clause].breaks) ++clause;
        if (clause == sentence.size()) continue;
      }
      std::size_t clause_end = leads ? clause + 1 : opens ? own : k;
      while (leads && clause_end < sentence.size() && !sentence[clause_end].breaks) ++clause_end;
      const auto from = taken.begin() + at;
      if (std::count(from + static_cast<std::ptrdiff_t>(clause),
                     from + static_cast<std::ptrdiff_t>(clause_end), 1) < 2) {
        continue;
      }
      const auto limit = sentence.subspan(k, last - k);
      int words = 0, said = 0;
      for (const Token& token : limit.subspan(1)) {
        if (!token.content || token.light) continue;
        ++words;
        said += HoldsToken(claim, token) ? 1 : 0;
      }
      if (words > 0 && said * 2 < words) return Difference{Difference::Kind::kLimit, 0, first + k};
    }
  }
  bool limited = any(source, SaysOnly) != source.end();
  for (std::size_t k = 0; k < source.size() && !limited; ++k) {
    limited = OpensLimit(source, k) || Excludes(source, k);
  }
  if (only != claim.end() && !limited) {
    return Difference{Difference::Kind::kLimit, static_cast<std::size_t>(only - claim.begin()), 0};
  }
  return std::nullopt;
}

}  // namespace citeseek::gateway
