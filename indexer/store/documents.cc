#include "indexer/store/documents.h"

#include <rocksdb/options.h>
#include <rocksdb/sst_file_reader.h>
#include <rocksdb/sst_file_writer.h>
#include <rocksdb/table.h>

#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "indexer/store/coding.h"
#include "indexer/store/rocksdb_status.h"

namespace citeseek::indexer {
namespace {

constexpr std::size_t kBlockBytes = 16 << 10;

rocksdb::Options TableOptions() {
  rocksdb::BlockBasedTableOptions table;
  table.block_size = kBlockBytes;
  table.no_block_cache = true;  // the page cache holds the compressed blocks
  table.checksum = rocksdb::kXXH3;
  table.format_version = 5;
  rocksdb::Options options;
  options.compression = rocksdb::kZSTD;
  options.allow_mmap_reads = true;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

std::string Key(std::uint32_t number) {
  std::string key(4, '\0');
  for (int i = 0; i < 4; ++i)
    key[static_cast<std::size_t>(i)] = static_cast<char>(number >> (24 - 8 * i));
  return key;
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
  stored.version = reader.Varint();
  stored.document.id = reader.String();
  stored.document.collection = reader.String();
  stored.document.title = reader.String();
  stored.document.uri = reader.String();
  const std::uint64_t entries = reader.Varint();
  for (std::uint64_t i = 0; i < entries && reader.ok(); ++i) {
    std::string key(reader.String());
    stored.document.metadata[std::move(key)] = reader.String();
  }
  stored.document.text = reader.String();
  if (!reader.ok() || reader.left() != 0) return absl::DataLossError("stored document is damaged");
  return stored;
}

struct DocumentsWriter::Impl {
  rocksdb::Options options = TableOptions();
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

absl::Status DocumentsWriter::Add(std::string_view encoded) {
  const rocksdb::Slice value(encoded.data(), encoded.size());
  return FromRocksdb(impl_->writer.Put(Key(impl_->next++), value), impl_->path);
}

absl::Status DocumentsWriter::Finish() { return FromRocksdb(impl_->writer.Finish(), impl_->path); }

struct Documents::Impl {
  std::string path;
  rocksdb::SstFileReader reader{TableOptions()};
};

Documents::Documents() = default;
Documents::Documents(Documents&&) noexcept = default;
Documents& Documents::operator=(Documents&&) noexcept = default;
Documents::~Documents() = default;

absl::StatusOr<Documents> Documents::Open(const std::string& directory) {
  Documents documents;
  documents.impl_ = std::make_unique<Impl>();
  documents.impl_->path = directory + "/documents.sst";
  const std::string& path = documents.impl_->path;
  if (auto status = FromRocksdb(documents.impl_->reader.Open(path), path); !status.ok()) {
    return status;
  }
  return documents;
}

absl::StatusOr<StoredDocument> Documents::Read(std::uint32_t number) const {
  const std::unique_ptr<rocksdb::Iterator> entry(impl_->reader.NewIterator(rocksdb::ReadOptions()));
  const std::string key = Key(number);
  entry->Seek(key);
  if (auto status = FromRocksdb(entry->status(), impl_->path); !status.ok()) return status;
  if (!entry->Valid() || entry->key() != key) {
    return absl::DataLossError(absl::StrCat(impl_->path, ": document ", number, " is missing"));
  }
  auto document = DecodeDocument(entry->value().ToStringView());
  if (!document.ok()) {
    return absl::DataLossError(absl::StrCat(impl_->path, ": document ", number, " is damaged"));
  }
  return document;
}

absl::Status Documents::ForEach(
    const std::function<absl::Status(std::uint32_t, std::string_view)>& visit) const {
  const std::unique_ptr<rocksdb::Iterator> entry(impl_->reader.NewIterator(rocksdb::ReadOptions()));
  std::uint32_t number = 0;
  for (entry->SeekToFirst(); entry->Valid(); entry->Next(), ++number) {
    if (entry->key() != Key(number)) break;
    if (auto status = visit(number, entry->value().ToStringView()); !status.ok()) return status;
  }
  if (auto status = FromRocksdb(entry->status(), impl_->path); !status.ok()) return status;
  if (number != count()) {
    return absl::DataLossError(absl::StrCat(impl_->path, ": document ", number, " is missing"));
  }
  return absl::OkStatus();
}

std::uint64_t Documents::count() const { return impl_->reader.GetTableProperties()->num_entries; }

absl::Status Documents::VerifyChecksums() const {
  return FromRocksdb(const_cast<rocksdb::SstFileReader&>(impl_->reader).VerifyChecksum(),
                     impl_->path);
}

}  // namespace citeseek::indexer
