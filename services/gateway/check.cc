#include "services/gateway/check.h"

#include <algorithm>
#include <array>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "inference/utf8.h"
#include "services/gateway/citations.h"
#include "services/gateway/evidence.h"
#include "services/gateway/reading.h"
#include "services/gateway/verify.h"

namespace citeseek::gateway {
namespace {

constexpr int kPassages = 8;                 // searched for a sentence
constexpr std::size_t kMaxListHeading = 48;  // bytes
constexpr std::size_t kLeastTitleBytes = 6;  // that tell a source by its title alone

absl::Status CheckSize(const char* what, std::size_t size, std::size_t limit) {
  if (size <= limit) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(what, " of ", size, " is over the limit of ", limit));
}

absl::Status Validate(const CheckRequest& request) {
  if (request.text.find_first_not_of(" \t\r\n") == std::string::npos) {
    return absl::InvalidArgumentError("text to check is empty");
  }
  absl::Status status =
      CheckSize("text to check, in bytes,", request.text.size(), kMaxCheckedBytes);
  if (!status.ok()) return status;
  const std::size_t valid = inference::ValidUtf8Prefix(request.text);
  if (valid != request.text.size()) {
    return absl::InvalidArgumentError(absl::StrCat("text to check is not UTF-8 at byte ", valid));
  }
  status = CheckSize("number of documents", request.documents.size(), kMaxCheckedDocuments);
  if (!status.ok()) return status;
  std::size_t bytes = 0;
  for (const indexer::Document& document : request.documents) {
    if (status = indexer::ValidateDocument(document); !status.ok()) return status;
    bytes += document.text.size();
  }
  return CheckSize("text of the documents, in bytes,", bytes, kMaxCheckedDocumentBytes);
}

std::string_view Trimmed(std::string_view line) {
  const std::size_t first = line.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return "";
  return line.substr(first, line.find_last_not_of(" \t\r") + 1 - first);
}

// "[2] text", "[^2]: text", "2. text", "(2) text"; number 0 if it is none. `loose` tells the last
// two, which stand in other lists too.
ListedSource ReadListed(std::string_view line, bool* loose) {
  std::size_t i = 0;
  const bool square = line.starts_with("[");
  const bool round = line.starts_with("(");
  i += square || round ? 1 : 0;
  if (square && line.substr(i, 1) == "^") ++i;
  int number = 0;
  std::size_t digits = 0;
  while (i < line.size() && line[i] >= '0' && line[i] <= '9' && digits < 4) {
    number = number * 10 + (line[i++] - '0');
    ++digits;
  }
  if (digits == 0 || number < 1 || number > 999) return {};
  *loose = !square;
  if (square) {
    if (line.substr(i, 1) != "]") return {};
    i += line.substr(i + 1, 1) == ":" ? 2 : 1;
  } else if (line.substr(i, 1) == (round ? ")" : ".") || (!round && line.substr(i, 1) == ")")) {
    ++i;
  } else if (!round && line.substr(i, 3) == "、") {
    i += 3;
  } else {
    return {};
  }
  return {.number = number, .text = Trimmed(line.substr(i))};
}

// "Sources:", "## References", "参考资料".
bool IsListHeading(std::string_view line) {
  static constexpr auto kWords = std::to_array<std::string_view>(
      {"source", "reference", "citation", "bibliography", "works cited", "links", "来源", "出处",
       "参考", "引用", "资料"});
  if (line.empty() || line.size() > kMaxListHeading) return false;
  std::string lower(line);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return std::any_of(kWords.begin(), kWords.end(),
                     [&](std::string_view word) { return lower.find(word) != std::string::npos; });
}

bool Names(std::string_view listed, const retrieval::Hit& hit) {
  const auto holds = [&](const std::string& name) {
    return !name.empty() && listed.find(name) != std::string_view::npos;
  };
  return holds(hit.document_id) || holds(hit.uri) ||
         (hit.title.size() >= kLeastTitleBytes && holds(hit.title));
}

// The checking of one text.
class Checking {
 public:
  Checking(const CheckRequest& request, retrieval::Retriever* retriever,
           const indexer::Analyzer& analyzer, const MeaningModels& models)
      : request_(request),
        retriever_(retriever),
        analyzer_(analyzer),
        meaning_(models, request.deadline, request.stop) {}

  absl::StatusOr<CheckReport> Run() {
    const SourceList list = FindSourceList(request_.text);
    listed_ = list.sources;
    if (!request_.documents.empty()) {
      ReadDocuments();
    } else if (retriever_ == nullptr) {
      return absl::FailedPreconditionError("no documents are given, and no index is open");
    }
    SentenceCiter citer([this](const MarkedSentence& sentence) { return JudgeOne(sentence); }, 0,
                        SentenceCiter::Tell::kAll);
    std::vector<CitedText> told;
    for (const MarkedText& part :
         SplitMarkers(std::string_view(request_.text).substr(0, list.start))) {
      citer.Feed(part, &told);
      if (absl::Status alive = Alive(); !alive.ok()) return alive;
      if (!status_.ok()) return status_;
    }
    citer.Finish(&told);
    if (absl::Status alive = Alive(); !alive.ok()) return alive;
    if (!status_.ok()) return status_;
    CheckReport report;
    for (CitedText& part : told) {
      if (auto* citation = std::get_if<Citation>(&part)) {
        report.citations.push_back(std::move(*citation));
      } else if (auto* sentence = std::get_if<CheckedSentence>(&part)) {
        report.sentences.push_back(std::move(*sentence));
      }
    }
    return report;
  }

