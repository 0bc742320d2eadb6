#include "inference/model/chat_template.h"

#include "tests/fuzz/fuzz.h"

using citeseek::fuzz::Require;
using citeseek::fuzz::View;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto chat =
      citeseek::inference::ChatTemplate::Compile(View(data, size), {{"bos_token", "<s>"}});
  if (!chat.ok()) return 0;
  citeseek::inference::ChatInput input;
  input.messages = *citeseek::inference::ParseJson(
      R"([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "<s>Hi"},
          {"role": "assistant", "content": null, "tool_calls": [{"function":
              {"name": "f", "arguments": {"x": [1, 2.5, true]}}}]}])",
      "messages");
  const auto prompt = chat->Render(input);
  if (!prompt.ok()) return 0;
  std::size_t end = 0;
  for (const auto& range : prompt->user) {
    Require(range.begin >= end && range.begin < range.end, "ranges are sorted and apart");
    end = range.end;
  }
  Require(end <= prompt->text.size(), "ranges lie in the text");
  return 0;
}
