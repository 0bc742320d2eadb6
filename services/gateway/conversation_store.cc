#include "services/gateway/conversation_store.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/iterator.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "inference/utf8.h"

namespace citeseek::gateway {
namespace {

using Json = nlohmann::json;

constexpr char kFormat = 1;  // first byte of each value
constexpr std::size_t kMaxTitleBytes = 120;
constexpr absl::Duration kSweepInterval = absl::Hours(1);
constexpr std::uint64_t kRewriteSeconds = 24 * 3600;  // what is deleted leaves the disk

// Keys: a letter, the owner, the session, and what the letter asks for. Names are followed by two
// zero bytes, a zero byte in one being written 0 1: so no name's keys begin with another's.
enum Table : char { kHead = 'h', kSource = 's', kTurn = 't' };

void AppendName(std::string_view name, std::string* key) {
  for (const char c : name) {
    key->push_back(c);
    if (c == 0) key->push_back(1);
  }
  key->append(2, '\0');
}

std::string Key(Table table, std::string_view owner) {
  std::string key(1, table);
  AppendName(owner, &key);
  return key;
}

std::string Key(Table table, std::string_view owner, std::string_view session) {
  std::string key = Key(table, owner);
  AppendName(session, &key);
  return key;
}

std::string TurnKey(std::string_view owner, std::string_view session, int number) {
  std::string key = Key(kTurn, owner, session);
  for (int shift = 24; shift >= 0; shift -= 8) key.push_back(static_cast<char>(number >> shift));
  return key;
}

std::string SourceKey(std::string_view owner, std::string_view session,
                      const retrieval::Place& place) {
  std::string key = Key(kSource, owner, session);
  AppendName(place.collection, &key);
  AppendName(place.document_id, &key);
  absl::StrAppend(&key, place.version, " ", place.start, " ", place.end);
  return key;
}

// The first key behind all that begin with this one.
std::string After(std::string key) {
  while (!key.empty() && static_cast<unsigned char>(key.back()) == 0xFF) key.pop_back();
  if (!key.empty()) key.back() = static_cast<char>(key.back() + 1);
  return key;
}

std::string Encode(const Json& json) {
  return kFormat + json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

absl::Status Damaged() { return absl::DataLossError("a stored conversation is damaged"); }

// Calls read(json), which may throw what nlohmann throws.
template <class Read>
absl::Status Decode(std::string_view bytes, const Read& read) {
  if (bytes.empty() || bytes[0] != kFormat) return Damaged();
  try {
    read(Json::parse(bytes.substr(1)));
  } catch (const Json::exception&) {
    return Damaged();
  }
  return absl::OkStatus();
}

absl::Status FromRocksdb(const rocksdb::Status& status, const std::string& directory) {
  if (status.ok()) return absl::OkStatus();
  const std::string message = absl::StrCat("conversations ", directory, ": ", status.ToString());
  if (status.IsNoSpace()) return absl::ResourceExhaustedError(message);
  if (status.IsCorruption()) return absl::DataLossError(message);
  if (status.IsIOError() && message.find("lock") != std::string::npos) {
    return absl::FailedPreconditionError(
        absl::StrCat("conversations ", directory, " are in use by another process"));
  }
  return absl::UnavailableError(message);
}

struct Head {
  std::string title;
  absl::Time created, updated;
  int turns = 0;
  int markers = 0;  // the greatest that has been cited
};

std::string EncodeHead(const Head& head) {
  return Encode({{"title", head.title},
                 {"created", absl::ToUnixMillis(head.created)},
                 {"updated", absl::ToUnixMillis(head.updated)},
                 {"turns", head.turns},
                 {"markers", head.markers}});
}

absl::StatusOr<Head> DecodeHead(std::string_view bytes) {
  Head head;
  const absl::Status status = Decode(bytes, [&](const Json& json) {
    head = {.title = json.at("title"),
            .created = absl::FromUnixMillis(json.at("created")),
            .updated = absl::FromUnixMillis(json.at("updated")),
            .turns = json.at("turns"),
            .markers = json.at("markers")};
  });
  if (!status.ok()) return status;
  return head;
}

std::string EncodeTurn(const Turn& turn) {
  Json citations = Json::array(), sources = Json::array();
  for (const Citation& c : turn.citations) {
    citations.push_back({c.marker, c.document_id, c.collection, c.version, c.start, c.end,
                         static_cast<int>(c.verdict), c.score, c.answer_start, c.answer_end});
  }
  for (const Source& s : turn.sources) {
    const retrieval::Place& p = s.place;
    sources.push_back({s.marker, p.document_id, p.collection, p.version, p.start, p.end});
  }
  return Encode({{"asked", absl::ToUnixMillis(turn.asked)},
                 {"question", turn.question},
                 {"rewritten", turn.rewritten},
                 {"answer", turn.answer},
                 {"reason", turn.reason},
                 {"mode", static_cast<int>(turn.mode)},
                 {"citations", std::move(citations)},
                 {"sources", std::move(sources)}});
}

absl::StatusOr<Turn> DecodeTurn(std::string_view bytes) {
  Turn turn;
  const absl::Status status = Decode(bytes, [&](const Json& json) {
    turn.asked = absl::FromUnixMillis(json.at("asked"));
    turn.question = json.at("question");
    turn.rewritten = json.at("rewritten");
    turn.answer = json.at("answer");
    turn.reason = json.at("reason");
    turn.mode = static_cast<Mode>(json.at("mode").get<int>());
    for (const Json& c : json.at("citations")) {
      turn.citations.push_back({.marker = c.at(0),
                                .document_id = c.at(1),
                                .collection = c.at(2),
                                .version = c.at(3),
                                .start = c.at(4),
                                .end = c.at(5),
                                .verdict = static_cast<Verdict>(c.at(6).get<int>()),
                                .score = c.at(7),
                                .answer_start = c.at(8),
                                .answer_end = c.at(9)});
    }
    for (const Json& s : json.at("sources")) {
      turn.sources.push_back({s.at(0), {s.at(1), s.at(2), s.at(3), s.at(4), s.at(5)}});
    }
  });
  if (!status.ok()) return status;
  return turn;
}

rocksdb::Options MakeOptions() {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(4 << 20);
  table.checksum = rocksdb::kXXH3;
  rocksdb::Options options;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options.create_if_missing = true;
  options.compression = rocksdb::kLZ4Compression;
  options.write_buffer_size = 4 << 20;
  options.periodic_compaction_seconds = kRewriteSeconds;
  // A batch cut off at the end was never acknowledged; damage anywhere else is an error.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  options.max_open_files = 64;
  options.keep_log_file_num = 1;
  options.info_log_level = rocksdb::WARN_LEVEL;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  return options;
}

absl::Status NoConversation(const std::string& session) {
  return absl::NotFoundError(absl::StrCat("no conversation ", session));
}

// The session of a head's key; `prefix` is what the keys of its owner begin with.
std::string SessionOf(std::string_view key, std::size_t prefix) {
  std::string session;
  for (std::size_t i = prefix; i + 2 < key.size(); ++i) {
    session.push_back(key[i]);
    if (key[i] == 0) ++i;
  }
  return session;
}

}  // namespace

struct ConversationStore::Impl {
  explicit Impl(const ConversationStoreOptions& given) : options(given) {}

