#include "indexer/store/documents.h"

#include <rocksdb/cache.h>
#include <rocksdb/options.h>
#include <rocksdb/sst_file_reader.h>
#include <rocksdb/sst_file_writer.h>
#include <rocksdb/table.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "indexer/store/coding.h"
#include "indexer/store/rocksdb_status.h"

namespace citeseek::indexer {
namespace {

constexpr std::size_t kBlockBytes = 8 << 10;
constexpr std::size_t kPartBytes = 4 << 10;
static_assert(kMaxTextBytes / kPartBytes < 0xFFFF, "a part's number has two bytes");

rocksdb::Options TableOptions(std::shared_ptr<rocksdb::Cache> cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_size = kBlockBytes;
  table.no_block_cache = cache == nullptr;
  table.block_cache = std::move(cache);
  table.checksum = rocksdb::kXXH3;
  table.format_version = 5;
  rocksdb::Options options;
  options.compression = rocksdb::kZSTD;
  options.allow_mmap_reads = true;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

// Document (u32), part (u16), big endian.
std::string Key(std::uint32_t number, std::size_t part) {
  std::string key;
  for (int shift = 24; shift >= 0; shift -= 8) key.push_back(static_cast<char>(number >> shift));
  key.push_back(static_cast<char>(part >> 8));
  key.push_back(static_cast<char>(part));
  return key;
}

std::uint32_t NumberOfKey(const rocksdb::Slice& key) {
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < 4 && i < key.size(); ++i) {
    number = number << 8 | static_cast<std::uint8_t>(key[i]);
  }
  return number;
}

// What comes before the text; the reader is then at the text, of `text_bytes`.
struct Header {
  std::uint64_t version = 0;
  std::string_view id;
  std::string_view collection;
  std::string_view title;
  std::string_view uri;
  std::uint64_t text_bytes = 0;
};

Header ReadHeader(ByteReader& reader, std::map<std::string, std::string>* metadata) {
  Header header;
  header.version = reader.Varint();
  header.id = reader.String();
  header.collection = reader.String();
  header.title = reader.String();
  header.uri = reader.String();
  const std::uint64_t entries = reader.Varint();
  for (std::uint64_t i = 0; i < entries && reader.ok(); ++i) {
    const std::string_view key = reader.String();
    const std::string_view value = reader.String();
    if (metadata != nullptr) (*metadata)[std::string(key)] = value;
  }
  header.text_bytes = reader.Varint();
  return header;
}

}  // namespace

void EncodeDocument(const StoredDocument& stored, std::string& out) {
  const Document& document = stored.document;
  PutVarint(out, stored.version);
  PutString(out, document.id);
  PutString(out, document.collection);
  PutString(out, document.title);
  PutString(out, document.uri);
  PutVarint(out, document.metadata.size());
  for (const auto& [key, value] : document.metadata) {
    PutString(out, key);
    PutString(out, value);
  }
  PutString(out, document.text);
}

absl::StatusOr<StoredDocument> DecodeDocument(std::string_view bytes) {
  ByteReader reader(AsBytes(bytes));
  StoredDocument stored;
  const Header header = ReadHeader(reader, &stored.document.metadata);
  stored.version = header.version;
  stored.document.id = header.id;
  stored.document.collection = header.collection;
  stored.document.title = header.title;
  stored.document.uri = header.uri;
  stored.document.text = AsText(reader.Take(header.text_bytes));
  if (!reader.ok() || reader.left() != 0) return absl::DataLossError("stored document is damaged");
  return stored;
}

struct DocumentsWriter::Impl {
  rocksdb::Options options = TableOptions(nullptr);
  rocksdb::SstFileWriter writer{rocksdb::EnvOptions(), options};
  std::string path;
  std::uint32_t next = 0;
};

DocumentsWriter::DocumentsWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
DocumentsWriter::DocumentsWriter(DocumentsWriter&&) noexcept = default;
DocumentsWriter& DocumentsWriter::operator=(DocumentsWriter&&) noexcept = default;
DocumentsWriter::~DocumentsWriter() = default;

absl::StatusOr<DocumentsWriter> DocumentsWriter::Create(const std::string& directory) {
  auto impl = std::make_unique<Impl>();
  impl->path = directory + "/documents.sst";
  if (auto status = FromRocksdb(impl->writer.Open(impl->path), impl->path); !status.ok()) {
    return status;
  }
  return DocumentsWriter(std::move(impl));
}

absl::Status DocumentsWriter::Add(std::string_view encoded, std::size_t text_bytes) {
  const std::uint32_t number = impl_->next++;
  // The first part has the header, too.
  std::size_t size = encoded.size() - text_bytes + std::min(text_bytes, kPartBytes);
  for (std::size_t part = 0; part == 0 || !encoded.empty(); ++part) {
    const rocksdb::Slice value(encoded.data(), size);
    if (auto status = FromRocksdb(impl_->writer.Put(Key(number, part), value), impl_->path);
        !status.ok()) {
      return status;
    }
    encoded.remove_prefix(size);
    size = std::min(encoded.size(), kPartBytes);
  }
  return absl::OkStatus();
}

absl::Status DocumentsWriter::Finish() { return FromRocksdb(impl_->writer.Finish(), impl_->path); }

struct DocumentCache::Impl {
  std::shared_ptr<rocksdb::Cache> cache;
};

DocumentCache::DocumentCache(std::size_t bytes)
    : impl_(std::make_unique<Impl>(Impl{rocksdb::NewLRUCache(bytes)})) {}
DocumentCache::~DocumentCache() = default;

struct Documents::Impl {
  explicit Impl(std::shared_ptr<rocksdb::Cache> cache) : reader(TableOptions(std::move(cache))) {}

