#include "indexer/document.h"

#include "absl/strings/str_cat.h"
#include "inference/utf8.h"

namespace citeseek::indexer {
namespace {

absl::Status CheckField(const std::string& name, const std::string& value, std::size_t limit) {
  if (value.size() > limit) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, " of ", value.size(), " bytes is longer than the limit of ", limit));
  }
  const std::size_t valid = inference::ValidUtf8Prefix(value);
  if (valid != value.size()) {
    return absl::InvalidArgumentError(absl::StrCat(name, " is not UTF-8 at byte ", valid));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ValidateDocument(const Document& document) {
  if (document.id.empty()) return absl::InvalidArgumentError("document id is empty");
  if (document.collection.empty()) return absl::InvalidArgumentError("collection is empty");
  for (const char c : document.collection) {
    if (static_cast<unsigned char>(c) < 0x20) {
      return absl::InvalidArgumentError("collection holds a control character");
    }
  }
  if (auto s = CheckField("document id", document.id, kMaxIdBytes); !s.ok()) return s;
  if (auto s = CheckField("collection", document.collection, kMaxIdBytes); !s.ok()) return s;
  if (auto s = CheckField("title", document.title, kMaxTitleBytes); !s.ok()) return s;
  if (auto s = CheckField("uri", document.uri, kMaxTitleBytes); !s.ok()) return s;
  if (auto s = CheckField("text", document.text, kMaxTextBytes); !s.ok()) return s;
  if (document.metadata.size() > kMaxMetadataEntries) {
    return absl::InvalidArgumentError(absl::StrCat(document.metadata.size(),
                                                   " metadata entries are more than the limit of ",
                                                   kMaxMetadataEntries));
  }
  std::size_t bytes = 0;
  for (const auto& [key, value] : document.metadata) {
    const std::string name = absl::StrCat("metadata ", key.substr(0, 64));
    if (auto s = CheckField("metadata key", key, kMaxIdBytes); !s.ok()) return s;
    if (auto s = CheckField(name, value, kMaxMetadataBytes); !s.ok()) return s;
    bytes += key.size() + value.size();
  }
  if (bytes > kMaxMetadataBytes) {
    return absl::InvalidArgumentError(absl::StrCat(
        "metadata of ", bytes, " bytes is longer than the limit of ", kMaxMetadataBytes));
  }
  return absl::OkStatus();
}

}  // namespace citeseek::indexer
