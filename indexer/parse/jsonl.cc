#include "indexer/parse/jsonl.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "inference/utf8.h"

namespace citeseek::indexer::parse {
namespace {

using Json = nlohmann::json;

constexpr int kMaxNesting = 64;

std::string Quoted(const std::string& text) {
  return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

// Receives the events of one line (nlohmann's SAX interface) and fills the document without a tree
// in between. A handler that returns false ends the parse with `error` set.
struct LineReader {
  Document document;
  std::string error;

  // The members of the line are at depth 1, those of its "metadata" object at depth 2: both are
  // told by `member`. Deeper values are written back to `raw` as compact JSON.
  int depth = 0;
  bool in_metadata = false;
  std::string member;
  std::string raw;
  bool seen_id = false, seen_title = false, seen_text = false;

  enum class Kind { kString, kInteger, kNull, kOther };

  bool Fail(std::string reason) {
    error = std::move(reason);
    return false;
  }
  int MemberDepth() const { return in_metadata ? 2 : 1; }

  void Separate() {  // a string in raw ends with a quote, so its last byte tells what came before
    if (!raw.empty() && std::string_view("[{:").find(raw.back()) == std::string_view::npos) {
      raw += ',';
    }
  }

  bool Value(std::string&& value, Kind kind) {
    if (depth == 0) return Fail("is not a JSON object");
    if (depth > MemberDepth()) {
      Separate();
      raw += kind == Kind::kString ? Quoted(value) : value;
      return true;
    }
    return Member(std::move(value), kind);
  }

  bool Member(std::string&& value, Kind kind) {
    if (!in_metadata && member == "_id") {
      if (kind != Kind::kString && kind != Kind::kInteger) {
        return Fail("_id is neither a string nor a whole number");
      }
      return Once(seen_id, document.id, std::move(value));
    }
    if (!in_metadata && (member == "title" || member == "text")) {
      if (kind == Kind::kNull) value.clear();
      if (kind != Kind::kNull && kind != Kind::kString) return Fail(member + " is not a string");
      return member == "title" ? Once(seen_title, document.title, std::move(value))
                               : Once(seen_text, document.text, std::move(value));
    }
    if (kind != Kind::kNull) document.metadata[member] = std::move(value);
    return true;
  }

  bool Once(bool& seen, std::string& field, std::string&& value) {
    if (seen) return Fail(member + " is there twice");
    seen = true;
    field = std::move(value);
    return true;
  }

  bool Open(char bracket) {
    if (depth == 0 && bracket == '[') return Fail("is not a JSON object");
    if (depth == kMaxNesting) return Fail(absl::StrCat("is nested deeper than ", kMaxNesting));
    if (depth == 1 && !in_metadata && member == "metadata" && bracket == '{') {
      in_metadata = true;
    } else if (depth > 0) {
      if (depth == MemberDepth()) raw.clear();
      Separate();
      raw += bracket;
    }
    ++depth;
    return true;
  }

  bool Close(char bracket) {
    --depth;
    if (depth == 1 && in_metadata) {
      in_metadata = false;
    } else if (depth > 0) {
      raw += bracket;
      if (depth == MemberDepth()) return Member(std::exchange(raw, {}), Kind::kOther);
    }
    return true;
  }

  bool null() { return Value("null", Kind::kNull); }
  bool boolean(bool value) { return Value(value ? "true" : "false", Kind::kOther); }
  bool number_integer(std::int64_t value) { return Value(std::to_string(value), Kind::kInteger); }
  bool number_unsigned(std::uint64_t value) { return Value(std::to_string(value), Kind::kInteger); }
  bool number_float(double, const std::string& digits) {  // as written: 1.10 stays 1.10
    const bool whole = digits.find_first_of(".eE") == std::string::npos;
    return Value(std::string(digits), whole ? Kind::kInteger : Kind::kOther);
  }
  bool string(std::string& value) { return Value(std::move(value), Kind::kString); }
  bool binary(std::vector<std::uint8_t>&) { return Fail("is not JSON"); }
  bool start_object(std::size_t) { return Open('{'); }
  bool end_object() { return Close('}'); }
  bool start_array(std::size_t) { return Open('['); }
  bool end_array() { return Close(']'); }
  bool key(std::string& name) {
    if (depth > MemberDepth()) {
      Separate();
      raw += Quoted(name) + ":";
    } else {
      member = std::move(name);
    }
    return true;
  }
  bool parse_error(std::size_t position, const std::string&, const Json::exception& problem) {
    // "[json...] parse error at ...: syntax error while parsing value - REASON; last read: 'TEXT'"
    std::string_view reason = problem.what();
    if (const auto dash = reason.find(" - "); dash != reason.npos) reason.remove_prefix(dash + 3);
    reason = reason.substr(0, reason.find("; last read"));
    return Fail(absl::StrCat("is not JSON at byte ", position, ": ", std::string(reason)));
  }
};

bool IsBlank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

}  // namespace

bool JsonlParser::Push(std::string_view bytes) {
  while (!stopped_ && !bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    const bool ended = end != std::string_view::npos;
    const std::string_view piece = bytes.substr(0, end);
    bytes.remove_prefix(ended ? end + 1 : bytes.size());
    if (skipped_bytes_ > 0 || line_.size() + piece.size() > kMaxLineBytes) {
      skipped_bytes_ += line_.size() + piece.size();
      line_.clear();
    } else if (!ended || !line_.empty()) {
      line_ += piece;
    }
    if (ended) {
      EndLine(line_.empty() ? piece : line_);
      line_.clear();
    }
  }
  return !stopped_;
}

bool JsonlParser::Finish() {
  if (!stopped_ && (skipped_bytes_ > 0 || !line_.empty())) EndLine(line_);
  return !stopped_;
}

bool JsonlParser::Fail(absl::StatusCode code, std::string_view reason) {
  stopped_ =
      !sink_(absl::Status(code, absl::StrCat(name_, ":", line_number_, ": ", std::string(reason))));
  return !stopped_;
}

bool JsonlParser::EndLine(std::string_view line) {
  ++line_number_;
  if (const std::uint64_t bytes = std::exchange(skipped_bytes_, 0); bytes > 0) {
    return Fail(
        absl::StatusCode::kInvalidArgument,
        absl::StrCat("line of ", bytes, " bytes is longer than the limit of ", kMaxLineBytes));
  }
  if (line_number_ == 1 && line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
  if (IsBlank(line)) return true;
  if (const std::size_t valid = inference::ValidUtf8Prefix(line); valid != line.size()) {
    return Fail(absl::StatusCode::kInvalidArgument,
                absl::StrCat("not UTF-8 at byte ", valid, " of the line"));
  }
  LineReader reader;
  if (!Json::sax_parse(line, &reader)) {
    return Fail(absl::StatusCode::kInvalidArgument, reader.error);
  }
  Document& document = reader.document;
  if (!reader.seen_id) return Fail(absl::StatusCode::kInvalidArgument, "_id is missing");
  document.uri = name_;
  if (IsBlank(document.text)) document.text = document.title;  // so that it can be found and quoted
  if (const absl::Status valid = ValidateDocument(document); !valid.ok()) {
    return Fail(valid.code(), std::string(valid.message()));
  }
  stopped_ = !sink_(std::move(document));
  return !stopped_;
}

}  // namespace citeseek::indexer::parse
