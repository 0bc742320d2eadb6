#include "inference/model/tokenizer/split_pattern.h"

#include <unicode/regex.h>
#include <unicode/uchar.h>
#include <unicode/uniset.h>
#include <unicode/unistr.h>
#include <unicode/utext.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "inference/utf8.h"

namespace citeseek::inference {
namespace {

constexpr std::uint32_t kNoLimit = std::numeric_limits<std::uint32_t>::max();
constexpr std::size_t kMaxPatternBytes = 16384;
constexpr char32_t kLastWhiteSpace = 0x3000;
constexpr std::int32_t kIcuTimeLimit = 2000;  // about this many milliseconds for one text

// The general categories of \p{name}, 0 if the name is unknown.
std::uint32_t CategoriesOf(std::string_view name) {
  const std::string copy(name);
  const std::int32_t mask = u_getPropertyValueEnum(UCHAR_GENERAL_CATEGORY_MASK, copy.c_str());
  return mask == UCHAR_INVALID_CODE ? 0 : static_cast<std::uint32_t>(mask);
}

// Characters of Unicode 15.1 and 16 that texts do have and that ICU may not know yet.
struct Newer {
  char32_t first, last;
  UCharCategory type;
};
constexpr Newer kNewer[] = {{0x2427, 0x2429, U_OTHER_SYMBOL},   {0x2FFC, 0x2FFF, U_OTHER_SYMBOL},
                            {0x31E4, 0x31E5, U_OTHER_SYMBOL},   {0x31EF, 0x31EF, U_OTHER_SYMBOL},
                            {0x1F8B2, 0x1F8BB, U_OTHER_SYMBOL}, {0x1F8C0, 0x1F8C1, U_OTHER_SYMBOL},
                            {0x1FA89, 0x1FA89, U_OTHER_SYMBOL}, {0x1FA8F, 0x1FA8F, U_OTHER_SYMBOL},
                            {0x1FABE, 0x1FABE, U_OTHER_SYMBOL}, {0x1FAC6, 0x1FAC6, U_OTHER_SYMBOL},
                            {0x1FADC, 0x1FADC, U_OTHER_SYMBOL}, {0x1FADF, 0x1FADF, U_OTHER_SYMBOL},
                            {0x1FAE9, 0x1FAE9, U_OTHER_SYMBOL}, {0x2EBF0, 0x2EE5D, U_OTHER_LETTER}};

int TypeOf(char32_t c) {
  for (const Newer& newer : kNewer) {
    if (c >= newer.first && c <= newer.last) return newer.type;
  }
  return u_charType(static_cast<UChar32>(c));
}

// The code point at text[at] of valid UTF-8.
char32_t Decode(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t i) {
    return static_cast<char32_t>(static_cast<unsigned char>(text[at + i]));
  };
  const char32_t lead = byte(0);
  if (lead < 0x80) {
    ++at;
    return lead;
  }
  const std::size_t size = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  char32_t c = lead & (0x7Fu >> size);
  for (std::size_t i = 1; i < size; ++i) c = c << 6 | (byte(i) & 0x3F);
  at += size;
  return c;
}

// The first byte of a code point.
unsigned char LeadByte(char32_t c) {
  return static_cast<unsigned char>(c < 0x80      ? c
                                    : c < 0x800   ? 0xC0 | c >> 6
                                    : c < 0x10000 ? 0xE0 | c >> 12
                                                  : 0xF0 | c >> 18);
}

// Code points that have this lead byte, [first, last].
std::pair<char32_t, char32_t> LedBy(unsigned char byte) {
  if (byte < 0x80) return {byte, byte};
  if (byte < 0xE0) return {(byte & 0x1Fu) << 6, (byte & 0x1Fu) << 6 | 0x3F};
  if (byte < 0xF0) return {(byte & 0xFu) << 12, (byte & 0xFu) << 12 | 0xFFF};
  return {(byte & 7u) << 18, (byte & 7u) << 18 | 0x3FFFF};
}

// Where the longest run of the set's characters from text[at] ends, and how many they are.
std::size_t MatchRun(const CharSet& set, std::uint32_t max, std::string_view text, std::size_t at,
                     std::uint32_t& count) {
  std::uint32_t found = 0;
  for (; found < max && at < text.size(); ++found) {
    const std::uint8_t size = set.sizes[static_cast<unsigned char>(text[at])];
    if (size == 0) break;
    if (size != CharSet::kDecode) [[likely]] {
      at += size;
      continue;
    }
    std::size_t next = at;
    if (!set.Contains(Decode(text, next))) break;
    at = next;
  }
  count = found;
  return at;
}

std::size_t StepBack(std::string_view text, std::size_t at) {
  do {
    --at;
  } while ((static_cast<unsigned char>(text[at]) & 0xC0) == 0x80);
  return at;
}

}  // namespace

