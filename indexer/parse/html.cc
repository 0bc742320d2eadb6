#include "indexer/parse/html.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <vector>

#include "absl/strings/ascii.h"
#include "indexer/parse/entities.h"
#include "indexer/parse/html_tokens.h"
#include "indexer/parse/text_writer.h"

namespace citeseek::indexer::parse {
namespace {

constexpr std::size_t kLayoutCellBytes = 200;  // a table cell longer than this holds prose
constexpr std::size_t kMaxListIndent = 8;
// A page is what its main part, its header and its footer say, if the main part has this share of
// the text: what stands between them is there for moving about.
constexpr double kMainShare = 0.5;

// How an element shows in the text.
enum class Shape : std::uint8_t {
  kInline,     // only matters when it is hidden
  kHidden,     // left out
  kParagraph,  // a blank line before and after
  kLine,       // a line of its own
  kList,
  kItem,
  kTable,
  kRow,
  kCell,
  kHeading,
  kPre,
  kBreak,
  kRule,
  kTitle,
};

struct Element {
  std::string_view name;
  Shape shape;
};

// Sorted by name. Elements that are not here do not show.
constexpr Element kElements[] = {
    {"a", Shape::kInline},
    {"address", Shape::kParagraph},
    {"article", Shape::kParagraph},
    {"aside", Shape::kParagraph},
    {"audio", Shape::kHidden},
    {"b", Shape::kInline},
    {"blockquote", Shape::kParagraph},
    {"br", Shape::kBreak},
    {"button", Shape::kHidden},
    {"canvas", Shape::kHidden},
    {"caption", Shape::kLine},
    {"center", Shape::kLine},
    {"code", Shape::kInline},
    {"datalist", Shape::kHidden},
    {"dd", Shape::kLine},
    {"details", Shape::kParagraph},
    {"div", Shape::kLine},
    {"dl", Shape::kParagraph},
    {"dt", Shape::kLine},
    {"em", Shape::kInline},
    {"fieldset", Shape::kParagraph},
    {"figcaption", Shape::kLine},
    {"figure", Shape::kParagraph},
    {"font", Shape::kInline},
    {"footer", Shape::kParagraph},
    {"form", Shape::kParagraph},
    {"h1", Shape::kHeading},
    {"h2", Shape::kHeading},
    {"h3", Shape::kHeading},
    {"h4", Shape::kHeading},
    {"h5", Shape::kHeading},
    {"h6", Shape::kHeading},
    {"header", Shape::kParagraph},
    {"hr", Shape::kRule},
    {"i", Shape::kInline},
    {"iframe", Shape::kHidden},
    {"label", Shape::kInline},
    {"legend", Shape::kLine},
    {"li", Shape::kItem},
    {"main", Shape::kParagraph},
    {"menu", Shape::kList},
    {"nav", Shape::kHidden},
    {"noembed", Shape::kHidden},
    {"noframes", Shape::kHidden},
    {"noscript", Shape::kHidden},
    {"object", Shape::kHidden},
    {"ol", Shape::kList},
    {"p", Shape::kParagraph},
    {"pre", Shape::kPre},
    {"rp", Shape::kHidden},
    {"rt", Shape::kHidden},
    {"script", Shape::kHidden},
    {"section", Shape::kParagraph},
    {"select", Shape::kHidden},
    {"span", Shape::kInline},
    {"strong", Shape::kInline},
    {"style", Shape::kHidden},
    {"summary", Shape::kLine},
    {"svg", Shape::kHidden},
    {"table", Shape::kTable},
    {"td", Shape::kCell},
    {"template", Shape::kHidden},
    {"textarea", Shape::kHidden},
    {"th", Shape::kCell},
    {"title", Shape::kTitle},
    {"tr", Shape::kRow},
    {"ul", Shape::kList},
    {"video", Shape::kHidden},
};
constexpr std::size_t kElementCount = std::size(kElements);
static_assert(std::ranges::is_sorted(kElements, {}, &Element::name));

std::size_t FindElement(std::string_view name) {
  const auto* found = std::ranges::lower_bound(kElements, name, {}, &Element::name);
  const bool known = found != std::end(kElements) && found->name == name;
  return known ? static_cast<std::size_t>(found - kElements) : kElementCount;
}

class PageReader {
 public:
  explicit PageReader(std::string_view page) : page_(page), tokens_(page) {
    last_end_.fill(kNotLooked);
  }