 private:
  absl::Status Alive() const {
    if (request_.stop.stop_requested()) return absl::CancelledError("the asker cancelled");
    if (absl::Now() >= request_.deadline) {
      return absl::DeadlineExceededError("the deadline of the check has passed");
    }
    return absl::OkStatus();
  }

  void ReadDocuments() {
    for (const indexer::Document& document : request_.documents) {
      hits_.push_back({.document_id = document.id,
                       .collection = document.collection,
                       .title = document.title,
                       .uri = document.uri,
                       .end = static_cast<std::uint32_t>(document.text.size()),
                       .text = document.text});
      numbers_.push_back(static_cast<int>(hits_.size()));
    }
    NumberAsListed();
    Read();
  }

  // The list at the end of the text says what a number stands for, where it names a source.
  void NumberAsListed() {
    for (const ListedSource& listed : listed_) {
      for (std::size_t i = 0; i < hits_.size(); ++i) {
        if (Names(listed.text, hits_[i])) numbers_[i] = listed.number;
      }
    }
  }

  void Read() {
    verifier_.reset();
    evidence_.emplace(hits_, analyzer_);
    verifier_.emplace(&*evidence_, &analyzer_, &meaning_);
  }

  Judgement JudgeOne(const MarkedSentence& sentence) {
    Judgement nothing{.markers = std::vector<int>(sentence.marks.size())};
    if (!status_.ok() || !Alive().ok()) return nothing;
    if (request_.documents.empty()) {
      if (status_ = Search(sentence); !status_.ok()) return nothing;
    }
    return Judge(sentence, numbers_, &*verifier_);
  }

  // The passages that may support the sentence become the hits.
  absl::Status Search(const MarkedSentence& sentence) {
    hits_.clear();
    if (absl::Status status = AddHits(sentence.text); !status.ok()) return status;
    numbers_.assign(hits_.size(), 0);
    NumberAsListed();
    // A listed source that was not found by what is said of it is looked for by its name too.
    for (const Mark& mark : sentence.marks) {
      const auto listed = std::find_if(listed_.begin(), listed_.end(), [&](const ListedSource& s) {
        return s.number == mark.marker;
      });
      const bool found = std::find(numbers_.begin(), numbers_.end(), mark.marker) != numbers_.end();
      if (listed == listed_.end() || found) continue;
      const std::string text = absl::StrCat(std::string(listed->text), " ", sentence.text);
      if (absl::Status status = AddHits(text); !status.ok()) return status;
      numbers_.assign(hits_.size(), 0);
      NumberAsListed();
    }
    Read();
    return absl::OkStatus();
  }

  absl::Status AddHits(std::string text) {
    if (text.size() > retrieval::kMaxQueryBytes) {
      text.resize(retrieval::kMaxQueryBytes);
      text.resize(inference::ValidUtf8Prefix(text));
    }
    if (text.find_first_not_of(" \t\r\n") == std::string::npos) return absl::OkStatus();
    absl::StatusOr<retrieval::Result> result =
        retriever_->Search({.text = std::move(text),
                            .top_k = PassagesWanted(kPassages),
                            .collection = request_.collection,
                            .filters = request_.filters,
                            .each_passage = true,
                            .deadline = request_.deadline,
                            .stop = request_.stop});
    if (!result.ok()) return result.status();
    KeepPassages(kPassages, &result->hits);
    for (retrieval::Hit& hit : result->hits) hits_.push_back(std::move(hit));
    return absl::OkStatus();
  }

  const CheckRequest& request_;
  retrieval::Retriever* const retriever_;
  const indexer::Analyzer& analyzer_;
  Meaning meaning_;
  std::vector<ListedSource> listed_;
  std::vector<retrieval::Hit> hits_;
  std::vector<int> numbers_;  // by hit: the marker that stands for it
  std::optional<Evidence> evidence_;
  std::optional<Verifier> verifier_;
  absl::Status status_;
};

}  // namespace

SourceList FindSourceList(std::string_view text) {
  SourceList list{.start = text.size()};
  std::vector<ListedSource> sources;
  std::size_t taken = 0;
  bool any_loose = false;
  for (std::size_t end = text.size(); end > 0;) {
    const std::size_t before = text.find_last_of('\n', end - 1);
    const std::size_t start = before == std::string_view::npos ? 0 : before + 1;
    const std::string_view line = text.substr(start, end - start);
    const std::string_view content = Trimmed(line);
    bool loose = false;
    const ListedSource listed = ReadListed(content, &loose);
    if (listed.number != 0) {
      sources.push_back(listed);
      any_loose |= loose;
      if (!any_loose && start > 0) {
        list.start = start;
        taken = sources.size();
      }
    } else if (!sources.empty() && IsListHeading(content)) {
      list.start = start;
      taken = sources.size();
      break;
    } else if (!content.empty() && line[0] != ' ' && line[0] != '\t') {
      break;  // neither a source nor what is said of one below it
    }
    end = before == std::string_view::npos ? 0 : before;
  }
  sources.resize(taken);
  list.sources.assign(sources.rbegin(), sources.rend());
  return list;
}

absl::StatusOr<CheckReport> CheckText(const CheckRequest& request, retrieval::Retriever* retriever,
                                      const indexer::Analyzer& analyzer,
                                      const MeaningModels& models) {
  if (absl::Status valid = Validate(request); !valid.ok()) return valid;
  return Checking(request, retriever, analyzer, models).Run();
}

}  // namespace citeseek::gateway
