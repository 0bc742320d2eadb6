#include "inference/model/tokenizer/normalizer.h"

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "inference/utf8.h"

namespace citeseek::inference {
namespace {

using Kind = NormalizerStep::Kind;

constexpr std::size_t kMaxSteps = 32;
constexpr std::size_t kMaxContentBytes = 64;  // of what one rule puts in
constexpr std::size_t kMaxGrowth = 64;        // of a text by one step

const icu::Normalizer2* FormOf(Kind kind) {
  UErrorCode error = U_ZERO_ERROR;
  const icu::Normalizer2* form = nullptr;
  switch (kind) {
    case Kind::kNfc:
      form = icu::Normalizer2::getNFCInstance(error);
      break;
    case Kind::kNfd:
      form = icu::Normalizer2::getNFDInstance(error);
      break;
    case Kind::kNfkc:
      form = icu::Normalizer2::getNFKCInstance(error);
      break;
    case Kind::kNfkd:
      form = icu::Normalizer2::getNFKDInstance(error);
      break;
    default:
      break;
  }
  return U_SUCCESS(error) ? form : nullptr;
}

bool IsAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

std::vector<std::uint64_t> InertUnder(Kind kind) {
  const UProperty quick = kind == Kind::kNfc    ? UCHAR_NFC_QUICK_CHECK
                          : kind == Kind::kNfd  ? UCHAR_NFD_QUICK_CHECK
                          : kind == Kind::kNfkc ? UCHAR_NFKC_QUICK_CHECK
                                                : UCHAR_NFKD_QUICK_CHECK;
  std::vector<std::uint64_t> inert(0x10000 / 64);
  for (UChar32 c = 0; c < 0x10000; ++c) {
    const bool in = u_getIntPropertyValue(c, quick) == UNORM_YES && u_getCombiningClass(c) == 0;
    inert[static_cast<std::size_t>(c >> 6)] |= std::uint64_t{in} << (c & 63);
  }
  return inert;
}

// True if the text is in the form. It is where each part is that starts with an inert character and
// goes to before the next: ICU is asked only of those with other characters.
bool IsInForm(std::string_view text, const icu::Normalizer2& form,
              const std::vector<std::uint64_t>& inert) {
  std::size_t part = 0;  // where the part of `at` starts
  bool plain = true;     // only inert characters in it so far
  const auto agrees = [&](std::size_t end) {
    UErrorCode error = U_ZERO_ERROR;
    const icu::StringPiece source(text.data() + part, static_cast<std::int32_t>(end - part));
    return form.isNormalizedUTF8(source, error) != 0;
  };
  for (std::size_t at = 0; at < text.size();) {
    std::uint64_t eight = 0;
    if (plain && text.size() - at >= 8) {
      std::memcpy(&eight, text.data() + at, 8);
      if ((eight & 0x8080808080808080u) == 0) {  // ASCII, which is inert
        at += 8;
        part = at - 1;
        continue;
      }
    }
    const std::size_t begin = at;
    const auto byte = [&](std::size_t i) -> char32_t {
      return static_cast<unsigned char>(text[begin + i]);
    };
    char32_t c = byte(0);
    if ((c & 0xF0) == 0xE0) {  // most of Chinese; without a call
      c = (c & 0xF) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F);
      at += 3;
    } else {
      c = NextCodePoint(text, at);
    }
    if (c >= 0x10000 || (inert[c >> 6] >> (c & 63) & 1) == 0) {
      plain = false;
      continue;
    }
    if (!plain && !agrees(begin)) return false;
    part = begin;
    plain = true;
  }
  return plain || agrees(text.size());
}

// False if the text is in the form already (then `out` is untouched).
bool ToForm(std::string_view text, Kind kind, const std::vector<std::uint64_t>& inert,
            std::string& out) {
  const icu::Normalizer2* form = FormOf(kind);
  if (form == nullptr || IsInForm(text, *form, inert)) return false;
  UErrorCode error = U_ZERO_ERROR;
  const icu::StringPiece source(text.data(), static_cast<std::int32_t>(text.size()));
  std::string result;
  icu::StringByteSink<std::string> sink(&result, static_cast<std::int32_t>(text.size()));
  form->normalizeUTF8(0, source, sink, nullptr, error);
  if (U_FAILURE(error)) return false;
  out = std::move(result);
  return true;
}

// BERT's reference knows the marks and controls of Unicode 8.
bool IsOld(char32_t c) {
  UVersionInfo age;
  u_charAge(static_cast<UChar32>(c), age);
  return age[0] <= 8;
}

bool IsNonspacingMark(char32_t c) {
  return c >= 0x300 && u_charType(static_cast<UChar32>(c)) == U_NON_SPACING_MARK && IsOld(c);
}

bool IsMark(char32_t c) {
  return c >= 0x300 && (U_GC_M_MASK >> u_charType(static_cast<UChar32>(c)) & 1) != 0;
}

// U+3000 to U+9FFF: three bytes, neither letters with case nor, from U+4000 on, marks.
bool LeadsChinese(char byte, unsigned char first) {
  const auto lead = static_cast<unsigned char>(byte);
  return lead >= first && lead <= 0xE9;
}

std::string WithoutMarks(std::string_view text, bool (*is_mark)(char32_t)) {
  std::string out;
  out.reserve(text.size());
  std::size_t done = 0;
  for (std::size_t at = 0; at < text.size();) {
    if (LeadsChinese(text[at], 0xE4)) {
      at += 3;
      continue;
    }
    if (static_cast<unsigned char>(text[at]) < 0xCC) {  // below U+0300
      ++at;
      continue;
    }
    const std::size_t begin = at;
    if (!is_mark(NextCodePoint(text, at))) continue;
    out += text.substr(done, begin - done);
    done = at;
  }
  out += text.substr(done);
  return out;
}

std::string Lowercase(std::string_view text) {
  std::string out(text), bytes;
  std::size_t at = 0;
  // In place, as long as the lower case takes as many bytes.
  while (at < text.size()) {
    char& c = out[at];
    if (static_cast<unsigned char>(c) < 0x80) {
      c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
      ++at;
      continue;
    }
    if (LeadsChinese(c, 0xE3)) {
      at += 3;
      continue;
    }
    std::size_t next = at;
    const char32_t wide = NextCodePoint(text, next);
    const auto low = static_cast<char32_t>(u_tolower(static_cast<UChar32>(wide)));
    if (low != wide) {
      bytes.clear();
      AppendUtf8(low, bytes);
      if (wide == 0x130 || bytes.size() != next - at) break;
      bytes.copy(&c, bytes.size());
    }
    at = next;
  }
  if (at == text.size()) return out;
  out.resize(at);
  while (at < text.size()) {
    const char32_t c = NextCodePoint(text, at);
    if (c < 128) {
      out.push_back(static_cast<char>(c >= U'A' && c <= U'Z' ? c + 32 : c));
    } else {
      AppendUtf8(static_cast<char32_t>(u_tolower(static_cast<UChar32>(c))), out);
      if (c == 0x130) AppendUtf8(0x307, out);  // the one letter whose lower case is two
    }
  }
  return out;
}

bool IsBertChinese(char32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) ||
         (c >= 0x20000 && c <= 0x2A6DF) || (c >= 0x2A700 && c <= 0x2B73F) ||
         (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

// Printable ASCII, which cleaning leaves as it is.
bool IsPrintable(char c) { return c >= ' ' && c <= '~'; }

std::string BertCleaned(std::string_view text, const NormalizerStep& step) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    while (at < text.size() && IsPrintable(text[at])) ++at;
    if (at > begin) {
      out += text.substr(begin, at - begin);
      continue;
    }
    if (step.chinese && LeadsChinese(text[at], 0xE5)) {  // U+5000 to U+9FFF, all Chinese
      const char apart[] = {' ', text[at], text[at + 1], text[at + 2], ' '};
      out.append(apart, sizeof apart);
      at += 3;
      continue;
    }
    const char32_t c = NextCodePoint(text, at);
    if (step.clean_text && (c < 0x4E00 || c > 0x9FFF)) {
      const auto type = static_cast<std::uint32_t>(u_charType(static_cast<UChar32>(c)));
      const bool blank =
          c == U'\t' || c == U'\n' || c == U'\r' || u_isUWhiteSpace(static_cast<UChar32>(c)) != 0;
      constexpr std::uint32_t kControl = U_GC_CC_MASK | U_GC_CF_MASK | U_GC_CO_MASK | U_GC_CS_MASK;
      if (c == 0 || c == 0xFFFD) continue;
      if ((kControl >> type & 1) != 0 && c != U'\t' && c != U'\n' && c != U'\r' && IsOld(c))
        continue;
      if (blank) {
        out.push_back(' ');
        continue;
      }
    }
    if (step.chinese && c >= 0x3400 && IsBertChinese(c)) {
      out.push_back(' ');
      out += text.substr(begin, at - begin);
      out.push_back(' ');
    } else {
      out += text.substr(begin, at - begin);
    }
  }
  return out;
}

