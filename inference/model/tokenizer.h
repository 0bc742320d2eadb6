// Tokenizer: turns text into token ids and back, exactly as the model's own tokenizer does.
//
// Immutable and thread-safe. Text that is not UTF-8 is read with U+FFFD in the place of what is
// not. Text of users and documents never becomes a control token (a special one, or one that looks
// like markup, such as <think>) unless the caller asks for it.
// Errors: kNotFound (no file), kInvalidArgument (damaged or unknown kind of tokenizer, named).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "inference/model/text_range.h"
#include "inference/model/tokenizer/spec.h"
#include "inference/model/tokenizer/token_decoder.h"

namespace citeseek::inference {

struct EncodeOptions {
  bool add_special = false;    // what the model's template puts around a text ([CLS], <s>, ...)
  bool parse_special = false;  // control tokens written out in the text become control tokens
};

struct Encoding {
  std::vector<std::int32_t> ids;
  std::vector<std::int32_t> type_ids;  // [ids] 0: of the first text, 1: of the second, for BERT
};

enum class Truncation {
  kLongestFirst,  // both shrink to the same length
  kOnlySecond,    // kInvalidArgument where the second text is too short to give enough
};

struct TemplateOptions {
  std::int64_t max_tokens = std::int64_t{1} << 40;  // special tokens included
  Truncation truncation = Truncation::kLongestFirst;
  bool parse_special = false;
};

class Tokenizer {
 public:
  // tokenizer.json and tokenizer_config.json (if any) of a folder.
  static absl::StatusOr<std::unique_ptr<Tokenizer>> OpenFolder(const std::string& folder);
  // `name` says in errors what was parsed; `config_json` may be empty.
  static absl::StatusOr<std::unique_ptr<Tokenizer>> Parse(std::string_view tokenizer_json,
                                                          std::string_view config_json,
                                                          std::string_view name);
  static absl::StatusOr<std::unique_ptr<Tokenizer>> Make(TokenizerSpec spec);
  ~Tokenizer();

  std::vector<std::int32_t> Encode(std::string_view text, const EncodeOptions& options = {}) const;

  // The ids of a rendered chat prompt: control tokens are read everywhere but in the ranges that
  // users wrote (sorted, apart from one another).
  std::vector<std::int32_t> EncodePrompt(std::string_view text,
                                         std::span<const TextRange> user) const;

  // One text in the model's template, cut at its end.
  Encoding EncodeSingle(std::string_view text, const TemplateOptions& options = {}) const;
  // Both texts in the model's pair template.
  absl::StatusOr<Encoding> EncodePair(std::string_view first, std::string_view second,
                                      const TemplateOptions& options = {}) const;

  std::string Decode(std::span<const std::int32_t> ids, bool skip_special) const;
  // For streaming; borrows this tokenizer.
  StreamDecoder Stream(bool skip_special) const;

  int VocabularySize() const;  // the largest id + 1
  std::optional<std::int32_t> TokenId(std::string_view token) const;
  std::string_view TokenText(std::int32_t id) const;  // as the file writes it; "" if there is none
  // What the token adds to a text, behind others; "" for a special one. Perhaps not whole UTF-8.
  std::string TokenBytes(std::int32_t id) const;
  bool IsControl(std::int32_t id) const;

 private:
  struct Parts;
  explicit Tokenizer(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;
};

}  // namespace citeseek::inference
