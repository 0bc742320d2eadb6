// CitationMarkers: lets a model's citation markers name only sources that exist.
//
// A constraint (see there for threads). Markers are read in the bytes of the tokens, wherever those
// are cut: "[", also "[[", "[^", "【" or "［", a label such as "citation:" if there is one, then
// numbers with ",", ";", "-" or blanks between them. No digit that would make such a number one of
// no source is allowed; all else is, "[sic]" and "a[i]" among it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "inference/batch/constraint.h"

namespace citeseek::inference {

inline constexpr int kMaxSources = 999;

// What each token of a model adds to a text. Immutable and thread-safe; made once a model.
class TokenBytes {
 public:
  TokenBytes() = default;
  // tokens: by id; empty for tokens that are no text.
  explicit TokenBytes(const std::vector<std::string>& tokens);

  std::string_view Of(std::int32_t id) const;  // "" for ids that are not there
  std::span<const std::int32_t> with_digits() const { return with_digits_; }

 private:
  std::string bytes_;
  std::vector<std::uint32_t> ends_;  // [ids] in bytes_
  std::vector<std::int32_t> with_digits_;
};

class CitationMarkers final : public TokenConstraint {
 public:
  // Sources are numbered 1..sources, at most kMaxSources. Borrows the tokens.
  CitationMarkers(const TokenBytes& tokens, int sources) : tokens_(tokens), sources_(sources) {}

  AllowedTokens Next() override;
  void Accept(std::int32_t token) override;

 private:
  int Step(int state, unsigned char byte) const;
  // The state behind `bytes`, or kForbidden.
  int After(int state, std::string_view bytes) const;

  const TokenBytes& tokens_;
  const int sources_;
  int state_ = 0;
  absl::flat_hash_map<int, std::vector<std::int32_t>> forbidden_;  // by state, once it was met
};

}  // namespace citeseek::inference
