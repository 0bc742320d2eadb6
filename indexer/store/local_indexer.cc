#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "indexer/indexer.h"
#include "indexer/store/file.h"
#include "indexer/store/log.h"
#include "indexer/store/merge.h"
#include "indexer/store/publisher.h"
#include "indexer/store/segment_builder.h"
#include "inference/utf8.h"

namespace citeseek::indexer {
namespace {

constexpr std::size_t kReadBytes = 1 << 20;  // text handed to the builder at a time
constexpr absl::Duration kRetryInterval = absl::Seconds(1);
constexpr std::size_t kMaxCallBytes = 1 << 30;

absl::Status CheckTime(absl::Time deadline, const std::stop_token& stop) {
  if (stop.stop_requested()) return absl::CancelledError("indexing call was cancelled");
  if (deadline <= absl::Now()) return absl::DeadlineExceededError("indexing call is out of time");
  return absl::OkStatus();
}

absl::Status ValidateKey(const DocumentKey& key) {
  if (key.id.empty()) return absl::InvalidArgumentError("document id is empty");
  for (const auto& [name, text] :
       {std::pair("document id", &key.id), std::pair("collection", &key.collection)}) {
    const std::size_t valid = inference::ValidUtf8Prefix(*text);
    if (valid == text->size()) continue;
    return absl::InvalidArgumentError(absl::StrCat(name, " is not UTF-8 at byte ", valid));
  }
  return absl::OkStatus();
}

// Names a key whose id is too long to be in the index.
DocumentKey Shortened(const DocumentKey& key) {
  const std::string start = key.id.substr(0, 64);
  return {start.substr(0, inference::ValidUtf8Prefix(start)) + "...", key.collection};
}

// One thread turns the log into segments and publishes them, one merges segments; callers write the
// log. What has been published is forgotten by the log; everything else can be redone from it, so
// that recovery after a crash is the ordinary work.
class LocalIndexer final : public Indexer {
 public:
  LocalIndexer(const IndexerOptions& options, FileLock lock, std::unique_ptr<Log> log,
               std::unique_ptr<Publisher> publisher, std::uint64_t pending_documents)
      : options_(options),
        lock_(std::move(lock)),
        log_(std::move(log)),
        publisher_(std::move(publisher)),
        covered_(publisher_->current()->manifest.covered),
        consumed_(covered_),
        pending_documents_(pending_documents),
        due_(log_->last_sequence() > covered_ ? absl::Now() : absl::InfiniteFuture()) {
    flusher_ = std::jthread([this](std::stop_token stop) { FlushLoop(stop); });
    merger_ = std::jthread([this](std::stop_token stop) { MergeLoop(stop); });
  }

  ~LocalIndexer() override {
    flusher_.request_stop();
    merger_.request_stop();
    flusher_.join();
    merger_.join();
  }

  absl::StatusOr<std::vector<AddResult>> Add(const AddRequest& request) override;
  absl::StatusOr<std::vector<DeleteResult>> Delete(const DeleteRequest& request) override;
  absl::StatusOr<std::uint64_t> Commit(const CommitRequest& request) override;
  absl::StatusOr<StoredDocument> Get(const GetRequest& request) override;
  absl::StatusOr<IndexStats> Stats() override;

 private:
  // What the flusher has read from the log since the newest generation; its thread's alone.
  struct Batch {
    std::uint64_t segment = 0;
    std::optional<SegmentBuilder> builder;  // once there is a document
    std::vector<std::uint64_t> obsolete;
    std::uint64_t documents = 0;
    std::size_t text_bytes = 0;
  };

  absl::Status WaitForRoom(absl::Time deadline, const std::stop_token& stop);
  absl::Status Write(std::span<Change> changes, std::uint64_t documents, std::size_t bytes);
  void FlushLoop(const std::stop_token& stop);
  absl::StatusOr<std::uint64_t> Consume(std::uint64_t after, std::uint64_t last, Batch& batch,
                                        const std::stop_token& stop);
  absl::Status PublishBatch(std::uint64_t covered, Batch& batch);
  void Discard(Batch& batch);
  static void Reset(Batch& batch) {
    batch.segment = 0;
    batch.builder.reset();
    batch.obsolete.clear();
    batch.documents = 0;
    batch.text_bytes = 0;
  }
  void MergeLoop(const std::stop_token& stop);
  absl::Status MergeRunOf(const Generation& generation, const MergeRun& run,
                          const std::stop_token& stop);
  bool IsFull(const Batch& batch) const {
    return batch.text_bytes >= options_.flush_bytes ||
           (batch.builder.has_value() && batch.builder->memory_bytes() >= options_.flush_bytes);
  }