bool CharSet::ContainsHigh(char32_t c) const {
  const auto code = static_cast<UChar32>(c);
  bool in = (categories >> TypeOf(c) & 1) != 0;
  if (!in && white_space) in = u_isUWhiteSpace(code) != 0;
  if (!in && alphabetic) in = u_isUAlphabetic(code) != 0 || TypeOf(c) == U_OTHER_LETTER;
  for (std::size_t i = 0; !in && i < ranges.size(); ++i) {
    in = c >= ranges[i].first && c <= ranges[i].second;
  }
  return in != negated;
}

void CharSet::Fill() {
  low.assign(0x10000 / 64, 0);
  const auto add = [&](char32_t first, char32_t last) {
    for (char32_t c = first; c <= last && c < 0x10000; ++c) {
      low[c >> 6] |= std::uint64_t{1} << (c & 63);
    }
  };
  if (categories != 0) {
    const auto add_type = [&](char32_t first, char32_t limit, UCharCategory type) {
      if ((categories >> type & 1) != 0) add(first, limit - 1);
    };
    u_enumCharTypes(
        [](const void* context, UChar32 first, UChar32 limit, UCharCategory type) -> UBool {
          (*static_cast<decltype(&add_type)>(context))(static_cast<char32_t>(first),
                                                       static_cast<char32_t>(limit), type);
          return first < 0x10000;
        },
        &add_type);
    for (const Newer& newer : kNewer) {
      if ((categories >> newer.type & 1) != 0) add(newer.first, newer.last);
    }
  }
  for (char32_t c = 0; alphabetic && c < 0x10000; ++c) {
    if (u_isUAlphabetic(static_cast<UChar32>(c)) != 0) add(c, c);
  }
  if (white_space) {
    for (char32_t c = 0; c <= kLastWhiteSpace; ++c) {
      if (u_isUWhiteSpace(static_cast<UChar32>(c)) != 0) add(c, c);
    }
  }
  for (const auto& [first, last] : ranges) add(first, last);
  if (negated) {
    for (std::uint64_t& word : low) word = ~word;
  }
  for (unsigned byte = 0; byte < 256; ++byte) {
    const auto [first, last] = LedBy(static_cast<unsigned char>(byte));
    bool all = byte < 0xF0, none = byte < 0xF0;
    for (char32_t c = first; c <= last && byte < 0xF0; ++c) (Contains(c) ? none : all) = false;
    const std::uint8_t size = byte < 0x80 ? 1 : byte < 0xE0 ? 2 : 3;
    sizes[byte] = all ? size : none ? 0 : kDecode;
  }
}

bool CharSet::Meets(const CharSet& other) const {
  for (std::size_t i = 0; i < low.size(); ++i) {
    if ((low[i] & other.low[i]) != 0) return true;
  }
  // Above the table only categories and ranges count; there is no white space.
  const auto reaches = [](const CharSet& set) {
    return std::any_of(set.ranges.begin(), set.ranges.end(),
                       [](const auto& range) { return range.second >= 0x10000; });
  };
  const auto types = [](const CharSet& set) {
    return (set.negated ? ~set.categories : set.categories) & ((1u << U_CHAR_CATEGORY_COUNT) - 1);
  };
  return reaches(*this) || reaches(other) || alphabetic || other.alphabetic ||
         (types(*this) & types(other)) != 0;
}