  HtmlPage Read() {
    HtmlToken token;
    while (tokens_.Next(token)) {
      if (token.kind == HtmlToken::Kind::kText) {
        Text(token.text);
        continue;
      }
      const std::size_t element = FindElement(token.name);
      if (element == kElementCount) continue;
      if (token.kind == HtmlToken::Kind::kStart) {
        Start(element, token.attributes);
      } else {
        End(element);
      }
    }
    if (page_title_.empty()) page_title_ = heading_title_;
    return {.title = std::move(page_title_), .text = TakeText()};
  }

 private:
  struct Open {
    std::size_t element;
    bool hidden;
    bool part;  // main, header or footer
  };
  struct Part {
    std::size_t start;  // in the text
    std::size_t end;
    bool main;
  };
  struct Row {
    int cells = 0;
    std::size_t cell_start = 0;
    bool open = false;
    bool layout = false;  // its cells hold blocks: they are lines rather than columns
  };

  static constexpr std::size_t kNotLooked = static_cast<std::size_t>(-2);
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  static Shape ShapeOf(std::size_t element) { return kElements[element].shape; }

  void Text(std::string_view text) {
    if (in_title_) {
      in_title_ = false;
      if (hidden_ > 0 || !page_title_.empty()) return;
      TextWriter title;
      decoded_.clear();
      AppendDecoded(text, decoded_);
      title.Write(decoded_);
      page_title_ = title.Take();
      return;
    }
    if (hidden_ > 0) return;
    decoded_.clear();
    AppendDecoded(text, decoded_);
    if (preformatted_ > 0) {
      writer_.WritePreformatted(decoded_);
    } else {
      writer_.Write(decoded_);
    }
  }

  void Start(std::size_t element, std::string_view attributes) {
    const Shape shape = ShapeOf(element);
    if (shape == Shape::kTitle) {
      in_title_ = true;
      return;
    }
    CloseImplied(element);
    const bool is_void = shape == Shape::kBreak || shape == Shape::kRule;
    const ElementNotes notes = ReadNotes(attributes);
    // What is hidden only from readers by ear is an icon, if it is not a block: blocks may open.
    const bool hides = (shape == Shape::kHidden && HasEndAhead(element)) || notes.hidden ||
                       (notes.decoration && shape == Shape::kInline);
    if (hidden_ == 0 && !hides) Show(element);
    // What is kept open: what closing has to undo, and anything that may be within hidden content.
    const bool stays = shape != Shape::kInline && shape != Shape::kHeading && shape != Shape::kRow;
    if (is_void || !(stays || hides || hidden_ > 0)) return;
    const std::string_view name = kElements[element].name;
    const bool main = name == "main" || (notes.main && stays);
    const bool part = !hides && hidden_ == 0 && (main || name == "header" || name == "footer");
    if (part && part_depth_ == 0) parts_.push_back({writer_.size(), 0, main});
    Push({element, hides, part});
  }

  // The text of the parts alone, if they are what the page is about.
  std::string TakeText() {
    while (!open_.empty()) Pop();
    std::string text = writer_.Take();
    std::size_t main = 0;
    for (Part& part : parts_) {
      part.end = std::min(part.end, text.size());
      if (part.main) main += part.end - std::min(part.start, part.end);
    }
    if (static_cast<double>(main) < kMainShare * static_cast<double>(text.size()) || main == 0) {
      return text;
    }
    std::string kept;
    for (const Part& part : parts_) {
      std::string_view piece = std::string_view(text).substr(0, part.end);
      piece.remove_prefix(std::min(part.start, piece.size()));
      while (!piece.empty() && (piece.front() == '\n' || piece.front() == ' ')) {
        piece.remove_prefix(1);
      }
      if (piece.empty()) continue;
      if (!kept.empty()) kept += "\n\n";
      kept += piece;
    }
    return kept;
  }

