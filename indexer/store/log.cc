#include "indexer/store/log.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <shared_mutex>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "indexer/store/coding.h"
#include "indexer/store/documents.h"
#include "indexer/store/rocksdb_status.h"

namespace citeseek::indexer {
namespace {

constexpr std::size_t kGroupBytes = 16 << 20;
constexpr std::size_t kReleaseBytes = 8 << 20;
constexpr std::string_view kTrimmedKey = "trimmed";
enum Kind : char { kAdd = 1, kDelete = 2 };

std::string SequenceKey(std::uint64_t sequence) {
  std::string key(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) key[i] = static_cast<char>(sequence >> (56 - 8 * i));
  return key;
}

std::uint64_t ParseSequence(const rocksdb::Slice& key) {
  std::uint64_t sequence = 0;
  for (std::size_t i = 0; i < key.size() && i < 8; ++i) {
    sequence = sequence << 8 | static_cast<std::uint8_t>(key[i]);
  }
  return sequence;
}

// Size of the id (u16, big endian), id, collection: the collections of an id are neighbours.
std::string KeyPrefix(std::string_view id) {
  std::string key;
  key.push_back(static_cast<char>(id.size() >> 8));
  key.push_back(static_cast<char>(id.size()));
  key.append(id);
  return key;
}

absl::StatusOr<DocumentKey> ParseKey(std::string_view key) {
  if (key.size() >= 2) {
    const std::size_t size = static_cast<std::size_t>(static_cast<std::uint8_t>(key[0])) << 8 |
                             static_cast<std::uint8_t>(key[1]);
    if (key.size() >= 2 + size) {
      return DocumentKey{std::string(key.substr(2, size)), std::string(key.substr(2 + size))};
    }
  }
  return absl::DataLossError("key of the log is damaged");
}

std::string EncodeState(const KeyState& state) {
  std::string value;
  PutVarint(value, state.version);
  PutVarint(value, state.since);
  return value;
}

absl::StatusOr<KeyState> DecodeState(std::string_view value) {
  ByteReader reader(AsBytes(value));
  KeyState state;
  state.version = reader.Varint();
  state.since = reader.Varint();
  if (!reader.ok()) return absl::DataLossError("value of the log is damaged");
  return state;
}

rocksdb::Options MakeOptions() {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(16 << 20);
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.checksum = rocksdb::kXXH3;
  rocksdb::Options options;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.compression = rocksdb::kLZ4Compression;
  options.write_buffer_size = 64 << 20;
  options.max_total_wal_size = 192 << 20;
  // A batch cut off at the end was never acknowledged; damage anywhere else is an error.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  options.max_open_files = 64;
  options.keep_log_file_num = 1;
  options.info_log_level = rocksdb::WARN_LEVEL;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  return options;
}

}  // namespace

struct Log::Impl {
  struct Call {
    std::span<Change> changes;
    std::size_t bytes = 0;
    absl::Status status;
    bool done = false;
  };
  // Keys changed by the batch being built; nullopt: deleted by it.
  using Overlay = std::map<std::string, std::optional<KeyState>>;

  absl::Status Open();
  void Close();
  absl::Status Recover();
  absl::Status WriteGroup(std::span<Call* const> group);
  absl::Status Apply(Change& change, std::uint64_t sequence, Overlay& overlay,
                     rocksdb::WriteBatch& batch);
  absl::StatusOr<std::optional<KeyState>> Find(const std::string& key,
                                               const Overlay& overlay) const;
  absl::StatusOr<std::map<std::string, KeyState>> Collections(const std::string& id,
                                                              const Overlay& overlay) const;

  std::string directory;
  std::shared_mutex access;  // exclusive while the database is opened again
  std::unique_ptr<rocksdb::DB> db;
  rocksdb::ColumnFamilyHandle* meta = nullptr;
  rocksdb::ColumnFamilyHandle* log = nullptr;
  rocksdb::ColumnFamilyHandle* keys = nullptr;
  std::atomic<std::uint64_t> last_sequence = 0;
  std::atomic<std::uint64_t> trimmed = 0;
  std::atomic<std::uint64_t> unreleased = 0;  // bytes written ahead and kept since

  std::mutex mutex;
  std::condition_variable turn;
  std::deque<Call*> queue;  // the front call writes for all that wait; it alone uses what follows
  bool failed = false;      // the last batch failed: RocksDB takes no other before Recover
};

// Holds the database open while in scope; ok() tells whether it is.
class Log::Access {
 public:
  explicit Access(Impl& impl) : lock_(impl.access), open_(impl.db != nullptr) {}
  absl::Status status() const {
    return open_ ? absl::OkStatus()
                 : absl::UnavailableError("log is closed after a failed write; add again to retry");
  }