// Recursive descent over the subset; gives up (ok() false) on anything outside it.
class SplitPattern::Parser {
 public:
  explicit Parser(std::string_view regex) {
    for (std::size_t at = 0; at < regex.size();) pattern_.push_back(NextCodePoint(regex, at));
  }

  std::optional<std::vector<Sequence>> Parse() {
    std::vector<Sequence> alternatives(1);
    while (ok_ && at_ < pattern_.size()) {
      if (Accept(U'|')) {
        alternatives.emplace_back();
      } else {
        alternatives.back().push_back(ParseItem());
      }
    }
    for (const Sequence& sequence : alternatives) ok_ = ok_ && !sequence.empty();
    if (!ok_) return std::nullopt;
    return alternatives;
  }

 private:
  bool Accept(char32_t c) {
    if (at_ < pattern_.size() && pattern_[at_] == c) {
      ++at_;
      return true;
    }
    return false;
  }
  bool Accept(std::u32string_view text) {
    if (pattern_.compare(at_, text.size(), text) != 0) return false;
    at_ += text.size();
    return true;
  }
  char32_t Take() {
    if (at_ == pattern_.size()) {
      ok_ = false;
      return 0;
    }
    return pattern_[at_++];
  }

  Item ParseItem() {
    Item item;
    if (Accept(U"(?!")) {
      item.kind = Item::Kind::kNotAhead;
      item.set = ParseAtom();
      ok_ = ok_ && Accept(U')');
      return item;  // a count on a look-ahead has no use
    }
    if (Accept(U"(?i:")) {
      item.fold_case = true;
      ParseLiterals(item);
    } else if (Accept(U"(?:")) {
      ParseLiterals(item);
    } else {
      item.set = ParseAtom();
    }
    ParseCount(item);
    if (item.kind == Item::Kind::kLiterals && item.max > 1) ok_ = false;
    return item;
  }

  void ParseLiterals(Item& item) {
    item.kind = Item::Kind::kLiterals;
    item.literals.emplace_back();
    while (ok_ && !Accept(U')')) {
      if (Accept(U'|')) {
        item.literals.emplace_back();
        continue;
      }
      char32_t c = Take();
      if (c == U'\\')
        c = TakeEscaped();
      else if (std::u32string_view(U".[](){}*+?^$").find(c) != std::u32string_view::npos)
        ok_ = false;
      if (item.fold_case)
        c = static_cast<char32_t>(u_foldCase(static_cast<UChar32>(c), U_FOLD_CASE_DEFAULT));
      item.literals.back().push_back(c);
    }
    for (const auto& literal : item.literals) ok_ = ok_ && !literal.empty();
  }

  void ParseCount(Item& item) {
    if (Accept(U'?')) {
      item.min = 0;
    } else if (Accept(U'*')) {
      item.min = 0;
      item.max = kNoLimit;
    } else if (Accept(U'+')) {
      item.max = kNoLimit;
    } else if (Accept(U'{')) {
      item.min = TakeNumber();
      item.max = item.min;
      if (Accept(U',')) {
        item.max = at_ < pattern_.size() && pattern_[at_] == U'}' ? kNoLimit : TakeNumber();
      }
      ok_ = ok_ && Accept(U'}') && item.min <= item.max;
    } else {
      return;
    }
    if (Accept(U'+')) item.possessive = true;
    if (Accept(U'?')) ok_ = false;  // lazy
  }

  std::uint32_t TakeNumber() {
    std::uint32_t number = 0;
    bool any = false;
    while (at_ < pattern_.size() && pattern_[at_] >= U'0' && pattern_[at_] <= U'9' &&
           number < 10000) {
      number = number * 10 + static_cast<std::uint32_t>(pattern_[at_++] - U'0');
      any = true;
    }
    ok_ = ok_ && any;
    return number;
  }

