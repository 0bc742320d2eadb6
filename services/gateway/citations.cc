#include "services/gateway/citations.h"

#include <algorithm>
#include <array>

namespace citeseek::gateway {
namespace {

// The dot after these ends no sentence.
bool IsAbbreviation(std::string_view sentence) {
  static constexpr auto kAbbreviations =
      std::to_array<std::string_view>({"mr", "mrs", "ms", "dr", "st", "vs", "etc", "no", "fig",
                                       "prof", "jr", "sr", "approx", "ca", "vol", "cf", "al"});
  std::size_t start = sentence.size();
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  while (start > 0 && is_letter(sentence[start - 1])) --start;
  std::string word(sentence.substr(start));
  if (word.size() == 1) return word != "I";  // an initial, e.g., i.e.
  for (char& c : word) c = static_cast<char>(c | 0x20);
  return std::find(kAbbreviations.begin(), kAbbreviations.end(), word) != kAbbreviations.end();
}

bool IsBlank(std::string_view c) { return c == " " || c == "\t" || c == "\n" || c == "\r"; }

bool IsCloser(std::string_view c) {
  return c == "\"" || c == "'" || c == ")" || c == "*" || c == "”" || c == "’" || c == "」" ||
         c == "』" || c == "）" || c == "》";
}

bool IsChineseEnd(std::string_view c) { return c == "。" || c == "！" || c == "？"; }

}  // namespace

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

void SentenceCiter::Feed(const MarkedText& part, std::vector<CitedText>* out) {
  if (part.marker != 0) {
    if (dot_) ended_ = true;
    dot_ = false;
    if (sentence_.empty()) start_ = offset_;
    if (std::find(markers_.begin(), markers_.end(), part.marker) == markers_.end()) {
      markers_.push_back(part.marker);
    }
    offset_ += part.text.size();
    out->emplace_back(part.text);
    return;
  }
  std::string said;
  const auto say = [&] {
    if (!said.empty()) out->emplace_back(std::move(said));
    said.clear();
  };
  for (std::size_t i = 0; i < part.text.size();) {
    std::size_t length = 1;
    while (i + length < part.text.size() && (part.text[i + length] & '\xC0') == '\x80') ++length;
    const std::string_view c = std::string_view(part.text).substr(i, length);
    i += length;
    if (dot_ && IsBlank(c)) ended_ = true;
    if (c == "\n" && !sentence_.empty()) ended_ = true;
    if (ended_ && !IsBlank(c) && !IsCloser(c)) {
      say();
      EndSentence(out);
    }
    if (!IsBlank(c)) {
      if (sentence_.empty() && markers_.empty()) start_ = offset_;
      end_ = offset_ + length;
    }
    if (!ended_ && !IsCloser(c)) {
      dot_ = c == "!" || c == "?" || (c == "." && !IsAbbreviation(sentence_));
      ended_ = IsChineseEnd(c);
    }
    if (!sentence_.empty() || !IsBlank(c)) sentence_ += c;
    said += c;
    offset_ += length;
  }
  say();
}

void SentenceCiter::EndSentence(std::vector<CitedText>* out) {
  if (!markers_.empty() && !sentence_.empty()) {
    const TermSet wanted = evidence_->Terms(sentence_);
    for (int marker : markers_) {
      const Alignment alignment = Align(*evidence_, wanted, marker - 1);
      const retrieval::Hit& hit = evidence_->hits()[static_cast<std::size_t>(marker - 1)];
      const indexer::ByteRange whole = {0, static_cast<std::uint32_t>(hit.text.size())};
      Citation citation =
          MakeCitation(hit, marker, alignment.sentence ? alignment.sentence->range : whole);
      citation.score = std::clamp(alignment.coverage, 0.0, 1.0);
      citation.answer_start = static_cast<std::uint32_t>(start_);
      citation.answer_end = static_cast<std::uint32_t>(std::max(end_, start_));
      out->emplace_back(std::move(citation));
    }
  }
  sentence_.clear();
  markers_.clear();
  start_ = end_ = offset_;
  dot_ = ended_ = false;
}

}  // namespace citeseek::gateway