  const IndexerOptions options_;
  FileLock lock_;
  std::unique_ptr<Log> log_;
  std::unique_ptr<Publisher> publisher_;

  std::mutex mutex_;
  std::condition_variable_any work_;       // for the flusher
  std::condition_variable_any published_;  // for callers and the merger
  std::uint64_t covered_;                  // sequence up to which a generation shows the log
  std::uint64_t consumed_;                 // ... the flusher has read it
  std::uint64_t wanted_ = 0;               // ... a Commit waits for
  std::uint64_t pending_documents_;
  std::size_t backlog_bytes_ = 0;            // of text acknowledged and not yet read
  absl::Time due_;                           // when what is pending should be visible
  absl::Time retry_ = absl::InfinitePast();  // after a failure, not before this
  std::uint64_t failures_ = 0;
  absl::Status failure_;  // the last publication's; OK once one succeeds

  std::jthread flusher_;
  std::jthread merger_;
};

absl::Status LocalIndexer::WaitForRoom(absl::Time deadline, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  const auto has_room = [&] {
    return backlog_bytes_ <= 2 * options_.flush_bytes || !failure_.ok();
  };
  // An infinite deadline does not fit the clock of the standard library.
  const auto until = absl::ToChronoTime(std::min(deadline, absl::Now() + absl::Hours(24 * 365)));
  published_.wait_until(lock, stop, until, has_room);
  if (backlog_bytes_ > 2 * options_.flush_bytes && !failure_.ok()) return failure_;
  return CheckTime(deadline, stop);
}

absl::Status LocalIndexer::Write(std::span<Change> changes, std::uint64_t documents,
                                 std::size_t bytes) {
  {
    // Before the flusher can see them, so that it never takes off what has not been put on.
    const std::scoped_lock lock(mutex_);
    pending_documents_ += documents;
    backlog_bytes_ += bytes;
  }
  auto status = log_->Write(changes);
  const std::scoped_lock lock(mutex_);
  if (status.ok()) {
    due_ = std::min(due_, absl::Now() + options_.commit_interval);
    work_.notify_all();
  } else {
    pending_documents_ -= std::min(pending_documents_, documents);
    backlog_bytes_ -= std::min(backlog_bytes_, bytes);
  }
  return status;
}

absl::StatusOr<std::vector<AddResult>> LocalIndexer::Add(const AddRequest& request) {
  if (auto status = WaitForRoom(request.deadline, request.stop); !status.ok()) return status;
  std::vector<AddResult> results(request.documents.size());
  std::vector<Change> changes(request.documents.size());
  std::uint64_t documents = 0;
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    changes[i].document = &request.documents[i];
    changes[i].status = ValidateDocument(request.documents[i]);
    if (!changes[i].status.ok()) continue;
    ++documents;
    bytes += request.documents[i].text.size() + 64;
  }
  if (bytes > kMaxCallBytes) {
    return absl::InvalidArgumentError(absl::StrCat(
        "documents of ", bytes, " bytes in one call are more than the limit of ", kMaxCallBytes));
  }
  if (auto status = Write(changes, documents, bytes); !status.ok()) return status;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    results[i] = {.status = std::move(changes[i].status), .version = changes[i].version};
  }
  return results;
}

absl::StatusOr<std::vector<DeleteResult>> LocalIndexer::Delete(const DeleteRequest& request) {
  if (auto status = CheckTime(request.deadline, request.stop); !status.ok()) return status;
  std::vector<Change> changes(request.keys.size());
  for (std::size_t i = 0; i < changes.size(); ++i) {
    changes[i].key = &request.keys[i];
    changes[i].status = ValidateKey(request.keys[i]);
    if (changes[i].status.ok() && request.keys[i].id.size() > kMaxIdBytes) {
      changes[i].status = NoSuchDocument(Shortened(request.keys[i]));
    }
  }
  if (auto status = Write(changes, 0, 64 * changes.size()); !status.ok()) return status;
  std::vector<DeleteResult> results;
  for (Change& change : changes) results.push_back({std::move(change.status)});
  return results;
}

