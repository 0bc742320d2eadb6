// Parser: turns a file's bytes into documents.
//
// .txt and .md keep their bytes as the text (less a byte order mark); .html and .htm are turned
// into plain text; .jsonl holds one document a line in BEIR form {"_id", "title", "text", ...},
// every other member becoming metadata: strings as they are, the rest as compact JSON, the members
// of a "metadata" object as members of their own.
//
// Free functions, thread-safe. Every problem is told once and names the file: those of one document
// go to the sink, those of the file as a whole are returned. Codes: kNotFound, kPermissionDenied
// and others from the system, kInvalidArgument (type, size, UTF-8, form), kCancelled (the sink
// stopped), kFailedPrecondition: a file holds no text to index, which is a skip rather than a
// failure.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "indexer/document.h"

namespace citeseek::indexer {

// Receives each document, or what is wrong with it (message: "file:line: reason"). Returning false
// stops the parse.
using DocumentSink = std::function<bool(absl::StatusOr<Document>)>;

inline constexpr std::size_t kMaxHtmlBytes = 4 * kMaxTextBytes;  // before markup is taken off
inline constexpr std::size_t kMaxLineBytes = 2 * kMaxTextBytes;  // of .jsonl

// By the extension, without looking at the bytes.
bool IsSupportedFile(std::string_view path);

// Reads one file; .jsonl line by line in constant memory. `root` is cut off the path to make the
// document's id, so that a folder indexed twice from different places keeps its ids; the uri is
// the path as given. Returns what stopped the parse, else OK.
absl::Status ParseFile(const std::string& path, const std::string& root, const DocumentSink& sink);

// The same for bytes in memory; `name` gives the type by its extension, the id and the uri.
absl::Status ParseBytes(std::string_view name, std::string_view bytes, const DocumentSink& sink);

}  // namespace citeseek::indexer
