#include "indexer/store/segment_files.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace citeseek::indexer {
namespace {

absl::Status Named(const std::string& directory, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat(directory, ": ", status.message()));
}

}  // namespace

absl::StatusOr<std::shared_ptr<const SegmentFiles>> OpenSegmentFiles(const std::string& directory,
                                                                     int dimension,
                                                                     const DocumentCache* cache) {
  auto files = std::make_shared<SegmentFiles>();
  for (const auto& [name, file] :
       {std::pair{"/terms", &files->terms_file}, std::pair{"/postings", &files->postings_file},
        std::pair{"/passages", &files->passages_file},
        std::pair{"/vectors.faiss", &files->vectors_file}}) {
    auto opened = BlockFile::Open(directory + name);
    if (!opened.ok()) return opened.status();
    *file = *std::move(opened);
  }
  auto lexicon = Lexicon::Make(files->terms_file.content(), files->postings_file.content());
  if (!lexicon.ok()) return Named(directory, lexicon.status());
  auto passages = Passages::Make(files->passages_file.content());
  if (!passages.ok()) return Named(directory, passages.status());
  auto vectors = Vectors::Make(files->vectors_file.content(), dimension, passages->passage_count());
  if (!vectors.ok()) return Named(directory, vectors.status());
  auto documents = Documents::Open(directory, cache);
  if (!documents.ok()) return documents.status();
  if (documents->count() != passages->document_count()) {
    return absl::DataLossError(absl::StrCat(directory, ": documents.sst holds ", documents->count(),
                                            " documents, not ", passages->document_count()));
  }
  files->lexicon = *std::move(lexicon);
  files->passages = *std::move(passages);
  files->vectors = *std::move(vectors);
  files->documents = *std::move(documents);
  return files;
}

}  // namespace citeseek::indexer
