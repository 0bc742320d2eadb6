#include "services/gateway/verify.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

namespace citeseek::gateway {
namespace {

// Tuned on one half of tests/bench/verify_quality.cc's pairs.
constexpr double kSupported = 0.78;
constexpr double kPartly = 0.4;
constexpr double kContextShare = 0.9;    // of a token that only title, heading or header hold
constexpr double kLooseShare = 0.35;     // of a Chinese character without its neighbour
constexpr double kLineCost = 0.03;       // of each further sentence of the stretch
constexpr double kMostOfClaim = 0.6;     // in one sentence, so that it must be what is meant
constexpr std::size_t kMaxStretch = 3;   // sentences
constexpr std::size_t kLongestSwap = 6;  // tokens that may stand for one another
constexpr double kHanShare = 0.5;

using Kind = Token::Kind;
using Match = TokenMatch;

bool Same(const Token& claimed, const Token& source) {
  if (claimed.kind != source.kind) return false;
  return claimed.kind == Kind::kValue ? SameValue(claimed, source) : claimed.text == source.text;
}

// A token for which nothing else will do.
bool IsHard(const Token& token) { return token.kind == Kind::kValue || token.name; }

// Longest common subsequence of the tokens.
Match AlignTokens(std::span<const Token> claim, std::span<const Token> source) {
  const std::size_t n = claim.size(), m = source.size();
  std::vector<std::uint16_t> best((n + 1) * (m + 1));
  const auto at = [&](std::size_t i, std::size_t j) -> std::uint16_t& {
    return best[i * (m + 1) + j];
  };
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t j = m; j-- > 0;) {
      // A content token is worth more than the words around it.
      const int gain = Same(claim[i], source[j]) ? (claim[i].content ? 4 : 1) : 0;
      int value = std::max(at(i + 1, j), at(i, j + 1));
      if (gain > 0) value = std::max(value, at(i + 1, j + 1) + gain);
      at(i, j) = static_cast<std::uint16_t>(value);
    }
  }
  Match match{.source = std::vector<int>(n, -1)};
  for (std::size_t i = 0, j = 0; i < n && j < m;) {
    if (at(i, j) == at(i + 1, j)) {
      ++i;
    } else if (at(i, j) == at(i, j + 1)) {
      ++j;
    } else {
      match.source[i++] = static_cast<int>(j++);
    }
  }
  return match;
}

bool HoldsToken(std::span<const Token> tokens, const Token& token) {
  return std::any_of(tokens.begin(), tokens.end(), [&](const Token& t) { return Same(token, t); });
}

// Two neighbours of the claim that are neighbours there too.
bool HoldsPair(std::span<const Token> tokens, const Token& first, const Token& second) {
  for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
    if (Same(first, tokens[i]) && Same(second, tokens[i + 1])) return true;
  }
  return false;
}

// [0, 1]: how far the tokens hold claim[i].
double HeldShare(std::span<const Token> claim, std::size_t i, std::span<const Token> tokens) {
  if (!HoldsToken(tokens, claim[i])) return 0;
  if (claim[i].kind != Kind::kHan) return 1;
  const bool before =
      i > 0 && claim[i - 1].kind == Kind::kHan && HoldsPair(tokens, claim[i - 1], claim[i]);
  const bool after = i + 1 < claim.size() && claim[i + 1].kind == Kind::kHan &&
                     HoldsPair(tokens, claim[i], claim[i + 1]);
  const bool lone = (i == 0 || claim[i - 1].kind != Kind::kHan) &&
                    (i + 1 == claim.size() || claim[i + 1].kind != Kind::kHan);
  return before || after || lone ? 1 : kLooseShare;
}

