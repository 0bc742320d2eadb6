#include "indexer/parse/jsonl.h"

#include <string>

#include "tests/fuzz/fuzz.h"

using citeseek::fuzz::Require;

namespace {

// All that a parse says, on one string.
std::string Told(std::string_view bytes, std::size_t first_piece) {
  std::string told;
  const citeseek::indexer::DocumentSink sink =
      [&](const absl::StatusOr<citeseek::indexer::Document>& document) {
        if (!document.ok()) {
          told += document.status().ToString() + "\n";
          return true;
        }
        Require(ValidateDocument(*document).ok(), "a document that is delivered is valid");
        told += document->id + "\t" + document->title + "\t" + document->text;
        for (const auto& [key, value] : document->metadata) told += "\t" + key + "=" + value;
        told += "\n";
        return true;
      };
  citeseek::indexer::parse::JsonlParser parser("f", sink);
  Require(parser.Push(bytes.substr(0, first_piece)), "the sink did not stop");
  Require(parser.Push(bytes.substr(std::min(first_piece, bytes.size()))), "the sink did not stop");
  Require(parser.Finish(), "the sink did not stop");
  return told;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = citeseek::fuzz::View(data, size);
  Require(Told(bytes, size) == Told(bytes, size / 3), "any cut of the bytes gives the same");
  return 0;
}