 private:
  std::shared_lock<std::shared_mutex> lock_;
  bool open_;
};

Log::Log(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Log::~Log() { impl_->Close(); }

void Log::Impl::Close() {
  if (db == nullptr) return;
  for (auto* family : {meta, log, keys}) {
    if (family != nullptr) db->DestroyColumnFamilyHandle(family);
  }
  db.reset();
}

// After a failed write RocksDB refuses more, as it cannot tell what reached the disk. Resuming
// helps when the disk was full; else what is on the disk is read anew, as after a crash.
absl::Status Log::Impl::Recover() {
  if (db != nullptr) {
    const rocksdb::Status resumed = db->Resume();
    if (resumed.ok() || resumed.IsNoSpace()) return FromRocksdb(resumed, "log");
  }
  const std::unique_lock lock(access);
  Close();
  return Open();
}

absl::Status Log::Impl::Open() {
  const rocksdb::Options options = MakeOptions();
  const std::vector<rocksdb::ColumnFamilyDescriptor> families = {
      {rocksdb::kDefaultColumnFamilyName, options}, {"log", options}, {"keys", options}};
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* opened = nullptr;
  const rocksdb::Status result = rocksdb::DB::Open(options, directory, families, &handles, &opened);
  if (!result.ok()) return FromRocksdb(result, directory);
  db.reset(opened);
  meta = handles[0];
  log = handles[1];
  keys = handles[2];

  std::string value;
  const rocksdb::Status read =
      db->Get(rocksdb::ReadOptions(), meta, std::string(kTrimmedKey), &value);
  if (!read.ok() && !read.IsNotFound()) return FromRocksdb(read, directory);
  if (read.ok()) trimmed = ParseSequence(value);
  const std::unique_ptr<rocksdb::Iterator> end(db->NewIterator(rocksdb::ReadOptions(), log));
  end->SeekToLast();
  if (!end->status().ok()) return FromRocksdb(end->status(), directory);
  last_sequence =
      end->Valid() ? std::max(trimmed.load(), ParseSequence(end->key())) : trimmed.load();
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Log>> Log::Open(const std::string& directory) {
  auto impl = std::make_unique<Impl>();
  impl->directory = directory;
  const absl::Status status = impl->Open();
  std::unique_ptr<Log> log(new Log(std::move(impl)));
  if (!status.ok()) return status;
  return log;
}

absl::Status Log::Write(std::span<Change> changes) {
  Impl::Call call{.changes = changes};
  for (const Change& change : changes) {
    if (change.document != nullptr) call.bytes += change.document->text.size();
  }
  std::unique_lock lock(impl_->mutex);
  impl_->queue.push_back(&call);
  impl_->turn.wait(lock, [&] { return call.done || impl_->queue.front() == &call; });
  if (call.done) return call.status;
  std::vector<Impl::Call*> group;
  std::size_t bytes = 0;
  for (Impl::Call* waiting : impl_->queue) {
    bytes += waiting->bytes;
    if (!group.empty() && bytes > kGroupBytes) break;
    group.push_back(waiting);
  }
  lock.unlock();
  const absl::Status status = impl_->WriteGroup(group);
  lock.lock();
  for (Impl::Call* written : group) {
    written->status = status;
    written->done = true;
    impl_->queue.pop_front();
  }
  impl_->turn.notify_all();
  return status;
}

absl::Status Log::Impl::WriteGroup(std::span<Call* const> group) {
  if (failed) {
    if (auto status = Recover(); !status.ok()) return status;
    failed = false;
  }
  rocksdb::WriteBatch batch;
  Overlay overlay;
  std::uint64_t sequence = last_sequence;
  for (Call* call : group) {
    for (Change& change : call->changes) {
      if (!change.status.ok()) continue;
      if (auto status = Apply(change, sequence + 1, overlay, batch); !status.ok()) return status;
      if (change.status.ok()) ++sequence;
    }
  }
  if (sequence == last_sequence) return absl::OkStatus();
  rocksdb::WriteOptions synced;
  synced.sync = true;
  if (auto status = FromRocksdb(db->Write(synced, &batch), "log"); !status.ok()) {
    failed = true;
    return status;
  }
  last_sequence = sequence;
  unreleased += batch.GetDataSize();
  return absl::OkStatus();
}

absl::Status Log::Impl::Apply(Change& change, std::uint64_t sequence, Overlay& overlay,
                              rocksdb::WriteBatch& batch) {
  const bool add = change.document != nullptr;
  DocumentKey key =
      add ? DocumentKey{change.document->id, change.document->collection} : *change.key;
  if (!add && key.collection.empty()) {
    const auto collections = Collections(key.id, overlay);
    if (!collections.ok()) return collections.status();
    change.status = PickCollection(*collections, key);
    if (!change.status.ok()) return absl::OkStatus();
  }
  const std::string encoded_key = KeyPrefix(key.id) + key.collection;
  const auto before = Find(encoded_key, overlay);
  if (!before.ok()) return before.status();
  if (!add && !before->has_value()) {
    change.status = NoSuchDocument(key);
    return absl::OkStatus();
  }
  std::string record(1, add ? kAdd : kDelete);
  PutVarint(record, before->has_value() ? (*before)->version : 0);
  if (add) {
    const KeyState state{sequence, before->has_value() ? (*before)->since : sequence};
    EncodeDocument({*change.document, sequence}, record);
    batch.Put(keys, encoded_key, EncodeState(state));
    overlay[encoded_key] = state;
  } else {
    batch.Delete(keys, encoded_key);
    overlay[encoded_key] = std::nullopt;
  }
  batch.Put(log, SequenceKey(sequence), record);
  change.version = sequence;
  return absl::OkStatus();
}

absl::StatusOr<std::optional<KeyState>> Log::Impl::Find(const std::string& key,
                                                        const Overlay& overlay) const {
  if (const auto changed = overlay.find(key); changed != overlay.end()) return changed->second;
  std::string value;
  const rocksdb::Status read = db->Get(rocksdb::ReadOptions(), keys, key, &value);
  if (read.IsNotFound()) return std::nullopt;
  if (!read.ok()) return FromRocksdb(read, "log");
  const auto state = DecodeState(value);
  if (!state.ok()) return state.status();
  return *state;
}

absl::StatusOr<std::map<std::string, KeyState>> Log::Impl::Collections(
    const std::string& id, const Overlay& overlay) const {
  std::map<std::string, KeyState> collections;
  const std::string prefix = KeyPrefix(id);
  const std::unique_ptr<rocksdb::Iterator> entry(db->NewIterator(rocksdb::ReadOptions(), keys));
  for (entry->Seek(prefix); entry->Valid() && entry->key().starts_with(prefix); entry->Next()) {
    const auto state = DecodeState(entry->value().ToStringView());
    if (!state.ok()) return state.status();
    collections[entry->key().ToString().substr(prefix.size())] = *state;
  }
  if (!entry->status().ok()) return FromRocksdb(entry->status(), "log");
  for (auto changed = overlay.lower_bound(prefix);
       changed != overlay.end() && changed->first.starts_with(prefix); ++changed) {
    const std::string collection = changed->first.substr(prefix.size());
    if (changed->second.has_value()) {
      collections[collection] = *changed->second;
    } else {
      collections.erase(collection);
    }
  }
  return collections;
}

absl::StatusOr<std::vector<LogRecord>> Log::Read(std::uint64_t after, std::uint64_t last,
                                                 std::size_t max_bytes) const {
  const Access access(*impl_);
  if (!access.status().ok()) return access.status();
  std::vector<LogRecord> records;
  std::size_t bytes = 0;
  const std::unique_ptr<rocksdb::Iterator> entry(
      impl_->db->NewIterator(rocksdb::ReadOptions(), impl_->log));
  for (entry->Seek(SequenceKey(after + 1)); entry->Valid() && bytes < max_bytes; entry->Next()) {
    LogRecord record{.sequence = ParseSequence(entry->key())};
    if (record.sequence > last) break;
    ByteReader reader(AsBytes(entry->value().ToStringView()));
    const auto kind = reader.Fixed<char>();
    record.replaced = reader.Varint();
    if (kind == kAdd) {
      auto document = DecodeDocument(AsText(reader.Take(reader.left())));
      if (!document.ok()) return document.status();
      bytes += document->document.text.size() + 64;
      record.document = *std::move(document);
    } else {
      bytes += 64;
    }
    records.push_back(std::move(record));
  }
  if (!entry->status().ok()) return FromRocksdb(entry->status(), "log");
  return records;
}

absl::StatusOr<std::optional<StoredDocument>> Log::ReadDocument(std::uint64_t version) const {
  const Access access(*impl_);
  if (!access.status().ok()) return access.status();
  std::string value;
  const rocksdb::Status read =
      impl_->db->Get(rocksdb::ReadOptions(), impl_->log, SequenceKey(version), &value);
  if (read.IsNotFound()) return std::nullopt;
  if (!read.ok()) return FromRocksdb(read, "log");
  ByteReader reader(AsBytes(value));
  if (reader.Fixed<char>() != kAdd) return std::nullopt;
  reader.Varint();
  auto document = DecodeDocument(AsText(reader.Take(reader.left())));
  if (!document.ok()) return document.status();
  return *std::move(document);
}

absl::StatusOr<std::optional<KeyState>> Log::Find(const DocumentKey& key) const {
  const Access access(*impl_);
  if (!access.status().ok()) return access.status();
  return impl_->Find(KeyPrefix(key.id) + key.collection, {});
}

absl::StatusOr<std::map<std::string, KeyState>> Log::Collections(const std::string& id) const {
  const Access access(*impl_);
  if (!access.status().ok()) return access.status();
  return impl_->Collections(id, {});
}

absl::Status Log::ForEachKey(
    const std::function<void(const DocumentKey&, const KeyState&)>& visit) const {
  const Access access(*impl_);
  if (!access.status().ok()) return access.status();
  const std::unique_ptr<rocksdb::Iterator> entry(
      impl_->db->NewIterator(rocksdb::ReadOptions(), impl_->keys));
  for (entry->SeekToFirst(); entry->Valid(); entry->Next()) {
    const auto key = ParseKey(entry->key().ToStringView());
    const auto state = DecodeState(entry->value().ToStringView());
    if (!key.ok()) return key.status();
    if (!state.ok()) return state.status();
    visit(*key, *state);
  }
  return FromRocksdb(entry->status(), "log");
}

absl::Status Log::Trim(std::uint64_t covered) {
  if (covered <= impl_->trimmed) return absl::OkStatus();
  const Access access(*impl_);
  if (!access.status().ok()) return access.status();
  rocksdb::WriteBatch batch;
  batch.DeleteRange(impl_->log, SequenceKey(impl_->trimmed + 1), SequenceKey(covered + 1));
  batch.Put(impl_->meta, std::string(kTrimmedKey), SequenceKey(covered));
  // Not synced: what is trimmed is in segments, and a trim that is lost is done again.
  auto status = FromRocksdb(impl_->db->Write(rocksdb::WriteOptions(), &batch), "log");
  if (!status.ok()) return status;
  impl_->trimmed = covered;
  // RocksDB keeps what it wrote ahead, and tables of it: texts that nobody needs. To let go of them
  // is cheap once all has been trimmed.
  if (impl_->unreleased < kReleaseBytes || covered < impl_->last_sequence) return status;
  impl_->unreleased = 0;
  status = FromRocksdb(
      impl_->db->Flush(rocksdb::FlushOptions(), {impl_->meta, impl_->log, impl_->keys}), "log");
  if (!status.ok()) return status;
  return FromRocksdb(
      impl_->db->CompactRange(rocksdb::CompactRangeOptions(), impl_->log, nullptr, nullptr), "log");
}

std::uint64_t Log::last_sequence() const { return impl_->last_sequence; }
std::uint64_t Log::trimmed() const { return impl_->trimmed; }

absl::StatusOr<std::uint64_t> Log::CountDocuments() const {
  const Access access(*impl_);
  if (!access.status().ok()) return access.status();
  std::uint64_t count = 0;
  const std::unique_ptr<rocksdb::Iterator> entry(
      impl_->db->NewIterator(rocksdb::ReadOptions(), impl_->log));
  for (entry->SeekToFirst(); entry->Valid(); entry->Next()) {
    const rocksdb::Slice value = entry->value();
    if (!value.empty() && value[0] == kAdd) ++count;
  }
  if (!entry->status().ok()) return FromRocksdb(entry->status(), "log");
  return count;
}

absl::Status Log::VerifyChecksums() const {
  const Access access(*impl_);
  if (!access.status().ok()) return access.status();
  return FromRocksdb(impl_->db->VerifyChecksum(), "log");
}

absl::Status NoSuchDocument(const DocumentKey& key) {
  return absl::NotFoundError(absl::StrCat("document ", key.id, " is not in ",
                                          key.collection.empty() ? "the index" : "collection ",
                                          key.collection));
}

absl::Status PickCollection(const std::map<std::string, KeyState>& collections, DocumentKey& key) {
  if (collections.empty()) return NoSuchDocument(key);
  if (collections.size() > 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("document ", key.id, " is in several collections: ",
                     absl::StrJoin(collections, ", ", [](std::string* out, const auto& collection) {
                       out->append(collection.first);
                     })));
  }
  key.collection = collections.begin()->first;
  return absl::OkStatus();
}

}  // namespace citeseek::indexer