absl::StatusOr<std::uint64_t> LocalIndexer::Commit(const CommitRequest& request) {
  if (auto status = CheckTime(request.deadline, request.stop); !status.ok()) return status;
  std::unique_lock lock(mutex_);
  const std::uint64_t target = log_->last_sequence();
  const std::uint64_t failures = failures_;
  wanted_ = std::max(wanted_, target);
  retry_ = absl::InfinitePast();
  work_.notify_all();
  const auto until =
      absl::ToChronoTime(std::min(request.deadline, absl::Now() + absl::Hours(24 * 365)));
  published_.wait_until(lock, request.stop, until,
                        [&] { return covered_ >= target || failures_ != failures; });
  if (covered_ >= target) return publisher_->current()->manifest.generation;
  if (failures_ != failures) return failure_;
  return CheckTime(request.deadline, request.stop);
}

absl::StatusOr<StoredDocument> LocalIndexer::Get(const GetRequest& request) {
  DocumentKey key = request.key;
  if (auto status = ValidateKey(key); !status.ok()) return status;
  if (key.id.size() > kMaxIdBytes) return NoSuchDocument(Shortened(key));
  while (true) {
    if (auto status = CheckTime(request.deadline, request.stop); !status.ok()) return status;
    if (request.key.collection.empty()) {
      const auto collections = log_->Collections(key.id);
      if (!collections.ok()) return collections.status();
      if (auto status = PickCollection(*collections, key); !status.ok()) return status;
    }
    const auto state = log_->Find(key);
    if (!state.ok()) return state.status();
    if (!state->has_value()) return NoSuchDocument(key);
    const std::uint64_t version = request.version == 0 ? (*state)->version : request.version;
    const absl::Status no_version = absl::NotFoundError(
        absl::StrCat("version ", version, " of document ", key.id, " is not kept"));
    if (version < (*state)->since || version > (*state)->version) return no_version;
    auto logged = log_->ReadDocument(version);
    if (!logged.ok()) return logged.status();
    if (logged->has_value()) {
      const Document& document = (*logged)->document;
      if (document.id != key.id || document.collection != key.collection) return no_version;
      return **std::move(logged);
    }
    const std::shared_ptr<const Generation> generation = publisher_->current();
    for (const OpenSegment& segment : generation->segments) {
      const auto number = segment.files->passages.DocumentOfVersion(version);
      if (!number.has_value()) continue;
      auto stored = segment.files->documents.Read(*number);
      if (!stored.ok()) return stored.status();
      const Document& document = stored->document;
      if (document.id != key.id || document.collection != key.collection) return no_version;
      return stored;
    }
    if (request.version != 0) return no_version;
    // A newer version has replaced it since we looked; else it is lost.
    const auto again = log_->Find(key);
    if (!again.ok()) return again.status();
    if (again->has_value() && (*again)->version == version) {
      return absl::DataLossError(
          absl::StrCat("version ", version, " of document ", key.id, " is lost"));
    }
  }
}

absl::StatusOr<IndexStats> LocalIndexer::Stats() {
  const std::shared_ptr<const Generation> generation = publisher_->current();
  IndexStats stats{.generation = generation->manifest.generation,
                   .segments = generation->segments.size(),
                   .bytes_on_disk = TreeBytes(options_.directory),
                   .embedder = options_.embedder->Name()};
  for (const OpenSegment& segment : generation->segments) {
    stats.documents += segment.entry.documents - segment.entry.deleted;
    stats.passages += segment.live_passages;
    stats.text_bytes += segment.live_text_bytes;
  }
  const std::scoped_lock lock(mutex_);
  stats.pending_documents = pending_documents_;
  return stats;
}

