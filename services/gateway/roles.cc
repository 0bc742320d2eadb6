#include "services/gateway/roles.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace citeseek::gateway {
namespace {

using Kind = Token::Kind;

bool IsAnyOf(std::string_view term, std::span<const std::string_view> terms) {
  return std::find(terms.begin(), terms.end(), term) != terms.end();
}

// What is listed may be listed in another order.
bool ListsOnly(std::span<const Token> tokens) {
  static constexpr auto kWords = std::to_array<std::string_view>(
      {"and", "or", "the", "a", "an", "as", "well", "和", "与", "及", "或", "以", "跟", "同"});
  return std::all_of(tokens.begin(), tokens.end(),
                     [](const Token& token) { return IsAnyOf(token.text, kWords); });
}

// True if half of what one stretch says is in the other: words, values, or two Chinese characters;
// or all, however short.
bool Share(std::span<const Token> some, std::span<const Token> others) {
  int all = 0, shared = 0, han = 0;
  for (const Token& token : some) {
    if (!token.content || token.light) continue;
    ++all;
    if (!HoldsToken(others, token)) continue;
    ++shared;
    han += token.kind == Kind::kHan ? 1 : 0;
  }
  const bool whole = shared == all && some.size() == others.size();
  return shared * 2 >= all && shared > 0 && (shared > han || han > 1 || whole);
}

// A sentence's part around a verb.
struct Clause {
  std::size_t begin = 0, end = 0;
};

Clause ClauseOf(std::span<const Token> tokens, std::size_t at) {
  Clause clause{at, at + 1};
  while (clause.begin > 0 && !tokens[clause.begin].breaks) --clause.begin;
  while (clause.end < tokens.size() && !tokens[clause.end].breaks) ++clause.end;
  return clause;
}

// True if all that the clause says is aligned: an alignment keeps the order.
bool KeepsOrder(std::span<const Token> claim, const std::vector<int>& match, const Clause& clause) {
  for (std::size_t i = clause.begin; i < clause.end; ++i) {
    if (claim[i].content && match[i] < 0) return false;
  }
  return true;
}

// May be a verb: stands behind no article, possessive or preposition, and before no "of".
bool MayBeVerb(std::span<const Token> tokens, std::size_t at) {
  static constexpr auto kBefore = std::to_array<std::string_view>(
      {"the", "a", "an", "of", "in", "on", "at", "for", "with", "from", "its", "his", "her",
       "their", "s", "this", "that", "no", "as"});
  const Token& token = tokens[at];
  if (token.kind != Kind::kWord || !token.content || token.name || token.light) return false;
  if (at == 0 || IsAnyOf(tokens[at - 1].text, kBefore)) return false;
  return at + 1 >= tokens.size() || tokens[at + 1].text != "of";
}

enum class Voice { kActive, kPassive, kByAgent };

Voice VoiceOf(std::span<const Token> tokens, std::size_t at) {
  static constexpr auto kBe = std::to_array<std::string_view>(
      {"was", "were", "is", "are", "been", "be", "being", "get", "got"});
  if (at + 1 < tokens.size() && tokens[at + 1].text == "by") return Voice::kByAgent;
  const bool be = IsAnyOf(tokens[at - 1].text, kBe) ||
                  (at > 1 && !tokens[at - 1].name && IsAnyOf(tokens[at - 2].text, kBe));
  return be ? Voice::kPassive : Voice::kActive;
}

// True if an aligned verb among the claim's tokens [begin, end) is active in one text only; of
// Chinese, if 被 or 由 stands in one only.
bool TurnsVoice(std::span<const Token> claim, std::span<const Token> source,
                const std::vector<int>& match, std::size_t begin, std::size_t end) {
  const auto marks = [](std::span<const Token> tokens) {
    return std::count_if(tokens.begin(), tokens.end(), [](const Token& token) {
      return token.text == "被" || token.text == "由" || token.text == "遭" || token.text == "受";
    });
  };
  if (marks(claim) % 2 != marks(source) % 2) return true;
  for (std::size_t i = std::max<std::size_t>(begin, 1); i < end; ++i) {
    if (match[i] < 1 || claim[i].kind != Kind::kWord || !claim[i].content) continue;
    const bool here = VoiceOf(claim, i) == Voice::kActive;
    if (here != (VoiceOf(source, static_cast<std::size_t>(match[i])) == Voice::kActive))
      return true;
  }
  return false;
}

// The end of what stands right behind a verb: its object, without what prepositions add.
std::size_t ObjectEnd(std::span<const Token> tokens, std::size_t at, std::size_t end) {
  static constexpr auto kInside = std::to_array<std::string_view>({"the", "a", "an", "by", "and"});
  while (at < end && (tokens[at].content || IsAnyOf(tokens[at].text, kInside))) ++at;
  return at;
}

// How many of the words of tokens [begin, end) the source's sentence holds before its verb, and
// behind it.
struct Sides {
  int before = 0, behind = 0;
};

Sides SidesOf(std::span<const Token> claim, std::size_t begin, std::size_t end,
              std::span<const Token> source, std::size_t verb) {
  Sides sides;
  std::size_t first = verb, last = verb + 1;
  while (first > 0 && !source[first].opens) --first;
  while (last < source.size() && !source[last].opens) ++last;
  for (std::size_t i = begin; i < end; ++i) {
    if (!claim[i].content || claim[i].kind != Kind::kWord) continue;
    const bool before = HoldsToken(source.subspan(first, verb - first), claim[i]);
    const bool behind = HoldsToken(source.subspan(verb + 1, last - verb - 1), claim[i]);
    if (before == behind) continue;
    sides.before += before ? 1 : 0;
    sides.behind += behind ? 1 : 0;
  }
  return sides;
}

// True if the doer is a name, and the source's clause names another one before its verb, of which
// the claim says nothing.
bool NamesAnother(std::span<const Token> doer, std::span<const Token> claim,
                  std::span<const Token> before_verb) {
  if (std::none_of(doer.begin(), doer.end(), [](const Token& token) { return token.name; })) {
    return false;
  }
  for (std::size_t i = before_verb.size(); i-- > 0;) {
    if (before_verb[i].name && !HoldsToken(claim, before_verb[i])) return true;
    if (before_verb[i].breaks) break;
  }
  return false;
}

// The last name that stands right before tokens[at], or before a "who" there: its first and last
// token.
std::optional<Clause> NameRightBefore(std::span<const Token> tokens, std::size_t at) {
  static constexpr auto kBetween = std::to_array<std::string_view>(
      {"has", "have", "had", "is", "was", "were", "are", "be", "been", "will", "would", "then",
       "himself", "herself", "itself", "also", "later", "first", "and"});
  static constexpr auto kRelative = std::to_array<std::string_view>({"who", "which", "that"});
  std::size_t end = at;
  while (end > 0 && !tokens[end].breaks && IsAnyOf(tokens[end - 1].text, kBetween)) --end;
  if (end > 0 && IsAnyOf(tokens[end - 1].text, kRelative)) {
    --end;
  } else if (tokens[end].breaks) {
    return std::nullopt;
  }
  if (end == 0 || tokens[end].opens || !tokens[end - 1].name) return std::nullopt;
  std::size_t begin = end - 1;
  while (begin > 0 && !tokens[begin].breaks && tokens[begin - 1].name) --begin;
  return Clause{begin, end};
}

// ---- Chinese: no articles and no endings, but 由 and 被 before the doer.

bool MarksDoer(const Token& token) {
  return token.text == "被" || token.text == "由" || token.text == "遭";
}

bool SameWord(std::span<const Token> tokens, std::size_t a, std::size_t b) {
  return b < tokens.size() && tokens[b].kind == Kind::kHan && tokens[b].word == tokens[a].word;
}

// Characters of the word at tokens[at] round which a clause may turn; 0: none starts here.
std::size_t PivotLength(std::span<const Token> tokens, std::size_t at) {
  static constexpr auto kMarks =
      std::to_array<std::string_view>({"向", "由", "被", "比", "把", "给", "对", "从"});
  const Token& token = tokens[at];
  if (token.kind != Kind::kHan || token.name) return 0;
  if (at > 0 && tokens[at - 1].kind == Kind::kHan && tokens[at - 1].word == token.word) return 0;
  std::size_t length = 1;
  while (SameWord(tokens, at, at + length)) ++length;
  if (length == 1) return IsAnyOf(token.text, kMarks) ? 1 : 0;
  return token.content && !token.light ? length : 0;
}

// Pairs of neighbouring characters of the one that the other holds.
int SharedPairs(std::span<const Token> some, std::span<const Token> others) {
  int pairs = 0;
  for (std::size_t i = 0; i + 1 < some.size(); ++i) {
    if (some[i].kind != Kind::kHan || some[i + 1].kind != Kind::kHan || !some[i].content) continue;
    for (std::size_t j = 0; j + 1 < others.size(); ++j) {
      if (SameToken(some[i], others[j]) && SameToken(some[i + 1], others[j + 1])) {
        ++pairs;
        break;
      }
    }
  }
  return pairs;
}

constexpr int kNear = 4;  // characters of a name, about

// Tokens at the end, or at the start, that hold kNear characters that say something.
std::size_t NearBack(std::span<const Token> tokens) {
  int near = 0;
  std::size_t count = 0;
  while (count < tokens.size() && near < kNear) {
    const Token& token = tokens[tokens.size() - ++count];
    near += token.kind == Kind::kHan && token.content ? 1 : 0;
  }
  return count;
}

std::size_t NearFront(std::span<const Token> tokens) {
  int near = 0;
  std::size_t count = 0;
  while (count < tokens.size() && near < kNear) {
    near += tokens[count].kind == Kind::kHan && tokens[count].content ? 1 : 0;
    ++count;
  }
  return count;
}

struct Part {
  std::span<const Token> before, behind;  // of the pivot, in its clause
  std::span<const Token> all_before;
  bool marks = false;           // the pivot compares, or marks what follows it
  std::span<const Token> doer;  // between 由 and the pivot; empty: not marked
};

Part PartAround(std::span<const Token> tokens, std::size_t at, std::size_t length) {
  const Clause clause = ClauseOf(tokens, at);
  const std::span<const Token> all = tokens.subspan(clause.begin, at - clause.begin);
  Part part{.before = all, .all_before = all, .marks = length == 1 || tokens[at].side != 0};
  if (clause.end > at + length) {
    part.behind = tokens.subspan(at + length, clause.end - at - length);
  }
  const auto mark = std::find_if(all.begin(), all.end(), MarksDoer);
  part.before = part.before.subspan(part.before.size() - NearBack(part.before));
  part.behind = part.behind.subspan(0, NearFront(part.behind));
  if (mark != all.end()) {
    part.doer = all.subspan(static_cast<std::size_t>(mark - all.begin()) + 1);
  }
  return part;
}

bool HasOtherDoer(const Part& claim, const Part& source) {
  const auto only = [](std::span<const Token> some, std::span<const Token> here,
                       std::span<const Token> there) {
    return SharedPairs(some, here) > 0 && SharedPairs(some, there) == 0;
  };
  if (claim.doer.empty() == source.doer.empty()) {
    // What the verb is about in the source has become what does it.
    if (claim.marks && SharedPairs(source.behind, claim.all_before) > 0 &&
        SharedPairs(source.behind, claim.behind) == 0 && !claim.behind.empty() &&
        SharedPairs(source.behind, source.all_before) == 0) {
      return true;
    }
    return only(claim.before, source.behind, source.before) &&
           only(claim.behind, source.before, source.behind);
  }
  if (claim.doer.empty())
    return only(claim.behind, source.doer, source.behind) &&
           SharedPairs(claim.before, source.doer) == 0;
  return only(claim.doer, source.behind, source.before);
}

// The name right before tokens[at], as far as form tells: characters of no function word.
std::span<const Token> NameBefore(std::span<const Token> tokens, std::size_t at) {
  static constexpr auto kBetween =
      std::to_array<std::string_view>({"将", "曾", "已", "会", "也", "又", "才", "都", "所"});
  while (at > 0 && !tokens[at].breaks && IsAnyOf(tokens[at - 1].text, kBetween)) --at;
  std::size_t begin = at;
  while (begin > 0 && at - begin < kNear && !tokens[begin].breaks) {
    const Token& token = tokens[begin - 1];
    if (token.kind != Kind::kHan || !token.content || token.light || token.side != 0) break;
    if (MarksDoer(token)) break;
    --begin;
  }
  return tokens.subspan(begin, at - begin);
}

// True if another one stands right before the verb, of whom the source says something else.
bool NamesAnotherDoer(std::span<const Token> claim, std::size_t i, std::span<const Token> source,
                      std::size_t j) {
  const std::span<const Token> here = NameBefore(claim, i), there = NameBefore(source, j);
  if (here.size() < 2 || there.size() < 2) return false;
  // A verb, as far as form tells: its doer is marked, or it is done.
  const auto is_verb = [](std::span<const Token> tokens, std::span<const Token> name,
                          std::size_t at) {
    const auto before = static_cast<std::size_t>(name.data() - tokens.data());
    return (before > 0 && MarksDoer(tokens[before - 1])) ||
           (at + 2 < tokens.size() && (tokens[at + 1].text == "了" || tokens[at + 2].text == "了"));
  };
  if (!is_verb(claim, here, i) && !is_verb(source, there, j)) return false;
  return SharedPairs(here, there) == 0 && !HoldsToken(there, here.back()) &&
         SharedPairs(here, source) > 0 && SharedPairs(there, claim.subspan(0, i)) == 0;
}

std::optional<Difference> FindOtherChineseDoer(std::span<const Token> claim,
                                               std::span<const Token> source,
                                               const std::vector<int>& match) {
  const auto same = [](std::span<const Token> a, std::span<const Token> b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), SameToken);
  };
  for (std::size_t i = 1; i < claim.size(); ++i) {
    const std::size_t length = PivotLength(claim, i);
    if (length == 0) continue;
    const std::span<const Token> pivot = claim.subspan(i, length);
    std::optional<std::size_t> only;  // where it stands in the source
    int times = 0;
    for (std::size_t j = 0; j + length <= source.size(); ++j) {
      if (!same(pivot, source.subspan(j, length))) continue;
      only = j;
      ++times;
    }
    if (times != 1 || PivotLength(source, *only) != length) continue;
    const Part here = PartAround(claim, i, length), there = PartAround(source, *only, length);
    const bool turns = here.doer.empty() != there.doer.empty();
    if (!turns && KeepsOrder(claim, match, ClauseOf(claim, i))) continue;
    if (HasOtherDoer(here, there) || (length > 1 && NamesAnotherDoer(claim, i, source, *only))) {
      return Difference{Difference::Kind::kRoles, i, *only};
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<Difference> FindExchange(std::span<const Token> claim, std::span<const Token> source,
                                       const std::vector<int>& match, std::span<const Gap> gaps) {
  const auto said = [&](const Gap& gap) {
    return claim.subspan(gap.claim_begin, gap.claim_end - gap.claim_begin);
  };
  const auto meant = [&](const Gap& gap) {
    return source.subspan(gap.source_begin, gap.source_end - gap.source_begin);
  };
  for (std::size_t i = 0; i < gaps.size(); ++i) {
    for (std::size_t k = i + 1; k < gaps.size(); ++k) {
      const Gap &a = gaps[i], &b = gaps[k];
      if (!Share(said(a), meant(b)) || !Share(said(b), meant(a))) continue;
      if (ListsOnly(claim.subspan(a.claim_end, b.claim_begin - a.claim_end))) continue;
      if (TurnsVoice(claim, source, match, a.claim_end, b.claim_begin)) continue;
      return Difference{Difference::Kind::kRoles, a.claim_begin, a.source_begin};
    }
  }
  return std::nullopt;
}

std::optional<Difference> FindOtherDoer(std::span<const Token> claim, std::span<const Token> source,
                                        const std::vector<int>& match) {
  for (std::size_t i = 1; i < claim.size(); ++i) {
    if (!MayBeVerb(claim, i)) continue;
    for (std::size_t j = 1; j < source.size(); ++j) {
      const bool elsewhere = match[i] >= 0 && match[i] != static_cast<int>(j);
      if (elsewhere || !SameToken(claim[i], source[j]) || !MayBeVerb(source, j)) continue;
      const Clause clause = ClauseOf(claim, i);
      const Sides doer = SidesOf(claim, clause.begin, i, source, j);
      const Sides other = SidesOf(claim, i + 1, ObjectEnd(claim, i + 1, clause.end), source, j);
      const bool kept =
          doer.before > 0 && doer.behind == 0 && other.behind > 0 && other.before == 0;
      const bool turned =
          doer.behind > 0 && doer.before == 0 && other.before > 0 && other.behind == 0;
      const Voice here = VoiceOf(claim, i), there = VoiceOf(source, j);
      const bool same = (here == Voice::kActive) == (there == Voice::kActive);
      const bool agent = here == Voice::kByAgent || there == Voice::kByAgent;
      const bool another =
          same && doer.behind > 0 && doer.before == 0 &&
          NamesAnother(claim.subspan(clause.begin, i - clause.begin), claim, source.subspan(0, j));
      // The claim's subject is what the source has right behind the same verb.
      const bool agents = here == Voice::kByAgent && there == Voice::kByAgent;
      const auto behind = source.subspan(j + 1, ObjectEnd(source, j + 1, source.size()) - j - 1);
      const bool subject = agents && doer.before == 0 &&
                           Share(claim.subspan(clause.begin, i - clause.begin), behind);
      const bool moved = !KeepsOrder(claim, match, clause);
      if ((moved && ((turned && same) || another || subject)) || (kept && !same && agent)) {
        return Difference{Difference::Kind::kRoles, i, j};
      }
    }
  }
  return FindOtherChineseDoer(claim, source, match);
}

std::optional<Difference> FindOtherSubject(std::span<const Token> claim,
                                           std::span<const Token> source,
                                           const std::vector<int>& match,
                                           std::span<const Token> title) {
  constexpr std::size_t kTied = 3;  // tokens that stand together in both texts
  for (std::size_t i = 1; i < claim.size(); ++i) {
    const auto own = NameRightBefore(claim, i);
    if (!own || match[i] < 1 || claim[i].name || !claim[i].content) continue;
    if (own->begin > 0 && !claim[own->begin].breaks && claim[own->begin - 1].content) continue;
    std::size_t tied = 1;
    while (i + tied < claim.size() && match[i + tied] == match[i] + static_cast<int>(tied)) ++tied;
    if (tied < std::min(kTied, claim.size() - i) || tied < 2) continue;
    const auto other = NameRightBefore(source, static_cast<std::size_t>(match[i]));
    if (!other) continue;
    const auto said = claim.subspan(own->begin, own->end - own->begin);
    const auto meant = source.subspan(other->begin, other->end - other->begin);
    // "Edith Rowan" is Rowan; but the Halvorsen Bridge is not the Tolland Bridge, where both are
    // spoken of.
    const bool shares = std::any_of(said.begin(), said.end(),
                                    [&](const Token& token) { return HoldsToken(meant, token); });
    const bool others = std::any_of(meant.begin(), meant.end(),
                                    [&](const Token& token) { return !HoldsToken(claim, token); });
    const bool own_part = std::any_of(said.begin(), said.end(), [&](const Token& token) {
      return token.name && !HoldsToken(meant, token) &&
             (!shares || HoldsToken(source, token) || HoldsToken(title, token));
    });
    if (others && own_part) return Difference{Difference::Kind::kName, own->begin, other->begin};
  }
  return std::nullopt;
}

std::optional<Difference> FindOtherCause(std::span<const Token> claim,
                                         std::span<const Token> source) {
  const auto opens = [](std::span<const Token> tokens, std::size_t i) {
    const std::string_view next = i + 1 < tokens.size() ? std::string_view(tokens[i + 1].text) : "";
    const std::string& text = tokens[i].text;
    return text == "becaus" || (text == "due" && next == "to") || (text == "由" && next == "于") ||
           (text == "因" && next != "此" && next != "而");
  };
  // The cause, and the rest of its sentence on either side.
  struct Parts {
    std::size_t at = 0;
    std::span<const Token> cause, before, behind;
  };
  const auto read = [&](std::span<const Token> tokens) -> std::optional<Parts> {
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      if (!opens(tokens, i)) continue;
      std::size_t begin = i, end = i + 1, last = i;
      while (begin > 0 && !tokens[begin].opens) --begin;
      while (end < tokens.size() && !tokens[end].breaks) ++end;
      last = end;
      while (last < tokens.size() && !tokens[last].opens) ++last;
      return Parts{i, tokens.subspan(i + 1, end - i - 1), tokens.subspan(begin, i - begin),
                   tokens.subspan(end, last - end)};
    }
    return std::nullopt;
  };
  const auto said = read(claim), meant = read(source);
  if (!said || !meant) return std::nullopt;
  const bool from_effect = Share(said->cause, meant->before) || Share(said->cause, meant->behind);
  const bool to_cause = Share(meant->cause, said->before) || Share(meant->cause, said->behind);
  if (!from_effect || !to_cause || Share(said->cause, meant->cause)) return std::nullopt;
  return Difference{Difference::Kind::kRoles, said->at, meant->at};
}

std::optional<Difference> FindOtherEnd(std::span<const Token> claim,
                                       std::span<const Token> source) {
  static constexpr auto kFrom = std::to_array<std::string_view>({"from", "从", "自", "由"});
  static constexpr auto kTo = std::to_array<std::string_view>({"to", "into", "到", "至", "向"});
  static constexpr auto kArticles = std::to_array<std::string_view>({"the", "a", "an"});
  const auto behind = [](std::span<const Token> tokens, std::size_t at) {
    do {
      ++at;
    } while (at < tokens.size() && IsAnyOf(tokens[at].text, kArticles));
    return at;
  };
  const auto same = [&](std::size_t i, std::size_t j) {
    if (i >= claim.size() || j >= source.size() || !claim[i].content) return false;
    if (claim[i].kind == Kind::kValue || !SameToken(claim[i], source[j])) return false;
    return claim[i].kind != Kind::kHan || (i + 1 < claim.size() && j + 1 < source.size() &&
                                           SameToken(claim[i + 1], source[j + 1]));
  };
  for (std::size_t i = 0; i < claim.size(); ++i) {
    const bool from = IsAnyOf(claim[i].text, kFrom);
    if (!from && !IsAnyOf(claim[i].text, kTo)) continue;
    bool kept = false;
    std::optional<std::size_t> other;
    for (std::size_t j = 0; j < source.size(); ++j) {
      if (!same(behind(claim, i), behind(source, j))) continue;
      kept |= from ? IsAnyOf(source[j].text, kFrom) : IsAnyOf(source[j].text, kTo);
      if (from ? IsAnyOf(source[j].text, kTo) : IsAnyOf(source[j].text, kFrom)) other = j;
    }
    if (other && !kept) return Difference{Difference::Kind::kRoles, behind(claim, i), *other};
  }
  return std::nullopt;
}

}  // namespace citeseek::gateway