  void Show(std::size_t element) {
    const Shape shape = ShapeOf(element);
    switch (shape) {
      case Shape::kInline:
      case Shape::kTitle:
        break;
      case Shape::kHidden:  // but never closed
        writer_.Space();
        break;
      case Shape::kParagraph:
      case Shape::kLine:
        // The first paragraph of an item begins on the item's line.
        if (!writer_.HasPrefix()) WeakBreak(shape == Shape::kLine ? 1 : 2);
        break;
      case Shape::kBreak:
        if (preformatted_ > 0) {
          writer_.WritePreformatted("\n");
        } else {
          WeakBreak(1);
        }
        break;
      case Shape::kList:
        WeakBreak(2);
        break;
      case Shape::kItem:
        WeakBreak(1);
        if (!InCell() && heading_ == 0) {
          const std::size_t depth =
              std::min<std::size_t>(lists_ > 0 ? lists_ - 1 : 0, kMaxListIndent);
          writer_.SetPrefix(std::string(2 * depth, ' ') + "- ");
        }
        break;
      case Shape::kRule:
      case Shape::kTable:
      case Shape::kPre:
        StrongBreak();
        break;
      case Shape::kHeading:
        StrongBreak();
        heading_ = kElements[element].name[1] - '0';
        heading_start_ = writer_.size();
        writer_.SetPrefix(std::string(static_cast<std::size_t>(heading_), '#') + " ");
        break;
      case Shape::kRow:
        EndHeading();
        writer_.Break(1);
        if (!rows_.empty()) rows_.back() = {.open = true};
        break;
      case Shape::kCell:
        EndHeading();
        StartCell();
        break;
    }
  }

  void StartCell() {
    if (rows_.empty()) return writer_.Break(1);
    Row& row = rows_.back();
    if (!row.open) row = {.open = true};
    if (row.layout) {
      writer_.Break(1);
    } else if (row.cells > 0) {
      writer_.WriteSeparator();
    }
    ++row.cells;
    row.cell_start = writer_.size();
  }

  bool InCell() const { return !rows_.empty() && rows_.back().open && !rows_.back().layout; }

  // A break that a heading or a cell of a data table swallows.
  void WeakBreak(int newlines) {
    if (InCell() && writer_.size() - rows_.back().cell_start > kLayoutCellBytes) {
      rows_.back().layout = true;
    }
    if (heading_ > 0 || InCell()) return writer_.Space();
    writer_.ClearPrefix();
    writer_.Break(lists_ > 0 ? 1 : newlines);
  }

  // A break that tells that the cell around it is layout.
  void StrongBreak() {
    EndHeading();
    if (InCell()) rows_.back().layout = true;
    writer_.ClearPrefix();
    writer_.Break(2);
  }

  void EndHeading() {
    if (heading_ == 0) return;
    if (heading_ == 1 && heading_title_.empty() && writer_.size() > heading_start_) {
      const std::string_view line = std::string_view(writer_.text()).substr(heading_start_);
      const std::size_t start = line.find("# ");
      if (start != std::string_view::npos) heading_title_ = std::string(line.substr(start + 2));
    }
    heading_ = 0;
    writer_.ClearPrefix();
    writer_.Break(2);
  }