void LocalIndexer::FlushLoop(const std::stop_token& stop) {
  Batch batch;
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    const absl::Time now = absl::Now();
    const std::uint64_t last = log_->last_sequence();
    const bool may_run = now >= retry_;
    const bool asked = wanted_ > covered_ && consumed_ >= wanted_;
    const bool publish = may_run && consumed_ > covered_ && (asked || now >= due_ || IsFull(batch));
    absl::Status status;
    if (publish) {
      const std::uint64_t covered = consumed_;
      lock.unlock();
      status = PublishBatch(covered, batch);
      lock.lock();
      if (status.ok()) {
        covered_ = covered;
        pending_documents_ -= std::min(pending_documents_, batch.documents);
        Reset(batch);
        failure_ = absl::OkStatus();
        due_ = log_->last_sequence() > covered_ ? absl::Now() + options_.commit_interval
                                                : absl::InfiniteFuture();
        published_.notify_all();
      }
    } else if (may_run && last > consumed_) {
      const std::uint64_t after = consumed_;
      const std::size_t text_before = batch.text_bytes;
      lock.unlock();
      const auto consumed = Consume(after, last, batch, stop);
      lock.lock();
      status = consumed.status();
      if (consumed.ok()) {
        consumed_ = *consumed;
        const std::size_t bytes = batch.text_bytes - text_before;
        backlog_bytes_ -=
            consumed_ == log_->last_sequence() ? backlog_bytes_ : std::min(backlog_bytes_, bytes);
        published_.notify_all();
      }
    } else {
      absl::Time wake = absl::Now() + absl::Hours(1);
      if (last > covered_) wake = std::min(wake, std::max(due_, retry_));
      work_.wait_until(lock, stop, absl::ToChronoTime(wake), [&] {
        return (log_->last_sequence() > consumed_ ||
                (wanted_ > covered_ && consumed_ > covered_)) &&
               absl::Now() >= retry_;
      });
    }
    if (!status.ok() && !stop.stop_requested()) {
      lock.unlock();
      Discard(batch);
      lock.lock();
      backlog_bytes_ += batch.text_bytes;
      Reset(batch);
      consumed_ = covered_;
      wanted_ = covered_;
      retry_ = absl::Now() + kRetryInterval;
      failure_ = status;
      ++failures_;
      published_.notify_all();
    }
  }
  lock.unlock();
  Discard(batch);
}

absl::StatusOr<std::uint64_t> LocalIndexer::Consume(std::uint64_t after, std::uint64_t last,
                                                    Batch& batch, const std::stop_token& stop) {
  auto records = log_->Read(after, last, kReadBytes);
  if (!records.ok()) return records.status();
  // Numbers of calls that failed are missing from the log.
  if (records->empty()) return last;
  std::vector<StoredDocument> documents;
  for (LogRecord& record : *records) {
    if (record.replaced != 0) batch.obsolete.push_back(record.replaced);
    batch.text_bytes += 64;
    if (!record.document.has_value()) continue;
    batch.text_bytes += record.document->document.text.size();
    documents.push_back(*std::move(record.document));
  }
  if (!documents.empty()) {
    if (!batch.builder.has_value()) {
      batch.segment = publisher_->NewSegment();
      auto builder = SegmentBuilder::Create(publisher_->SegmentPath(batch.segment),
                                            {.analyzer = options_.analyzer,
                                             .embedder = options_.embedder,
                                             .threads = options_.threads});
      if (!builder.ok()) return builder.status();
      batch.builder.emplace(*std::move(builder));
    }
    if (auto status = batch.builder->Add(documents, stop); !status.ok()) return status;
    batch.documents += documents.size();
  }
  return records->back().sequence;
}

absl::Status LocalIndexer::PublishBatch(std::uint64_t covered, Batch& batch) {
  Publisher::Flush flush{.obsolete = batch.obsolete, .covered = covered};
  if (batch.builder.has_value()) {
    if (auto status = batch.builder->Finish(); !status.ok()) return status;
    flush.segment = batch.segment;
  }
  if (auto status = publisher_->Publish(flush); !status.ok()) return status;
  // A failed trim costs space only; the next one covers it.
  log_->Trim(covered).IgnoreError();
  return absl::OkStatus();
}