  absl::Status Damaged(std::uint32_t number, const char* how) const {
    return absl::DataLossError(absl::StrCat(path, ": document ", number, " is ", how));
  }
  // Moves to a part; it is then at `entry` or missing.
  absl::Status Seek(rocksdb::Iterator& entry, std::uint32_t number, std::size_t part) const {
    const std::string key = Key(number, part);
    entry.Seek(key);
    if (auto status = FromRocksdb(entry.status(), path); !status.ok()) return status;
    if (!entry.Valid() || entry.key() != key) return Damaged(number, "missing");
    return absl::OkStatus();
  }

  std::string path;
  rocksdb::SstFileReader reader;
  std::uint32_t count = 0;
  // An iterator is dearer to make than to move: idle ones are kept.
  std::mutex mutex;
  std::vector<std::unique_ptr<rocksdb::Iterator>> idle;
};

Documents::Documents() = default;
Documents::Documents(Documents&&) noexcept = default;
Documents& Documents::operator=(Documents&&) noexcept = default;
Documents::~Documents() = default;

absl::StatusOr<Documents> Documents::Open(const std::string& directory,
                                          const DocumentCache* cache) {
  Documents documents;
  documents.impl_ = std::make_unique<Impl>(cache == nullptr ? nullptr : cache->impl_->cache);
  Impl& impl = *documents.impl_;
  impl.path = directory + "/documents.sst";
  if (auto status = FromRocksdb(impl.reader.Open(impl.path), impl.path); !status.ok()) {
    return status;
  }
  const std::unique_ptr<rocksdb::Iterator> last(impl.reader.NewIterator(rocksdb::ReadOptions()));
  last->SeekToLast();
  if (auto status = FromRocksdb(last->status(), impl.path); !status.ok()) return status;
  if (last->Valid()) impl.count = NumberOfKey(last->key()) + 1;
  return documents;
}

absl::StatusOr<StoredDocument> Documents::Read(std::uint32_t number) const {
  const std::unique_ptr<rocksdb::Iterator> entry(impl_->reader.NewIterator(rocksdb::ReadOptions()));
  if (auto status = impl_->Seek(*entry, number, 0); !status.ok()) return status;
  std::string encoded;
  for (; entry->Valid() && NumberOfKey(entry->key()) == number; entry->Next()) {
    encoded.append(entry->value().ToStringView());
  }
  if (auto status = FromRocksdb(entry->status(), impl_->path); !status.ok()) return status;
  auto document = DecodeDocument(encoded);
  if (!document.ok()) return impl_->Damaged(number, "damaged");
  return document;
}

absl::StatusOr<StoredPassage> Documents::ReadPassage(std::uint32_t number, ByteRange range) const {
  std::unique_ptr<rocksdb::Iterator> entry;
  {
    const std::scoped_lock lock(impl_->mutex);
    if (!impl_->idle.empty()) {
      entry = std::move(impl_->idle.back());
      impl_->idle.pop_back();
    }
  }
  if (entry == nullptr) entry.reset(impl_->reader.NewIterator(rocksdb::ReadOptions()));
  if (auto status = impl_->Seek(*entry, number, 0); !status.ok()) return status;
  ByteReader reader(AsBytes(entry->value().ToStringView()));
  const Header header = ReadHeader(reader, nullptr);
  const std::string_view text = AsText(reader.Take(reader.left()));
  if (!reader.ok() || text.size() != std::min<std::uint64_t>(header.text_bytes, kPartBytes) ||
      range.start > range.end || range.end > header.text_bytes) {
    return impl_->Damaged(number, "damaged");
  }
  StoredPassage passage{.document_id = std::string(header.id),
                        .collection = std::string(header.collection),
                        .title = std::string(header.title),
                        .uri = std::string(header.uri),
                        .version = header.version,
                        .range = range};
  passage.text.reserve(range.end - range.start);
  for (std::size_t part = range.start / kPartBytes; part * kPartBytes < range.end; ++part) {
    std::string_view bytes = text;
    const std::size_t start = part * kPartBytes;
    if (part > 0) {
      if (auto status = impl_->Seek(*entry, number, part); !status.ok()) return status;
      bytes = entry->value().ToStringView();
      if (bytes.size() != std::min<std::uint64_t>(header.text_bytes - start, kPartBytes)) {
        return impl_->Damaged(number, "damaged");
      }
    }
    const std::size_t skip = range.start > start ? range.start - start : 0;
    passage.text.append(bytes.substr(skip, range.end - start - skip));
  }
  const std::scoped_lock lock(impl_->mutex);
  impl_->idle.push_back(std::move(entry));
  return passage;
}

absl::Status Documents::ForEach(
    const std::function<absl::Status(std::uint32_t, std::string_view)>& visit) const {
  rocksdb::ReadOptions once;
  once.fill_cache = false;
  const std::unique_ptr<rocksdb::Iterator> entry(impl_->reader.NewIterator(once));
  std::uint32_t number = 0;
  std::string encoded;
  entry->SeekToFirst();
  while (entry->Valid() && entry->key() == Key(number, 0)) {
    encoded.clear();
    for (; entry->Valid() && NumberOfKey(entry->key()) == number; entry->Next()) {
      encoded.append(entry->value().ToStringView());
    }
    if (auto status = FromRocksdb(entry->status(), impl_->path); !status.ok()) return status;
    if (auto status = visit(number, encoded); !status.ok()) return status;
    ++number;
  }
  if (auto status = FromRocksdb(entry->status(), impl_->path); !status.ok()) return status;
  if (number != count()) return impl_->Damaged(number, "missing");
  return absl::OkStatus();
}

std::uint32_t Documents::count() const { return impl_->count; }

absl::Status Documents::VerifyChecksums() const {
  return FromRocksdb(const_cast<rocksdb::SstFileReader&>(impl_->reader).VerifyChecksum(),
                     impl_->path);
}

}  // namespace citeseek::indexer