  // What follows a backslash when it stands for one character.
  char32_t TakeEscaped() {
    const char32_t c = Take();
    switch (c) {
      case U'r':
        return U'\r';
      case U'n':
        return U'\n';
      case U't':
        return U'\t';
      case U'f':
        return U'\f';
      case U'v':
        return U'\v';
      case U'u':
      case U'x':
        return TakeHex(c);
      default:
        // Letters and digits that are escaped have meanings that this parser does not know.
        if (c < 128 &&
            ((c >= U'a' && c <= U'z') || (c >= U'A' && c <= U'Z') || (c >= U'0' && c <= U'9'))) {
          ok_ = false;
        }
        return c;
    }
  }

  char32_t TakeHex(char32_t form) {
    const bool braces = Accept(U'{');
    const int want = braces ? 6 : form == U'u' ? 4 : 2;
    char32_t value = 0;
    int digits = 0;
    for (; digits < want && at_ < pattern_.size(); ++digits, ++at_) {
      const char32_t c = pattern_[at_];
      if (c >= U'0' && c <= U'9')
        value = value * 16 + (c - U'0');
      else if (c >= U'a' && c <= U'f')
        value = value * 16 + (c - U'a' + 10);
      else if (c >= U'A' && c <= U'F')
        value = value * 16 + (c - U'A' + 10);
      else
        break;
    }
    ok_ = ok_ && digits > 0 && (braces ? Accept(U'}') : digits == want) && value < 0x110000;
    return value;
  }

  // \p{..}, \s, \S, \d, \w into `set`; false if the escape is of another kind.
  bool TakeClassEscape(CharSet& set, bool inside_brackets) {
    if (Accept(U"p{") || Accept(U"P{")) {
      const bool negated = pattern_[at_ - 2] == U'P';
      std::string name;
      while (ok_ && !Accept(U'}')) name.push_back(static_cast<char>(Take()));
      if (name == "Alphabetic" && !negated) {
        set.alphabetic = true;
        return true;
      }
      const std::uint32_t categories = CategoriesOf(name);
      if (categories == 0) ok_ = false;
      set.categories |= negated ? ~categories : categories;
      return true;
    }
    if (Accept(U's')) {
      set.white_space = true;
      return true;
    }
    if (Accept(U'd')) {
      set.categories |= U_GC_ND_MASK;
      return true;
    }
    if (Accept(U'w')) {
      set.alphabetic = true;
      set.categories |= U_GC_M_MASK | U_GC_ND_MASK | U_GC_PC_MASK;
      for (const char32_t c : U"\u00B2\u00B3\u00B9\u00BC\u00BD\u00BE") {
        if (c != 0)
          set.ranges.emplace_back(c, c);  // digits of Latin 1, but not their like elsewhere
      }
      return true;
    }
    if (!inside_brackets && Accept(U'S')) {
      set.white_space = true;
      set.negated = true;
      return true;
    }
    return false;
  }

  CharSet ParseAtom() {
    CharSet set;
    const char32_t c = Take();
    if (c == U'[') {
      set.negated = Accept(U'^');
      while (ok_ && !Accept(U']')) ParseMember(set);
    } else if (c == U'\\') {
      if (!TakeClassEscape(set, false)) {
        const char32_t escaped = TakeEscaped();
        set.ranges.emplace_back(escaped, escaped);
      }
    } else if (std::u32string_view(U"(){}*+?^$.|").find(c) != std::u32string_view::npos) {
      ok_ = false;
    } else {
      set.ranges.emplace_back(c, c);
    }
    set.Fill();
    return set;
  }

  void ParseMember(CharSet& set) {
    char32_t first = Take();
    if (first == U'[' || first == U'&') {
      // Nested sets and && have meanings of their own in Oniguruma.
      ok_ = ok_ && first == U'&' && !(at_ < pattern_.size() && pattern_[at_] == U'&');
    }
    if (first == U'\\') {
      if (TakeClassEscape(set, true)) return;
      first = TakeEscaped();
    }
    char32_t last = first;
    if (at_ + 1 < pattern_.size() && pattern_[at_] == U'-' && pattern_[at_ + 1] != U']') {
      ++at_;
      last = Take();
      if (last == U'\\') last = TakeEscaped();
      ok_ = ok_ && first <= last;
    }
    set.ranges.emplace_back(first, last);
  }