  void End(std::size_t element) {
    const Shape shape = ShapeOf(element);
    if (open_count_[element] > 0) {
      const bool of_table = shape == Shape::kCell || shape == Shape::kRow || shape == Shape::kTable;
      while (!open_.empty() && open_.back().element != element) {
        // A stray </div> within a cell does not close what is around the table.
        if (!of_table && ShapeOf(open_.back().element) == Shape::kCell) break;
        Pop();
      }
      if (!open_.empty() && open_.back().element == element) Pop();
    }
    if (hidden_ > 0) return;
    switch (shape) {
      case Shape::kParagraph:
      case Shape::kPre:
      case Shape::kTable:
      case Shape::kList:
        WeakBreak(2);
        break;
      case Shape::kLine:
      case Shape::kItem:
        WeakBreak(1);
        break;
      case Shape::kHeading:
        EndHeading();
        WeakBreak(2);
        break;
      case Shape::kRow:
        if (!rows_.empty()) rows_.back().open = false;
        writer_.Break(1);
        break;
      default:
        break;
    }
  }

  // Elements whose end tag may be left out, where the next one begins.
  void CloseImplied(std::size_t element) {
    const Shape shape = ShapeOf(element);
    if (shape == Shape::kInline || shape == Shape::kHidden || shape == Shape::kBreak) return;
    while (!open_.empty()) {
      const std::size_t top = open_.back().element;
      const Shape top_shape = ShapeOf(top);
      const bool is_paragraph = kElements[top].name == "p";
      const bool same = top == element && (shape == Shape::kItem || shape == Shape::kLine) &&
                        kElements[top].name != "div" && kElements[top].name != "center";
      const bool in_table =
          (shape == Shape::kCell && top_shape == Shape::kCell) ||
          (shape == Shape::kRow && (top_shape == Shape::kCell || top_shape == Shape::kRow));
      if (!is_paragraph && !same && !in_table) return;
      Pop();
    }
  }

  void Push(Open open) {
    open_.push_back(open);
    ++open_count_[open.element];
    if (open.hidden) ++hidden_;
    if (open.part) ++part_depth_;
    const Shape shape = ShapeOf(open.element);
    if (shape == Shape::kPre) ++preformatted_;
    if (shape == Shape::kList) ++lists_;
    if (shape == Shape::kTable) rows_.emplace_back();
  }

  void Pop() {
    const Open open = open_.back();
    open_.pop_back();
    --open_count_[open.element];
    if (open.hidden) --hidden_;
    if (open.part && --part_depth_ == 0) parts_.back().end = writer_.size();
    const Shape shape = ShapeOf(open.element);
    if (shape == Shape::kPre) --preformatted_;
    if (shape == Shape::kList) --lists_;
    if (shape == Shape::kTable) rows_.pop_back();
  }

  // Whether the page closes this element anywhere ahead: an unclosed <nav> hides nothing. Looks
  // through the page once an element.
  bool HasEndAhead(std::size_t element) {
    std::size_t& last = last_end_[element];
    if (last == kNotLooked) {
      last = page_.rfind("</");
      while (last != kNone && !StartsWithNoCase(page_, last + 2, kElements[element].name)) {
        last = last == 0 ? kNone : page_.rfind("</", last - 1);
      }
    }
    return last != kNone && last >= tokens_.position();
  }

  std::string_view page_;
  HtmlTokenizer tokens_;
  TextWriter writer_;
  std::string decoded_;
  std::string page_title_, heading_title_;
  bool in_title_ = false;
  int heading_ = 0;  // level of the open heading, 0: none
  std::size_t heading_start_ = 0;

  std::vector<Open> open_;
  std::array<std::size_t, kElementCount> open_count_{};
  std::array<std::size_t, kElementCount> last_end_;
  std::size_t hidden_ = 0, preformatted_ = 0, lists_ = 0;
  std::vector<Part> parts_;  // that are in no other
  std::size_t part_depth_ = 0;
  std::vector<Row> rows_;  // the current row of each open table
};

}  // namespace

HtmlPage ParseHtml(std::string_view utf8) { return PageReader(utf8).Read(); }

}  // namespace citeseek::indexer::parse
