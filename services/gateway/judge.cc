#include "services/gateway/judge.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"

namespace citeseek::gateway {
namespace {

// One sentence being judged.
class Judging {
 public:
  Judging(const MarkedSentence& sentence, std::span<const int> numbers, Verifier* verifier)
      : sentence_(sentence), numbers_(numbers), verifier_(verifier) {}

  Judgement Run() {
    judgement_.markers.resize(sentence_.marks.size());
    if (sentence_.marks.empty()) {
      if (verifier_->StatesFact(sentence_.text)) FindSource();
    } else {
      CheckMarks();
    }
    return std::move(judgement_);
  }

 private:
  struct Found {
    bool exists = false;  // the marker has a source
    Support support;
  };

  void FindSource() {
    const Support& best = Best();
    judgement_.verdict = best.verdict;
    judgement_.score = best.score;
    if (best.verdict != Verdict::kSupported && best.verdict != Verdict::kPartly) {
      judgement_.verdict = Verdict::kUnsupported;
      Say(best.fault.empty() ? "no source says it"
                             : absl::StrCat("no source says it: ", best.fault));
      return;
    }
    if (!best.fault.empty()) Say(best.fault);
    judgement_.added = numbers_[static_cast<std::size_t>(best.source)];
    Cite(best, judgement_.added);
  }

  void CheckMarks() {
    const auto& marks = sentence_.marks;
    std::vector<Found> found;
    for (const Mark& mark : marks) found.push_back(CheckMarker(sentence_.text, mark.marker));
    const auto supported = [](const Found& f) { return f.support.verdict == Verdict::kSupported; };
    bool carried = std::any_of(found.begin(), found.end(), supported);
    if (marks.size() > 1 && !std::all_of(found.begin(), found.end(), supported)) {
      carried |= CheckParts(&found);
    }
    for (std::size_t i = 0; i < marks.size(); ++i) {
      const Support& support = found[i].support;
      const std::string marker = absl::StrCat("[", marks[i].marker, "]");
      if (support.verdict == Verdict::kSupported || support.verdict == Verdict::kUnchecked) {
        Keep(i, support);
      } else if (!carried && Best().verdict == Verdict::kSupported) {
        carried = true;
        const int other = judgement_.markers[i] = numbers_[static_cast<std::size_t>(Best().source)];
        Say(other == 0 ? marker + " does not say it, another source does"
                       : absl::StrCat(marker, " moved to [", other, "], whose source says it"));
        Cite(Best(), other);
      } else if (support.verdict == Verdict::kPartly) {
        Keep(i, support);
        Say(support.fault.empty() ? marker + " carries only a part of it"
                                  : absl::StrCat(marker, ": ", support.fault));
      } else if (!found[i].exists) {
        Say(marker + " dropped, it names no source");
      } else {
        Say(absl::StrCat(marker, " dropped, its source does not say it",
                         support.fault.empty() ? "" : ": ", support.fault));
        judgement_.score = std::max(judgement_.score, support.score);
      }
    }
    if (judgement_.citations.empty()) judgement_.verdict = Verdict::kUnsupported;
  }

  // Each marker for the words between the marker before and itself. True, and the supports
  // replaced, if so the whole sentence is carried.
  bool CheckParts(std::vector<Found>* found) {
    const auto& marks = sentence_.marks;
    const std::string_view text = sentence_.text;
    std::vector<Found> parts;
    std::size_t start = 0;
    for (std::size_t i = 0; i < marks.size();) {
      const std::string_view part = text.substr(start, marks[i].at - start);
      bool good = false;  // of the markers in a row, one carries the part
      std::size_t end = marks[i].at;
      for (; i < marks.size(); ++i) {
        const std::string_view between = text.substr(end, marks[i].at - end);
        if (between.find_first_not_of(" ,;") != std::string_view::npos) break;
        end = marks[i].at;
        parts.push_back(CheckMarker(part, marks[i].marker));
        good |= parts.back().support.verdict == Verdict::kSupported;
      }
      if (!good) return false;
      start = end;
    }
    // What follows the last marker must not be a claim of its own.
    if (verifier_->StatesFact(text.substr(start))) return false;
    *found = std::move(parts);
    return true;
  }

  Found CheckMarker(std::string_view text, int marker) {
    Found found;
    for (std::size_t source = 0; source < numbers_.size(); ++source) {
      if (numbers_[source] != marker) continue;
      Support support = verifier_->Check(text, static_cast<int>(source));
      if (!found.exists || IsBetter(support, found.support)) found.support = std::move(support);
      found.exists = true;
    }
    if (!found.exists) found.support.verdict = Verdict::kUnsupported;
    return found;
  }

  const Support& Best() {
    if (!best_) best_ = verifier_->CheckAll(sentence_.text);
    return *best_;
  }

  void Keep(std::size_t mark, const Support& support) {
    judgement_.markers[mark] = sentence_.marks[mark].marker;
    Cite(support, judgement_.markers[mark]);
  }

  void Cite(const Support& support, int marker) {
    auto& citations = judgement_.citations;
    const bool twice = std::any_of(citations.begin(), citations.end(), [&](const Citation& c) {
      return c.marker == marker && marker != 0;
    });
    const auto rank = [](Verdict v) {
      return v == Verdict::kSupported ? 3 : v == Verdict::kPartly ? 2 : v == Verdict::kUnchecked;
    };
    if (citations.empty() || rank(support.verdict) > rank(judgement_.verdict)) {
      judgement_.verdict = support.verdict;
      judgement_.score = support.score;
    } else if (support.verdict == judgement_.verdict) {
      judgement_.score = std::max(judgement_.score, support.score);
    }
    if (twice) return;
    Citation citation = MakeCitation(verifier_->hits()[static_cast<std::size_t>(support.source)],
                                     marker, support.range);
    citation.verdict = support.verdict;
    citation.score = support.score;
    citations.push_back(std::move(citation));
  }

  void Say(std::string problem) { judgement_.problems.push_back(std::move(problem)); }

  const MarkedSentence& sentence_;
  const std::span<const int> numbers_;
  Verifier* const verifier_;
  Judgement judgement_;
  std::optional<Support> best_;
};

}  // namespace

Judgement Judge(const MarkedSentence& sentence, std::span<const int> numbers, Verifier* verifier) {
  return Judging(sentence, numbers, verifier).Run();
}

Citation MakeCitation(const retrieval::Hit& hit, int marker, indexer::ByteRange range) {
  return {.marker = marker,
          .document_id = hit.document_id,
          .collection = hit.collection,
          .version = hit.version,
          .title = hit.title,
          .uri = hit.uri,
          .start = hit.start + range.start,
          .end = hit.start + range.end,
          .quote = hit.text.substr(range.start, range.end - range.start)};
}

}  // namespace citeseek::gateway
