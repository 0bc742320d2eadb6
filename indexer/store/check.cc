#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "indexer/indexer.h"
#include "indexer/store/deletes.h"
#include "indexer/store/generation.h"
#include "indexer/store/log.h"

namespace citeseek::indexer {
namespace {

constexpr std::size_t kMaxFaults = 100;

class Checker {
 public:
  Checker(std::string directory, Format format)
      : directory_(std::move(directory)), format_(std::move(format)) {}

  absl::StatusOr<FsckReport> Run();

 private:
  using Versions = std::map<std::pair<std::string, std::string>, std::uint64_t>;

  void Fault(std::string fault) {
    if (faults_.size() < kMaxFaults) faults_.push_back(std::move(fault));
  }
  void Fault(const absl::Status& status) {
    if (!status.ok()) Fault(std::string(status.message()));
  }
  absl::StatusOr<Manifest> ReadNewest();
  void CheckFiles(const SegmentEntry& entry, const absl::Status& failure);
  void CheckSegment(const OpenSegment& segment);
  void CheckTerms(const OpenSegment& segment, const std::string& name);
  void CheckPostings(const SegmentFiles& files, const Lexicon::Walker& term,
                     const std::string& name, std::vector<std::uint32_t>& lengths);
  void CheckVectors(const OpenSegment& segment, const std::string& name);
  void CheckReads(const SegmentFiles& files, std::uint32_t d, const StoredDocument& stored,
                  const std::string& where);
  void CheckDocuments(const OpenSegment& segment, const std::string& name);
  void CheckKeys(const Log& log, const Manifest& manifest);

