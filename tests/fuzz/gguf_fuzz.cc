#include "inference/model/gguf.h"

#include "inference/model/gguf_model.h"
#include "inference/model/tokenizer.h"
#include "tests/fuzz/fuzz.h"

using citeseek::fuzz::Require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto gguf = citeseek::inference::ParseGguf(bytes, "fuzz");
  if (!gguf.ok()) return 0;
  for (const auto& tensor : gguf->tensors) {
    const auto view = tensor.view.bytes;
    Require(view.data() >= bytes.data() && view.data() + view.size() <= bytes.data() + bytes.size(),
            "a tensor lies in the file");
  }
  (void)citeseek::inference::GgufConfig(*gguf, "fuzz");
  auto spec = citeseek::inference::GgufTokenizer(gguf->metadata, "fuzz");
  if (!spec.ok()) return 0;
  const auto tokenizer = citeseek::inference::Tokenizer::Make(*std::move(spec));
  if (tokenizer.ok()) (void)(*tokenizer)->Encode("Hello, \u4e16\u754c! <s> 123");
  return 0;
}
