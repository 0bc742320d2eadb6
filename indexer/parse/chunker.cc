#include <string_view>
#include <utility>
#include <vector>

#include "indexer/analysis/lines.h"
#include "indexer/analyzer.h"
#include "indexer/document.h"

namespace citeseek::indexer {
namespace {

// Bytes, so that the same budget holds about as many words in Chinese (3 bytes a character) as in
// English. Measured with tests/bench/bm25_quality.
constexpr std::uint32_t kTargetBytes = 1200;  // a passage is closed before it grows beyond this
constexpr std::uint32_t kMaxBytes = 2400;     // tables and code up to this stay whole
constexpr std::size_t kMaxLabelBytes = 60;
constexpr std::uint32_t kMostLabelBytes = 180;  // of those that name the same
constexpr std::uint32_t kMinBytes = 200;        // a passage below this takes the next heading in

struct Unit {
  ByteRange range;
  bool heading = false;
  bool label = false;  // a line that names the paragraph below it: a glossary's word, an option
};

std::uint32_t Size(ByteRange range) { return range.end - range.start; }

// The start of the code point that holds byte `at`.
std::uint32_t CodePointStart(std::string_view text, std::uint32_t at) {
  while (at > 0 && at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) --at;
  return at;
}

class Packer {
 public:
  explicit Packer(std::string_view text) : text_(text) {}

  void Add(Unit unit) {
    if (Size(unit.range) > (unit.heading ? kTargetBytes : kMaxBytes)) return AddLong(unit.range);
    // Headings wait for their text, even if that is a table beyond the target.
    const std::uint32_t limit = only_headings_ ? kMaxBytes : kTargetBytes;
    const bool fits = unit.range.end - current_.start <= limit;
    const bool section = unit.heading && !only_headings_ && Size(current_) >= kMinBytes;
    if (Size(current_) > 0 && (section || !fits)) {
      // Labels wait for their text too.
      const ByteRange labels = labels_;
      const bool waiting = !section && Size(labels) > 0 && Size(labels) <= kMostLabelBytes &&
                           labels.start > current_.start;
      if (waiting) current_.end = unlabelled_end_;
      Close();
      if (waiting) {
        current_ = labels_ = labels;
        only_headings_ = false;
      }
    }
    if (Size(current_) == 0) {
      current_.start = unit.range.start;
      only_headings_ = true;
    }
    only_headings_ = only_headings_ && unit.heading;
    if (!unit.label) {
      labels_ = {};
      unlabelled_end_ = unit.range.end;
    } else if (Size(labels_) == 0) {
      labels_ = unit.range;
    } else {
      labels_.end = unit.range.end;
    }
    current_.end = unit.range.end;
  }

  std::vector<ByteRange> Finish() {
    Close();
    return std::move(passages_);
  }

 private:
  void Close() {
    if (Size(current_) > 0) passages_.push_back(current_);
    current_ = {};
    labels_ = {};
  }

  // Text without any place to cut: at a blank if one is near, else on a code point.
  void AddLong(ByteRange range) {
    while (Size(range) > kMaxBytes) {
      std::uint32_t cut = range.start + kTargetBytes;
      const std::size_t blank = text_.substr(range.start, kTargetBytes).find_last_of(" \t\n\r");
      if (blank != std::string_view::npos && blank > kTargetBytes / 2) {
        cut = range.start + static_cast<std::uint32_t>(blank);
      }
      cut = CodePointStart(text_, cut);
      Unit piece{.range = {.start = range.start, .end = cut}};
      Trim(text_, piece.range.start, piece.range.end);
      if (Size(piece.range) > 0) Add(piece);
      range.start = cut;
      Trim(text_, range.start, range.end);
    }
    if (Size(range) > 0) Add({.range = range});
  }

  std::string_view text_;
  std::vector<ByteRange> passages_;
  ByteRange current_;
  ByteRange labels_;                  // at its end
  std::uint32_t unlabelled_end_ = 0;  // where they begin to be all that follows
  bool only_headings_ = true;
};

// A block is a heading, a paragraph, a list item, a table or a fenced piece of code.
class BlockReader {
 public:
  explicit BlockReader(std::string_view text) : lines_(text) { more_ = lines_.Next(next_); }

  bool Next(ByteRange& range, Line::Kind& kind) {
    if (!more_) return false;
    range = {.start = next_.start, .end = next_.end};
    kind = next_.kind;
    Line last = next_;
    for (more_ = lines_.Next(next_); more_ && GoesOn(kind, last, next_);
         more_ = lines_.Next(next_)) {
      range.end = next_.end;
      last = next_;
    }
    return true;
  }

 private:
  using Kind = Line::Kind;

  static bool GoesOn(Kind block, const Line& last, const Line& next) {
    switch (block) {
      case Kind::kHeading:
        return false;
      case Kind::kFence:  // until the closing one
        return next.kind == Kind::kCode || (next.kind == Kind::kFence && last.kind == Kind::kCode);
      case Kind::kTableRow:
        return next.kind == Kind::kTableRow && !next.after_blank;
      default:
        return next.kind == Kind::kText && !next.after_blank;
    }
  }

  LineReader lines_;
  Line next_;
  bool more_ = false;
};

// A short line alone that ends as no sentence does.
bool IsLabel(std::string_view line) {
  if (line.size() > kMaxLabelBytes || line.find('\n') != std::string_view::npos) return false;
  for (std::string_view end : {".", "!", "?", ":", ";", ",", "。", "！", "？", "：", "；", "，"}) {
    if (line.ends_with(end)) return false;
  }
  return true;
}

// Hands out the pieces of a block that is too long to stay whole: rows, lines of code, sentences.
void AddPieces(std::string_view text, ByteRange block, Line::Kind kind, Packer& packer) {
  const std::string_view body = text.substr(block.start, Size(block));
  std::vector<std::uint32_t> starts = {0};
  if (kind == Line::Kind::kTableRow || kind == Line::Kind::kFence) {
    for (std::size_t at = body.find('\n'); at != std::string_view::npos;
         at = body.find('\n', at + 1)) {
      starts.push_back(static_cast<std::uint32_t>(at));
    }
  } else {
    for (const ByteRange& sentence : SplitSentences(body)) {
      if (sentence.start > starts.back()) starts.push_back(sentence.start);
    }
  }
  for (std::size_t i = 0; i < starts.size(); ++i) {
    Unit unit{.range = {.start = block.start + starts[i],
                        .end = i + 1 < starts.size() ? block.start + starts[i + 1] : block.end}};
    Trim(text, unit.range.start, unit.range.end);
    if (Size(unit.range) > 0) packer.Add(unit);
  }
}

}  // namespace

std::vector<ByteRange> SplitIntoPassages(std::string_view text) {
  Packer packer(text);
  BlockReader blocks(text);
  ByteRange block;
  Line::Kind kind;
  while (blocks.Next(block, kind)) {
    const bool whole = kind == Line::Kind::kTableRow || kind == Line::Kind::kFence;
    if (Size(block) <= (whole ? kMaxBytes : kTargetBytes)) {
      packer.Add(
          {.range = block,
           .heading = kind == Line::Kind::kHeading,
           .label = kind == Line::Kind::kText && IsLabel(text.substr(block.start, Size(block)))});
    } else {
      AddPieces(text, block, kind, packer);
    }
  }
  return packer.Finish();
}

}  // namespace citeseek::indexer
