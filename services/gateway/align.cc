#include "services/gateway/align.h"

#include <algorithm>
#include <string>

#include "services/gateway/vocabulary.h"

namespace citeseek::gateway {
namespace {

constexpr std::size_t kLongestSwap = 8;  // content tokens that may stand for one another
constexpr std::size_t kLongestWording = 4;
constexpr std::size_t kVerbatim = 16;  // tokens taken over that leave no chance
constexpr int kContent = 8, kOther = 2, kNeighbour = 3;

using Kind = Token::Kind;

// Tokens of both sides between two aligned pairs.
struct Gap {
  std::size_t claim_begin = 0, claim_end = 0;
  std::size_t source_begin = 0, source_end = 0;
  bool closed = false;  // aligned tokens stand on both sides
};

// The gaps of the claim that hold tokens. At the ends of the claim the source's sentence is looked
// at, as far as the claim goes.
std::vector<Gap> FindGaps(std::span<const Token> claim, std::span<const Token> source,
                          const std::vector<int>& match) {
  std::vector<Gap> gaps;
  std::size_t before = 0;  // source tokens up to the last aligned one
  bool anchored = false;
  for (std::size_t i = 0; i < claim.size();) {
    if (match[i] >= 0) {
      before = static_cast<std::size_t>(match[i++]) + 1;
      anchored = true;
      continue;
    }
    Gap gap{.claim_begin = i, .claim_end = i, .source_begin = before, .source_end = before};
    while (gap.claim_end < claim.size() && match[gap.claim_end] < 0) ++gap.claim_end;
    i = gap.claim_end;
    const bool followed = i < claim.size();
    if (!anchored && !followed) return gaps;
    const std::size_t most = gap.claim_end - gap.claim_begin + 2;
    if (followed) {
      gap.source_end = static_cast<std::size_t>(match[i]);
      if (!anchored) {
        gap.source_begin = gap.source_end;
        while (gap.source_begin > 0 && gap.source_end - gap.source_begin < most &&
               !source[gap.source_begin].opens) {
          --gap.source_begin;
        }
      }
    } else {
      while (gap.source_end < source.size() && gap.source_end - gap.source_begin < most &&
             !source[gap.source_end].opens) {
        ++gap.source_end;
      }
    }
    gap.closed = anchored && followed;
    gaps.push_back(gap);
  }
  return gaps;
}

// True if `other` stands in the claim too, in a place that is not aligned: it was moved.
bool IsMoved(std::span<const Token> claim, const std::vector<int>& match, const Token& other) {
  for (std::size_t i = 0; i < claim.size(); ++i) {
    if (match[i] < 0 && SameToken(claim[i], other)) return true;
  }
  return false;
}

// True if the sentence of the source in which the gap lies holds the token elsewhere, where nothing
// is aligned: the claim was put in another order.
bool StandsElsewhere(std::span<const Token> source, const std::vector<int>& match, const Gap& gap,
                     const Token& token) {
  std::size_t begin = std::min(gap.source_begin, source.size() - 1), end = begin + 1;
  while (begin > 0 && !source[begin].opens) --begin;
  while (end < source.size() && !source[end].opens) ++end;
  for (std::size_t j = begin; j < end; ++j) {
    if (!SameToken(token, source[j])) continue;
    if (std::find(match.begin(), match.end(), static_cast<int>(j)) == match.end()) return true;
  }
  return false;
}

bool MayReplace(const Token& a, const Token& b) {
  if (a.kind != Kind::kValue || b.kind != Kind::kValue || a.date != b.date) return false;
  return a.unit.empty() || b.unit.empty() || a.unit == b.unit;
}

// Whether a Chinese gap is bounded by tokens that are aligned for good reason, not by chance.
bool IsFirm(std::span<const Token> claim, const std::vector<int>& match, std::size_t i, int step) {
  if (claim[i].kind != Kind::kHan) return claim[i].content;
  const auto next = static_cast<std::ptrdiff_t>(i) + step;
  if (next < 0 || next >= static_cast<std::ptrdiff_t>(claim.size())) return true;
  return match[static_cast<std::size_t>(next)] == match[i] + step;
}

// A place, or a character such as 市 or 国 that ends a name, inside the Chinese characters
// [first, end) or right behind them.
bool HoldsNameMark(std::span<const Token> tokens, std::size_t first, std::size_t end) {
  for (std::size_t i = first; i < end; ++i) {
    if (tokens[i].name || tokens[i].quoted) return true;
  }
  for (std::size_t i = first + 2; i <= end && i < tokens.size(); ++i) {
    if (tokens[i].kind != Kind::kHan) continue;
    std::string behind = tokens[i].text;
    if (i + 1 < tokens.size()) behind += tokens[i + 1].text;
    if (EndsName(behind)) return true;
  }
  return false;
}

// True if all of a long claim but the gap is taken over word by word: then what differs was
// changed, not put in other words.
bool IsVerbatim(std::span<const Token> claim, const std::vector<int>& match, const Gap& gap) {
  std::size_t aligned = 0, other = 0;
  for (std::size_t i = 0; i < claim.size(); ++i) {
    if (i >= gap.claim_begin && i < gap.claim_end) continue;
    (match[i] >= 0 ? aligned : other) += 1;
  }
  return aligned >= kVerbatim && other * 20 <= aligned;
}

void Consider(Difference difference, Difference* worst) {
  const bool first = worst->kind == Difference::Kind::kNone;
  if (first || difference.kind < worst->kind) *worst = difference;
}

void CompareGap(std::span<const Token> claim, std::span<const Token> source,
                const std::vector<int>& match, const Gap& gap, std::span<const Token> title,
                Difference* worst) {
  std::vector<std::size_t> said, meant;  // content of the claim, and of the source
  for (std::size_t i = gap.claim_begin; i < gap.claim_end; ++i) {
    if (claim[i].content || claim[i].side != 0) said.push_back(i);
  }
  for (std::size_t j = gap.source_begin; j < gap.source_end; ++j) {
    if (source[j].content || source[j].side != 0) meant.push_back(j);
  }
  if (said.empty() || said.size() > kLongestSwap || meant.size() > kLongestSwap) return;
  std::erase_if(meant, [&](std::size_t j) { return IsMoved(claim, match, source[j]); });
  std::size_t han_said = 0, han_meant = 0;
  for (std::size_t i : said) han_said += claim[i].kind == Kind::kHan && !claim[i].light ? 1 : 0;
  for (std::size_t j : meant) han_meant += source[j].kind == Kind::kHan && !source[j].light ? 1 : 0;
  for (std::size_t i : said) {
    if (!gap.closed && StandsElsewhere(source, match, gap, claim[i])) continue;
    for (std::size_t j : meant) {
      const Token& a = claim[i];
      const Token& b = source[j];
      if (MayReplace(a, b)) {
        Consider({Difference::Kind::kValue, i, j}, worst);
      } else if (a.side != 0 && a.side == -b.side) {
        Consider({Difference::Kind::kSide, i, j}, worst);
      } else if (a.name && b.name && a.kind == b.kind && (gap.closed || !HoldsToken(title, a))) {
        Consider({Difference::Kind::kName, i, j}, worst);
      }
    }
  }
  const bool wording = gap.closed && han_said >= 2 && han_meant >= 2 &&
                       IsFirm(claim, match, gap.claim_begin - 1, -1) &&
                       IsFirm(claim, match, gap.claim_end, 1);
  if (wording &&
      (!IsPlainWording(claim, gap.claim_begin, gap.claim_end) ||
       HoldsNameMark(source, gap.source_begin, gap.source_end) ||
       HoldsNameMark(claim, gap.claim_begin, gap.claim_end) || IsVerbatim(claim, match, gap))) {
    Consider({Difference::Kind::kWording, said.front(), meant.front()}, worst);
  }
}

}  // namespace

bool SameToken(const Token& claimed, const Token& source) {
  if (claimed.kind != source.kind) return false;
  if (claimed.kind == Kind::kValue) return SameValue(claimed, source);
  // Characters have the same length and mostly another last byte: asked millions of times.
  const std::string& a = claimed.text;
  const std::string& b = source.text;
  return a.size() == b.size() && !a.empty() && a.back() == b.back() && a == b;
}

bool HoldsToken(std::span<const Token> tokens, const Token& token) {
  return std::any_of(tokens.begin(), tokens.end(),
                     [&](const Token& t) { return SameToken(token, t); });
}

std::vector<int> AlignTokens(std::span<const Token> claim, std::span<const Token> source) {
  const std::size_t n = claim.size(), m = source.size();
  std::vector<std::uint16_t> best((n + 1) * (m + 1)), take(best.size());
  const auto at = [&](std::size_t i, std::size_t j) { return i * (m + 1) + j; };
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t j = m; j-- > 0;) {
      int value = std::max(best[at(i + 1, j)], best[at(i, j + 1)]);
      if (SameToken(claim[i], source[j])) {
        const std::size_t next = at(i + 1, j + 1);
        const int after = std::max<int>(best[next], take[next] == 0 ? 0 : take[next] + kNeighbour);
        const int gain = (claim[i].content ? kContent : kOther) + after;
        take[at(i, j)] = static_cast<std::uint16_t>(gain);
        value = std::max(value, gain);
      }
      best[at(i, j)] = static_cast<std::uint16_t>(value);
    }
  }
  std::vector<int> match(n, -1);
  bool held = false;  // the pair before was taken for the bonus of this one
  for (std::size_t i = 0, j = 0; i < n && j < m;) {
    const int taken = take[at(i, j)];
    if (taken > 0 && (held || best[at(i, j)] == taken)) {
      match[i] = static_cast<int>(j);
      const std::size_t next = at(i + 1, j + 1);
      held = take[next] != 0 && take[next] + kNeighbour > best[next];
      ++i;
      ++j;
    } else if (best[at(i, j)] == best[at(i + 1, j)]) {
      ++i;
    } else {
      ++j;
    }
  }
  return match;
}