  std::u32string pattern_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

struct SplitPattern::Icu {
  std::unique_ptr<icu::RegexPattern> pattern;
};

absl::StatusOr<SplitPattern> SplitPattern::Compile(std::string_view regex) {
  if (regex.empty() || regex.size() > kMaxPatternBytes || !IsValidUtf8(regex)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "pattern of ", regex.size(), " bytes is not UTF-8 of 1 to ", kMaxPatternBytes));
  }
  SplitPattern result;
  if (auto alternatives = Parser(regex).Parse()) {
    result.alternatives_ = *std::move(alternatives);
    result.Finish();
    return result;
  }
  UErrorCode error = U_ZERO_ERROR;
  UParseError where;
  auto compiled = std::make_shared<Icu>();
  compiled->pattern.reset(icu::RegexPattern::compile(
      icu::UnicodeString::fromUTF8(icu::StringPiece(regex.data(), static_cast<int>(regex.size()))),
      0, where, error));
  if (U_FAILURE(error)) {
    return absl::InvalidArgumentError(
        absl::StrCat("pattern ", std::string(regex), " is unknown: ", u_errorName(error)));
  }
  result.icu_ = std::move(compiled);
  return result;
}

SplitPattern SplitPattern::Literal(std::string_view text) {
  SplitPattern result;
  Item item;
  item.kind = Item::Kind::kLiterals;
  item.literals.emplace_back();
  for (std::size_t at = 0; at < text.size();) {
    item.literals.back().push_back(NextCodePoint(text, at));
  }
  if (!text.empty()) result.alternatives_ = {{std::move(item)}};
  result.Finish();
  return result;
}

std::size_t SplitPattern::MatchLiterals(const Item& item, std::string_view text, std::size_t at) {
  for (const std::u32string& literal : item.literals) {
    std::size_t end = at;
    bool same = true;
    for (std::size_t i = 0; same && i < literal.size(); ++i) {
      if (end == text.size()) {
        same = false;
        break;
      }
      char32_t c = Decode(text, end);
      if (item.fold_case) {
        c = static_cast<char32_t>(u_foldCase(static_cast<UChar32>(c), U_FOLD_CASE_DEFAULT));
      }
      same = c == literal[i];
    }
    if (same) return end;
  }
  return kNone;
}

std::size_t SplitPattern::MatchItems(const Sequence& items, std::size_t index,
                                     std::string_view text, std::size_t at) {
  for (; index < items.size(); ++index) {
    const Item& item = items[index];
    if (item.kind == Item::Kind::kNotAhead) {
      std::size_t next = at;
      if (at < text.size() && item.set.Contains(Decode(text, next))) return kNone;
      continue;
    }
    if (item.kind == Item::Kind::kLiterals) {
      const std::size_t end = MatchLiterals(item, text, at);
      if (end == kNone) {
        if (item.min > 0) return kNone;
        continue;
      }
      if (item.min == 0) {  // optional: with it if the rest agrees, else without
        const std::size_t rest = MatchItems(items, index + 1, text, end);
        if (rest != kNone) return rest;
        continue;
      }
      at = end;
      continue;
    }
    std::uint32_t count = 0;
    std::size_t end = MatchRun(item.set, item.max, text, at, count);
    if (count < item.min) return kNone;
    if (index + 1 == items.size()) return end;
    if (item.possessive || count == item.min) {
      at = end;
      continue;
    }
    while (true) {
      const std::size_t rest = MatchItems(items, index + 1, text, end);
      if (rest != kNone) return rest;
      if (count == item.min) return kNone;
      end = StepBack(text, end);
      --count;
    }
  }
  return at;
}

