#include "indexer/parse/html_tokens.h"

#include <algorithm>
#include <array>

#include "absl/strings/ascii.h"

namespace citeseek::indexer::parse {
namespace {

constexpr std::size_t kMaxNameBytes = 15;
constexpr std::array<std::string_view, 9> kRawElements = {
    "iframe", "noembed", "noframes", "script", "style", "textarea", "title", "xmp", "plaintext"};
// Of what moves readers about, or asks them something, and says nothing itself (WAI-ARIA 1.2).
constexpr std::array<std::string_view, 8> kControlRoles = {
    "alertdialog", "dialog", "menu", "menubar", "navigation", "search", "toolbar", "tooltip"};

char Lower(char c) { return absl::ascii_tolower(static_cast<unsigned char>(c)); }
bool IsSpace(char c) { return absl::ascii_isspace(static_cast<unsigned char>(c)); }
bool IsLetter(char c) { return absl::ascii_isalpha(static_cast<unsigned char>(c)); }

struct Attribute {
  std::string_view name;
  std::string_view value;
};

// Takes the next attribute off `rest`, which is empty or starts anywhere between attributes.
Attribute TakeAttribute(std::string_view& rest) {
  const auto skip = [&rest](auto predicate) {
    std::size_t n = 0;
    while (n < rest.size() && predicate(rest[n])) ++n;
    const std::string_view skipped = rest.substr(0, n);
    rest.remove_prefix(n);
    return skipped;
  };
  Attribute attribute;
  skip([](char c) { return IsSpace(c) || c == '/' || c == '='; });
  attribute.name = skip([](char c) { return !IsSpace(c) && c != '/' && c != '=' && c != '>'; });
  skip(IsSpace);
  if (!rest.starts_with('=')) return attribute;
  rest.remove_prefix(1);
  skip(IsSpace);
  if (rest.starts_with('"') || rest.starts_with('\'')) {
    const char quote = rest.front();
    rest.remove_prefix(1);
    attribute.value = skip([quote](char c) { return c != quote; });
    rest.remove_prefix(std::min<std::size_t>(rest.size(), 1));
  } else {
    attribute.value = skip([](char c) { return !IsSpace(c) && c != '>'; });
  }
  return attribute;
}

}  // namespace

bool StartsWithNoCase(std::string_view page, std::size_t at, std::string_view lower) {
  if (page.size() - at < lower.size()) return false;
  return std::equal(lower.begin(), lower.end(), page.begin() + static_cast<std::ptrdiff_t>(at),
                    [](char a, char b) { return a == Lower(b); });
}

ElementNotes ReadNotes(std::string_view attributes) {
  ElementNotes notes;
  while (!attributes.empty()) {
    const Attribute attribute = TakeAttribute(attributes);
    const auto named = [&](std::string_view name) {
      return attribute.name.size() == name.size() && StartsWithNoCase(attribute.name, 0, name);
    };
    const auto value = [&] {
      std::string text;
      for (const char c : attribute.value) {
        if (!IsSpace(c)) text += Lower(c);
      }
      return text;
    };
    if (named("hidden")) {
      notes.hidden = true;
    } else if (named("style")) {
      const std::string style = value();
      notes.hidden |= style.find("display:none") != std::string::npos ||
                      style.find("visibility:hidden") != std::string::npos;
    } else if (named("role")) {
      const std::string role = value();
      notes.main = role == "main";
      notes.hidden |= std::ranges::find(kControlRoles, role) != kControlRoles.end();
    } else if (named("aria-hidden")) {
      notes.decoration = value() == "true";
    }
  }
  return notes;
}

// Where the text of raw_element_ ends: at its end tag or at the end of the page.
std::size_t HtmlTokenizer::FindRawEnd() const {
  if (raw_element_ == "plaintext") return page_.size();
  std::size_t at = page_.find("</", at_);
  for (; at != std::string_view::npos; at = page_.find("</", at + 2)) {
    const std::size_t after = at + 2 + raw_element_.size();
    if (StartsWithNoCase(page_, at + 2, raw_element_) &&
        (after == page_.size() || !IsLetter(page_[after]))) {
      return at;
    }
  }
  return page_.size();
}

// At "<!" or "<?" or "</" before something that is not a name.
void HtmlTokenizer::SkipComment() {
  std::size_t end = std::string_view::npos;
  std::size_t length = 3;
  if (page_.substr(at_).starts_with("<!--") && comments_end_) {
    end = page_.find("-->", at_ + 2);  // <!--> is whole
    comments_end_ = end != std::string_view::npos;
  }
  if (end == std::string_view::npos) {  // nothing closes it: lose no more than we must
    end = page_.find('>', at_);
    length = 1;
  }
  at_ = end == std::string_view::npos ? page_.size() : end + length;
}

// At '<' and a letter, or "</" and a letter. False if the page ends within the tag.
bool HtmlTokenizer::ReadTag(HtmlToken& token) {
  const bool is_end = page_[at_ + 1] == '/';
  token.kind = is_end ? HtmlToken::Kind::kEnd : HtmlToken::Kind::kStart;
  token.name.clear();
  std::size_t at = at_ + (is_end ? 2 : 1);
  for (; at < page_.size() && !IsSpace(page_[at]) && page_[at] != '/' && page_[at] != '>'; ++at) {
    if (token.name.size() < kMaxNameBytes) token.name += Lower(page_[at]);
  }
  std::string_view rest = page_.substr(at);
  while (!rest.empty() && rest.front() != '>') TakeAttribute(rest);
  token.attributes = page_.substr(at, page_.size() - rest.size() - at);
  at_ = page_.size() - rest.size();
  if (rest.empty()) return false;
  ++at_;
  const bool raw = !is_end && std::ranges::find(kRawElements, token.name) != kRawElements.end();
  raw_element_ = raw ? token.name : "";
  return true;
}

bool HtmlTokenizer::Next(HtmlToken& token) {
  if (!raw_element_.empty()) {
    std::size_t end = page_.size();
    const bool is_title = raw_element_ == "title";
    if (!is_title || titles_end_) end = FindRawEnd();
    if (is_title && end == page_.size()) {  // nothing closes it: it ends where the next tag begins
      titles_end_ = false;
      end = std::min(page_.find('<', at_), page_.size());
    }
    raw_element_.clear();
    token.kind = HtmlToken::Kind::kText;
    token.text = page_.substr(at_, end - at_);
    at_ = end;
    return true;
  }
  while (at_ < page_.size()) {
    if (page_[at_] == '<' && at_ + 1 < page_.size()) {
      const char next = page_[at_ + 1];
      const char after = at_ + 2 < page_.size() ? page_[at_ + 2] : '\0';
      if (IsLetter(next) || (next == '/' && IsLetter(after))) {
        if (ReadTag(token)) return true;
        continue;
      }
      if (next == '!' || next == '?' || next == '/') {
        SkipComment();
        continue;
      }
    }
    const std::size_t end = std::min(page_.find('<', at_ + 1), page_.size());
    token.kind = HtmlToken::Kind::kText;
    token.text = page_.substr(at_, end - at_);
    at_ = end;
    return true;
  }
  return false;
}

}  // namespace citeseek::indexer::parse
