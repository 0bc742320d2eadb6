#include "services/gateway/verify.h"

#include <algorithm>
#include <functional>
#include <span>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "services/gateway/align.h"
#include "services/gateway/vocabulary.h"

namespace citeseek::gateway {
namespace {

// Tuned on one half of tests/bench/verify_quality.cc's pairs.
constexpr double kSupported = 0.62;
constexpr double kSupportedChinese = 0.64;
constexpr double kSupportedByNames = 0.6;   // where two of its numbers and names are there
constexpr double kSupportedReworded = 0.8;  // where a word stands in the place of another one
constexpr double kSupportedRewordedChinese = 0.7;
constexpr double kPartly = 0.4;
constexpr double kAboveShare = 0.95;      // of a token that only title, heading or header hold
constexpr double kBeforeShare = 0.8;      // that only the two sentences before hold
constexpr double kSynonymShare = 0.8;     // of a word for which the stretch has another one
constexpr double kLooseShare = 0.35;      // of a Chinese character without its neighbour
constexpr double kLeastReworded = 0.2;    // below it not even a model is asked
constexpr std::size_t kOthers = 5;        // passages beside which a model's score is read
constexpr double kLineCost = 0.03;        // of each further sentence of the stretch
constexpr double kMostOfClaim = 0.6;      // in one sentence, so that it must be what is meant
constexpr double kLeastOfClause = 0.35;   // of a clause, so that it is not added to the source
constexpr double kMostOfHalf = 0.8;       // of what remains without such a clause
constexpr double kHanShare = 0.5;         // of a character in the weight of a word
constexpr double kLightShare = 0.3;       // of one in a light word
constexpr std::size_t kMaxStretch = 3;    // sentences
constexpr std::size_t kMaxLines = 12;     // of a source that are looked at closely
constexpr std::size_t kLeastContent = 4;  // of a sentence that claims: characters, words for two

using Kind = Token::Kind;

// A token for which nothing else will do.
bool IsHard(const Token& token) {
  // 1 is also "one", 一 and "a".
  return (token.kind == Kind::kValue && token.text != "1") ||
         (token.name && token.kind == Kind::kWord);
}

// Two neighbours of the claim that are neighbours there too.
bool HoldsPair(std::span<const Token> tokens, const Token& first, const Token& second) {
  for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
    if (SameToken(first, tokens[i]) && SameToken(second, tokens[i + 1])) return true;
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

bool IsWholeWord(std::span<const Token> tokens, std::size_t i) {
  const auto same = [&](std::size_t other) {
    return tokens[other].kind == Kind::kHan && tokens[other].word == tokens[i].word;
  };
  return !(i > 0 && same(i - 1)) && !(i + 1 < tokens.size() && same(i + 1));
}

std::uint64_t KeyOf(const Token& token) {
  const std::size_t kind = token.kind == Kind::kValue ? 1 : 0;
  return std::hash<std::string>()(token.text) * 2 + kind;
}

// True if some text holds the word in lower case, so that a capital comes from its place alone.
bool IsPlainWord(std::span<const retrieval::Hit> hits, std::string_view written) {
  std::string lower(written);
  for (char& c : lower) c = absl::ascii_tolower(static_cast<unsigned char>(c));
  const auto is_letter = [](char c) { return absl::ascii_isalpha(static_cast<unsigned char>(c)); };
  return std::any_of(hits.begin(), hits.end(), [&](const retrieval::Hit& hit) {
    for (std::size_t at = hit.text.find(lower); at != std::string::npos;
         at = hit.text.find(lower, at + 1)) {
      const std::size_t end = at + lower.size();
      if ((at == 0 || !is_letter(hit.text[at - 1])) &&
          (end == hit.text.size() || !is_letter(hit.text[end]))) {
        return true;
      }
    }
    return false;
  });
}

// Bytes of "- ", "2. " or "3、" at the start.
std::size_t ListMarkLength(std::string_view text) {
  std::size_t i = std::min(text.find_first_not_of(" \t>*-+#"), text.size());
  const std::size_t digits = std::min(text.find_first_not_of("0123456789", i), text.size()) - i;
  if (digits == 0 || digits > 3) return i;
  for (std::string_view mark : {". ", ") ", "、"}) {
    if (text.substr(i + digits).starts_with(mark)) return i + digits + mark.size();
  }
  return i;
}

// The Chinese characters [first, end) of a text are a name, by form.
bool NamesSomething(std::string_view text, std::span<const Token> tokens, std::size_t first,
                    std::size_t end) {
  if (tokens[first].name || tokens[end - 1].name ||
      EndsName(text.substr(tokens[end - 1].range.end))) {
    return true;
  }
  const std::uint32_t start = tokens[first].range.start;
  const bool person = IsSurname(text.substr(start, 3)) && end - first <= 3;
  return person && tokens[first].word != tokens[end - 1].word;  // no word of the dictionary
}

// "The documents do not say", in some of the ways in which models say it.
bool SaysNothingIsKnown(std::string_view text) {
  for (std::string_view phrase :
       {"do not say",     "does not say",       "do not contain", "does not contain",
        "do not mention", "does not mention",   "no information", "not specified",
        "do not specify", "cannot be answered", "文档中没有",     "资料中没有",
        "没有提到",       "没有提及",           "未提及",         "未提到",
        "没有找到",       "无法回答",           "没有相关",       "未找到"}) {
    if (text.find(phrase) != std::string_view::npos) return true;
  }
  return false;
}

}  // namespace

bool IsBetter(const Support& a, const Support& b) {
  const auto rank = [](const Support& s) {
    const int verdict = s.verdict == Verdict::kSupported ? 2 : s.verdict == Verdict::kPartly;
    return std::pair(verdict, s.score);
  };
  return rank(a) > rank(b);
}

// A sentence to be checked, without what only says where it comes from.
struct Verifier::Claim {
  std::string_view text;
  Statement statement;
  std::vector<double> weights;  // by token
  double all = 0;

