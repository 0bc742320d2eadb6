#include <memory>
#include <string>
#include <vector>

#include "services/gateway/align.h"
#include "services/gateway/check.h"
#include "services/gateway/markers.h"
#include "tests/fuzz/fuzz.h"

using citeseek::fuzz::Require;

namespace {

const citeseek::indexer::Analyzer& Analyzer() {
  static const auto analyzer = citeseek::indexer::MakeAnalyzer();
  return *analyzer;
}

}  // namespace

// The input is a text to check; what stands before its first line feed is also its one document.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace gateway = citeseek::gateway;
  const std::string_view text = citeseek::fuzz::View(data, size);
  std::string joined;
  for (const gateway::MarkedText& part : gateway::SplitMarkers(text)) {
    Require(part.marker >= 0 && part.marker <= 999, "a marker is in range");
    joined += part.text;
  }
  Require(joined == text, "the parts joined are the text");

  const gateway::SourceList list = gateway::FindSourceList(text);
  Require(list.start <= text.size(), "the list lies in the text");
  for (const gateway::ListedSource& source : list.sources) {
    Require(source.number >= 1 && source.number <= 999, "a source has a number");
  }

  const std::string_view first = text.substr(0, text.find('\n'));
  const auto claim = gateway::ReadStatement(text, Analyzer()).tokens;
  const auto source = gateway::ReadStatement(first, Analyzer()).tokens;
  const auto match = gateway::AlignTokens(claim, source);
  int before = -1;
  for (int at : match) {
    if (at < 0) continue;
    Require(at > before && at < static_cast<int>(source.size()), "an alignment keeps the order");
    before = at;
  }
  gateway::FindDifference(claim, source, match, source);

  const auto report = gateway::CheckText(
      {.text = std::string(text), .documents = {{.id = "d", .text = std::string(first)}}}, nullptr,
      Analyzer());
  if (!report.ok()) return 0;  // not UTF-8, or empty
  std::uint32_t end = 0;
  for (const gateway::CheckedSentence& sentence : report->sentences) {
    Require(end <= sentence.start && sentence.start <= sentence.end && sentence.end <= text.size(),
            "sentences are in order and lie in the text");
    end = sentence.end;
  }
  for (const gateway::Citation& citation : report->citations) {
    Require(first.substr(citation.start, citation.end - citation.start) == citation.quote,
            "a quote is the stored bytes");
  }
  return 0;
}