// The first number or name that stands in the place of another one; -1 if none does.
int FindSwap(std::span<const Token> claim, std::span<const Token> source, const Match& match,
             std::span<const Token> context) {
  int source_before = -1;
  for (std::size_t i = 0; i < claim.size();) {
    if (match.source[i] >= 0) {
      source_before = match.source[i++];
      continue;
    }
    std::size_t end = i;
    while (end < claim.size() && match.source[end] < 0) ++end;
    const int source_after =
        end < claim.size() ? match.source[end] : static_cast<int>(source.size());
    // What stands there instead, and is nowhere in the claim.
    std::size_t others = 0, gap = 0;
    bool value = false, date = false, name = false;
    for (int j = source_before + 1; j < source_after; ++j) {
      const Token& other = source[static_cast<std::size_t>(j)];
      if (!other.content) continue;
      ++gap;
      const bool known = std::any_of(claim.begin(), claim.end(),
                                     [&](const Token& token) { return Same(token, other); });
      if (known) continue;
      ++others;
      value |= other.kind == Kind::kValue;
      date |= other.date;
      name |= other.name || other.kind == Kind::kHan;
    }
    std::size_t run = 0;
    for (std::size_t k = i; k < end; ++k) run += claim[k].content ? 1 : 0;
    if (others > 0 && run <= kLongestSwap && gap <= kLongestSwap) {
      for (std::size_t k = i; k < end; ++k) {
        const Token& token = claim[k];
        if (!token.content || HoldsToken(source, token)) continue;
        if (token.kind == Kind::kValue ? value && (!token.date || date)
                                       : token.name && name && !HoldsToken(context, token)) {
          return static_cast<int>(k);
        }
      }
    }
    i = end;
  }
  return -1;
}

// The first token that is denied on one side only; -1 if none is.
int FindDenial(std::span<const Token> claim, std::span<const Token> source, const Match& match) {
  for (std::size_t i = 0; i < claim.size(); ++i) {
    if (match.source[i] < 0 || (claim[i].kind == Kind::kWord && !claim[i].content)) continue;
    if (claim[i].negated != source[static_cast<std::size_t>(match.source[i])].negated) {
      return static_cast<int>(i);
    }
  }
  return -1;
}

// A comparison of the claim of which the source holds only the other direction.
bool IsReversed(std::uint64_t claim, std::uint64_t source) {
  for (int bit = 0; bit < 64; bit += 2) {
    const std::uint64_t c = claim >> bit & 3, s = source >> bit & 3;
    if ((c == 1 && s == 2) || (c == 2 && s == 1)) return true;
  }
  return false;
}

std::string Written(std::string_view text, const Token& token) {
  return std::string(text.substr(token.range.start, token.range.end - token.range.start));
}

}  // namespace

Verifier::Verifier(const Evidence* evidence, const indexer::Analyzer* analyzer)
    : evidence_(evidence), analyzer_(analyzer) {}

const std::vector<Verifier::Line>& Verifier::Lines(int source) {
  const auto [entry, fresh] = lines_.try_emplace(source);
  if (!fresh) return entry->second;
  for (const Sentence& sentence : evidence_->sentences()) {
    if (sentence.source != source) continue;
    Line line{.sentence = &sentence,
              .statement = ReadStatement(evidence_->Text(sentence), *analyzer_)};
    for (Token& token : line.statement.tokens) {
      token.range.start += sentence.range.start;
      token.range.end += sentence.range.start;
    }
    entry->second.push_back(std::move(line));
  }
  titles_[source] =
      ReadStatement(evidence_->hits()[static_cast<std::size_t>(source)].title, *analyzer_);
  return entry->second;
}

// The stretch of a source that carries most of a claim: neighbouring sentences.
struct Verifier::Stretch {
  std::size_t first = 0, count = 0;
  double worth = -1;  // share of the claim's weight, less what further sentences cost
  std::vector<Token> tokens;
};