  absl::StatusOr<Head> ReadHead(const std::string& owner, const std::string& session) const {
    std::string value;
    const rocksdb::Status found =
        db->Get(rocksdb::ReadOptions(), Key(kHead, owner, session), &value);
    if (found.IsNotFound()) return NoConversation(session);
    if (!found.ok()) return FromRocksdb(found, options.directory);
    absl::StatusOr<Head> head = DecodeHead(value);
    if (head.ok() && IsOver(*head)) return NoConversation(session);
    return head;
  }
  bool IsOver(const Head& head) const { return head.updated + options.ttl <= options.now(); }

  Conversation ToConversation(const Head& head, std::string session) const {
    return {.session = std::move(session),
            .title = head.title,
            .created = head.created,
            .updated = head.updated,
            .expires = head.updated + options.ttl,
            .turns = head.turns};
  }

  absl::Status Write(rocksdb::WriteBatch* batch) {
    rocksdb::WriteOptions durable;
    durable.sync = true;
    const rocksdb::Status written = db->Write(durable, batch);
    if (written.ok()) return absl::OkStatus();
    // RocksDB refuses more until it is told that the disk may take writes again.
    (void)db->Resume();
    return FromRocksdb(written, options.directory);
  }

  // `names`: the owner and the session, as keys have them behind their letter.
  static void Erase(const std::string& names, rocksdb::WriteBatch* batch) {
    batch->Delete(static_cast<char>(kHead) + names);
    for (const Table table : {kSource, kTurn}) {
      const std::string first = static_cast<char>(table) + names;
      batch->DeleteRange(first, After(first));
    }
  }