std::string Bert(std::string_view text, const NormalizerStep& step,
                 const std::vector<std::uint64_t>& inert) {
  std::string out = BertCleaned(text, step);
  if (step.strip_accents && !IsAscii(out)) {
    ToForm(out, Kind::kNfd, inert, out);
    out = WithoutMarks(out, IsNonspacingMark);
  }
  if (step.lowercase) out = Lowercase(out);
  return out;
}

std::string NmtCleaned(std::string_view text) {
  constexpr std::u32string_view kBlanks =
      U"\t\n\f\r\u1680\u200B\u200C\u200D\u200E\u200F\u2028\u2029\u2581\uFEFF\uFFFD";
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    const char32_t c = NextCodePoint(text, at);
    if (kBlanks.find(c) != std::u32string_view::npos) {
      out.push_back(' ');
    } else if (c == 0 || (c >= 0x20 && c != 0x7F && c != 0x8F && c != 0x9F)) {
      out += text.substr(begin, at - begin);
    }
  }
  return out;
}

std::string_view Stripped(std::string_view text, const NormalizerStep& step) {
  std::size_t begin = 0;
  std::size_t end = text.size();
  while (step.left && begin < end) {
    std::size_t next = begin;
    if (!u_isUWhiteSpace(static_cast<UChar32>(NextCodePoint(text, next)))) break;
    begin = next;
  }
  while (step.right && end > begin) {
    std::size_t start = end;
    do {
      --start;
    } while (start > begin && (static_cast<unsigned char>(text[start]) & 0xC0) == 0x80);
    std::size_t next = start;
    if (!u_isUWhiteSpace(static_cast<UChar32>(NextCodePoint(text, next)))) break;
    end = start;
  }
  return text.substr(begin, end - begin);
}

}  // namespace

