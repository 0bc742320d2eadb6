#include "indexer/store/segment_builder.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <functional>
#include <mutex>
#include <numeric>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"

namespace citeseek::indexer {
namespace {

constexpr std::size_t kEmbedBatch = 64;

// Calls work(i) for all i in [0, count) on up to `threads` threads, the caller's among them.
void ParallelFor(int threads, std::size_t count, const std::function<void(std::size_t)>& work) {
  std::atomic<std::size_t> next = 0;
  const auto run = [&] {
    for (std::size_t i = next++; i < count; i = next++) work(i);
  };
  std::vector<std::jthread> helpers;
  for (int t = 1; t < threads && static_cast<std::size_t>(t) < count; ++t)
    helpers.emplace_back(run);
  run();
}

// As a number that orders as the bytes do.
std::uint64_t FirstBytes(std::string_view text) {
  std::uint64_t first = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    first = first << 8 | (i < text.size() ? static_cast<std::uint8_t>(text[i]) : 0U);
  }
  return first;
}

}  // namespace

struct SegmentBuilder::PreparedDocument {
  const StoredDocument* stored = nullptr;
  std::string encoded;
  std::vector<Term> title;
  std::vector<PassageFacts> facts;
  std::vector<std::vector<Term>> terms;  // [passages]
  std::string codes;                     // [passages, dimension]
};

SegmentBuilder::SegmentBuilder(std::string directory, const BuilderOptions& options,
                               SegmentWriter writer)
    : directory_(std::move(directory)), options_(options), writer_(std::move(writer)) {
  first_entry_.push_back(0);
}

absl::StatusOr<SegmentBuilder> SegmentBuilder::Create(const std::string& directory,
                                                      const BuilderOptions& options) {
  auto writer = SegmentWriter::Create(directory);
  if (!writer.ok()) return writer.status();
  return SegmentBuilder(directory, options, *std::move(writer));
}

std::size_t SegmentBuilder::memory_bytes() const {
  return codes_.size() + terms_.bytes() + states_.size() * sizeof(TermState) +
         entries_.size() * sizeof(Entry) + writer_.passage_count() * 24;
}

void SegmentBuilder::Prepare(const StoredDocument& stored, PreparedDocument& prepared) const {
  const Document& document = stored.document;
  prepared.stored = &stored;
  EncodeDocument(stored, prepared.encoded);
  prepared.title = options_.analyzer->Analyze(document.title);
  std::vector<ByteRange> ranges = SplitIntoPassages(document.text);
  if (ranges.empty()) ranges.push_back({});  // a document is found by its title, too
  for (const ByteRange range : ranges) {
    const std::string_view text =
        std::string_view(document.text).substr(range.start, range.end - range.start);
    prepared.facts.push_back({.range = range});
    prepared.terms.push_back(options_.analyzer->Analyze(text));
  }
}

absl::Status SegmentBuilder::EmbedAll(std::span<PreparedDocument> documents,
                                      std::stop_token stop) const {
  struct Row {
    PreparedDocument* document;
    std::size_t passage;
  };
  const auto dimension = static_cast<std::size_t>(options_.embedder->Dimension());
  std::vector<Row> rows;
  for (PreparedDocument& document : documents) {
    document.codes.resize(document.facts.size() * dimension);
    for (std::size_t p = 0; p < document.facts.size(); ++p) rows.push_back({&document, p});
  }
  std::mutex mutex;
  absl::Status failure;
  const auto embed = [&](std::span<const Row> batch) {
    std::vector<std::string> texts;
    for (const Row& row : batch) {
      const Document& document = row.document->stored->document;
      const ByteRange range = row.document->facts[row.passage].range;
      texts.push_back(document.title.empty() ? "" : document.title + "\n");
      texts.back().append(document.text, range.start, range.end - range.start);
    }
    std::vector<float> vectors(batch.size() * dimension);
    inference::EmbedRequest request{.texts = texts, .stop = stop};
    absl::Status status = options_.embedder->Embed(request, vectors);
    if (status.code() == absl::StatusCode::kInvalidArgument && batch.size() > 1) {
      // One text is not to the embedder's taste: find it, and leave only it without a vector.
      for (std::size_t i = 0; i < batch.size(); ++i) {
        const auto row = std::span(vectors).subspan(i * dimension, dimension);
        request.texts = std::span(texts).subspan(i, 1);
        status = options_.embedder->Embed(request, row);
        if (status.code() == absl::StatusCode::kInvalidArgument) std::ranges::fill(row, 0.0F);
        if (!status.ok() && status.code() != absl::StatusCode::kInvalidArgument) break;
        status = absl::OkStatus();
      }
    } else if (status.code() == absl::StatusCode::kInvalidArgument) {
      std::ranges::fill(vectors, 0.0F);
      status = absl::OkStatus();
    }
    if (status.ok() && !std::ranges::all_of(vectors, [](float x) { return std::isfinite(x); })) {
      status = absl::InternalError("embedder gave a number that is not finite");
    }
    if (!status.ok()) {
      const std::scoped_lock lock(mutex);
      failure.Update(status);
      return;
    }
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const auto [document, passage] = batch[i];
      auto* codes = reinterpret_cast<std::uint8_t*>(document->codes.data()) + passage * dimension;
      document->facts[passage].scale =
          QuantizeVector(std::span(vectors).subspan(i * dimension, dimension), codes);
    }
  };
  const std::size_t batches = (rows.size() + kEmbedBatch - 1) / kEmbedBatch;
  ParallelFor(options_.threads, batches, [&](std::size_t i) {
    const std::size_t start = i * kEmbedBatch;
    embed(std::span(rows).subspan(start, std::min(kEmbedBatch, rows.size() - start)));
  });
  return failure;
}

