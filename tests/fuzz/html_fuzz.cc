#include "indexer/parse/html.h"

#include "indexer/parse/charset.h"
#include "inference/utf8.h"
#include "tests/fuzz/fuzz.h"

using citeseek::fuzz::Require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto utf8 = citeseek::indexer::parse::ToUtf8(citeseek::fuzz::View(data, size));
  if (!utf8.ok()) return 0;
  Require(citeseek::inference::IsValidUtf8(*utf8), "what was converted is UTF-8");
  const auto page = citeseek::indexer::parse::ParseHtml(*utf8);
  Require(citeseek::inference::IsValidUtf8(page.text), "the text is UTF-8");
  Require(citeseek::inference::IsValidUtf8(page.title), "the title is UTF-8");
  Require(page.text.size() <= 8 * utf8->size() + 8, "the text grows linearly");
  Require(page.text.find('\0') == std::string::npos, "the text has no NUL");
  return 0;
}