void LocalIndexer::Discard(Batch& batch) {
  if (batch.segment == 0) return;
  batch.builder.reset();
  // After a publication that failed half-way, CURRENT may list the segment.
  const auto newest = ReadCurrent(options_.directory);
  if (!newest.ok() || *newest != publisher_->current()->manifest.generation) return;
  RemoveTree(publisher_->SegmentPath(batch.segment)).IgnoreError();
}

void LocalIndexer::MergeLoop(const std::stop_token& stop) {
  std::uint64_t seen = 0;
  while (!stop.stop_requested()) {
    const std::shared_ptr<const Generation> generation = publisher_->current();
    std::vector<MergeCandidate> candidates;
    for (const OpenSegment& segment : generation->segments) {
      candidates.push_back(
          {segment.live_text_bytes, segment.entry.documents, segment.entry.deleted});
    }
    const auto run = PickMerge(candidates, options_.max_segments_per_tier);
    // A merge that failed is tried again after the next publication.
    if (run.has_value() && MergeRunOf(*generation, *run, stop).ok()) continue;
    seen = generation->manifest.generation;
    std::unique_lock lock(mutex_);
    published_.wait(lock, stop, [&] { return publisher_->current()->manifest.generation != seen; });
  }
}

absl::Status LocalIndexer::MergeRunOf(const Generation& generation, const MergeRun& run,
                                      const std::stop_token& stop) {
  const auto segments = std::span(generation.segments).subspan(run.first, run.count);
  std::vector<MergeInput> inputs;
  for (const OpenSegment& segment : segments) inputs.push_back({segment.files, segment.deleted});
  const std::uint64_t number = publisher_->NewSegment();
  const auto documents = MergeSegments(inputs, publisher_->SegmentPath(number), stop);
  absl::Status status = documents.status();
  if (status.ok()) {
    Publisher::Merge merge{.inputs = segments};
    if (*documents > 0) merge.segment = number;
    status = publisher_->Publish(merge);
  }
  if (!status.ok()) {
    const auto newest = ReadCurrent(options_.directory);
    if (newest.ok() && *newest == publisher_->current()->manifest.generation) {
      RemoveTree(publisher_->SegmentPath(number)).IgnoreError();
    }
  }
  return status;
}

absl::Status CheckFormat(const IndexerOptions& options) {
  const Format wanted{options.embedder->Name(), options.embedder->Dimension()};
  const auto format = ReadFormat(options.directory);
  if (absl::IsNotFound(format.status())) return WriteFormat(options.directory, wanted);
  if (!format.ok()) return format.status();
  if (format->embedder != wanted.embedder || format->dimension != wanted.dimension) {
    return absl::FailedPreconditionError(
        absl::StrCat("index directory ", options.directory, " was made with embedder ",
                     format->embedder, " of dimension ", format->dimension, ", not ",
                     wanted.embedder, " of dimension ", wanted.dimension,
                     ": open it with that embedder, or index the documents again into another "
                     "directory"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Indexer>> OpenIndexer(const IndexerOptions& options) {
  if (options.analyzer == nullptr || options.embedder == nullptr) {
    return absl::InvalidArgumentError("indexer needs an analyzer and an embedder");
  }
  if (auto status = MakeDirectory(options.directory); !status.ok()) return status;
  auto lock = FileLock::Take(options.directory);
  if (!lock.ok()) return lock.status();
  if (auto status = CheckFormat(options); !status.ok()) return status;
  auto log = Log::Open(options.directory + "/log");
  if (!log.ok()) return log.status();
  auto publisher =
      Publisher::Open(options.directory, options.embedder->Dimension(), (*log)->trimmed());
  if (!publisher.ok()) return publisher.status();
  const Manifest& manifest = (*publisher)->current()->manifest;
  // What a crash kept from being trimmed.
  if (auto status = (*log)->Trim(manifest.covered); !status.ok()) return status;
  const auto pending = (*log)->CountDocuments();
  if (!pending.ok()) return pending.status();
  IndexerOptions checked = options;
  if (checked.threads <= 0) {
    checked.threads = static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 1U, 8U));
  }
  return std::make_unique<LocalIndexer>(checked, *std::move(lock), *std::move(log),
                                        *std::move(publisher), *pending);
}

}  // namespace citeseek::indexer
