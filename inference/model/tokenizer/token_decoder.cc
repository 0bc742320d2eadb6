#include "inference/model/tokenizer/token_decoder.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "inference/model/tokenizer/bpe.h"
#include "inference/utf8.h"

namespace citeseek::inference {
namespace {

constexpr std::string_view kReplacement = "\uFFFD";

// The byte that a token like <0x0A> stands for, or -1.
std::int16_t FallbackByte(std::string_view token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token[5] != '>') return -1;
  int value = 0;
  for (const char c : token.substr(3, 2)) {
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                             : -1;
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return static_cast<std::int16_t>(value);
}

// huggingface/tokenizers' clean-up of English tokens, applied token by token in this order.
std::string CleanedUp(std::string text) {
  constexpr std::pair<const char*, const char*> kRules[] = {
      {" .", "."},   {" ?", "?"},     {" !", "!"},     {" ,", ","},
      {" ' ", "'"},  {" n't", "n't"}, {" 'm", "'m"},   {" do not", " don't"},
      {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"},
  };
  for (const auto& [from, to] : kRules) absl::StrReplaceAll({{from, to}}, &text);
  return text;
}

// The length of the ill-formed part at the start of `bytes` that is replaced as one: a lead with
// as many continuations as could still have become a character.
std::size_t IllFormedLength(std::string_view bytes) {
  // A prefix of a character is what becomes valid when continuations are added.
  for (std::size_t length = std::min<std::size_t>(3, bytes.size()); length > 1; --length) {
    std::string attempt(bytes.substr(0, length));
    for (const char filler : {'\x80', '\xBF'}) {
      std::string whole = attempt;
      while (whole.size() < 4) {
        whole.push_back(filler);
        if (ValidUtf8Prefix(whole) == whole.size()) return length;
      }
    }
  }
  return 1;
}

// True if `bytes` is the start of a character that more bytes could complete.
bool IsIncomplete(std::string_view bytes) {
  if (bytes.empty() || bytes.size() > 3) return false;
  const auto lead = static_cast<unsigned char>(bytes[0]);
  if (lead < 0xC2 || lead > 0xF4) return false;
  if (bytes.size() == 1) return true;
  const std::size_t needs = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  return bytes.size() < needs && IllFormedLength(bytes) == bytes.size();
}

}  // namespace

std::string ReplaceInvalidUtf8(std::string_view bytes) {
  std::string out;
  while (true) {
    const std::size_t good = ValidUtf8Prefix(bytes);
    out += bytes.substr(0, good);
    bytes.remove_prefix(good);
    if (bytes.empty()) return out;
    out += kReplacement;
    bytes.remove_prefix(IllFormedLength(bytes));
  }
}

TokenDecoder::TokenDecoder(const DecoderSpec& spec, std::vector<std::string> tokens,
                           std::vector<bool> special)
    : spec_(spec), tokens_(std::move(tokens)), special_(std::move(special)) {
  byte_values_.assign(tokens_.size(), -1);
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    if (spec.kind == DecoderSpec::Kind::kByteLevel) tokens_[i] = Gpt2Decode(tokens_[i]);
    if (spec.kind != DecoderSpec::Kind::kPieces) continue;
    if (spec.byte_fallback) byte_values_[i] = FallbackByte(tokens_[i]);
    if (!spec.first_drops.empty()) continue;  // Piece() replaces: the first token differs
    for (const auto& [from, to] : spec.replacements) absl::StrReplaceAll({{from, to}}, &tokens_[i]);
  }
}

bool TokenDecoder::Skips(std::int32_t id, bool skip_special) const {
  const auto index = static_cast<std::size_t>(id);
  return id < 0 || index >= tokens_.size() || (skip_special && special_[index]);
}

std::string TokenDecoder::Bytes(std::int32_t id) const {
  bool byte = false;
  return Skips(id, true) ? "" : Piece(id, false, byte);
}

std::string TokenDecoder::Piece(std::int32_t id, bool first, bool& byte) const {
  const auto index = static_cast<std::size_t>(id);
  const std::string& token = tokens_[index];
  byte = byte_values_[index] >= 0;
  if (byte) return std::string(1, static_cast<char>(byte_values_[index]));
  switch (spec_.kind) {
    case DecoderSpec::Kind::kSpaces:
      return first ? token : " " + token;
    case DecoderSpec::Kind::kByteLevel:
      return token;
    case DecoderSpec::Kind::kWordPiece: {
      std::string piece = token;
      if (!first) {
        piece = token.starts_with(spec_.prefix) ? token.substr(spec_.prefix.size()) : " " + token;
      }
      return spec_.cleanup ? CleanedUp(std::move(piece)) : piece;
    }
    case DecoderSpec::Kind::kPieces: {
      if (spec_.first_drops.empty()) return token;
      std::string piece = token;
      if (first) absl::StrReplaceAll({{spec_.first_drops, ""}}, &piece);
      for (const auto& [from, to] : spec_.replacements) absl::StrReplaceAll({{from, to}}, &piece);
      return piece;
    }
  }
  return token;
}

std::string TokenDecoder::Decode(std::span<const std::int32_t> ids, bool skip_special) const {
  std::string out;
  std::string run;  // of fallback bytes: all of them a character each, or each one replaced
  const auto flush = [&] {
    if (IsValidUtf8(run)) {
      out += run;
    } else {
      for (std::size_t i = 0; i < run.size(); ++i) out += kReplacement;
    }
    run.clear();
  };
  bool first = true;
  for (const std::int32_t id : ids) {
    if (Skips(id, skip_special)) continue;
    bool byte = false;
    const std::string piece = Piece(id, first, byte);
    first = false;
    if (!byte) flush();
    (byte ? run : out) += piece;
  }
  flush();
  std::size_t drop = 0;
  while (drop < static_cast<std::size_t>(spec_.strip_left) && drop < out.size() &&
         out[drop] == ' ') {
    ++drop;
  }
  return ReplaceInvalidUtf8(std::string_view(out).substr(drop));
}

std::string StreamDecoder::Push(std::int32_t id) {
  if (decoder_.Skips(id, skip_special_)) return "";
  bool byte = false;
  pending_ += decoder_.Piece(id, first_, byte);
  first_ = false;
  std::string out;
  while (true) {
    const std::size_t good = ValidUtf8Prefix(pending_);
    out += pending_.substr(0, good);
    pending_.erase(0, good);
    if (pending_.empty() || IsIncomplete(pending_)) break;
    out += kReplacement;
    pending_.erase(0, IllFormedLength(pending_));
  }
  if (strip_left_ < 0) strip_left_ = decoder_.spec_.strip_left;
  std::size_t drop = 0;
  while (strip_left_ > 0 && drop < out.size()) {
    if (out[drop] != ' ') {
      strip_left_ = 0;
      break;
    }
    ++drop;
    --strip_left_;
  }
  return out.substr(drop);
}

std::string StreamDecoder::Finish() {
  std::string out = ReplaceInvalidUtf8(pending_);
  pending_.clear();
  return out;
}

}  // namespace citeseek::inference