bool IsPlainWording(std::span<const Token> tokens, std::size_t first, std::size_t end) {
  std::size_t characters = 0;
  for (std::size_t i = first; i < end; ++i) {
    if (tokens[i].kind != Kind::kHan || !tokens[i].content || tokens[i].light) continue;
    ++characters;
    if (tokens[i].name || tokens[i].quoted) return false;
    const auto same = [&](std::size_t other) {
      return other < tokens.size() && tokens[other].kind == Kind::kHan &&
             tokens[other].word == tokens[i].word;
    };
    // Single characters in a row are what the dictionary does not know: a name.
    const bool single = !same(i + 1) && !(i > 0 && same(i - 1));
    if (single && i + 1 < end && tokens[i + 1].kind == Kind::kHan && tokens[i + 1].content) {
      return false;
    }
  }
  return characters <= kLongestWording;
}

Difference FindDifference(std::span<const Token> claim, std::span<const Token> source,
                          const std::vector<int>& match, std::span<const Token> title) {
  Difference worst;
  for (const Gap& gap : FindGaps(claim, source, match)) {
    CompareGap(claim, source, match, gap, title, &worst);
  }
  for (std::size_t i = 0; i < claim.size(); ++i) {
    if (match[i] < 0) continue;
    const Token& other = source[static_cast<std::size_t>(match[i])];
    if (claim[i].negated == other.negated) continue;
    // Words that say nothing are compared where their neighbours are aligned too.
    const bool firm = i + 1 == claim.size() || match[i + 1] == match[i] + 1;
    if (claim[i].content || ((claim[i].denied || other.denied) && firm)) {
      Consider({Difference::Kind::kDenial, i, static_cast<std::size_t>(match[i])}, &worst);
      break;
    }
  }
  return worst;
}

}  // namespace citeseek::gateway