// What stands around a stretch: title, headings above, table header, and the two
// sentences before.
std::vector<Token> Verifier::Context(const std::vector<Line>& lines, int source,
                                     std::size_t first) const {
  std::vector<Token> context = titles_.at(source).tokens;
  for (std::size_t i = first; i-- > 0;) {
    const bool heading = !lines[i].sentence->answers;
    if (!heading && first - i > 2) continue;
    const auto& tokens = lines[i].statement.tokens;
    context.insert(context.end(), tokens.begin(), tokens.end());
    if (heading && first - i > 2) break;
  }
  return context;
}

Support Verifier::CheckStatement(std::string_view text, const Statement& claim, int source) {
  const std::vector<Line>& lines = Lines(source);
  const std::span<const Token> tokens = claim.tokens;
  Support support{.source = source};
  std::vector<double> weights(tokens.size());
  double all = 0;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (!tokens[i].content) continue;
    weights[i] =
        evidence_->TermWeight(tokens[i].text) * (tokens[i].kind == Kind::kHan ? kHanShare : 1);
    all += weights[i];
  }
  if (all <= 0 || lines.empty()) return support;

  Stretch best, line;  // of any length; of one sentence
  for (std::size_t i = 0; i < lines.size(); ++i) {
    std::vector<Token> joined;
    for (std::size_t n = 1; n <= kMaxStretch && i + n <= lines.size(); ++n) {
      const auto& more = lines[i + n - 1].statement.tokens;
      joined.insert(joined.end(), more.begin(), more.end());
      double carried = 0;
      for (std::size_t k = 0; k < tokens.size(); ++k) {
        if (weights[k] > 0) carried += weights[k] * HeldShare(tokens, k, joined);
      }
      const Stretch stretch{i, n, carried / all - kLineCost * static_cast<double>(n - 1), joined};
      if (stretch.worth > best.worth + 1e-9) best = stretch;
      if (n == 1 && stretch.worth > line.worth + 1e-9) line = stretch;
    }
  }
  const std::vector<Token> context = Context(lines, source, best.first);
  double carried = 0;
  int missing = -1;     // a number or name that is nowhere
  int foreign = -1;     // the first of two Chinese characters that are nowhere
  std::size_t run = 0;  // of such characters
  std::uint64_t directions = 0;
  for (std::size_t k = 0; k < tokens.size(); ++k) {
    if (weights[k] <= 0) continue;
    const double held = HeldShare(tokens, k, best.tokens);
    const double around = held < 1 ? kContextShare * HeldShare(tokens, k, context) : 0;
    carried += weights[k] * std::max(held, around);
    if (held == 0 && around == 0 && IsHard(tokens[k]) && missing < 0) missing = static_cast<int>(k);
    const bool strange = tokens[k].kind == Kind::kHan && std::max(held, around) <= kLooseShare;
    run = strange ? run + 1 : 0;
    if (run == 2 && foreign < 0) foreign = static_cast<int>(k) - 1;
  }
  for (std::size_t i = 0; i < best.count; ++i) {
    directions |= lines[best.first + i].statement.directions;
  }
  support.score = std::clamp(carried / all, 0.0, 1.0);
  const Match match = AlignTokens(tokens, best.tokens);
  support.range = Shortest(lines, best, tokens, match);
  support.verdict = support.score >= kSupported ? Verdict::kSupported
                    : support.score >= kPartly  ? Verdict::kPartly
                                                : Verdict::kUnsupported;
  if (support.verdict == Verdict::kUnsupported) return support;

  int wrong = missing;
  if (wrong < 0) wrong = FindSwap(tokens, best.tokens, match, context);
  // A name of the next sentence must not stand in for the one that is meant here.
  if (wrong < 0 && best.count > 1 && line.worth >= kMostOfClaim) {
    wrong = FindSwap(tokens, line.tokens, AlignTokens(tokens, line.tokens), titles_[source].tokens);
  }
  if (wrong < 0) wrong = FindDenial(tokens, best.tokens, match);
  if (wrong >= 0) {
    support.fault = Written(text, tokens[static_cast<std::size_t>(wrong)]);
    support.verdict = Verdict::kUnsupported;
  } else if (IsReversed(claim.directions, directions)) {
    support.verdict = Verdict::kUnsupported;
  } else if (foreign >= 0 && support.verdict == Verdict::kSupported) {
    const auto at = static_cast<std::size_t>(foreign);
    support.fault = Written(text, tokens[at]) + Written(text, tokens[at + 1]);
    support.verdict = Verdict::kPartly;
  }
  return support;
}

