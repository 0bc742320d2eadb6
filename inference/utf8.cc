#include "inference/utf8.h"

#include <cstdint>
#include <cstring>

namespace citeseek::inference {

std::size_t ValidUtf8Prefix(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  std::size_t i = 0;
  while (i < text.size()) {
    // Eight ASCII bytes at a time: most text is.
    while (text.size() - i >= 8) {
      std::uint64_t eight;
      std::memcpy(&eight, text.data() + i, 8);
      if ((eight & 0x8080808080808080u) != 0) break;
      i += 8;
    }
    if (i == text.size()) break;
    const std::uint8_t lead = byte(i);
    if (lead < 0x80) {
      ++i;
      continue;
    }
    // Three bytes of which the lead says all: most of Chinese.
    if (lead >= 0xE1 && lead <= 0xEC) {
      if (text.size() - i < 3 || ((byte(i + 1) ^ 0x80) | (byte(i + 2) ^ 0x80)) >= 0x40) return i;
      i += 3;
      continue;
    }
    std::size_t length = 0;
    std::uint8_t low = 0x80, high = 0xBF;  // of the second byte
    if (lead >= 0xC2 && lead <= 0xDF) {
      length = 2;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
      length = 3;
      if (lead == 0xE0) low = 0xA0;
      if (lead == 0xED) high = 0x9F;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
      length = 4;
      if (lead == 0xF0) low = 0x90;
      if (lead == 0xF4) high = 0x8F;
    } else {
      return i;
    }
    if (text.size() - i < length || byte(i + 1) < low || byte(i + 1) > high) return i;
    for (std::size_t k = 2; k < length; ++k) {
      if ((byte(i + k) & 0xC0) != 0x80) return i;
    }
    i += length;
  }
  return i;
}

char32_t NextCodePoint(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t i) -> std::uint32_t {
    return i < text.size() ? static_cast<std::uint8_t>(text[i]) : 0;
  };
  const std::uint32_t lead = byte(at);
  if (lead < 0x80) {
    ++at;
    return lead;
  }
  // An ASCII or missing byte fails every check below, so nothing is read past the end.
  const std::uint32_t a = byte(at + 1) ^ 0x80;
  if (lead >= 0xC2 && lead < 0xE0 && a < 0x40) {
    at += 2;
    return (lead & 0x1F) << 6 | a;
  }
  const std::uint32_t b = byte(at + 2) ^ 0x80;
  if (lead >= 0xE0 && lead < 0xF0 && a < 0x40 && b < 0x40) {
    const std::uint32_t c = (lead & 0x0F) << 12 | a << 6 | b;
    if (c >= 0x800 && (c < 0xD800 || c > 0xDFFF)) {
      at += 3;
      return c;
    }
  }
  const std::uint32_t d = byte(at + 3) ^ 0x80;
  if (lead >= 0xF0 && lead < 0xF5 && a < 0x40 && b < 0x40 && d < 0x40) {
    const std::uint32_t c = (lead & 0x07) << 18 | a << 12 | b << 6 | d;
    if (c >= 0x10000 && c < 0x110000) {
      at += 4;
      return c;
    }
  }
  ++at;
  return 0xFFFD;
}

void AppendUtf8(char32_t code_point, std::string& out) {
  const auto put = [&](char32_t bits) { out.push_back(static_cast<char>(bits)); };
  if (code_point < 0x80) {
    put(code_point);
  } else if (code_point < 0x800) {
    put(0xC0 | code_point >> 6);
    put(0x80 | (code_point & 0x3F));
  } else if (code_point < 0x10000) {
    put(0xE0 | code_point >> 12);
    put(0x80 | (code_point >> 6 & 0x3F));
    put(0x80 | (code_point & 0x3F));
  } else {
    put(0xF0 | code_point >> 18);
    put(0x80 | (code_point >> 12 & 0x3F));
    put(0x80 | (code_point >> 6 & 0x3F));
    put(0x80 | (code_point & 0x3F));
  }
}

}  // namespace citeseek::inference
