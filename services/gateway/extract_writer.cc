#include "services/gateway/extract_writer.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "inference/utf8.h"
#include "services/gateway/citations.h"
#include "services/gateway/disagreement.h"
#include "services/gateway/verify.h"

namespace citeseek::gateway {
namespace {

constexpr std::size_t kResults = 5;
constexpr std::size_t kMaxResultBytes = 400;

// A sentence that lacks its full stop, or is only part of one, gets one.
std::string Closed(std::string text, bool chinese) {
  for (std::string_view open : {"；", "，", "：", ";", ",", ":"}) {
    if (text.ends_with(open)) {
      text.resize(text.size() - open.size());
      break;
    }
  }
  if (text.empty()) return text;
  const auto last = static_cast<unsigned char>(text.back());
  const bool word = (last >= '0' && last <= '9') || (last >= 'a' && last <= 'z') ||
                    (last >= 'A' && last <= 'Z') || last == ')' || last == '%';
  if (word) {
    text += chinese ? "。" : ".";
  } else if (text.size() >= 3 && last >= 0x80) {
    const auto lead = static_cast<unsigned char>(text[text.size() - 3]);
    if (lead >= 0xE4 && lead <= 0xE9) text += "。";
  }
  return text;
}

absl::Status WriteSentences(Asking& asking, const std::vector<ExtractedSentence>& sentences,
                            Evidence* evidence) {
  Verifier verifier(evidence, asking.options.analyzer);
  bool first = true;
  for (const ExtractedSentence& sentence : sentences) {
    const auto source = static_cast<std::size_t>(sentence.source);
    const int marker = asking.numbers[source];
    Citation citation = MakeCitation(asking.result.hits[source], marker, sentence.range);
    const std::string text = Closed(sentence.text, asking.cues.chinese);
    // What is quoted word for word needs no reading; a table's row is put into other words.
    const bool verbatim = text.find(citation.quote) != std::string::npos;
    const Support support = verbatim ? Support{.verdict = Verdict::kSupported, .score = 1}
                                     : verifier.Check(text, sentence.source);
    citation.verdict = support.verdict;
    citation.score = support.score;
    const std::string gap = first || asking.cues.chinese ? "" : " ";
    const std::string cited = absl::StrCat(text, asking.cues.chinese ? "" : " ", "[", marker, "]");
    citation.answer_start = static_cast<std::uint32_t>(asking.answer.text.size() + gap.size());
    citation.answer_end = citation.answer_start + static_cast<std::uint32_t>(cited.size());
    const CheckedSentence checked{.start = citation.answer_start,
                                  .end = citation.answer_end,
                                  .verdict = support.verdict,
                                  .score = support.score};
    absl::Status status = asking.Say(gap + cited);
    if (status.ok()) status = asking.Cite(std::move(citation));
    if (status.ok()) status = asking.Check(checked);
    if (!status.ok()) return status;
    first = false;
  }
  return absl::OkStatus();
}

absl::Status WriteFound(Asking& asking, const Extract& extract, Evidence* evidence) {
  if (Disagrees(extract)) {
    const absl::Status said =
        asking.Say(TellDisagreement(extract, asking.result.hits, asking.cues.chinese) +
                   (asking.cues.chinese ? "：" : ": "));
    if (!said.ok()) return said;
  }
  return WriteSentences(asking, extract.sentences, evidence);
}

// Each part of the question by its own sentences, or by the word that there are none.
absl::Status WriteParts(Asking& asking, Evidence* evidence) {
  asking.answer.reason = "answered";
  std::vector<ExtractedSentence> written;
  for (const Part& part : asking.parts) {
    std::vector<ExtractedSentence> fresh;
    for (const ExtractedSentence& sentence : part.extract.sentences) {
      const bool again = std::any_of(written.begin(), written.end(), [&](const auto& other) {
        return other.source == sentence.source && other.range.start == sentence.range.start;
      });
      if (!again) fresh.push_back(sentence);
    }
    written.insert(written.end(), fresh.begin(), fresh.end());
    absl::Status status =
        fresh.empty() || asking.answer.text.empty() ? absl::OkStatus() : asking.Say("\n");
    const bool whole = fresh.size() == part.extract.sentences.size();
    if (status.ok()) {
      status = whole ? WriteFound(asking, part.extract, evidence)
                     : WriteSentences(asking, fresh, evidence);
    }
    if (!status.ok()) return status;
  }
  return SayMissingParts(asking);
}

}  // namespace

absl::Status WriteResults(Asking& asking) {
  asking.answer.receipt.mode = Mode::kExtract;
  asking.answer.receipt.rung = Rung::kResults;
  asking.answer.reason = asking.result.hits.empty() ? "no_evidence" : "results";
  absl::Status status = asking.Say(
      asking.result.hits.empty()
          ? (asking.cues.chinese ? "文档中没有找到与这个问题有关的内容。"
                                 : "Nothing in the documents has to do with this question.")
          : (asking.cues.chinese ? "找到的段落：" : "The passages found:"));
  for (std::size_t i = 0; status.ok() && i < std::min(kResults, asking.result.hits.size()); ++i) {
    const retrieval::Hit& hit = asking.result.hits[i];
    std::string_view text(hit.text);
    if (text.size() > kMaxResultBytes) {
      text = text.substr(0, kMaxResultBytes);
      text = text.substr(0, inference::ValidUtf8Prefix(text));
    }
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos) continue;
    const std::size_t last = text.find_last_not_of(" \t\r\n") + 1;
    const int marker = asking.numbers[i];
    Citation citation = MakeCitation(
        hit, marker, {static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(last)});
    citation.verdict = Verdict::kSupported;
    citation.score = 1;
    citation.answer_start = static_cast<std::uint32_t>(asking.answer.text.size() + 1);
    const std::string words(text.substr(first, last - first));
    citation.answer_end = citation.answer_start + static_cast<std::uint32_t>(words.size());
    status = asking.Say(absl::StrCat("\n", words, " [", marker, "]"));
    if (status.ok()) status = asking.Cite(std::move(citation));
  }
  return status;
}

