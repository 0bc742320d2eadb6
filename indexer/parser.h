// Parser: turns a file's bytes into documents.
//
// .txt and .md keep their bytes as the text; .html is turned into plain text; .jsonl holds one
// document a line in BEIR form {"_id", "title", "text", ...}, every other member becoming metadata.
// Free functions, thread-safe. A broken file or line is one error that names it; the rest go on.
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

// By the extension, without looking at the bytes.
bool IsSupportedFile(std::string_view path);

// Reads one file. `root` is cut off the path to make the document's id, so that a folder
// indexed twice from different places keeps its ids. Returns what stopped the parse, else OK.
absl::Status ParseFile(const std::string& path, const std::string& root, const DocumentSink& sink);

// The same for bytes in memory; `name` gives the type by its extension, the id and the uri.
absl::Status ParseBytes(std::string_view name, std::string_view bytes, const DocumentSink& sink);

}  // namespace citeseek::indexer
