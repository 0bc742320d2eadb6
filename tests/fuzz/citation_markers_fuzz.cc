#include <string>
#include <vector>

#include "services/gateway/markers.h"
#include "tests/fuzz/fuzz.h"

using citeseek::fuzz::Require;
using citeseek::gateway::MarkedText;
using citeseek::gateway::MarkerFilter;

namespace {

constexpr int kSources = 3;

std::string Filtered(std::string_view text, std::size_t piece) {
  MarkerFilter filter(kSources);
  std::vector<MarkedText> parts;
  std::size_t in = 0;
  for (std::size_t i = 0; i < text.size(); i += piece) {
    filter.Feed(text.substr(i, piece), &parts);
    in = std::min(i + piece, text.size());
  }
  filter.Finish(&parts);
  std::string all;
  for (const MarkedText& part : parts) {
    Require(!part.text.empty(), "no part is empty");
    Require(part.marker >= 0 && part.marker <= kSources, "a marker names a source");
    if (part.marker > 0) {
      Require(part.text == "[" + std::to_string(part.marker) + "]", "a marker is written [n]");
    }
    all += part.text;
  }
  Require(in == text.size(), "everything was fed");
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = citeseek::fuzz::View(data, size);
  const std::string whole = Filtered(text, std::max<std::size_t>(size, 1));
  // A range such as [1-3] grows by three bytes a number at most.
  Require(whole.size() <= 4 * size + 16, "the text does not grow beyond its markers");
  // Pieces cut inside code points break the contract; ASCII text has none.
  bool ascii = true;
  for (char c : text) ascii = ascii && c >= 0;
  if (ascii) {
    Require(Filtered(text, 1) == whole, "any cut of the text gives the same");
    Require(Filtered(text, 3) == whole, "any cut of the text gives the same");
  }
  return 0;
}
