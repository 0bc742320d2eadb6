#include "indexer/store/segment_writer.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace citeseek::indexer {

SegmentWriter::SegmentWriter(std::string directory, DocumentsWriter documents,
                             LexiconWriter lexicon)
    : directory_(std::move(directory)),
      documents_(std::move(documents)),
      lexicon_(std::move(lexicon)) {
  table_.first_passages.push_back(0);
}

absl::StatusOr<SegmentWriter> SegmentWriter::Create(const std::string& directory) {
  if (auto status = MakeDirectory(directory); !status.ok()) return status;
  auto documents = DocumentsWriter::Create(directory);
  if (!documents.ok()) return documents.status();
  auto lexicon = LexiconWriter::Create(directory);
  if (!lexicon.ok()) return lexicon.status();
  return SegmentWriter(directory, *std::move(documents), *std::move(lexicon));
}

absl::Status SegmentWriter::AddDocument(std::uint64_t version, std::size_t text_bytes,
                                        std::string_view encoded,
                                        std::span<const PassageFacts> passages) {
  if (passages.size() > kMaxPassages - passage_count()) {
    return absl::ResourceExhaustedError(
        absl::StrCat("segment has more than ", kMaxPassages, " passages"));
  }
  if (auto status = documents_.Add(encoded, text_bytes); !status.ok()) return status;
  table_.versions.push_back(version);
  table_.text_bytes.push_back(static_cast<std::uint32_t>(text_bytes));
  for (const PassageFacts& passage : passages) {
    table_.starts.push_back(passage.range.start);
    table_.ends.push_back(passage.range.end);
    table_.lengths.push_back(passage.length);
    table_.scales.push_back(passage.scale);
  }
  table_.first_passages.push_back(passage_count());
  return absl::OkStatus();
}

absl::Status SegmentWriter::AddTerm(std::string_view term, std::span<const Posting> postings) {
  return lexicon_.Add(term, postings, table_.lengths);
}

absl::Status SegmentWriter::Finish() {
  if (auto status = documents_.Finish(); !status.ok()) return status;
  if (auto status = lexicon_.Finish(); !status.ok()) return status;
  if (auto status = WritePassages(table_, directory_); !status.ok()) return status;
  return SyncDirectory(directory_);
}

}  // namespace citeseek::indexer
