#include "inference/model/tokenizer.h"

#include "inference/utf8.h"
#include "tests/fuzz/fuzz.h"

using citeseek::fuzz::Require;
using citeseek::fuzz::View;

// The input is a text, a zero byte and a tokenizer.json.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = View(data, size);
  const std::size_t zero = std::min(input.find('\0'), input.size());
  const std::string_view text = input.substr(0, zero);
  const std::string_view json = zero < input.size() ? input.substr(zero + 1) : "";
  const auto tokenizer = citeseek::inference::Tokenizer::Parse(json, "", "fuzz");
  if (!tokenizer.ok()) return 0;
  const auto ids = (*tokenizer)->Encode(text, {.add_special = true, .parse_special = true});
  for (const std::int32_t id : ids) {
    Require(id >= 0 && id < (*tokenizer)->VocabularySize(), "an id is in the vocabulary");
  }
  Require(citeseek::inference::IsValidUtf8((*tokenizer)->Decode(ids, true)), "texts are UTF-8");
  (void)(*tokenizer)->EncodePair(text, text, {.max_tokens = 8});
  auto stream = (*tokenizer)->Stream(false);
  for (const std::int32_t id : ids) {
    Require(citeseek::inference::IsValidUtf8(stream.Push(id)), "streamed texts are UTF-8");
  }
  return 0;
}
