#include "services/gateway/statement.h"

#include <algorithm>
#include <utility>

#include "services/gateway/contrasts.h"
#include "services/gateway/values.h"
#include "services/gateway/vocabulary.h"

namespace citeseek::gateway {
namespace {

constexpr int kScope = 3;     // Latin content words that a negation reaches
constexpr int kHanScope = 2;  // Chinese characters

bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = IsUpper(c) ? static_cast<char>(c + 32) : c;
  return lower;
}

bool EndsSentence(std::string_view between) {
  return between.find_first_of(".!?:\n\"") != std::string_view::npos;
}

bool HoldsAny(std::string_view text, std::initializer_list<std::string_view> parts) {
  return std::any_of(parts.begin(), parts.end(), [&](std::string_view part) {
    return text.find(part) != std::string_view::npos;
  });
}

// "2.3" and 6 is "2300000".
std::string Scaled(std::string number, int zeros) {
  const std::size_t point = number.find('.');
  if (point == std::string::npos) return number + std::string(static_cast<std::size_t>(zeros), '0');
  const auto fraction = static_cast<int>(number.size() - point - 1);
  number.erase(point, 1);
  if (fraction <= zeros) {
    number += std::string(static_cast<std::size_t>(zeros - fraction), '0');
  } else {
    number.insert(point + static_cast<std::size_t>(zeros), ".");
  }
  number.erase(0, std::min(number.find_first_not_of('0'), number.size() - 1));
  return number;
}

// "twenty" and "eight", with nothing but a hyphen or a blank between them, are 28.
bool JoinsTens(std::string_view text, const Token& tens, const Token& ones) {
  const std::string_view between = text.substr(tens.range.end, ones.range.start - tens.range.end);
  return tens.kind == Token::Kind::kValue && tens.text.size() == 2 && tens.text[1] == '0' &&
         ones.text.size() == 1 && (between == "-" || between == " ") &&
         !IsDigit(text[tens.range.start]);
}

// Values, words and characters, by range.
std::vector<Token> ReadTokens(std::string_view text, const indexer::Analyzer& analyzer) {
  std::vector<Token> tokens;
  for (const Value& value : FindValues(text)) {
    Token token{.kind = Token::Kind::kValue, .text = value.number, .range = value.range};
    std::string_view unit = KnownUnit(value.unit);
    // 万欧元, 亿千瓦: the unit of a value holds the first of them.
    for (std::string_view multiplier : {"万", "亿"}) {
      if (value.unit.starts_with(multiplier)) unit = multiplier;
    }
    const int zeros = ZerosOf(unit);
    token.date = value.date;
    if (zeros > 0) {
      token.text = Scaled(value.number, zeros);
      token.unit = std::string(KnownUnit(value.counted));
    } else {
      token.unit = std::string(unit);
    }
    tokens.push_back(std::move(token));
  }
  const std::size_t values = tokens.size();
  std::vector<indexer::Term> terms = analyzer.Analyze(text);
  // The smallest units: parts of compounds, single Chinese characters.
  std::stable_sort(terms.begin(), terms.end(), [](const auto& a, const auto& b) {
    return std::pair(a.source.start, a.source.end) < std::pair(b.source.start, b.source.end);
  });
  std::uint32_t done = 0;
  std::size_t value = 0;
  for (indexer::Term& term : terms) {
    if (term.source.start < done) continue;
    done = term.source.end;
    while (value < values && tokens[value].range.end <= term.source.start) ++value;
    if (value < values && tokens[value].range.start < term.source.end) continue;
    const std::string_view written =
        text.substr(term.source.start, term.source.end - term.source.start);
    Token token{.text = std::move(term.text), .range = term.source, .word = term.position};
    const bool wide = (written[0] & '\x80') != 0 && written.size() <= 4;
    const int number = wide ? HanNumber(written) : NumberWord(Lower(written));
    if (wide) token.kind = Token::Kind::kHan;
    if (number >= 0) {
      token.kind = Token::Kind::kValue;
      token.text = std::to_string(number);
      token.unit = std::string(KnownUnit(UnitBehind(text, token.range.end)));
      if (!wide && tokens.size() > values && JoinsTens(text, tokens.back(), token)) {
        tokens.back().text[1] = token.text[0];
        tokens.back().unit = token.unit;
        tokens.back().range.end = token.range.end;
        continue;
      }
    }
    token.content = !indexer::IsStopTerm(token.text);
    tokens.push_back(std::move(token));
  }
  std::sort(tokens.begin(), tokens.end(),
            [](const Token& a, const Token& b) { return a.range.start < b.range.start; });
  if (tokens.size() > kMaxTokens) tokens.resize(kMaxTokens);
  return tokens;
}

// True right behind an opening quote, or right before a closing one.
bool IsQuoted(std::string_view text, std::size_t start, std::size_t end) {
  const std::string_view before = start >= 3 ? text.substr(start - 3, 3) : "";
  const std::string_view after = text.substr(end, 3);
  return before == "《" || before == "「" || before == "“" || after == "》" || after == "」" ||
         after == "”";
}

// Light words and places, where the dictionary's words are those.
void MarkHanWords(std::string_view text, std::vector<Token>* tokens) {
  for (std::size_t i = 0; i < tokens->size();) {
    std::size_t end = i + 1;
    if ((*tokens)[i].kind == Token::Kind::kHan) {
      while (end < tokens->size() && (*tokens)[end].kind == Token::Kind::kHan &&
             (*tokens)[end].word == (*tokens)[i].word) {
        ++end;
      }
      const std::uint32_t start = (*tokens)[i].range.start;
      const std::string_view word = text.substr(start, (*tokens)[end - 1].range.end - start);
      const bool light = IsLightWord(word);
      const bool quoted = IsQuoted(text, start, (*tokens)[end - 1].range.end);
      const bool place = !light && IsPlaceName(word);
      for (std::size_t k = i; k < end; ++k) {
        (*tokens)[k].light = light;
        (*tokens)[k].name = place;
        (*tokens)[k].quoted = quoted;
      }
    }
    i = end;
  }
}

void MarkSides(std::string_view text, std::vector<Token>* tokens) {
  std::size_t i = 0;
  for (const Contrast& contrast : FindContrasts(text)) {
    while (i < tokens->size() && (*tokens)[i].range.start < contrast.range.start) ++i;
    std::size_t end = i;
    while (end < tokens->size() && (*tokens)[end].range.start < contrast.range.end) ++end;
    if (end == i) continue;
    // One character stands for itself only where it is a word.
    const auto part_of_word = [&](std::size_t other) {
      return other < tokens->size() && (*tokens)[other].kind == Token::Kind::kHan &&
             (*tokens)[other].word == (*tokens)[i].word;
    };
    const bool lone = end - i == 1 && (*tokens)[i].kind == Token::Kind::kHan;
    if (lone && ((i > 0 && part_of_word(i - 1)) || part_of_word(end))) continue;
    // "may not" is "must not".
    if (end < tokens->size() && IsNegation((*tokens)[end].text)) continue;
    for (std::size_t k = i; k < end; ++k) (*tokens)[k].side = contrast.side;
  }
}

}  // namespace

