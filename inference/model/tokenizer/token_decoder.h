// TokenDecoder: turns ids back into text, all at once or as they come.
//
// TokenDecoder is immutable and thread-safe; StreamDecoder is single-threaded and borrows one.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "inference/model/tokenizer/spec.h"

namespace citeseek::inference {

class TokenDecoder {
 public:
  TokenDecoder() = default;
  // `tokens`: the text of each id, empty where there is none; `special`: [ids] left out on request.
  TokenDecoder(const DecoderSpec& spec, std::vector<std::string> tokens, std::vector<bool> special);

  // Valid UTF-8: incomplete sequences become U+FFFD. Ids that do not exist are left out.
  std::string Decode(std::span<const std::int32_t> ids, bool skip_special) const;

  // What the token adds behind others; "" for a special one, or one that does not exist.
  std::string Bytes(std::int32_t id) const;

 private:
  friend class StreamDecoder;

  bool Skips(std::int32_t id, bool skip_special) const;
  // The bytes that a token adds after others, or as the first; `byte` says that it stands for one
  // byte of a sequence (byte fallback).
  std::string Piece(std::int32_t id, bool first, bool& byte) const;

  DecoderSpec spec_;
  std::vector<std::string> tokens_;  // kByteLevel: bytes already; kPieces: replaced already
  std::vector<bool> special_;
  std::vector<std::int16_t> byte_values_;  // [ids] the byte of a <0xNN> token, -1 for others
};

class StreamDecoder {
 public:
  StreamDecoder(const TokenDecoder& decoder, bool skip_special)
      : decoder_(decoder), skip_special_(skip_special) {}

  // The text that is certain after this token: whole characters only.
  std::string Push(std::int32_t id);

  // What is left: bytes that never became characters, as U+FFFD.
  std::string Finish();

 private:
  const TokenDecoder& decoder_;
  bool skip_special_;
  bool first_ = true;
  int strip_left_ = -1;  // -1: not started
  std::string pending_;
};

// `bytes` with every maximal part of an ill-formed sequence replaced by U+FFFD (Unicode 3.9).
std::string ReplaceInvalidUtf8(std::string_view bytes);

}  // namespace citeseek::inference
