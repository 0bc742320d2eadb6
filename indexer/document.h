// Document: what is indexed, and the passages it is cut into.
//
// Offsets are bytes in the stored UTF-8 text, [start, end), on code point boundaries.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace citeseek::indexer {

inline constexpr std::size_t kMaxIdBytes = 512;
inline constexpr std::size_t kMaxTitleBytes = 4096;
inline constexpr std::size_t kMaxTextBytes = 16 << 20;
inline constexpr std::size_t kMaxMetadataEntries = 64;
inline constexpr std::size_t kMaxMetadataBytes = 64 << 10;  // keys and values together
inline constexpr std::size_t kMaxFilterBytes = 512;         // longer values cannot be filtered by
inline constexpr std::string_view kDefaultCollection = "default";

struct Document {
  std::string id;  // unique in its collection; adding it again replaces it
  std::string collection{kDefaultCollection};
  std::string title;
  std::string uri;
  std::string text;  // what citations quote
  std::map<std::string, std::string> metadata;
};

// Ids are scoped by collection. An empty collection in a request means "the one that holds this
// id"; if several do, the request fails and names them.
struct DocumentKey {
  std::string id;
  std::string collection;
};

struct StoredDocument {
  Document document;
  std::uint64_t version = 0;  // counts up over the whole index; never reused
};

struct ByteRange {
  std::uint32_t start = 0;
  std::uint32_t end = 0;
};

// Checks sizes, UTF-8 and that the id is there. kInvalidArgument names the field, value and limit.
absl::Status ValidateDocument(const Document& document);

// Cuts a text into passages: at headings and paragraphs first, then at sentences, then anywhere on
// a code point. Passages are in order, do not overlap, and hold every non-blank byte.
std::vector<ByteRange> SplitIntoPassages(std::string_view text);

}  // namespace citeseek::indexer
