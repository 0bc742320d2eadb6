#include "inference/model/tokenizer/charsmap.h"

#include <unicode/uchar.h>

#include <algorithm>
#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "inference/utf8.h"

namespace citeseek::inference {
namespace {

constexpr std::size_t kLongestCluster = 5;
constexpr std::size_t kMaxReplacementBytes = 256;

UGraphemeClusterBreak BreakOf(char32_t c) {
  return static_cast<UGraphemeClusterBreak>(
      u_getIntPropertyValue(static_cast<UChar32>(c), UCHAR_GRAPHEME_CLUSTER_BREAK));
}

// The end of the extended grapheme cluster that starts at `begin` (UAX 29, rules GB3 to GB13).
std::size_t ClusterEnd(std::string_view text, std::size_t begin) {
  std::size_t end = begin;
  const char32_t first = NextCodePoint(text, end);
  UGraphemeClusterBreak last_break = BreakOf(first);
  bool pictograph = u_hasBinaryProperty(static_cast<UChar32>(first), UCHAR_EXTENDED_PICTOGRAPHIC);
  int flags = last_break == U_GCB_REGIONAL_INDICATOR ? 1 : 0;
  while (end < text.size()) {
    std::size_t next = end;
    const char32_t c = NextCodePoint(text, next);
    const UGraphemeClusterBreak b = BreakOf(c);
    const bool c_pictograph = b == U_GCB_OTHER && u_hasBinaryProperty(static_cast<UChar32>(c),
                                                                      UCHAR_EXTENDED_PICTOGRAPHIC);
    const auto is_control = [](UGraphemeClusterBreak x) {
      return x == U_GCB_CONTROL || x == U_GCB_CR || x == U_GCB_LF;
    };
    bool joined = false;
    if (last_break == U_GCB_CR) {
      joined = b == U_GCB_LF;
    } else if (is_control(last_break) || is_control(b)) {
      joined = false;
    } else if (b == U_GCB_EXTEND || b == U_GCB_ZWJ || b == U_GCB_SPACING_MARK ||
               last_break == U_GCB_PREPEND) {
      joined = true;
    } else if (last_break == U_GCB_L) {
      joined = b == U_GCB_L || b == U_GCB_V || b == U_GCB_LV || b == U_GCB_LVT;
    } else if (last_break == U_GCB_LV || last_break == U_GCB_V) {
      joined = b == U_GCB_V || b == U_GCB_T;
    } else if (last_break == U_GCB_LVT || last_break == U_GCB_T) {
      joined = b == U_GCB_T;
    } else if (last_break == U_GCB_ZWJ && pictograph) {
      joined = c_pictograph;
    } else if (last_break == U_GCB_REGIONAL_INDICATOR && b == U_GCB_REGIONAL_INDICATOR) {
      joined = flags % 2 == 1;
    }
    if (!joined) break;
    // A pictograph, extenders, a joiner: the next pictograph belongs to it.
    if (b != U_GCB_EXTEND && b != U_GCB_ZWJ) pictograph = c_pictograph;
    if (b == U_GCB_REGIONAL_INDICATOR) ++flags;
    last_break = b;
    end = next;
  }
  return end;
}

// True for a character that the sentences of Chinese and Japanese are full of: U+3000 to U+3020,
// U+4000 to U+9FFF, U+FF01 to U+FF3F. None joins what is before it, nor any of its kind after it.
bool IsIdeographic(std::string_view text, std::size_t at) {
  if (text.size() - at < 3) return false;
  const auto a = static_cast<unsigned char>(text[at]);
  const auto b = static_cast<unsigned char>(text[at + 1]);
  const auto c = static_cast<unsigned char>(text[at + 2]);
  return (a >= 0xE4 && a <= 0xE9) || (a == 0xE3 && b == 0x80 && c <= 0xA0) ||
         (a == 0xEF && b == 0xBC && c > 0x80);
}

std::size_t OffsetOf(std::uint32_t unit) {
  return std::size_t{unit >> 10} << ((unit & (1u << 9)) >> 6);
}

bool IsAscii(char c) { return static_cast<unsigned char>(c) < 0x80; }

}  // namespace

absl::StatusOr<Charsmap> Charsmap::Parse(std::string_view bytes) {
  std::uint32_t trie_bytes = 0;
  if (bytes.size() < sizeof(trie_bytes)) {
    return absl::InvalidArgumentError("charsmap is shorter than 4 bytes");
  }
  std::memcpy(&trie_bytes, bytes.data(), sizeof(trie_bytes));
  if (trie_bytes % 4 != 0 || trie_bytes == 0 || trie_bytes > bytes.size() - sizeof(trie_bytes)) {
    return absl::InvalidArgumentError(
        absl::StrCat("charsmap of ", bytes.size(), " bytes has a trie of ", trie_bytes));
  }
  Charsmap map;
  map.units_.resize(trie_bytes / 4);
  std::memcpy(map.units_.data(), bytes.data() + sizeof(trie_bytes), trie_bytes);
  map.replacements_ = std::string(bytes.substr(sizeof(trie_bytes) + trie_bytes));
  if (!IsValidUtf8(map.replacements_)) {
    return absl::InvalidArgumentError("charsmap has replacements that are not UTF-8");
  }
  for (std::size_t at = 0; at < map.replacements_.size();) {
    const std::size_t end = std::min(map.replacements_.find('\0', at), map.replacements_.size());
    if (end - at > kMaxReplacementBytes) {
      return absl::InvalidArgumentError(
          absl::StrCat("charsmap has a replacement of more than ", kMaxReplacementBytes, " bytes"));
    }
    at = end + 1;
  }
  map.ascii_plain_.resize(128);
  for (std::size_t c = 0; c < 128; ++c) {
    const char text = static_cast<char>(c);
    map.ascii_plain_[c] = map.Find({&text, 1}) ? 0 : 1;
  }
  map.lead_plain_.resize(256);
  for (std::size_t c = 1; c < 256; ++c) {
    const std::size_t node = OffsetOf(map.units_[0]) ^ c;
    map.lead_plain_[c] = node >= map.units_.size() || (map.units_[node] & 0x800000FFu) != c ? 1 : 0;
  }
  return map;
}

std::optional<std::string_view> Charsmap::Find(std::string_view text) const {
  std::size_t node = OffsetOf(units_[0]);
  for (const char byte : text) {
    const auto c = static_cast<unsigned char>(byte);
    if (c == 0) return std::nullopt;
    node ^= c;
    if (node >= units_.size()) return std::nullopt;
    const std::uint32_t unit = units_[node];
    if ((unit & 0x800000FFu) != c) return std::nullopt;
    node ^= OffsetOf(unit);
    if ((unit & 0x100u) != 0) {  // a rule ends here: its value is one unit further
      if (node >= units_.size()) return std::nullopt;
      const std::size_t at = units_[node] & 0x7FFFFFFFu;
      if (at >= replacements_.size()) return std::string_view();
      const std::string_view rest = std::string_view(replacements_).substr(at);
      if ((static_cast<unsigned char>(rest[0]) & 0xC0) == 0x80) return std::nullopt;  // damaged
      return rest.substr(0, rest.find('\0'));
    }
  }
  return std::nullopt;
}

std::string Charsmap::Apply(std::string_view text) const {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  const auto apply_to_each = [&](std::string_view part) {
    for (std::size_t at = 0; at < part.size();) {
      const std::size_t begin = at;
      NextCodePoint(part, at);
      const std::string_view one = part.substr(begin, at - begin);
      out += Find(one).value_or(one);
    }
  };
  for (std::size_t at = 0; at < text.size();) {
    // Plain ASCII before ASCII is a cluster of its own that no rule changes.
    std::size_t plain = at;
    while (plain < text.size() && IsAscii(text[plain]) &&
           ascii_plain_[static_cast<unsigned char>(text[plain])] != 0 &&
           (plain + 1 == text.size() || IsAscii(text[plain + 1]))) {
      ++plain;
    }
    if (plain > at) {
      out += text.substr(at, plain - at);
      at = plain;
      continue;
    }
    if (IsIdeographic(text, at) &&
        (at + 3 == text.size() || IsAscii(text[at + 3]) || IsIdeographic(text, at + 3))) {
      const std::string_view one = text.substr(at, 3);
      at += 3;
      const bool same = lead_plain_[static_cast<unsigned char>(one[0])] != 0;
      out += same ? one : Find(one).value_or(one);
      continue;
    }
    const std::size_t end = ClusterEnd(text, at);
    const std::string_view cluster = text.substr(at, end - at);
    at = end;
    if (cluster.size() <= kLongestCluster) {
      if (const auto replacement = Find(cluster)) {
        out += *replacement;
        continue;
      }
    }
    apply_to_each(cluster);
  }
  return out;
}

std::optional<std::string> DecodeBase64(std::string_view text) {
  std::string out;
  if (!absl::Base64Unescape(absl::string_view(text.data(), text.size()), &out)) {
    return std::nullopt;
  }
  return out;
}

}  // namespace citeseek::inference
