// GPT-2's alphabet (Radford et al. 2019): printable Latin-1 characters stand for themselves, the
// other 68 bytes for the characters from U+0100 on.
#include <array>

#include "inference/model/tokenizer/bpe.h"
#include "inference/utf8.h"

namespace citeseek::inference {
namespace {

constexpr bool IsPrintable(unsigned byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

constexpr std::array<char32_t, 256> kCharacters = [] {
  std::array<char32_t, 256> characters{};
  char32_t next = 0x100;
  for (unsigned byte = 0; byte < 256; ++byte) {
    characters[byte] = IsPrintable(byte) ? static_cast<char32_t>(byte) : next++;
  }
  return characters;
}();

constexpr std::array<int, 0x144> kBytes = [] {
  std::array<int, 0x144> bytes{};
  for (int& byte : bytes) byte = -1;
  for (int byte = 0; byte < 256; ++byte) {
    bytes[kCharacters[static_cast<std::size_t>(byte)]] = byte;
  }
  return bytes;
}();

}  // namespace

int Gpt2Byte(char32_t character) { return character < kBytes.size() ? kBytes[character] : -1; }

char32_t Gpt2Character(unsigned char byte) { return kCharacters[byte]; }

std::string Gpt2Decode(std::string_view token) {
  std::string bytes;
  for (std::size_t at = 0; at < token.size();) {
    const int byte = Gpt2Byte(NextCodePoint(token, at));
    if (byte < 0) return std::string(token);
    bytes.push_back(static_cast<char>(byte));
  }
  return bytes;
}

}  // namespace citeseek::inference
