// The readers of a segment's files, below their checksums. The first byte chooses the reader.
#include <bit>
#include <string>
#include <vector>

#include "indexer/store/block_file.h"
#include "indexer/store/deletes.h"
#include "indexer/store/documents.h"
#include "indexer/store/lexicon.h"
#include "indexer/store/passages.h"
#include "indexer/store/vectors.h"
#include "tests/fuzz/fuzz.h"

namespace citeseek::indexer {
namespace {

using fuzz::Require;

constexpr std::uint32_t kPassageCount = 5000;

void Walk(const PostingList& list) {
  const auto cursor = MakePostingCursor(list, kPassageCount);
  if (cursor == nullptr) return;
  for (cursor->SeekBlock(0); cursor->block_last() != kNoMorePassages;) {
    const auto passages = cursor->passages();
    Require(!passages.empty(), "a block has postings");
    Require(cursor->frequencies().size() == passages.size(), "each has a frequency");
    for (std::size_t i = 1; i < passages.size(); ++i) {
      Require(passages[i - 1] < passages[i], "passages ascend");
    }
    Require(passages.back() == cursor->block_last(), "the block ends where it says");
    Require(passages.back() < kPassageCount, "passages are in the segment");
    cursor->SeekBlock(cursor->block_last() + 1);
  }
  cursor->SeekBlock(kPassageCount / 2);
  cursor->SeekBlock(3);
  cursor->passages();
}

// Size of `terms` (u16), terms, postings.
void ReadLexicon(Bytes data) {
  ByteReader reader(data);
  const Bytes terms = reader.Take(reader.Fixed<std::uint16_t>());
  const auto lexicon = Lexicon::Make(terms, reader.Take(reader.left()));
  if (!lexicon.ok()) return;
  lexicon->Find("");
  lexicon->Find("fox");
  Lexicon::Walker walker(*lexicon);
  for (int i = 0; i < 10'000 && walker.Next(); ++i) {
    Walk(walker.list());
    lexicon->Find(walker.term());
  }
}

// Number of postings (u16), list.
void ReadPostings(Bytes data) {
  ByteReader reader(data);
  PostingList list{.count = reader.Fixed<std::uint16_t>()};
  list.bytes = reader.Take(reader.left());
  Walk(list);
}

void ReadPassages(Bytes data) {
  std::vector<std::uint64_t> aligned(data.size() / 8 + 1);
  auto* bytes = reinterpret_cast<std::uint8_t*>(aligned.data());
  std::copy(data.begin(), data.end(), bytes);
  const auto passages = Passages::Make({bytes, data.size()});
  if (!passages.ok()) return;
  for (PassageId p = 0; p < passages->passage_count(); ++p) {
    const PassageRef ref = passages->Find(p);
    Require(ref.document < passages->document_count(), "a passage is of a document");
    Require(ref.range.start <= ref.range.end, "a range is not reversed");
  }
  for (const std::uint64_t version : passages->versions()) {
    Require(passages->DocumentOfVersion(version).has_value(), "a version is found");
  }
}

void Read(Bytes data) {
  if (data.empty()) return;
  const Bytes rest = data.subspan(1);
  switch (data[0] % 7) {
    case 0:
      return ReadLexicon(rest);
    case 1:
      return ReadPostings(rest);
    case 2:
      return ReadPassages(rest);
    case 3: {
      const auto deleted = DecodeDeletes(rest, kPassageCount);
      if (deleted.ok()) Require(deleted->size() <= kPassageCount, "no more than there are");
      return;
    }
    case 4: {
      const auto content = VerifyBlocks(rest);
      if (content.ok()) Require(content->size() <= rest.size(), "content lies in the file");
      return;
    }
    case 5: {
      const auto vectors = Vectors::Make(rest, 4, 3);
      if (!vectors.ok()) return;
      const std::vector<float> query = {1, 0, -1, 0.5};
      const std::vector<float> scales = {1, 1, 1};
      Require(vectors->Search(query, 2, scales, nullptr).size() == 2, "k hits");
      return;
    }
    default: {
      const auto stored = DecodeDocument(AsText(rest));
      if (!stored.ok()) return;
      std::string again;
      EncodeDocument(*stored, again);
      const auto same = DecodeDocument(again);
      Require(same.ok() && same->document.text == stored->document.text, "it comes back");
    }
  }
}

}  // namespace
}  // namespace citeseek::indexer

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  citeseek::indexer::Read({data, size});
  return 0;
}
