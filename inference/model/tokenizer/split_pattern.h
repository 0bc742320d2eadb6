// SplitPattern: finds the words that a tokenizer's regular expression describes.
//
// The expressions of real tokenizers are alternatives of character classes with counts; those are
// compiled to a matcher that is linear on them. Others go to ICU with a limit on its time. Classes
// follow Oniguruma (\s is White_Space, \w what is Alphabetic, marks, digits, connectors). Immutable
// and thread-safe. Errors: kInvalidArgument.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"

namespace citeseek::inference {

// A set of code points.
struct CharSet {
  std::uint32_t categories = 0;  // bit u_charType(c)
  bool white_space = false;
  bool alphabetic = false;
  std::vector<std::pair<char32_t, char32_t>> ranges;  // inclusive
  bool negated = false;
  // Once Fill is done: a bit a code point below 0x10000; and by first byte the size of characters
  // that are all in the set, 0 where none is, kDecode where the character decides.
  std::vector<std::uint64_t> low;
  std::array<std::uint8_t, 256> sizes = {};
  static constexpr std::uint8_t kDecode = 255;

  bool Contains(char32_t c) const {
    return c < 0x10000 ? (low[c >> 6] >> (c & 63) & 1) != 0 : ContainsHigh(c);
  }
  bool ContainsHigh(char32_t c) const;
  bool Meets(const CharSet& other) const;  // true if one character may be in both
  void Fill();                             // call once the other members are set
};

class SplitPattern {
 public:
  static absl::StatusOr<SplitPattern> Compile(std::string_view regex);
  static SplitPattern Literal(std::string_view text);

  // Calls piece(part, is_match) for every part of `text` in order; parts are not empty. `text` is
  // valid UTF-8.
  void Split(std::string_view text, absl::FunctionRef<void(std::string_view, bool)> piece) const;

  bool linear() const { return icu_ == nullptr; }

 private:
  struct Item {
    enum class Kind { kClass, kLiterals, kNotAhead };
    Kind kind = Kind::kClass;
    CharSet set;
    std::vector<std::u32string> literals;
    bool fold_case = false;
    std::uint32_t min = 1;
    std::uint32_t max = 1;
    bool possessive = false;
  };
  using Sequence = std::vector<Item>;
  class Parser;
  struct Icu;

  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  std::size_t Match(std::string_view text, std::size_t at) const;
  static std::size_t MatchItems(const Sequence& items, std::size_t index, std::string_view text,
                                std::size_t at);
  static std::size_t MatchLiterals(const Item& item, std::string_view text, std::size_t at);
  static bool MayStart(const Sequence& items, unsigned char byte);
  void Finish();
  static bool NeverGivesBack(const Sequence& items, std::size_t index);

  std::vector<Sequence> alternatives_;
  // By first byte, a bit for each of the alternatives that may match there; of more than 32 the
  // last bit stands for all others.
  std::array<std::uint32_t, 256> starts_ = {};
  std::shared_ptr<const Icu> icu_;  // null: the alternatives say it all
};

}  // namespace citeseek::inference