absl::StatusOr<Normalizer> Normalizer::Make(const std::vector<NormalizerStep>& steps) {
  Normalizer normalizer;
  if (steps.size() > kMaxSteps) {
    return absl::InvalidArgumentError(
        absl::StrCat(steps.size(), " normalizers are more than ", kMaxSteps));
  }
  for (const NormalizerStep& spec : steps) {
    if (spec.content.size() > kMaxContentBytes) {
      return absl::InvalidArgumentError(absl::StrCat("a normalizer puts in ", spec.content.size(),
                                                     " bytes, more than ", kMaxContentBytes));
    }
    Step step{.spec = spec};
    step.spec.charsmap.clear();
    if (spec.kind == Kind::kReplace && spec.pattern_is_regex) {
      auto pattern = SplitPattern::Compile(spec.pattern);
      if (!pattern.ok()) return pattern.status();
      step.pattern.push_back(*std::move(pattern));
    } else if (spec.kind == Kind::kReplace) {
      step.pattern.push_back(SplitPattern::Literal(spec.pattern));
    } else if (spec.kind == Kind::kCharsmap) {
      auto charsmap = Charsmap::Parse(spec.charsmap);
      if (!charsmap.ok()) return charsmap.status();
      step.charsmap.push_back(*std::move(charsmap));
    } else if (FormOf(spec.kind) != nullptr) {
      step.inert = InertUnder(spec.kind);
    } else if (spec.kind == Kind::kBert && spec.strip_accents) {
      step.inert = InertUnder(Kind::kNfd);
    }
    normalizer.steps_.push_back(std::move(step));
  }
  return normalizer;
}

std::string_view Normalizer::Apply(std::string_view text, std::string& buffer) const {
  std::string next;
  for (const Step& step : steps_) {
    bool changed = true;
    switch (step.spec.kind) {
      case Kind::kNfc:
      case Kind::kNfd:
      case Kind::kNfkc:
      case Kind::kNfkd:
        changed = ToForm(text, step.spec.kind, step.inert, next);
        break;
      case Kind::kLowercase:
        next = Lowercase(text);
        break;
      case Kind::kStripAccents:
        changed = !IsAscii(text);
        if (changed) next = WithoutMarks(text, IsMark);
        break;
      case Kind::kNmt:
        next = NmtCleaned(text);
        break;
      case Kind::kStrip:
        text = Stripped(text, step.spec);
        changed = false;
        break;
      case Kind::kPrepend:
        changed = !text.empty();
        if (changed) next = step.spec.content + std::string(text);
        break;
      case Kind::kReplace:
        next.clear();
        step.pattern[0].Split(text, [&](std::string_view part, bool is_match) {
          next += is_match ? std::string_view(step.spec.content) : part;
        });
        break;
      case Kind::kCharsmap:
        next = step.charsmap[0].Apply(text);
        break;
      case Kind::kBert:
        next = Bert(text, step.spec, step.inert);
        break;
    }
    if (!changed) continue;
    // Rules of a hostile file could make the text grow without end.
    if (next.size() / kMaxGrowth > text.size() + kMaxContentBytes) return text;
    std::swap(buffer, next);
    text = buffer;
  }
  return text;
}

}  // namespace citeseek::inference