  // Rewrites the files that hold what has been erased: a log file ends with its table.
  absl::Status Wipe(const std::string& names) {
    rocksdb::Status status = db->Flush(rocksdb::FlushOptions());
    rocksdb::CompactRangeOptions rewrite;
    rewrite.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
    for (const Table table : {kHead, kSource, kTurn}) {
      const std::string first = static_cast<char>(table) + names, last = After(first);
      const rocksdb::Slice begin(first), end(last);
      if (status.ok()) status = db->CompactRange(rewrite, &begin, &end);
    }
    return FromRocksdb(status, options.directory);
  }

  const ConversationStoreOptions options;
  std::unique_ptr<rocksdb::DB> db;
  std::mutex mutex;  // of those that read a head and write
  absl::Time swept;  // guarded by mutex
};

ConversationStore::ConversationStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ConversationStore::~ConversationStore() = default;

absl::StatusOr<std::unique_ptr<ConversationStore>> ConversationStore::Open(
    const ConversationStoreOptions& options) {
  auto impl = std::make_unique<Impl>(options);
  rocksdb::DB* opened = nullptr;
  const rocksdb::Status status = rocksdb::DB::Open(MakeOptions(), options.directory, &opened);
  if (!status.ok()) return FromRocksdb(status, options.directory);
  impl->db.reset(opened);
  std::unique_ptr<ConversationStore> store(new ConversationStore(std::move(impl)));
  if (absl::Status swept = store->Sweep(); !swept.ok()) return swept;
  return store;
}

absl::StatusOr<Conversation> ConversationStore::Read(const std::string& owner,
                                                     const std::string& session, int before,
                                                     int limit) {
  const absl::StatusOr<Head> head = impl_->ReadHead(owner, session);
  if (!head.ok()) return head.status();
  Conversation conversation = impl_->ToConversation(*head, session);
  const int end = before > 0 ? std::min(before, head->turns + 1) : head->turns + 1;
  const std::string last = TurnKey(owner, session, end);
  rocksdb::ReadOptions read;
  const rocksdb::Slice bound(last);
  read.iterate_upper_bound = &bound;
  const std::unique_ptr<rocksdb::Iterator> turns(impl_->db->NewIterator(read));
  for (turns->Seek(TurnKey(owner, session, std::max(1, end - limit))); turns->Valid();
       turns->Next()) {
    absl::StatusOr<Turn> turn = DecodeTurn(turns->value().ToStringView());
    if (!turn.ok()) return turn.status();
    const auto key = turns->key();
    for (std::size_t i = key.size() - 4; i < key.size(); ++i) {
      turn->number = turn->number << 8 | static_cast<unsigned char>(key[i]);
    }
    conversation.shown.push_back(*std::move(turn));
  }
  if (!turns->status().ok()) return FromRocksdb(turns->status(), impl_->options.directory);
  return conversation;
}

absl::StatusOr<std::vector<Conversation>> ConversationStore::List(const std::string& owner,
                                                                  int before, int limit) {
  const std::string prefix = Key(kHead, owner);
  std::vector<Conversation> all;
  const std::unique_ptr<rocksdb::Iterator> heads(impl_->db->NewIterator(rocksdb::ReadOptions()));
  for (heads->Seek(prefix); heads->Valid() && heads->key().starts_with(prefix); heads->Next()) {
    const absl::StatusOr<Head> head = DecodeHead(heads->value().ToStringView());
    if (!head.ok()) return head.status();
    if (impl_->IsOver(*head)) continue;
    all.push_back(
        impl_->ToConversation(*head, SessionOf(heads->key().ToStringView(), prefix.size())));
  }
  if (!heads->status().ok()) return FromRocksdb(heads->status(), impl_->options.directory);
  std::sort(all.begin(), all.end(), [](const Conversation& a, const Conversation& b) {
    return std::pair(b.updated, a.session) < std::pair(a.updated, b.session);
  });
  const auto skip = std::min(all.size(), static_cast<std::size_t>(before));
  all.erase(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(skip));
  if (all.size() > static_cast<std::size_t>(limit)) all.resize(static_cast<std::size_t>(limit));
  return all;
}

absl::Status ConversationStore::Delete(const std::string& owner, const std::string& session) {
  const std::scoped_lock lock(impl_->mutex);
  if (const auto head = impl_->ReadHead(owner, session); !head.ok()) return head.status();
  const std::string names = Key(kHead, owner, session).substr(1);
  rocksdb::WriteBatch batch;
  Impl::Erase(names, &batch);
  if (absl::Status written = impl_->Write(&batch); !written.ok()) return written;
  return impl_->Wipe(names);
}

absl::StatusOr<std::vector<int>> ConversationStore::Number(
    const std::string& owner, const std::string& session,
    std::span<const retrieval::Place> places) {
  int next = 1;
  const absl::StatusOr<Head> head = impl_->ReadHead(owner, session);
  if (head.ok()) {
    next = head->markers + 1;
  } else if (!absl::IsNotFound(head.status())) {
    return head.status();
  }
  std::vector<int> markers;
  for (const retrieval::Place& place : places) {
    int marker = 0;
    std::string value;
    const rocksdb::Status found =
        head.ok() ? impl_->db->Get(rocksdb::ReadOptions(), SourceKey(owner, session, place), &value)
                  : rocksdb::Status::NotFound();
    if (found.ok()) {
      const absl::Status read = Decode(value, [&](const Json& json) { marker = json; });
      if (!read.ok()) return read;
    } else if (!found.IsNotFound()) {
      return FromRocksdb(found, impl_->options.directory);
    }
    markers.push_back(marker > 0 ? marker : next++);
  }
  return markers;
}

absl::Status ConversationStore::Append(const std::string& owner, const std::string& session,
                                       bool first, Turn* turn) {
  bool sweep = false;
  {
    const std::scoped_lock lock(impl_->mutex);
    absl::StatusOr<Head> head = impl_->ReadHead(owner, session);
    if (first && head.ok()) return absl::AlreadyExistsError("conversation " + session);
    const absl::Time now = impl_->options.now();
    if (first && absl::IsNotFound(head.status())) {
      std::string title = turn->question.substr(0, kMaxTitleBytes);
      title.resize(inference::ValidUtf8Prefix(title));
      head = Head{.title = std::move(title), .created = now};
    }
    if (!head.ok()) return head.status();
    rocksdb::WriteBatch batch;
    for (const Source& source : turn->sources) {
      head->markers = std::max(head->markers, source.marker);
      batch.Put(SourceKey(owner, session, source.place), Encode(source.marker));
    }
    head->updated = now;
    turn->number = ++head->turns;
    batch.Put(TurnKey(owner, session, turn->number), EncodeTurn(*turn));
    batch.Put(Key(kHead, owner, session), EncodeHead(*head));
    if (absl::Status written = impl_->Write(&batch); !written.ok()) return written;
    sweep = now - impl_->swept >= kSweepInterval;
  }
  // The turn is kept; what cannot be deleted now will be another time.
  if (sweep) (void)Sweep();
  return absl::OkStatus();
}

absl::Status ConversationStore::Sweep() {
  const std::scoped_lock lock(impl_->mutex);
  impl_->swept = impl_->options.now();
  rocksdb::WriteBatch batch;
  const std::string first(1, kHead);
  const std::unique_ptr<rocksdb::Iterator> heads(impl_->db->NewIterator(rocksdb::ReadOptions()));
  for (heads->Seek(first); heads->Valid() && heads->key().starts_with(first); heads->Next()) {
    const absl::StatusOr<Head> head = DecodeHead(heads->value().ToStringView());
    if (!head.ok()) return head.status();
    if (impl_->IsOver(*head)) Impl::Erase(heads->key().ToString().substr(1), &batch);
  }
  if (!heads->status().ok()) return FromRocksdb(heads->status(), impl_->options.directory);
  return batch.Count() == 0 ? absl::OkStatus() : impl_->Write(&batch);
}

}  // namespace citeseek::gateway