  std::span<const Token> tokens() const { return statement.tokens; }
  std::string Written(std::size_t first, std::size_t last) const {
    const std::uint32_t start = statement.tokens[first].range.start;
    return std::string(text.substr(start, statement.tokens[last].range.end - start));
  }
};

// The stretch of a source that carries most of a claim: neighbouring sentences.
struct Verifier::Stretch {
  std::size_t first = 0, count = 0;
  double worth = -1;  // share of the claim's weight, less what further sentences cost
  std::vector<Token> tokens;
};

// The tokens of a clause of the claim of which next to nothing is held; empty if there is none.
std::pair<std::size_t, std::size_t> Verifier::FindAdded(const Claim& claim,
                                                        std::span<const double> shares) {
  const std::span<const Token> tokens = claim.tokens();
  const auto opens = [&](std::size_t i) {
    return tokens[i].breaks || tokens[i].text == "and" || tokens[i].text == "but" ||
           tokens[i].text == "while";
  };
  for (std::size_t begin = 0; begin < tokens.size();) {
    std::size_t end = begin + 1, words = 0;
    while (end < tokens.size() && !opens(end)) ++end;
    double all = 0, held = 0;
    for (std::size_t i = begin; i < end; ++i) {
      if (!tokens[i].content || tokens[i].light) continue;
      all += claim.weights[i];
      held += claim.weights[i] * shares[i];
      words += tokens[i].kind == Kind::kHan ? 1 : 2;
    }
    if (begin > 0 && words >= 2 && held < kLeastOfClause * all) return {begin, end};
    begin = end;
  }
  return {0, 0};
}

Verifier::Verifier(const Evidence* evidence, const indexer::Analyzer* analyzer, Meaning* meaning)
    : evidence_(evidence),
      analyzer_(analyzer),
      meaning_(meaning != nullptr && meaning->Known() ? meaning : nullptr) {}

const Verifier::Source& Verifier::Read(int number) {
  const auto [entry, fresh] = sources_.try_emplace(number);
  Source& source = entry->second;
  if (!fresh) return source;
  for (const Sentence& sentence : evidence_->sentences()) {
    if (sentence.source != number) continue;
    Line line{.sentence = &sentence,
              .statement = ReadStatement(evidence_->Text(sentence), *analyzer_)};
    const auto at = static_cast<std::uint32_t>(source.lines.size());
    for (Token& token : line.statement.tokens) {
      token.range.start += sentence.range.start;
      token.range.end += sentence.range.start;
      std::vector<std::uint32_t>& holders = source.holders[KeyOf(token)];
      if (holders.empty() || holders.back() != at) holders.push_back(at);
    }
    source.lines.push_back(std::move(line));
  }
  source.title =
      ReadStatement(evidence_->hits()[static_cast<std::size_t>(number)].title, *analyzer_);
  return source;
}

Verifier::Claim Verifier::Read(std::string_view sentence) const {
  sentence.remove_prefix(ListMarkLength(sentence));
  Claim claim{.text = sentence.substr(FrameLength(sentence))};
  claim.statement = ReadStatement(claim.text, *analyzer_);
  if (std::vector<Token>& read = claim.statement.tokens; !read.empty() && read.front().name) {
    Token& first = read.front();
    const bool alone = read.size() == 1 || !read[1].name;
    const std::string_view written =
        claim.text.substr(first.range.start, first.range.end - first.range.start);
    if (first.kind == Kind::kWord && alone && IsPlainWord(evidence_->hits(), written)) {
      first.name = false;
    }
  }
  for (const Token& token : claim.tokens()) {
    double weight = 0;
    if (token.content) {
      weight = evidence_->TermWeight(token.text) * (token.light                ? kLightShare
                                                    : token.kind == Kind::kHan ? kHanShare
                                                                               : 1);
    }
    claim.weights.push_back(weight);
    claim.all += weight;
  }
  return claim;
}

// The lines whose neighbourhood holds most of the claim, in order.
std::vector<std::size_t> Verifier::Promising(const Source& source, const Claim& claim) const {
  std::vector<double> held(source.lines.size() + kMaxStretch);
  for (std::size_t k = 0; k < claim.weights.size(); ++k) {
    if (claim.weights[k] <= 0) continue;
    const auto found = source.holders.find(KeyOf(claim.tokens()[k]));
    if (found == source.holders.end()) continue;
    for (std::uint32_t line : found->second) held[line] += claim.weights[k];
  }
  std::vector<std::pair<double, std::size_t>> ranked;
  for (std::size_t i = 0; i < source.lines.size(); ++i) {
    ranked.emplace_back(-held[i] - 0.5 * (held[i + 1] + held[i + 2]), i);
  }
  if (ranked.size() > kMaxLines) {
    std::nth_element(ranked.begin(), ranked.begin() + kMaxLines, ranked.end());
    ranked.resize(kMaxLines);
  }
  std::vector<std::size_t> promising;
  for (const auto& [rank, line] : ranked) promising.push_back(line);
  std::sort(promising.begin(), promising.end());
  return promising;
}

// How far what stands around a line holds each token of the claim: title, headings above and table
// header, and the two sentences before.
std::vector<double> Verifier::HeldAround(const Claim& claim, const Source& source,
                                         std::size_t first) const {
  const std::vector<Line>& lines = source.lines;
  std::vector<Token> above = source.title.tokens, before;
  for (std::size_t i = first; i-- > 0;) {
    const bool heading = !lines[i].sentence->answers;
    const bool row = lines[i].sentence->kind == LineKind::kTableRow ||
                     lines[first].sentence->kind == LineKind::kTableRow;
    if (!heading && (row || first - i > 2)) continue;
    const auto& tokens = lines[i].statement.tokens;
    std::vector<Token>& to = heading ? above : before;
    to.insert(to.end(), tokens.begin(), tokens.end());
    if (heading && first - i > 2) break;
  }
  std::vector<double> held(claim.weights.size());
  for (std::size_t k = 0; k < held.size(); ++k) {
    if (claim.weights[k] <= 0) continue;
    held[k] = std::max(kAboveShare * HeldShare(claim.tokens(), k, above),
                       kBeforeShare * HeldShare(claim.tokens(), k, before));
  }
  return held;
}

Support Verifier::CheckClaim(const Claim& claim, int source) {
  const Source& read = Read(source);
  const std::vector<Line>& lines = read.lines;
  const std::span<const Token> tokens = claim.tokens();
  Support support{.source = source};
  if (lines.empty()) return support;
  if (claim.all <= 0) {  // nothing to check
    support.verdict = Verdict::kUnchecked;
    support.range = lines.front().sentence->range;
    return support;
  }
  Stretch best, line;  // of any length; of one sentence
  for (std::size_t i : Promising(read, claim)) {
    const std::vector<double> around = HeldAround(claim, read, i);
    std::vector<Token> joined;
    for (std::size_t n = 1; n <= kMaxStretch && i + n <= lines.size(); ++n) {
      const auto& more = lines[i + n - 1].statement.tokens;
      joined.insert(joined.end(), more.begin(), more.end());
      double carried = 0;
      for (std::size_t k = 0; k < tokens.size(); ++k) {
        if (claim.weights[k] <= 0) continue;
        carried += claim.weights[k] * std::max(around[k], HeldShare(tokens, k, joined));
      }
      Stretch stretch{i, n, carried / claim.all - kLineCost * static_cast<double>(n - 1), {}};
      if (stretch.worth > best.worth + 1e-9) {
        stretch.tokens = joined;
        best = stretch;
      }
      if (n == 1 && stretch.worth > line.worth + 1e-9) {
        stretch.tokens = joined;
        line = stretch;
      }
    }
  }
  const std::vector<double> around = HeldAround(claim, read, best.first);
  double carried = 0;
  int missing = -1;  // a number or name that is nowhere
  std::vector<bool> strange(tokens.size());
  std::vector<double> shares(tokens.size());
  int hard = 0;  // numbers and names that are held
  const auto han = static_cast<std::size_t>(std::count_if(
      tokens.begin(), tokens.end(), [](const Token& token) { return token.kind == Kind::kHan; }));
  for (std::size_t k = 0; k < tokens.size(); ++k) {
    if (claim.weights[k] <= 0) continue;
    double share = std::max(HeldShare(tokens, k, best.tokens), around[k]);
    const bool plain = tokens[k].kind != Kind::kValue && !tokens[k].light && !IsHard(tokens[k]);
    if (share < kSynonymShare && plain && HasOtherWords(tokens, k, k + 1, best.tokens)) {
      share = kSynonymShare;
    }
    carried += claim.weights[k] * share;
    shares[k] = share;
    if (share == 0 && IsHard(tokens[k]) && missing < 0) missing = static_cast<int>(k);
    hard += IsHard(tokens[k]) && share > 0 ? 1 : 0;
    // A character that is a word of its own may stand anywhere.
    const bool loose = share == 0 || !IsWholeWord(tokens, k);
    strange[k] = tokens[k].kind == Kind::kHan && !tokens[k].light && share <= kLooseShare && loose;
  }
  support.score = std::clamp(carried / claim.all, 0.0, 1.0);
  const auto [added, added_end] = FindAdded(claim, shares);
  // What stands besides a clause that the source does not have.
  double others = 0, others_held = 0;
  for (std::size_t k = 0; k < tokens.size(); ++k) {
    if (k >= added && k < added_end) continue;
    others += claim.weights[k];
    others_held += claim.weights[k] * shares[k];
  }
  const bool half = added < added_end && others > 0 && others_held >= kMostOfHalf * others;
  const std::vector<int> match = AlignTokens(tokens, best.tokens);
  support.range = Shortest(lines, best, claim, match);
  const bool chinese = 2 * han > claim.weights.size();
  const double enough = hard >= 2 ? kSupportedByNames : chinese ? kSupportedChinese : kSupported;
  support.verdict = support.score >= enough    ? Verdict::kSupported
                    : support.score >= kPartly ? Verdict::kPartly
                                               : Verdict::kUnsupported;
  const bool low = support.verdict == Verdict::kUnsupported;
  if (low && (meaning_ == nullptr || support.score < kLeastReworded)) return support;
  if (missing >= 0) {
    const auto at = static_cast<std::size_t>(missing);
    const bool in_added = half && at >= added && at < added_end;
    support.verdict = in_added && !low ? Verdict::kPartly : Verdict::kUnsupported;
    support.fault = absl::StrCat("\"", claim.Written(at, at), "\" is not in the source");
    return support;
  }
  const auto& title = read.title.tokens;
  const auto around_text = [&](std::size_t first) {
    std::vector<Token> before;
    for (std::size_t i = first - std::min<std::size_t>(first, 2); i < first; ++i) {
      before.insert(before.end(), lines[i].statement.tokens.begin(),
                    lines[i].statement.tokens.end());
    }
    return before;
  };
  Difference difference =
      FindDifference(tokens, best.tokens, match, title, around_text(best.first));
  const Stretch* stretch = &best;
  // A name of the next sentence must not stand in for the one that is meant here.
  if (difference.kind == Difference::Kind::kNone && best.count > 1 && line.worth >= kMostOfClaim) {
    stretch = &line;
    difference = FindDifference(tokens, line.tokens, AlignTokens(tokens, line.tokens), title,
                                around_text(line.first));
  }
  if (difference.kind == Difference::Kind::kReworded &&
      support.score >= (chinese ? kSupportedRewordedChinese : kSupportedReworded)) {
    difference.kind = Difference::Kind::kNone;
  }
  if (difference.kind != Difference::Kind::kNone) {
    const bool wording = difference.kind >= Difference::Kind::kWording;
    support.verdict = wording ? Verdict::kPartly : Verdict::kUnsupported;
    support.fault = Explain(claim, *stretch, difference,
                            evidence_->hits()[static_cast<std::size_t>(source)].text);
  }
  if (difference.kind != Difference::Kind::kNone && support.verdict == Verdict::kUnsupported) {
    return support;
  }
  bool reworded = difference.kind >= Difference::Kind::kPlainWording;
  for (std::size_t k = 0; k < tokens.size(); ++k) {
    std::size_t end = k;
    while (end < tokens.size() && strange[end]) ++end;
    const bool other = end - k >= 2 && HasOtherWords(tokens, k, end, best.tokens);
    const bool names = end - k >= 2 && !other && NamesSomething(claim.text, tokens, k, end);
    if (names || (!other && end - k >= 2 && !IsPlainWording(tokens, k, end))) {
      support.verdict = names ? Verdict::kUnsupported : Verdict::kPartly;
      support.fault = absl::StrCat("\"", claim.Written(k, end - 1), "\" is not in the source");
      reworded = false;
      if (support.verdict == Verdict::kUnsupported) break;
    }
    k = end;
  }
  if (support.fault.empty() && support.verdict == Verdict::kSupported && added < added_end) {
    support.verdict = Verdict::kPartly;
    support.fault =
        absl::StrCat("the source does not say \"", claim.Written(added, added_end - 1), "\"");
  }
  const bool plain = support.fault.empty() || reworded;
  if (plain && support.verdict != Verdict::kSupported) {
    support.reworded = {lines[best.first].sentence->range.start,
                        lines[best.first + best.count - 1].sentence->range.end};
  }
  if (low) support.verdict = Verdict::kUnsupported;
  return support;
}

// For people: what of the claim differs.
std::string Verifier::Explain(const Claim& claim, const Stretch& stretch,
                              const Difference& difference, std::string_view text) const {
  if (difference.kind == Difference::Kind::kLimit) {
    return "a condition or exception stands on one side only";
  }
  // The whole word of a Chinese character.
  const auto word = [](std::span<const Token> tokens, std::size_t at) {
    std::size_t first = at, last = at;
    const auto same = [&](std::size_t other) {
      return tokens[other].kind == Kind::kHan && tokens[at].kind == Kind::kHan &&
             tokens[other].word == tokens[at].word;
    };
    while (first > 0 && same(first - 1)) --first;
    while (last + 1 < tokens.size() && same(last + 1)) ++last;
    return std::pair(first, last);
  };
  const auto [said_first, said_last] = word(claim.tokens(), difference.claim);
  const auto [meant_first, meant_last] = word(stretch.tokens, difference.source);
  const std::string said = claim.Written(said_first, said_last);
  const std::uint32_t start = stretch.tokens[meant_first].range.start;
  const std::string meant(text.substr(start, stretch.tokens[meant_last].range.end - start));
  if (difference.kind == Difference::Kind::kDenial) {
    return absl::StrCat("\"", said, "\" is denied on one side only");
  }
  if (difference.kind == Difference::Kind::kRoles) {
    return absl::StrCat("\"", said, "\" and another have changed places");
  }
  return absl::StrCat("it says \"", said, "\" where the source says \"", meant, "\"");
}

// From the clause of the first token that the claim shares to that of the last.
indexer::ByteRange Verifier::Shortest(const std::vector<Line>& lines, const Stretch& stretch,
                                      const Claim& claim, const std::vector<int>& match) const {
  const Sentence& first = *lines[stretch.first].sentence;
  const Sentence& last = *lines[stretch.first + stretch.count - 1].sentence;
  const std::span<const Token> tokens = claim.tokens();
  indexer::ByteRange range = {last.range.end, first.range.start};
  for (std::size_t k = 0; k < tokens.size(); ++k) {
    if (!tokens[k].content) continue;
    // The token aligned to it or, where the order differs, any that is the same.
    const auto widen = [&](const Token& token) {
      range.start = std::min(range.start, token.range.start);
      range.end = std::max(range.end, token.range.end);
    };
    if (match[k] >= 0) {
      widen(stretch.tokens[static_cast<std::size_t>(match[k])]);
    } else if (tokens[k].kind != Kind::kHan) {
      const auto same =
          std::find_if(stretch.tokens.begin(), stretch.tokens.end(),
                       [&](const Token& token) { return SameToken(tokens[k], token); });
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

// One step up, if a model finds that the sentences mean what the claim says.
Support Verifier::AskMeaning(const Claim& claim, Support support) const {
  if (meaning_ == nullptr || support.reworded.end == 0) return support;
  const auto hits = evidence_->hits();
  // Sentences of all sources alike, about as many of each.
  std::vector<std::string> others;
  const auto sentences = evidence_->sentences();
  const std::size_t step = std::max<std::size_t>(1, sentences.size() / kOthers);
  for (std::size_t i = step / 2; i < sentences.size() && others.size() < kOthers; i += step) {
    const Sentence& other = sentences[i];
    const bool own = other.source == support.source && other.range.start < support.reworded.end &&
                     support.reworded.start < other.range.end;
    if (!own && other.answers) others.emplace_back(evidence_->Text(other));
  }
  const std::string& text = hits[static_cast<std::size_t>(support.source)].text;
  const std::string passage =
      text.substr(support.reworded.start, support.reworded.end - support.reworded.start);
  if (!meaning_->Says(passage, std::string(claim.text), others)) return support;
  support.verdict = support.verdict == Verdict::kPartly ? Verdict::kSupported : Verdict::kPartly;
  if (support.verdict == Verdict::kSupported) support.fault.clear();
  return support;
}

Support Verifier::Check(std::string_view sentence, int source) {
  const Claim claim = Read(sentence);
  return AskMeaning(claim, CheckClaim(claim, source));
}

Support Verifier::CheckAll(std::string_view sentence) {
  const Claim claim = Read(sentence);
  Support best;
  for (int source = 0; source < static_cast<int>(evidence_->hits().size()); ++source) {
    Support support = CheckClaim(claim, source);
    if (best.source < 0 || IsBetter(support, best)) best = std::move(support);
  }
  return AskMeaning(claim, std::move(best));
}

bool Verifier::StatesFact(std::string_view sentence) const {
  const std::size_t last = sentence.find_last_not_of(" \t\r\n\"*_)");
  if (last == std::string_view::npos || sentence[0] == '#') return false;
  const std::string_view trimmed = sentence.substr(0, last + 1);
  for (std::string_view open : {"?", "？", ":", "："}) {  // asks, or leads to what follows
    if (trimmed.ends_with(open)) return false;
  }
  if (SaysNothingIsKnown(sentence)) return false;
  const Claim claim = Read(sentence);
  std::size_t content = 0;
  for (const Token& token : claim.tokens()) {
    if (!token.content) continue;
    if (IsHard(token) && !token.opens) return true;
    content += token.kind == Kind::kHan ? 1 : 2;
  }
  return content >= kLeastContent;
}

}  // namespace citeseek::gateway
