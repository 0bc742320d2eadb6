// MarkerFilter: turns the many ways in which models write citation markers into [n].
//
// Understands [1], [1,2], [1-3], [citation:1], [[1]], [^1], 【1】, 【1†source】, ［1］ and
// (citation:1). Markers of sources that do not exist are dropped with the blanks before them, so is
// a marker that stands twice in a row. Code spans and fenced blocks pass untouched.
// Single-threaded; one per answer. A marker cut by the stream is held back until it is decided, at
// most kMaxMarkerBytes. Linear time on any input; never fails.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace citeseek::gateway {

inline constexpr std::size_t kMaxMarkerBytes = 96;

struct MarkedText {
  std::string text;  // for a marker: "[n]"
  int marker = 0;    // 0: plain text
};

// All of a finished text in its own bytes: the parts joined are the text, and each marker stands
// for one of 1..999. The second and further numbers of "[1, 2]" are parts without text.
std::vector<MarkedText> SplitMarkers(std::string_view text);

class MarkerFilter {
 public:
  // Sources are numbered 1..sources.
  explicit MarkerFilter(int sources) : sources_(sources) {}

  // Append to `out`, texts not empty. The pieces are whole UTF-8, and so are the texts.
  void Feed(std::string_view piece, std::vector<MarkedText>* out);
  void Finish(std::vector<MarkedText>* out);

 private:
  enum class State { kProse, kSpan, kFence };

  void Run(bool final, std::vector<MarkedText>* out);
  void Text(std::string_view text, std::vector<MarkedText>* out);
  void Ticks(std::size_t count);

  int sources_;
  State state_ = State::kProse;
  std::size_t ticks_ = 0;   // that opened the code span or fence
  bool line_start_ = true;  // nothing but blanks on this line so far
  std::vector<int> row_;    // markers since the last text
  bool blank_ = false;      // a dropped marker has taken the blank before it along
  std::string held_;        // a marker, blanks or backticks that may go on
};

}  // namespace citeseek::gateway