absl::Status SegmentBuilder::Add(std::span<const StoredDocument> documents, std::stop_token stop) {
  std::vector<PreparedDocument> prepared(documents.size());
  ParallelFor(options_.threads, documents.size(), [&](std::size_t i) {
    if (!stop.stop_requested()) Prepare(documents[i], prepared[i]);
  });
  if (stop.stop_requested()) return absl::CancelledError("indexing was stopped");
  if (auto status = EmbedAll(prepared, stop); !status.ok()) return status;
  for (const PreparedDocument& document : prepared) {
    if (auto status = Insert(document); !status.ok()) return status;
  }
  return absl::OkStatus();
}

std::uint32_t SegmentBuilder::Count(std::string_view term, PassageId passage) {
  const std::uint32_t number = terms_.Number(term);
  if (number == states_.size()) states_.emplace_back();
  TermState& state = states_[number];
  if (state.last_entry > first_entry_[passage]) {
    std::uint32_t& frequency = entries_[state.last_entry - 1].frequency;
    if (frequency == kMaxFrequency) return 0;
    ++frequency;
    return 1;
  }
  entries_.push_back({number, 1});
  state.last_entry = entries_.size();
  ++state.passages;
  return 1;
}

absl::Status SegmentBuilder::Insert(const PreparedDocument& prepared) {
  const Document& document = prepared.stored->document;
  std::vector<PassageFacts> facts = prepared.facts;
  std::vector<std::string> metadata{MetadataTerm("collection", document.collection)};
  for (const auto& [key, value] : document.metadata) {
    if (key != "collection" && value.size() <= kMaxFilterBytes) {
      metadata.push_back(MetadataTerm(key, value));
    }
  }
  PassageId passage = writer_.passage_count();
  for (std::size_t p = 0; p < facts.size(); ++p, ++passage) {
    for (const Term& term : prepared.title) facts[p].length += Count(term.text, passage);
    for (const Term& term : prepared.terms[p]) facts[p].length += Count(term.text, passage);
    for (const std::string& term : metadata) Count(term, passage);
    first_entry_.push_back(entries_.size());
  }
  codes_.append(prepared.codes);
  return writer_.AddDocument(prepared.stored->version, document.text.size(), prepared.encoded,
                             facts);
}

absl::Status SegmentBuilder::WriteTerms() {
  // A counting sort turns entries by passage into lists by term.
  std::vector<std::uint64_t> next(terms_.size());
  std::transform_exclusive_scan(states_.begin(), states_.end(), next.begin(), std::uint64_t{0},
                                std::plus<>(), [](const TermState& s) { return s.passages; });
  std::vector<Posting> postings(entries_.size());
  for (PassageId p = 0; p + 1 < first_entry_.size(); ++p) {
    for (std::uint64_t e = first_entry_[p]; e < first_entry_[p + 1]; ++e) {
      postings[next[entries_[e].term]++] = {p, entries_[e].frequency};
    }
  }
  // Most terms differ in their first eight bytes.
  std::vector<std::pair<std::uint64_t, std::uint32_t>> order;
  order.reserve(terms_.size());
  for (std::uint32_t number = 0; number < terms_.size(); ++number) {
    order.emplace_back(FirstBytes(terms_.Text(number)), number);
  }
  std::ranges::sort(order, [&](const auto& a, const auto& b) {
    return a.first != b.first ? a.first < b.first : terms_.Text(a.second) < terms_.Text(b.second);
  });
  for (const auto& [first, number] : order) {
    const std::uint64_t count = states_[number].passages;
    const auto list = std::span(postings).subspan(next[number] - count, count);
    if (auto status = writer_.AddTerm(terms_.Text(number), list); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status SegmentBuilder::Finish() {
  if (auto status = WriteTerms(); !status.ok()) return status;
  auto vectors =
      VectorWriter::Create(directory_, options_.embedder->Dimension(), writer_.passage_count());
  if (!vectors.ok()) return vectors.status();
  if (auto status = vectors->Append(AsBytes(codes_)); !status.ok()) return status;
  if (auto status = vectors->Finish(); !status.ok()) return status;
  return writer_.Finish();
}

}  // namespace citeseek::indexer