absl::Status WriteExtract(Asking& asking, Evidence* evidence) {
  asking.answer.receipt.mode = Mode::kExtract;
  asking.answer.receipt.rung = Rung::kExtract;
  const bool parted = std::any_of(asking.parts.begin(), asking.parts.end(),
                                  [](const Part& p) { return !p.extract.sentences.empty(); });
  if (parted) return WriteParts(asking, evidence);
  const Extract& extract = asking.Found(evidence);
  if (extract.sentences.empty()) {
    asking.answer.reason = "no_evidence";
    if (extract.nearest.empty()) {
      return asking.Say(asking.cues.chinese
                            ? "文档中没有找到这个问题的答案。"
                            : "The documents do not say: nothing in them answers this question.");
    }
    const absl::Status said =
        asking.Say(asking.cues.chinese ? "文档中没有找到这个问题的确切答案。最接近的内容："
                                       : "The documents do not say exactly this. Nearest to it: ");
    return said.ok() ? WriteSentences(asking, extract.nearest, evidence) : said;
  }
  asking.answer.reason = "answered";
  return WriteFound(asking, extract, evidence);
}

absl::Status SayDisagreements(Asking& asking, Evidence* evidence) {
  std::vector<const Extract*> found;
  for (const Part& part : asking.parts) found.push_back(&part.extract);
  if (found.empty()) found.push_back(&asking.Found(evidence));
  const std::string told = asking.answer.text;
  for (const Extract* extract : found) {
    if (!Disagrees(*extract)) continue;
    const bool known = StatesAllSides(*extract, told);
    const bool dated = std::any_of(
        extract->sentences.begin(), extract->sentences.end(), [&](const ExtractedSentence& s) {
          return !DateOf(asking.result.hits[static_cast<std::size_t>(s.source)]).empty();
        });
    if (known && !dated) continue;
    absl::Status said = asking.Say("\n");
    if (said.ok() && known) {
      said = asking.Say(TellDisagreement(*extract, asking.result.hits, asking.cues.chinese) +
                        (asking.cues.chinese ? "。" : "."));
    } else if (said.ok()) {
      said = WriteFound(asking, *extract, evidence);
    }
    if (!said.ok()) return said;
  }
  return absl::OkStatus();
}

absl::Status SayMissingParts(Asking& asking) {
  std::vector<std::string> missing;
  for (const Part& part : asking.parts) {
    if (part.extract.sentences.empty()) missing.push_back(part.question);
  }
  if (missing.empty() || missing.size() == asking.parts.size()) return absl::OkStatus();
  return asking.Say(
      asking.cues.chinese
          ? absl::StrCat("\n文档中没有找到这部分的答案：", absl::StrJoin(missing, " "))
          : absl::StrCat("\nThe documents do not say: ", absl::StrJoin(missing, " ")));
}

}  // namespace citeseek::gateway
