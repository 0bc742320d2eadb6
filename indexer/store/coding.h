// Coding: turns integers and strings into bytes and back.
//
// Little endian; varints are LEB128. ByteReader never reads past its end: after a malformed or
// missing value it returns zeros and ok() is false. Single-threaded.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace citeseek::indexer {

static_assert(std::endian::native == std::endian::little, "files are mapped, not converted");

using Bytes = std::span<const std::uint8_t>;

inline Bytes AsBytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

inline std::string_view AsText(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

template <typename T>
T LoadFixed(const std::uint8_t* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}

template <typename T>
void PutFixed(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(T));
}

inline void PutVarint(std::string& out, std::uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

inline void PutString(std::string& out, std::string_view value) {
  PutVarint(out, value.size());
  out.append(value);
}

class ByteReader {
 public:
  explicit ByteReader(Bytes bytes) : next_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  bool ok() const { return ok_; }
  std::size_t left() const { return static_cast<std::size_t>(end_ - next_); }

  template <typename T>
  T Fixed() {
    const Bytes bytes = Take(sizeof(T));
    return ok_ ? LoadFixed<T>(bytes.data()) : T{};
  }

  std::uint64_t Varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (next_ == end_) break;
      const std::uint8_t byte = *next_++;
      value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    Fail();
    return 0;
  }

  // A varint that must fit in 32 bits.
  std::uint32_t Varint32() {
    const std::uint64_t value = Varint();
    if (value > 0xFFFFFFFF) Fail();
    return ok_ ? static_cast<std::uint32_t>(value) : 0;
  }

  Bytes Take(std::uint64_t size) {
    if (size > left()) {
      Fail();
      return {};
    }
    const Bytes taken(next_, static_cast<std::size_t>(size));
    next_ += size;
    return taken;
  }

  std::string_view String() { return AsText(Take(Varint())); }

 private:
  void Fail() {
    ok_ = false;
    next_ = end_;
  }

  const std::uint8_t* next_;
  const std::uint8_t* end_;
  bool ok_ = true;
};

}  // namespace citeseek::indexer