Statement ReadStatement(std::string_view text, const indexer::Analyzer& analyzer) {
  Statement statement{.tokens = ReadTokens(text, analyzer)};
  std::vector<Token>& tokens = statement.tokens;
  MarkHanWords(text, &tokens);
  MarkSides(text, &tokens);
  std::size_t end = 0;         // of the token before
  int since = kScope;          // Latin words since a negation
  int han_left = 0;            // characters that one still reaches
  std::size_t denial_end = 0;  // of the Chinese negation before
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    Token& token = tokens[i];
    const std::string_view between = text.substr(end, token.range.start - end);
    const std::string_view written =
        text.substr(token.range.start, token.range.end - token.range.start);
    token.opens = i == 0 || EndsSentence(between);
    const bool comma = between.find_first_of(",;()") != std::string_view::npos;
    token.breaks = token.opens || comma || HoldsAny(between, {"，", "；", "。", "："});
    if (token.opens || comma) since = kScope;
    if (token.breaks || HoldsAny(between, {"、", "（", "）"})) han_left = 0;
    if (token.text == "but") since = kScope;
    end = token.range.end;
    token.negated = han_left > 0 || since < kScope;
    token.denied = since == 0;
    const std::size_t denial =
        token.range.start < denial_end ? 0 : NegationAt(text, token.range.start);
    if (denial > 0) {
      denial_end = token.range.start + denial;
      // What a preposition adds stands between a denial and its verb.
      const std::string_view behind = text.substr(std::min(denial_end, text.size()), 3);
      han_left =
          !behind.empty() && std::string_view("与和在向对把将用以从由被给为跟同").find(behind) !=
                                 std::string_view::npos
              ? 1
              : kHanScope;
    } else if (han_left > 0 && token.range.start >= denial_end) {
      token.denied = token.range.start == denial_end;
      --han_left;
    }
    if (IsNegation(token.text)) {
      since = 0;
      token.content = true;
      // "not only" denies nothing.
      if (text.substr(token.range.end).starts_with(" only")) since = kScope;
    } else if (token.content || since == 0) {
      ++since;
    }
    // "million" and "dollars" are in the value before them.
    const Token* value =
        i > 0 && tokens[i - 1].kind == Token::Kind::kValue ? &tokens[i - 1] : nullptr;
    if (i > 1 && tokens[i - 1].light && tokens[i - 2].kind == Token::Kind::kValue)
      value = &tokens[i - 2];
    if (value != nullptr && !KnownUnit(Lower(written)).empty() && !value->date) token.light = true;
    if (token.kind != Token::Kind::kWord || !token.content) continue;
    const bool capital = IsUpper(written[0]);
    const bool digit = std::any_of(written.begin(), written.end(), IsDigit);
    token.name = digit || (capital && !(token.opens && IsOpening(Lower(written))));
  }
  return statement;
}

bool SameValue(const Token& claimed, const Token& source) {
  const std::string& a = claimed.text;
  const std::string& b = source.text;
  const bool number =
      a == b || ((claimed.date || source.date) && (b.starts_with(a + "-") || b.ends_with("-" + a)));
  return number && (claimed.unit.empty() || source.unit.empty() || claimed.unit == source.unit);
}

}  // namespace citeseek::gateway
