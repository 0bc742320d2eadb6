#include "inference/model/jinja/lexer.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "inference/utf8.h"

namespace citeseek::inference::jinja {
namespace {

bool IsBlank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsNameStart(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

// Jinja reads \r\n and \r as \n, and drops one newline at the very end.
std::string WithPlainNewlines(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] != '\r') {
      out.push_back(source[i]);
    } else {
      out.push_back('\n');
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
    }
  }
  if (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(WithPlainNewlines(source)) {}

  absl::StatusOr<std::vector<Token>> Run() {
    while (at_ < source_.size() && status_.ok()) Step();
    if (!status_.ok()) return status_;
    Put(Token::Kind::kEnd);
    return std::move(tokens_);
  }

 private:
  std::string_view Rest() const { return std::string_view(source_).substr(at_); }
  void Fail(const std::string& problem) {
    if (status_.ok()) {
      status_ = absl::InvalidArgumentError(absl::StrCat("template line ", line_, ": ", problem));
    }
  }
  Token& Put(Token::Kind kind, std::string text = "") {
    tokens_.push_back({.kind = kind, .text = std::move(text), .line = line_});
    return tokens_.back();
  }
  void Advance(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) line_ += source_[at_ + i] == '\n' ? 1 : 0;
    at_ += count;
  }

  // Text up to the next tag, then the tag.
  void Step() {
    std::size_t open = at_;
    while (true) {
      open = source_.find('{', open);
      if (open == std::string::npos || open + 1 >= source_.size()) {
        open = source_.size();
        break;
      }
      const char c = source_[open + 1];
      if (c == '{' || c == '%' || c == '#') break;
      ++open;
    }
    std::size_t end = open;
    if (open < source_.size()) end = TextEnd(open);
    if (end > at_) Put(Token::Kind::kText, source_.substr(at_, end - at_));
    Advance(open - at_);
    if (at_ < source_.size()) ReadTag();
  }

  // Where the text before the tag at `open` ends once white space is taken off.
  std::size_t TextEnd(std::size_t open) const {
    const char kind = source_[open + 1];
    const char sign = open + 2 < source_.size() ? source_[open + 2] : ' ';
    std::size_t end = open;
    if (sign == '-') {
      while (end > at_ && IsBlank(source_[end - 1])) --end;
    } else if (kind != '{' && sign != '+') {
      std::size_t begin = open;
      while (begin > at_ && IsBlank(source_[begin - 1]) && source_[begin - 1] != '\n') --begin;
      const bool line_starts = begin > at_ ? source_[begin - 1] == '\n' : at_line_start_;
      if (line_starts) end = begin;
    }
    return end;
  }

  // Behind a tag's end: "-" takes white space, tags and comments one newline.
  void AfterTag(bool minus, bool plus, bool is_output) {
    const std::size_t begin = at_;
    if (minus) {
      std::size_t end = at_;
      while (end < source_.size() && IsBlank(source_[end])) ++end;
      Advance(end - at_);
    } else if (!plus && !is_output && at_ < source_.size() && source_[at_] == '\n') {
      Advance(1);
    }
    at_line_start_ = at_ > begin && source_[at_ - 1] == '\n';
  }

  void ReadTag() {
    const char kind = source_[at_ + 1];
    if (kind == '#') {
      const std::size_t close = source_.find("#}", at_ + 2);
      if (close == std::string::npos) {
        Fail("a comment has no end");
        return;
      }
      const bool minus = close > at_ + 2 && source_[close - 1] == '-';
      const bool plus = close > at_ + 2 && source_[close - 1] == '+';
      Advance(close + 2 - at_);
      AfterTag(minus, plus, false);
      return;
    }
    if (kind == '%' && ReadRaw()) return;
    const bool is_output = kind == '{';
    Put(is_output ? Token::Kind::kOutputBegin : Token::Kind::kTagBegin);
    Advance(2);
    if (at_ < source_.size() && (source_[at_] == '-' || source_[at_] == '+')) Advance(1);
    const std::string_view close = is_output ? "}}" : "%}";
    int depth = 0;  // of brackets: }} may close two dictionaries
    while (status_.ok()) {
      while (at_ < source_.size() && IsBlank(source_[at_])) Advance(1);
      if (at_ >= source_.size()) {
        Fail("a tag has no end");
        return;
      }
      const char sign = source_[at_];
      const bool signed_end = (sign == '-' || sign == '+') && Rest().substr(1).starts_with(close);
      if (depth == 0 && (signed_end || Rest().starts_with(close))) {
        Put(is_output ? Token::Kind::kOutputEnd : Token::Kind::kTagEnd);
        Advance(signed_end ? 3 : 2);
        AfterTag(signed_end && sign == '-', signed_end && sign == '+', is_output);
        return;
      }
      ReadToken(depth);
    }
  }

  // {% raw %} ... {% endraw %}; false if the tag is another one.
  bool ReadRaw() {
    std::size_t i = at_ + 2;
    const auto skip_blanks = [&] {
      while (i < source_.size() && IsBlank(source_[i])) ++i;
    };
    const auto take = [&](std::string_view word) {
      if (source_.compare(i, word.size(), word) != 0) return false;
      i += word.size();
      return true;
    };
    if (i < source_.size() && (source_[i] == '-' || source_[i] == '+')) ++i;
    skip_blanks();
    if (!take("raw")) return false;
    skip_blanks();
    const bool minus = take("-");
    if (!take("%}")) return false;
    Advance(i - at_);
    AfterTag(minus, false, false);
    for (std::size_t open = source_.find("{%", at_); open != std::string::npos;
         open = source_.find("{%", open + 2)) {
      i = open + 2;
      if (i < source_.size() && (source_[i] == '-' || source_[i] == '+')) ++i;
      skip_blanks();
      if (!take("endraw")) continue;
      skip_blanks();
      const bool end_minus = take("-");
      if (!take("%}")) continue;
      const std::size_t end = TextEnd(open);
      if (end > at_) Put(Token::Kind::kText, source_.substr(at_, end - at_));
      Advance(i - at_);
      AfterTag(end_minus, false, false);
      return true;
    }
    Fail("a raw block has no end");
    return true;
  }