bool SplitPattern::MayStart(const Sequence& items, unsigned char byte) {
  if ((byte & 0xC0) == 0x80) return false;  // the middle of a character
  const auto [first, last] = LedBy(byte);
  for (const Item& item : items) {
    if (item.kind == Item::Kind::kNotAhead) continue;
    if (item.kind == Item::Kind::kLiterals) {
      for (const std::u32string& literal : item.literals) {
        if (LeadByte(literal[0]) == byte) return true;
        if (!item.fold_case) continue;
        icu::UnicodeSet same(static_cast<UChar32>(literal[0]), static_cast<UChar32>(literal[0]));
        same.closeOver(USET_CASE_INSENSITIVE);
        if (same.containsSome(static_cast<UChar32>(first), static_cast<UChar32>(last))) return true;
      }
    } else if (item.set.sizes[byte] != 0) {
      return true;
    }
    if (item.min > 0) return false;
  }
  return true;
}

// True if what comes after the item agrees with the most of it or not at all.
bool SplitPattern::NeverGivesBack(const Sequence& items, std::size_t index) {
  const Item& next = items[index + 1];
  if (next.kind == Item::Kind::kClass && next.min > 0) return !items[index].set.Meets(next.set);
  return std::all_of(
      items.begin() + static_cast<std::ptrdiff_t>(index) + 1, items.end(),
      [](const Item& item) { return item.kind != Item::Kind::kNotAhead && item.min == 0; });
}

void SplitPattern::Finish() {
  for (Sequence& items : alternatives_) {
    for (std::size_t i = 0; i + 1 < items.size(); ++i) {
      if (items[i].kind == Item::Kind::kClass && NeverGivesBack(items, i)) {
        items[i].possessive = true;
      }
    }
  }
  for (std::size_t byte = 0; byte < 256; ++byte) {
    for (std::size_t i = 0; i < alternatives_.size(); ++i) {
      const std::uint32_t bit = 1u << std::min<std::size_t>(i, 31);
      if ((starts_[byte] & bit) == 0 &&
          MayStart(alternatives_[i], static_cast<unsigned char>(byte))) {
        starts_[byte] |= bit;
      }
    }
  }
}

std::size_t SplitPattern::Match(std::string_view text, std::size_t at) const {
  for (std::uint32_t left = starts_[static_cast<unsigned char>(text[at])]; left != 0;
       left &= left - 1) {
    const auto first = static_cast<std::size_t>(std::countr_zero(left));
    const std::size_t last = first == 31 ? alternatives_.size() : first + 1;
    for (std::size_t i = first; i < last; ++i) {
      const std::size_t end = MatchItems(alternatives_[i], 0, text, at);
      if (end != kNone) return end;
    }
  }
  return kNone;
}

void SplitPattern::Split(std::string_view text,
                         absl::FunctionRef<void(std::string_view, bool)> piece) const {
  std::size_t done = 0;
  const auto emit_match = [&](std::size_t begin, std::size_t end) {
    if (done < begin) piece(text.substr(done, begin - done), false);
    piece(text.substr(begin, end - begin), true);
    done = end;
  };
  if (icu_ == nullptr) {
    for (std::size_t at = 0; at < text.size();) {
      if (starts_[static_cast<unsigned char>(text[at])] == 0) {
        ++at;  // bytes inside a character start nothing either
        continue;
      }
      const std::size_t end = Match(text, at);
      if (end != kNone && end > at) {
        emit_match(at, end);
        at = end;
      } else {
        ++at;
      }
    }
  } else {
    UErrorCode error = U_ZERO_ERROR;
    UText source = UTEXT_INITIALIZER;
    utext_openUTF8(&source, text.data(), static_cast<std::int64_t>(text.size()), &error);
    const std::unique_ptr<icu::RegexMatcher> matcher(icu_->pattern->matcher(error));
    if (U_SUCCESS(error)) {
      matcher->reset(&source);
      matcher->setTimeLimit(kIcuTimeLimit, error);
      // What ICU does not get to in its time stays one piece.
      while (matcher->find(error) && U_SUCCESS(error)) {
        const auto begin = static_cast<std::size_t>(matcher->start64(error));
        const auto end = static_cast<std::size_t>(matcher->end64(error));
        if (U_FAILURE(error) || end > text.size()) break;
        if (end > begin) emit_match(begin, end);
      }
    }
    utext_close(&source);
  }
  if (done < text.size()) piece(text.substr(done), false);
}

}  // namespace citeseek::inference
