#include "inference/folding.h"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/uscript.h>

#include <vector>

#include "inference/utf8.h"

namespace citeseek::inference {
namespace {

CharClass ClassOf(char32_t code_point) {
  const auto c = static_cast<UChar32>(code_point);
  if (c == 0x3005 || c == 0x3007) return CharClass::kHan;  // the repetition mark and the zero
  if (c == 0x30FC) return CharClass::kKana;
  const auto category = u_charType(c);
  const auto mask = U_MASK(category);
  if ((mask & U_GC_M_MASK) != 0 &&
      u_getIntPropertyValue(c, UCHAR_LINE_BREAK) != U_LB_COMPLEX_CONTEXT)
    return CharClass::kMark;
  if ((mask & U_GC_ND_MASK) != 0) return CharClass::kDigit;
  if (category == U_LETTER_NUMBER || category == U_OTHER_NUMBER) return CharClass::kDigit;
  if (u_getIntPropertyValue(c, UCHAR_LINE_BREAK) == U_LB_COMPLEX_CONTEXT) {
    return CharClass::kSoutheastAsian;
  }
  if ((mask & U_GC_L_MASK) == 0) return CharClass::kBreak;
  UErrorCode error = U_ZERO_ERROR;
  switch (uscript_getScript(c, &error)) {
    case USCRIPT_HAN:
      return CharClass::kHan;
    case USCRIPT_HIRAGANA:
    case USCRIPT_KATAKANA:
      return CharClass::kKana;
    case USCRIPT_HANGUL:
      return CharClass::kHangul;
    default:
      return CharClass::kLetter;
  }
}

// Letters that Unicode does not take apart but searchers type without their stroke.
char16_t WithoutStroke(char16_t c) {
  switch (c) {
    case u'ø':
      return u'o';
    case u'ł':
      return u'l';
    case u'đ':
    case u'ð':
      return u'd';
    case u'ħ':
      return u'h';
    case u'ı':
      return u'i';
    case u'\u2019':  // the apostrophe of typeset text
    case u'\u02BC':
      return u'\'';
    default:
      return c;
  }
}

struct Normalizers {
  const icu::Normalizer2* fold = nullptr;
  const icu::Normalizer2* decompose = nullptr;
  const icu::Normalizer2* compose = nullptr;

  static Normalizers Get() {
    UErrorCode error = U_ZERO_ERROR;
    return {.fold = icu::Normalizer2::getNFKCCasefoldInstance(error),
            .decompose = icu::Normalizer2::getNFDInstance(error),
            .compose = icu::Normalizer2::getNFCInstance(error)};
  }
};

// Mn of U+0300..U+036F only: the marks of other scripts are part of their spelling.
std::u32string FoldOne(const Normalizers& normalizers, char32_t code_point) {
  if (code_point == 0x200B) return U" ";  // the zero width space does separate words
  UErrorCode error = U_ZERO_ERROR;
  const icu::UnicodeString folded =
      normalizers.fold->normalize(icu::UnicodeString(static_cast<UChar32>(code_point)), error);
  const icu::UnicodeString apart = normalizers.decompose->normalize(folded, error);
  icu::UnicodeString kept;
  for (int i = 0; i < apart.length(); ++i) {
    const char16_t unit = apart[i];
    if (unit < 0x300 || unit > 0x36F) kept.append(WithoutStroke(unit));
  }
  const icu::UnicodeString whole = normalizers.compose->normalize(kept, error);
  std::u32string result;
  for (int i = 0; i < whole.length(); i = whole.moveIndex32(i, 1)) {
    result.push_back(static_cast<char32_t>(whole.char32At(i)));
  }
  return result;
}

// The foldings of the basic plane, 4 bytes each: class << 24 | code point, or kSeveral | index.
class Table {
 public:
  static constexpr std::uint32_t kSeveral = 1u << 31;

  Table() : entries_(0x10000) {
    for (char32_t c = 0; c < 0x10000; ++c) entries_[c] = Entry(c);
  }

  std::uint32_t operator[](char32_t c) const { return entries_[c]; }
  const std::u32string& several(std::uint32_t entry) const { return several_[entry & ~kSeveral]; }

 private:
  static std::uint32_t Pack(char32_t c, CharClass char_class) {
    return static_cast<std::uint32_t>(char_class) << 24 | static_cast<std::uint32_t>(c);
  }

  std::uint32_t Entry(char32_t c) {
    if (c >= 0x4E00 && c < 0xA000) return Pack(c, CharClass::kHan);
    if (c >= 0xAC00 && c < 0xD7A4) return Pack(c, CharClass::kHangul);
    if (c >= 0xD800 && c < 0xF900) return Pack(c, CharClass::kBreak);  // surrogates, private use
    std::u32string folded = FoldOne(normalizers_, c);
    if (folded.empty()) return Pack(c, CharClass::kIgnored);
    if (folded.size() == 1) return Pack(folded[0], ClassOf(folded[0]));
    several_.push_back(std::move(folded));
    return kSeveral | static_cast<std::uint32_t>(several_.size() - 1);
  }

  const Normalizers normalizers_ = Normalizers::Get();
  std::vector<std::uint32_t> entries_;
  std::vector<std::u32string> several_;
};

const Table& BasicPlane() {
  static const Table table;  // 256 KiB, made once, in a few milliseconds
  return table;
}

}  // namespace

bool FoldedReader::NextSlow(FoldedChar& out) {
  out.upper = false;
  if (pending_ != nullptr) {
    out.code_point = *pending_;
    out.char_class = ClassOf(*pending_);
    out.start = pending_start_;
    out.end = static_cast<std::uint32_t>(next_);
    pending_ = --pending_count_ == 0 ? nullptr : pending_ + 1;
    return true;
  }
  if (next_ >= text_.size()) return false;
  out.start = static_cast<std::uint32_t>(next_);
  const char32_t c = NextCodePoint(text_, next_);
  out.end = static_cast<std::uint32_t>(next_);
  if (c >= 0x10000) {
    // Rare, and the few that fold into several (squared letters) may stay as their first.
    const std::u32string folded = FoldOne(Normalizers::Get(), c);
    out.code_point = folded.empty() ? c : folded[0];
    out.char_class = folded.empty() ? CharClass::kIgnored : ClassOf(out.code_point);
    return true;
  }
  const std::uint32_t entry = BasicPlane()[c];
  if ((entry & Table::kSeveral) == 0) {
    out.code_point = entry & 0xFFFFFF;
    out.char_class = static_cast<CharClass>(entry >> 24);
    return true;
  }
  const std::u32string& several = BasicPlane().several(entry);
  out.code_point = several[0];
  out.char_class = ClassOf(several[0]);
  pending_ = several.data() + 1;
  pending_count_ = several.size() - 1;
  pending_start_ = out.start;
  return true;
}

}  // namespace citeseek::inference