  void ReadToken(int& depth) {
    const char c = source_[at_];
    if (IsNameStart(c) || static_cast<unsigned char>(c) >= 0x80) {
      std::size_t end = at_;
      while (end < source_.size() && (IsNameStart(source_[end]) || IsDigit(source_[end]) ||
                                      static_cast<unsigned char>(source_[end]) >= 0x80)) {
        ++end;
      }
      Put(Token::Kind::kName, source_.substr(at_, end - at_));
      Advance(end - at_);
    } else if (IsDigit(c)) {
      ReadNumber();
    } else if (c == '"' || c == '\'') {
      ReadString(c);
    } else {
      for (const std::string_view op :
           {"**", "//", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%", "~", "<",
            ">",  "=",  "(",  ")",  "[",  "]",  "{", "}", ",", ":", ".", "|", ";"}) {
        if (!Rest().starts_with(op)) continue;
        if (op == "(" || op == "[" || op == "{") ++depth;
        if (op == ")" || op == "]" || op == "}") depth = std::max(0, depth - 1);
        Put(Token::Kind::kOperator, std::string(op));
        Advance(op.size());
        return;
      }
      Fail(absl::StrCat("unexpected character ", std::string(1, c)));
    }
  }

  void ReadNumber() {
    std::string digits;
    std::size_t end = at_;
    bool is_float = false;
    const auto take_digits = [&] {
      while (end < source_.size() && (IsDigit(source_[end]) || source_[end] == '_')) {
        if (source_[end] != '_') digits.push_back(source_[end]);
        ++end;
      }
    };
    take_digits();
    if (end + 1 < source_.size() && source_[end] == '.' && IsDigit(source_[end + 1])) {
      is_float = true;
      digits.push_back(source_[end++]);
      take_digits();
    }
    if (end < source_.size() && (source_[end] == 'e' || source_[end] == 'E')) {
      std::size_t exponent = end + 1;
      if (exponent < source_.size() && (source_[exponent] == '+' || source_[exponent] == '-')) {
        ++exponent;
      }
      if (exponent < source_.size() && IsDigit(source_[exponent])) {
        is_float = true;
        digits.append(source_, end, exponent - end);
        end = exponent;
        take_digits();
      }
    }
    Token& token = Put(is_float ? Token::Kind::kFloat : Token::Kind::kInteger, digits);
    const char* last = digits.data() + digits.size();
    // from_chars knows no leading plus in an exponent before the digits, but does after the e.
    const auto error = is_float ? std::from_chars(digits.data(), last, token.number).ec
                                : std::from_chars(digits.data(), last, token.integer).ec;
    if (error != std::errc()) Fail(absl::StrCat("number ", digits, " is out of range"));
    Advance(end - at_);
  }

  void ReadString(char quote) {
    std::string text;
    std::size_t end = at_ + 1;
    for (; end < source_.size() && source_[end] != quote; ++end) {
      if (source_[end] != '\\' || end + 1 >= source_.size()) {
        text.push_back(source_[end]);
        continue;
      }
      const char c = source_[++end];
      const auto hex = [&](std::size_t count) {
        std::uint32_t code = 0;
        const char* first = source_.data() + end + 1;
        const std::size_t have = std::min(count, source_.size() - end - 1);
        const auto [last, error] = std::from_chars(first, first + have, code, 16);
        if (error != std::errc() || last != first + count || code >= 0x110000 ||
            (code >= 0xD800 && code < 0xE000)) {
          Fail("a string has an escape that is no character");
          return;
        }
        AppendUtf8(code, text);
        end += count;
      };
      switch (c) {
        case 'n':
          text.push_back('\n');
          break;
        case 't':
          text.push_back('\t');
          break;
        case 'r':
          text.push_back('\r');
          break;
        case 'b':
          text.push_back('\b');
          break;
        case 'f':
          text.push_back('\f');
          break;
        case 'v':
          text.push_back('\v');
          break;
        case 'a':
          text.push_back('\a');
          break;
        case '0':
          text.push_back('\0');
          break;
        case '\n':
          break;
        case 'x':
          hex(2);
          break;
        case 'u':
          hex(4);
          break;
        case 'U':
          hex(8);
          break;
        case '\\':
        case '\'':
        case '"':
          text.push_back(c);
          break;
        default:
          text += {'\\', c};
      }
    }
    if (end >= source_.size()) {
      Fail("a string has no end");
      return;
    }
    Put(Token::Kind::kString, std::move(text));
    Advance(end + 1 - at_);
  }

  std::string source_;
  std::size_t at_ = 0;
  int line_ = 1;
  bool at_line_start_ = true;
  std::vector<Token> tokens_;
  absl::Status status_;
};

}  // namespace

absl::StatusOr<std::vector<Token>> Tokenize(std::string_view source) { return Lexer(source).Run(); }

}  // namespace citeseek::inference::jinja