  const std::string directory_;
  const Format format_;
  FsckReport report_;
  std::vector<std::string> faults_;
  Versions live_;        // of (id, collection), in segments and then the log
  bool unread_ = false;  // there is a segment whose documents are not known
  // Of the segment being checked: sums of the checksums of each passage's metadata terms.
  std::vector<std::uint64_t> metadata_;
};

void Checker::CheckPostings(const SegmentFiles& files, const Lexicon::Walker& term,
                            const std::string& name, std::vector<std::uint32_t>& lengths) {
  const PostingList& list = term.list();
  const std::string where = absl::StrCat(name, ": term \"", term.term(), "\": ");
  const auto cursor = MakePostingCursor(list, files.passages.passage_count());
  if (cursor == nullptr) return Fault(where + "posting list is damaged");
  const bool counts = term.term().empty() || term.term()[0] != kMetadataPrefix;
  std::uint64_t count = 0;
  std::uint32_t max_frequency = 0;
  std::uint32_t min_length = kNoMorePassages;
  PassageId next = 0;
  cursor->SeekBlock(0);
  for (; cursor->block_last() != kNoMorePassages; cursor->SeekBlock(cursor->block_last() + 1)) {
    const auto passages = cursor->passages();
    const auto frequencies = cursor->frequencies();
    std::uint32_t block_frequency = 0;
    std::uint32_t block_length = kNoMorePassages;
    for (std::size_t i = 0; i < passages.size(); ++i) {
      const PassageId p = passages[i];
      if (p < next || p >= lengths.size()) return Fault(where + "passages are not in order");
      if (frequencies[i] == 0) Fault(where + "a frequency is 0");
      next = p + 1;
      block_frequency = std::max(block_frequency, frequencies[i]);
      block_length = std::min(block_length, files.passages.lengths()[p]);
      if (counts) {
        lengths[p] += frequencies[i];
      } else {
        metadata_[p] += Checksum(AsBytes(term.term()));
      }
    }
    if (passages.empty() || passages.back() != cursor->block_last() ||
        cursor->block_max_frequency() != block_frequency ||
        cursor->block_min_length() != std::min(block_length, kMaxFrequency)) {
      // A list of one block tells of the whole list, whose shortest length is not cut.
      if (list.count > PostingCursor::kBlockSize || cursor->block_min_length() != block_length) {
        Fault(where + "a block's bounds are wrong");
      }
    }
    count += passages.size();
    max_frequency = std::max(max_frequency, block_frequency);
    min_length = std::min(min_length, block_length);
  }
  if (count != list.count || max_frequency != list.max_frequency || min_length != list.min_length) {
    Fault(absl::StrCat(where, "list has ", count, " postings, not ", list.count,
                       ", or its bounds are wrong"));
  }
  report_.postings += count;
}

void Checker::CheckTerms(const OpenSegment& segment, const std::string& name) {
  const SegmentFiles& files = *segment.files;
  std::vector<std::uint32_t> lengths(files.passages.passage_count());
  metadata_.assign(files.passages.passage_count(), 0);
  Lexicon::Walker walker(files.lexicon);
  std::string before;
  std::uint64_t count = 0;
  while (walker.Next()) {
    if (count > 0 && walker.term() <= before) Fault(name + ": terms are not in order");
    before = walker.term();
    ++count;
    CheckPostings(files, walker, name, lengths);
  }
  if (walker.damaged() || count != files.lexicon.size()) Fault(name + ": lexicon is damaged");
  for (PassageId p = 0; p < lengths.size(); ++p) {
    if (lengths[p] == files.passages.lengths()[p]) continue;
    Fault(absl::StrCat(name, ": passage ", p, " has ", lengths[p], " terms in the postings and ",
                       files.passages.lengths()[p], " in its length"));
  }
  report_.terms += count;
}

void Checker::CheckVectors(const OpenSegment& segment, const std::string& name) {
  const SegmentFiles& files = *segment.files;
  const std::uint32_t count = files.passages.passage_count();
  Fault(
      CheckWithFaiss(absl::StrCat(directory_, "/", name, "/vectors.faiss"), files.vectors, count));
  for (PassageId p = 0; p < count; ++p) {
    const float scale = ScaleOfCodes(files.vectors.codes(p));
    if (!(std::abs(scale - files.passages.scales()[p]) <= 1e-5F * scale)) {
      Fault(absl::StrCat(name, ": vector of passage ", p, " does not have its scale"));
    }
  }
}

// Passages must be read alone as they stand in their document.
void Checker::CheckReads(const SegmentFiles& files, std::uint32_t d, const StoredDocument& stored,
                         const std::string& where) {
  const Passages& passages = files.passages;
  for (PassageId p = passages.first_passages()[d]; p < passages.first_passages()[d + 1]; ++p) {
    const ByteRange range{passages.starts()[p], passages.ends()[p]};
    if (range.end > stored.document.text.size()) return;  // told already
    const auto read = files.documents.ReadPassage(d, range);
    if (!read.ok()) {
      Fault(read.status());
    } else if (read->document_id != stored.document.id || read->version != stored.version ||
               read->text != stored.document.text.substr(range.start, range.end - range.start)) {
      Fault(absl::StrCat(where, ": passage ", p, " is another one than in the document"));
    }
  }
}

void Checker::CheckDocuments(const OpenSegment& segment, const std::string& name) {
  const Passages& passages = segment.files->passages;
  Fault(segment.files->documents.VerifyChecksums());
  auto next_deleted = segment.deleted->begin();
  Fault(segment.files->documents.ForEach([&](std::uint32_t d, std::string_view encoded) {
    const std::string where = absl::StrCat(name, ": document ", d);
    const bool deleted = next_deleted != segment.deleted->end() && *next_deleted == d;
    if (deleted) ++next_deleted;
    const auto stored = DecodeDocument(encoded);
    if (!stored.ok()) {
      Fault(where + " is damaged");
      return absl::OkStatus();
    }
    const Document& document = stored->document;
    if (auto status = ValidateDocument(document); !status.ok()) {
      Fault(absl::StrCat(where, ": ", status.message()));
    }
    if (stored->version != passages.versions()[d] ||
        document.text.size() != passages.text_bytes()[d]) {
      Fault(where + " is another one than the passages say");
    }
    for (PassageId p = passages.first_passages()[d]; p < passages.first_passages()[d + 1]; ++p) {
      for (const std::uint32_t at : {passages.starts()[p], passages.ends()[p]}) {
        if (at < document.text.size() && (document.text[at] & 0xC0) == 0x80) {
          Fault(absl::StrCat(where, ": passage ", p, " is cut within a code point"));
        }
      }
    }
    CheckReads(*segment.files, d, *stored, where);
    std::uint64_t metadata = Checksum(AsBytes(MetadataTerm("collection", document.collection)));
    for (const auto& [key, value] : document.metadata) {
      if (key == "collection" || value.size() > kMaxFilterBytes) continue;
      metadata += Checksum(AsBytes(MetadataTerm(key, value)));
    }
    for (PassageId p = passages.first_passages()[d]; p < passages.first_passages()[d + 1]; ++p) {
      if (metadata_[p] == metadata) continue;
      Fault(absl::StrCat(where, ": passage ", p, " has other metadata in the postings"));
    }
    if (deleted) return absl::OkStatus();
    const auto [other, fresh] =
        live_.emplace(std::pair(document.id, document.collection), stored->version);
    if (!fresh) {
      Fault(absl::StrCat(where, " (", document.id, ") is live in version ", other->second, " and ",
                         stored->version));
    }
    return absl::OkStatus();
  }));
}

// Names what is wrong with each file of a segment that does not open.
void Checker::CheckFiles(const SegmentEntry& entry, const absl::Status& failure) {
  const std::size_t before = faults_.size();
  const std::string path = absl::StrCat(directory_, "/", SegmentName(entry.number));
  for (const char* name : {"/terms", "/postings", "/passages", "/vectors.faiss"}) {
    Fault(BlockFile::Open(path + name).status());
  }
  const auto documents = Documents::Open(path, nullptr);
  Fault(documents.ok() ? documents->VerifyChecksums() : documents.status());
  if (entry.deletes_generation != 0) {
    const std::string deletes = DeletesName(entry.number, entry.deletes_generation);
    Fault(ReadDeletes(absl::StrCat(directory_, "/", deletes), entry.documents).status());
  }
  if (faults_.size() == before) Fault(failure);
}

void Checker::CheckSegment(const OpenSegment& segment) {
  const std::string name = SegmentName(segment.entry.number);
  CheckTerms(segment, name);
  CheckVectors(segment, name);
  CheckDocuments(segment, name);
  report_.documents += segment.entry.documents - segment.entry.deleted;
  report_.passages += segment.live_passages;
}

// Replays the log over the segments' live documents and compares with the newest versions.
void Checker::CheckKeys(const Log& log, const Manifest& manifest) {
  Fault(log.VerifyChecksums());
  std::uint64_t after = manifest.covered;
  std::map<std::uint64_t, std::pair<std::string, std::string>> by_version;
  for (const auto& [key, version] : live_) by_version[version] = key;
  while (after < log.last_sequence()) {
    const auto records = log.Read(after, log.last_sequence(), 1 << 20);
    if (!records.ok()) return Fault(records.status());
    if (records->empty()) break;
    for (const LogRecord& record : *records) {
      after = record.sequence;
      if (record.replaced != 0) {
        const auto replaced = by_version.find(record.replaced);
        if (replaced == by_version.end()) {
          if (!unread_)
            Fault(absl::StrCat("log: change ", record.sequence, " replaces version ",
                               record.replaced, ", which is not there"));
        } else {
          live_.erase(replaced->second);
          by_version.erase(replaced);
        }
      }
      if (!record.document.has_value()) continue;
      const Document& document = record.document->document;
      const std::pair key(document.id, document.collection);
      by_version[record.sequence] = key;
      live_[key] = record.sequence;
    }
  }
  std::uint64_t missing = 0;
  Fault(log.ForEachKey([&](const DocumentKey& key, const KeyState& state) {
    const auto found = live_.find({key.id, key.collection});
    if (found == live_.end() && unread_) {
      ++missing;
      return;
    }
    if (found == live_.end() || found->second != state.version || state.since > state.version) {
      Fault(absl::StrCat("log: document ", key.id, " of collection ", key.collection,
                         " has version ", state.version, ", in the index ",
                         found == live_.end() ? 0 : found->second));
    }
    if (found != live_.end()) live_.erase(found);
  }));
  for (const auto& [key, version] : live_) {
    Fault(absl::StrCat("log: document ", key.first, " of collection ", key.second,
                       " is not known; the index has its version ", version));
  }
  if (missing > 0) {
    Fault(absl::StrCat("log: ", missing, " documents are in no segment that can be read"));
  }
}

// If CURRENT or what it names cannot be read: the newest manifest that can.
absl::StatusOr<Manifest> Checker::ReadNewest() {
  const auto newest = ReadCurrent(directory_);
  if (newest.ok() && *newest == 0) return Manifest{};
  if (newest.ok()) {
    auto manifest = ReadManifest(directory_, *newest);
    if (manifest.ok()) return manifest;
    Fault(manifest.status());
  } else {
    Fault(newest.status());
  }
  const auto others = ListManifests(directory_);
  if (!others.ok()) return others.status();
  for (const std::uint64_t other : *others) {
    auto manifest = ReadManifest(directory_, other);
    if (manifest.ok()) return manifest;
    if (!newest.ok() || other != *newest) Fault(manifest.status());
  }
  return absl::DataLossError(absl::StrJoin(faults_, "\n"));
}

absl::StatusOr<FsckReport> Checker::Run() {
  const auto manifest = ReadNewest();
  if (!manifest.ok()) return manifest.status();
  report_.generation = manifest->generation;
  std::uint64_t last_version = 0;
  for (const SegmentEntry& entry : manifest->segments) {
    Manifest alone = *manifest;
    alone.segments = {entry};
    const auto opened = OpenGeneration(directory_, alone, format_.dimension, nullptr);
    ++report_.segments;
    if (!opened.ok()) {
      CheckFiles(entry, opened.status());
      unread_ = true;
      continue;
    }
    const OpenSegment& segment = (*opened)->segments.front();
    const auto versions = segment.files->passages.versions();
    if (versions.front() <= last_version || versions.back() > manifest->covered) {
      Fault(SegmentName(entry.number) + ": versions are not after those of the segment before");
    }
    last_version = versions.back();
    CheckSegment(segment);
  }
  const auto log = Log::Open(directory_ + "/log");
  if (!log.ok()) {
    Fault(log.status());
  } else {
    if ((*log)->trimmed() > manifest->covered) Fault("log has been trimmed past the manifest");
    CheckKeys(**log, *manifest);
  }
  if (faults_.empty()) return report_;
  return absl::DataLossError(absl::StrJoin(faults_, "\n"));
}

}  // namespace

absl::StatusOr<FsckReport> CheckIndex(const std::string& directory) {
  const auto format = ReadFormat(directory);
  if (absl::IsNotFound(format.status())) {
    return absl::NotFoundError(absl::StrCat("no index in directory ", directory));
  }
  if (!format.ok()) return format.status();
  const auto lock = FileLock::Take(directory);
  if (!lock.ok()) return lock.status();
  return Checker(directory, *format).Run();
}

}  // namespace citeseek::indexer
