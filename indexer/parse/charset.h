// Charset: turns the bytes of a web page into UTF-8.
//
// Free function, thread-safe. The encoding is told by a byte order mark, else by <meta charset> or
// <meta http-equiv> in the first kCharsetWindow bytes, else (or if
// its name is not known) it is UTF-8. Bytes that a declared encoding does not have become U+FFFD;
// broken UTF-8 is kInvalidArgument with the byte's offset.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace citeseek::indexer::parse {

inline constexpr std::size_t kCharsetWindow = 4096;

absl::StatusOr<std::string> ToUtf8(std::string_view bytes);

}  // namespace citeseek::indexer::parse