// From the clause of the first token that the claim shares to that of the last.
indexer::ByteRange Verifier::Shortest(const std::vector<Line>& lines, const Stretch& stretch,
                                      std::span<const Token> claim, const Match& match) const {
  const Sentence& first = *lines[stretch.first].sentence;
  const Sentence& last = *lines[stretch.first + stretch.count - 1].sentence;
  indexer::ByteRange range = {last.range.end, first.range.start};
  for (std::size_t k = 0; k < claim.size(); ++k) {
    if (!claim[k].content) continue;
    // The token aligned to it or, where the order differs, any that is the same.
    const auto widen = [&](const Token& token) {
      range.start = std::min(range.start, token.range.start);
      range.end = std::max(range.end, token.range.end);
    };
    if (match.source[k] >= 0) {
      widen(stretch.tokens[static_cast<std::size_t>(match.source[k])]);
    } else if (claim[k].kind != Kind::kHan) {
      const auto same = std::find_if(stretch.tokens.begin(), stretch.tokens.end(),
                                     [&](const Token& token) { return Same(claim[k], token); });
      if (same != stretch.tokens.end()) widen(*same);
    }
  }
  if (range.start >= range.end || first.kind == LineKind::kTableRow) {
    return {first.range.start, last.range.end};
  }
  const std::string_view text = evidence_->hits()[static_cast<std::size_t>(first.source)].text;
  const auto boundary = [&](std::size_t at) {  // bytes of a clause's end at `at`
    const std::string_view wide = text.substr(at, 3);
    if (wide == "，" || wide == "；" || wide == "：") return std::size_t{3};
    return (text[at] == ',' || text[at] == ';') && text.substr(at + 1, 1) == " " ? std::size_t{1}
                                                                                 : std::size_t{0};
  };
  std::size_t start = range.start, end = range.end;
  while (start > first.range.start && !(start >= 1 && boundary(start - 1) == 1) &&
         !(start >= 3 && boundary(start - 3) == 3)) {
    --start;
  }
  while (text[start] == ' ') ++start;
  while (end < last.range.end && boundary(end) == 0) ++end;
  return {static_cast<std::uint32_t>(start), static_cast<std::uint32_t>(end)};
}

Support Verifier::Check(std::string_view sentence, int source) {
  return CheckStatement(sentence, ReadStatement(sentence, *analyzer_), source);
}

Support Verifier::CheckAll(std::string_view sentence) {
  const Statement claim = ReadStatement(sentence, *analyzer_);
  Support best;
  for (int source = 0; source < static_cast<int>(evidence_->hits().size()); ++source) {
    Support support = CheckStatement(sentence, claim, source);
    const auto rank = [](const Support& s) {
      const int verdict = s.verdict == Verdict::kSupported ? 2 : s.verdict == Verdict::kPartly;
      return std::pair(verdict, s.score);
    };
    if (best.source < 0 || rank(support) > rank(best)) best = std::move(support);
  }
  return best;
}

bool Verifier::StatesFact(std::string_view sentence) const {
  const Statement statement = ReadStatement(sentence, *analyzer_);
  std::size_t content = 0;
  for (const Token& token : statement.tokens) {
    if (!token.content) continue;
    if (IsHard(token)) return true;
    content += token.kind == Kind::kHan ? 1 : 2;
  }
  return content >= 8;
}

}  // namespace citeseek::gateway
