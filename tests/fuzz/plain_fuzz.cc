#include "indexer/parse/plain.h"

#include "indexer/document.h"
#include "inference/utf8.h"
#include "tests/fuzz/fuzz.h"

using citeseek::fuzz::Require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = citeseek::fuzz::View(data, size);
  if (!citeseek::inference::IsValidUtf8(text)) return 0;
  for (const std::string& title : {citeseek::indexer::parse::TitleOfMarkdown(text),
                                   citeseek::indexer::parse::TitleOfPlainText(text)}) {
    Require(citeseek::inference::IsValidUtf8(title), "a title is UTF-8");
    Require(title.size() <= citeseek::indexer::kMaxTitleBytes, "a title is not too long");
    Require(title.find('\n') == std::string::npos, "a title is one line");
    Require(text.find(title) != std::string_view::npos, "a title is in the text");
  }
  return 0;
}
