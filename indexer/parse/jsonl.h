// JsonlParser: turns lines of JSON in BEIR form into documents, as the bytes arrive.
//
// Single-threaded. Holds one line at most; a line longer than kMaxLineBytes is skipped without
// being kept. A broken line goes to the sink as kInvalidArgument "name:line: reason", a line
// without any text as kFailedPrecondition, and the rest go on.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "indexer/parser.h"

namespace citeseek::indexer::parse {

class JsonlParser {
 public:
  // `name` is the documents' uri and opens the messages; `sink` outlives the parser.
  JsonlParser(std::string_view name, const DocumentSink& sink) : name_(name), sink_(sink) {}

  // Any cut of the file will do. False once the sink has asked to stop.
  bool Push(std::string_view bytes);
  // After the last bytes: the last line may lack its newline.
  bool Finish();

 private:
  bool EndLine(std::string_view line);
  bool Fail(absl::StatusCode code, std::string_view reason);

  std::string name_;
  const DocumentSink& sink_;
  std::string line_;                 // the line begun by earlier bytes
  std::uint64_t skipped_bytes_ = 0;  // of a line that is too long; 0 if it is not
  std::uint64_t line_number_ = 0;
  bool stopped_ = false;
};

}  // namespace citeseek::indexer::parse
