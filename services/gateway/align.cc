#include "services/gateway/align.h"

#include <algorithm>
#include <array>
#include <string>

#include "services/gateway/contrasts.h"
#include "services/gateway/limits.h"
#include "services/gateway/roles.h"
#include "services/gateway/synonyms.h"
#include "services/gateway/vocabulary.h"

namespace citeseek::gateway {
namespace {

constexpr std::size_t kLongestSwap = 8;  // content tokens that may stand for one another
constexpr std::size_t kLongestWording = 4;
constexpr std::size_t kLongRun = 4;     // aligned neighbours, so that the rest is a copy
constexpr double kCopied = 0.6;         // of the claim in runs, where it repeats the source
constexpr std::size_t kLongDenial = 3;  // tokens: 从来没有 has more, but they are no denials
constexpr int kContent = 8, kOther = 2, kNeighbour = 3;

using Kind = Token::Kind;

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
               !source[gap.source_begin].breaks) {
          --gap.source_begin;
        }
      }
    } else {
      while (gap.source_end < source.size() && gap.source_end - gap.source_begin < most &&
             !source[gap.source_end].breaks) {
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
                     const Token& token, bool (*mean_same)(std::string_view, std::string_view)) {
  std::size_t begin = std::min(gap.source_begin, source.size() - 1), end = begin + 1;
  while (begin > 0 && !source[begin].opens) --begin;
  while (end < source.size() && !source[end].opens) ++end;
  for (std::size_t j = begin; j < end; ++j) {
    const bool outside = j < gap.source_begin || j >= gap.source_end;
    const bool other = mean_same != nullptr && outside && token.kind == Kind::kWord &&
                       token.content && mean_same(token.text, source[j].text);
    if (!SameToken(token, source[j]) && !other) continue;
    if (std::find(match.begin(), match.end(), static_cast<int>(j)) == match.end()) return true;
  }
  return false;
}

bool MayReplace(const Token& a, const Token& b) {
  if (a.kind != Kind::kValue || b.kind != Kind::kValue || a.date != b.date) return false;
  return a.unit.empty() || b.unit.empty() || a.unit == b.unit;
}

// 一 and a number; 一 alone is as often no number.
bool CountsOther(const Token& a, const Token& b) {
  const auto one = [](const Token& token) { return token.text == "一" || token.text == "one"; };
  const auto count = [](const Token& token) {
    return token.kind == Kind::kValue && !token.date && token.text != "1";
  };
  return (one(a) && count(b)) || (one(b) && count(a));
}

// Whether a gap is bounded by tokens that are aligned for good reason, not by chance.
bool IsFirm(std::span<const Token> claim, const std::vector<int>& match, std::size_t i, int step) {
  if (claim[i].kind != Kind::kHan && claim[i].content) return true;
  const auto next = static_cast<std::ptrdiff_t>(i) + step;
  if (next < 0 || next >= static_cast<std::ptrdiff_t>(claim.size())) return true;
  return match[static_cast<std::size_t>(next)] == match[i] + step;
}

// What a sentence calls anything, and words for "about".
bool IsGeneric(std::string_view term) {
  static constexpr auto kTerms = std::to_array<std::string_view>(
      {"name",   "term",     "word",   "express",  "process", "type",  "kind",   "goal",
       "purpos", "properti", "method", "approxim", "rough",   "about", "around", "near",
       "locat",  "call",     "known",  "made",     "use",     "total"});
  return std::find(kTerms.begin(), kTerms.end(), term) != kTerms.end();
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

// One character that only ties others together.
bool IsFunctionWord(std::string_view word) {
  static constexpr std::string_view kWords =
      "由被把从向经到至要须应可能够供会已曾还也又就才更最很约共达为是有并且而但若则所者时中内里只"
      "仅";
  const std::size_t at = word.size() == 3 ? kWords.find(word) : std::string_view::npos;
  return at != std::string_view::npos && at % 3 == 0;
}

// The words of which tokens [first, end) are parts: of Chinese whole words of the dictionary.
template <typename Excused>
std::vector<std::string> WordsOf(std::span<const Token> tokens, std::size_t first, std::size_t end,
                                 Excused excused) {
  const auto same = [&](std::size_t a, std::size_t b) {
    return tokens[a].kind == Kind::kHan && tokens[b].kind == Kind::kHan &&
           tokens[a].word == tokens[b].word;
  };
  while (first > 0 && first < end && same(first - 1, first)) --first;
  while (end < tokens.size() && end > first && same(end - 1, end)) ++end;
  std::vector<std::string> words;
  std::size_t lone_end = end;  // behind the last single character
  for (std::size_t i = first; i < end;) {
    std::string word;
    bool says = false, known = true;
    do {
      known &= excused(tokens[i]);
      word += tokens[i].text;
      // What belongs to a contrast is compared as such; only "all" excludes more than its
      // opposites.
      says |= tokens[i].side == 0 ? tokens[i].content && !tokens[i].light : SaysAll(tokens[i].side);
      ++i;
    } while (i < end && same(i - 1, i));
    if (!says || known || IsFunctionWord(word)) continue;
    // Single characters in a row are one word that the dictionary does not know.
    const bool joins = word.size() == 3 && lone_end == i - 1 && (word[0] & '\x80') != 0;
    if (word.size() == 3) lone_end = i;
    if (joins) {
      words.back() += word;
    } else {
      words.push_back(std::move(word));
    }
  }
  return words;
}

// Chinese words that begin alike mean alike (轻度, 轻微); where only their ends are the same the
// beginnings tell them apart (全职, 兼职).
bool BeginAlike(std::string_view a, std::string_view b) {
  return a.substr(0, 3) == b.substr(0, 3) || a.find(b) != std::string_view::npos ||
         b.find(a) != std::string_view::npos;
}

// Two words that may stand for one another.
bool MayStandFor(const std::string& word, const std::string& other) {
  if (word == other || MeanSame(word, other)) return true;
  const bool wide = (word[0] & '\x80') != 0;
  if (wide != ((other[0] & '\x80') != 0)) return false;
  return wide ? word.size() + other.size() > 6 && BeginAlike(word, other) : ShareRoot(word, other);
}

// Words of which the tokens are parts.
std::size_t CountWords(std::span<const Token> tokens, const std::vector<std::size_t>& parts) {
  std::size_t words = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const bool same = i > 0 && tokens[parts[i]].kind == Kind::kHan &&
                      tokens[parts[i - 1]].kind == Kind::kHan &&
                      tokens[parts[i]].word == tokens[parts[i - 1]].word;
    words += same ? 0 : 1;
  }
  return words;
}

void Consider(Difference difference, Difference* worst) {
  const bool first = worst->kind == Difference::Kind::kNone;
  if (first || difference.kind < worst->kind) *worst = difference;
}

// A word by which a source means something that it has named before.
bool StandsForAName(std::string_view term) {
  static constexpr auto kWords = std::to_array<std::string_view>(
      {"the", "it", "he", "she", "they", "this", "these", "its", "his", "her", "their", "该", "其",
       "此", "本", "这", "他", "她", "它"});
  return std::find(kWords.begin(), kWords.end(), term) != kWords.end();
}

// What is compared.
struct Texts {
  std::span<const Token> claim, source;
  const std::vector<int>& match;
  std::span<const Token> title, before;
  double copied = 0;  // [0, 1]: share of the claim that stands beside the same neighbour there
};

// Aligned tokens in a row, the same in both texts, that end before claim[at], or start there.
std::size_t RunBefore(const std::vector<int>& match, std::size_t at) {
  std::size_t run = 0;
  while (run < at && match[at - run - 1] >= 0 &&
         (run == 0 || match[at - run - 1] + 1 == match[at - run])) {
    ++run;
  }
  return run;
}

std::size_t RunFrom(const std::vector<int>& match, std::size_t at) {
  std::size_t run = 0;
  while (at + run < match.size() && match[at + run] >= 0 &&
         (run == 0 || match[at + run] == match[at + run - 1] + 1)) {
    ++run;
  }
  return run;
}

double CopiedShare(std::span<const Token> claim, const std::vector<int>& match) {
  double all = 0, copied = 0;
  for (std::size_t i = 0; i < claim.size(); ++i) {
    if (!claim[i].content) continue;
    ++all;
    const bool run = RunFrom(match, i) > 1 || RunBefore(match, i + 1) > 1;
    copied += match[i] >= 0 && run ? 1 : 0;
  }
  return all > 0 ? copied / all : 0;
}

// True if a gap stands beside a long run of the source's words in a claim that mostly repeats it.
bool BesideACopy(const Texts& texts, const Gap& gap) {
  return texts.copied >= kCopied &&
         RunBefore(texts.match, gap.claim_begin) + RunFrom(texts.match, gap.claim_end) >= kLongRun;
}

// True if what stands around a gap repeats the source: what stands in the gap is about that, even
// if the source holds it elsewhere too.
bool InACopy(const Texts& texts, const Gap& gap) {
  return BesideACopy(texts, gap) &&
         (gap.claim_begin == 0 || RunBefore(texts.match, gap.claim_begin) > 1) &&
         (gap.claim_end == texts.claim.size() || RunFrom(texts.match, gap.claim_end) > 1);
}

// A word of the claim with none for it in the source's gap, and one there with none in the claim.
void CompareWords(const Texts& texts, const Gap& gap, std::size_t said, std::size_t meant,
                  Difference* worst) {
  const std::span<const Token> claim = texts.claim, source = texts.source;
  const std::vector<int>& match = texts.match;
  const std::span<const Token> title = texts.title, before = texts.before;
  if (gap.closed && !IsFirm(claim, match, gap.claim_begin - 1, -1) &&
      !IsFirm(claim, match, gap.claim_end, 1)) {
    return;
  }
  // A word in lower case that opens the claim was cut in two.
  const bool cut = gap.claim_begin == 0 && gap.claim_end == 1;
  if (cut && claim[0].kind == Kind::kWord && !claim[0].name) return;
  const bool stands_in = std::any_of(source.begin() + static_cast<std::ptrdiff_t>(gap.source_begin),
                                     source.begin() + static_cast<std::ptrdiff_t>(gap.source_end),
                                     [](const Token& token) { return StandsForAName(token.text); });
  const bool in_copy = InACopy(texts, gap);
  const auto here = WordsOf(claim, gap.claim_begin, gap.claim_end, [&](const Token& token) {
    const bool titled = (!gap.closed || token.kind == Kind::kWord) && HoldsToken(title, token);
    return titled || IsGeneric(token.text) ||
           (stands_in && !gap.closed && HoldsToken(before, token)) ||
           (!in_copy && StandsElsewhere(source, match, gap, token, MeanSame));
  });
  const auto there = WordsOf(source, gap.source_begin, gap.source_end,
                             [&](const Token& token) { return IsMoved(claim, match, token); });
  if (here.size() > there.size() + 1 || there.size() > here.size() + 1) return;
  const auto unknown = [](const std::vector<std::string>& words,
                          const std::vector<std::string>& others) {
    return std::any_of(words.begin(), words.end(), [&](const std::string& word) {
      return std::none_of(others.begin(), others.end(),
                          [&](const std::string& other) { return MayStandFor(word, other); });
    });
  };
  if (unknown(here, there) && unknown(there, here)) {
    const bool plain = IsPlainWording(claim, gap.claim_begin, gap.claim_end) &&
                       IsPlainWording(source, gap.source_begin, gap.source_end) &&
                       !HoldsNameMark(claim, gap.claim_begin, gap.claim_end) &&
                       !HoldsNameMark(source, gap.source_begin, gap.source_end);
    // Where little of the claim repeats the source, words that happen to stand between the same
    // neighbours say nothing of one another.
    const bool named = std::any_of(claim.begin() + static_cast<std::ptrdiff_t>(gap.claim_begin),
                                   claim.begin() + static_cast<std::ptrdiff_t>(gap.claim_end),
                                   [](const Token& token) { return token.name; });
    Consider({!plain                             ? Difference::Kind::kWording
              : BesideACopy(texts, gap) || named ? Difference::Kind::kPlainWording
                                                 : Difference::Kind::kReworded,
              said, meant},
             worst);
  }
}

void CompareGap(const Texts& texts, const Gap& gap, Difference* worst) {
  const std::span<const Token> claim = texts.claim, source = texts.source;
  const std::vector<int>& match = texts.match;
  std::vector<std::size_t> said, meant;  // content of the claim, and of the source
  for (std::size_t i = gap.claim_begin; i < gap.claim_end; ++i) {
    if (claim[i].content || claim[i].side != 0) said.push_back(i);
  }
  for (std::size_t j = gap.source_begin; j < gap.source_end; ++j) {
    if (source[j].content || source[j].side != 0) meant.push_back(j);
  }
  if (said.empty() || said.size() > kLongestSwap || meant.size() > kLongestSwap) return;
  std::erase_if(meant, [&](std::size_t j) { return IsMoved(claim, match, source[j]); });
  const bool tight = CountWords(claim, said) <= 2 && CountWords(source, meant) <= 2;
  for (std::size_t i : said) {
    const bool moved = !gap.closed && !InACopy(texts, gap) &&
                       StandsElsewhere(source, match, gap, claim[i], nullptr);
    if (moved && !(tight && claim[i].side != 0)) continue;
    for (std::size_t j : meant) {
      const Token& a = claim[i];
      const Token& b = source[j];
      if (MayReplace(a, b) || (tight && gap.closed && CountsOther(a, b))) {
        Consider({Difference::Kind::kValue, i, j}, worst);
      } else if (AreOpposite(a.side, b.side) && (tight || !IsLoose(a.side))) {
        Consider({Difference::Kind::kSide, i, j}, worst);
      } else if (a.name && b.name && a.kind == b.kind &&
                 (gap.closed || gap.claim_begin > 0 || !HoldsToken(texts.title, a))) {
        Consider({Difference::Kind::kName, i, j}, worst);
      }
    }
  }
  if (meant.empty()) return;
  CompareWords(texts, gap, said.front(), meant.front(), worst);
}

// True if the denial that reaches one of the aligned tokens stands before the other one too, in its
// clause but further off.
bool DeniesBoth(std::span<const Token> claim, std::span<const Token> source,
                const std::vector<int>& match, std::size_t i) {
  const auto denial = [](std::span<const Token> tokens, std::size_t at) -> const Token* {
    for (std::size_t k = at; k-- > 0 && !tokens[k + 1].breaks;) {
      if (tokens[k].kind == Kind::kHan && !tokens[k].negated && tokens[k + 1].negated) {
        return &tokens[k];
      }
    }
    return nullptr;
  };
  const Token* said = denial(claim, i);
  const Token* meant = denial(source, static_cast<std::size_t>(match[i]));
  return said != nullptr && meant != nullptr && SameToken(*said, *meant);
}

// True if a token only denies: 不, 没有, "not".
bool OnlyDenies(std::span<const Token> tokens, std::size_t at) {
  static constexpr auto kHan = std::to_array<std::string_view>({"不", "没", "未", "非", "无"});
  const Token& token = tokens[at];
  if (token.kind != Kind::kHan) return IsNegation(token.text);
  const bool has = token.text == "有" && at > 0 && tokens[at - 1].text == "没";
  return has || std::find(kHan.begin(), kHan.end(), token.text) != kHan.end();
}

// Denials among tokens [first, end), where they hold nothing else; 0: none.
std::size_t CountDenials(std::span<const Token> tokens, std::size_t first, std::size_t end) {
  if (first >= end || end - first > kLongDenial) return 0;
  std::size_t denials = 0;
  for (std::size_t i = first; i < end; ++i) {
    if (!OnlyDenies(tokens, i)) return 0;
    denials += tokens[i].text == "有" ? 0 : 1;
  }
  return denials;
}

// A denial put into a copy of the source, or left out of it, whatever it reaches.
void CompareDenials(std::span<const Token> claim, std::span<const Token> source,
                    const std::vector<int>& match, Difference* worst) {
  for (std::size_t i = 1; i < claim.size(); ++i) {
    if (match[i - 1] < 0 || RunBefore(match, i) < 2) continue;
    std::size_t next = i;
    while (next < claim.size() && match[next] < 0) ++next;
    if (next == claim.size() || RunFrom(match, next) < 2) continue;
    const auto from = static_cast<std::size_t>(match[i - 1]) + 1;
    const auto to = static_cast<std::size_t>(match[next]);
    const std::size_t said = CountDenials(claim, i, next), meant = CountDenials(source, from, to);
    if ((next == i && meant % 2 == 1) || (from == to && said % 2 == 1)) {
      Consider({Difference::Kind::kDenial, next, to}, worst);
    }
  }
}

// True if nothing ties an aligned pair to the denial: a neighbour's denial agrees, or the token
// stands in the source's sentence as the claim has it too, and no neighbour is aligned with it.
bool StandsAlone(std::span<const Token> claim, std::span<const Token> source,
                 const std::vector<int>& match, std::size_t i) {
  const auto j = static_cast<std::size_t>(match[i]);
  if (claim[i].kind != Kind::kHan) return false;
  if (i > 0 && j > 0 && match[i - 1] == match[i] - 1) {
    return claim[i - 1].content && claim[i - 1].negated && source[j - 1].negated;
  }
  std::size_t begin = j, end = j + 1;
  while (begin > 0 && !source[begin].opens) --begin;
  while (end < source.size() && !source[end].opens) ++end;
  return std::any_of(source.begin() + static_cast<std::ptrdiff_t>(begin),
                     source.begin() + static_cast<std::ptrdiff_t>(end), [&](const Token& token) {
                       return token.negated == claim[i].negated && SameToken(claim[i], token);
                     });
}

// "more than" or 不足 at a value: 1, -1; 0: neither.
int BoundOf(std::span<const Token> tokens, std::size_t at) {
  for (std::size_t i = at; i > 0 && at - i < 3 && !tokens[i].breaks; --i) {
    if (const int bound = Bound(tokens[i - 1].side); bound != 0) return bound;
  }
  for (std::size_t i = at + 1; i < tokens.size() && i - at < 4 && !tokens[i].breaks; ++i) {
    if (tokens[i].text == "多" || tokens[i].text == "余") return 1;
    if (const int bound = Bound(tokens[i].side); bound != 0) return bound;
  }
  return 0;
}

// A value that one text bounds from the other side.
void CompareBounds(std::span<const Token> claim, std::span<const Token> source,
                   const std::vector<int>& match, Difference* worst) {
  for (std::size_t i = 0; i < claim.size(); ++i) {
    if (match[i] < 0 || claim[i].kind != Kind::kValue || claim[i].date) continue;
    const auto j = static_cast<std::size_t>(match[i]);
    if (BoundOf(claim, i) * BoundOf(source, j) < 0)
      Consider({Difference::Kind::kSide, i, j}, worst);
  }
}

// A comparison the other way round in the clause from which the words around it come.
void CompareSides(std::span<const Token> claim, std::span<const Token> source,
                  const std::vector<int>& match, Difference* worst) {
  for (std::size_t i = 0; i < claim.size(); ++i) {
    const int side = claim[i].side;
    if (side == 0 || IsLoose(side) || SaysAll(side) || claim[i].negated) continue;
    for (const int step : {-1, 1}) {
      // The nearest aligned word on that side, in the same clause.
      std::ptrdiff_t k = static_cast<std::ptrdiff_t>(i) + step;
      const auto size = static_cast<std::ptrdiff_t>(claim.size());
      while (k >= 0 && k < size && (match[k] < 0 || !claim[k].content || claim[k].side == side) &&
             !(step > 0 ? claim[k].breaks : claim[k + 1].breaks)) {
        k += step;
      }
      if (k < 0 || k >= size || match[k] < 0 ||
          (step > 0 ? claim[k].breaks : claim[k + 1].breaks)) {
        continue;
      }
      auto begin = static_cast<std::size_t>(match[k]), end = begin + 1;
      while (begin > 0 && !source[begin].breaks) --begin;
      while (end < source.size() && !source[end].breaks) ++end;
      bool same = false;
      std::size_t opposite = source.size();
      for (std::size_t j = begin; j < end; ++j) {
        same |= source[j].side == side;
        if (AreOpposite(source[j].side, side) && !source[j].negated) opposite = j;
      }
      if (!same && opposite < source.size()) {
        Consider({Difference::Kind::kSide, i, opposite}, worst);
      }
    }
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

bool HasOtherWords(std::span<const Token> claim, std::size_t first, std::size_t end,
                   std::span<const Token> source) {
  const auto none = [](const Token&) { return false; };
  const auto others = WordsOf(source, 0, source.size(), none);
  const auto words = WordsOf(claim, first, end, none);
  return std::all_of(words.begin(), words.end(), [&](const std::string& word) {
    return std::any_of(others.begin(), others.end(),
                       [&](const std::string& other) { return MeanSame(word, other); });
  });
}

Difference FindDifference(std::span<const Token> claim, std::span<const Token> source,
                          const std::vector<int>& match, std::span<const Token> title,
                          std::span<const Token> before) {
  Difference worst;
  const Texts texts{claim, source, match, title, before, CopiedShare(claim, match)};
  const std::vector<Gap> gaps = FindGaps(claim, source, match);
  for (const Gap& gap : gaps) CompareGap(texts, gap, &worst);
  CompareSides(claim, source, match, &worst);
  CompareBounds(claim, source, match, &worst);
  CompareDenials(claim, source, match, &worst);
  for (const auto& found :
       {FindExchange(claim, source, match, gaps), FindOtherDoer(claim, source, match),
        FindOtherSubject(claim, source, match, title), FindOtherEnd(claim, source),
        FindOtherCause(claim, source), FindOtherLimit(claim, source, match)}) {
    if (found) Consider(*found, &worst);
  }
  for (std::size_t i = 0; i < claim.size(); ++i) {
    if (match[i] < 0) continue;
    const Token& other = source[static_cast<std::size_t>(match[i])];
    if (claim[i].negated == other.negated) continue;
    // Words that say nothing are compared where their neighbours are aligned too.
    const bool firm = i + 1 == claim.size() || match[i + 1] == match[i] + 1;
    if (DeniesBoth(claim, source, match, i) || StandsAlone(claim, source, match, i)) continue;
    if (claim[i].content || ((claim[i].denied || other.denied) && firm)) {
      Consider({Difference::Kind::kDenial, i, static_cast<std::size_t>(match[i])}, &worst);
      break;
    }
  }
  return worst;
}

}  // namespace citeseek::gateway
