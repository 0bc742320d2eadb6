#include "indexer/parse/charset.h"

#include <unicode/ucnv.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "inference/utf8.h"

namespace citeseek::indexer::parse {
namespace {

struct Alias {
  std::string_view declared;
  const char* meant;
};

// What the web means by these names (WHATWG Encoding, section 4.2). A page that could be read far
// enough to find "utf-16" in it is not UTF-16.
constexpr Alias kAliases[] = {
    {"ascii", "windows-1252"},  {"us-ascii", "windows-1252"},
    {"latin1", "windows-1252"}, {"iso-8859-1", "windows-1252"},
    {"gb2312", "gb18030"},      {"gbk", "gb18030"},
    {"x-gbk", "gb18030"},       {"gb_2312-80", "gb18030"},
    {"big5", "Big5-HKSCS"},     {"shift_jis", "windows-31j"},
    {"sjis", "windows-31j"},    {"euc-kr", "windows-949"},
    {"utf-16", "utf-8"},        {"utf-16le", "utf-8"},
    {"utf-16be", "utf-8"},      {"utf-7", "utf-8"},
};

// The value of the first charset=... in a <meta> tag, in lower case; empty if there is none.
std::string DeclaredCharset(std::string_view bytes) {
  const std::string head = absl::AsciiStrToLower(
      absl::string_view(bytes.data(), std::min(bytes.size(), kCharsetWindow)));
  for (std::size_t tag = head.find("<meta"); tag != head.npos; tag = head.find("<meta", tag + 5)) {
    const std::string_view meta = std::string_view(head).substr(tag, head.find('>', tag) - tag);
    std::size_t at = meta.find("charset");
    if (at == meta.npos) continue;
    at = meta.find_first_not_of(" \t\r\n", at + 7);
    if (at == meta.npos || meta[at] != '=') continue;
    at = meta.find_first_not_of(" \t\r\n\"'", at + 1);
    if (at == meta.npos) continue;
    return std::string(meta.substr(at, meta.find_first_of(" \t\r\n\"';/>", at) - at));
  }
  return {};
}

using Converter = std::unique_ptr<UConverter, decltype(&ucnv_close)>;

// Null if ICU does not know the name, or if it could be taken for a path.
Converter OpenConverter(const std::string& charset) {
  const auto* alias = std::ranges::find(kAliases, charset, &Alias::declared);
  const char* name = alias != std::end(kAliases) ? alias->meant : charset.c_str();
  UErrorCode error = U_ZERO_ERROR;
  const bool plain = std::ranges::all_of(charset, [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == ':';
  });
  UConverter* converter = plain ? ucnv_open(name, &error) : nullptr;
  return Converter(U_SUCCESS(error) != 0 ? converter : nullptr, &ucnv_close);
}

absl::StatusOr<std::string> Convert(UConverter* from, std::string_view bytes) {
  UErrorCode error = U_ZERO_ERROR;
  const Converter to(ucnv_open("UTF-8", &error), &ucnv_close);
  if (U_FAILURE(error) != 0) return absl::InternalError(u_errorName(error));
  const char* source = bytes.data();
  const char* const source_end = source + bytes.size();
  std::string text;
  std::vector<UChar> pivot(4096);
  UChar* pivot_from = pivot.data();
  UChar* pivot_to = pivot.data();
  std::vector<char> buffer(1 << 16);
  bool first = true;
  do {
    error = U_ZERO_ERROR;
    char* target = buffer.data();
    ucnv_convertEx(to.get(), from, &target, buffer.data() + buffer.size(), &source, source_end,
                   pivot.data(), &pivot_from, &pivot_to, pivot.data() + pivot.size(),
                   static_cast<UBool>(first), true, &error);
    text.append(buffer.data(), target);
    first = false;
  } while (error == U_BUFFER_OVERFLOW_ERROR);
  if (U_FAILURE(error) != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot be converted to UTF-8: ", u_errorName(error)));
  }
  return text;
}

}  // namespace

absl::StatusOr<std::string> ToUtf8(std::string_view bytes) {
  std::string charset;
  if (bytes.starts_with("\xEF\xBB\xBF")) {
    bytes.remove_prefix(3);
  } else if (bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF")) {
    charset = bytes.front() == '\xFF' ? "UTF-16LE" : "UTF-16BE";
    bytes.remove_prefix(2);
  } else {
    charset = DeclaredCharset(bytes);
  }
  if (!charset.empty() && charset != "utf-8" && charset != "utf8") {
    if (const Converter from = OpenConverter(charset)) return Convert(from.get(), bytes);
  }
  const std::size_t valid = inference::ValidUtf8Prefix(bytes);
  if (valid != bytes.size()) {
    return absl::InvalidArgumentError(absl::StrCat("not UTF-8 at byte ", valid));
  }
  return std::string(bytes);
}

}  // namespace citeseek::indexer::parse
